# A thin front: the work is in scripts/project. Variables (PORT, DB, ONLY, JSON, ARGS, ...: see README.md) reach it through the
# environment, where make puts those of its command line.
PYTHON ?= python3
commands = run test bench soak lint pot dist clean shell setup

.PHONY: help $(commands)

help:
	@$(PYTHON) -B -m scripts.project --help

$(commands):
	@$(PYTHON) -B -m scripts.project $@
