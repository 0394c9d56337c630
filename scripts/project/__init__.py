"""Tooling of the sms_addon project: set-up, run, test, measure, check, package.

Standard library only, because it runs before anything is installed. `python3 -m scripts.project --help` lists the
commands; the Makefile is a thin front of it.
"""
