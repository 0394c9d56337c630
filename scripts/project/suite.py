"""`make test`: the whole suite on a fresh database, browser tests included.

After it come modules of others beside the addon, and a few rounds of the faults.
"""

from . import coexistence, frontend, host, postgres, rabbitmq, soak, system
from .databases import ADDON_NAME, Databases
from .paths import ROOT

# `make soak` runs them in full.
FAULT_ROUNDS = 2


def main(options):
    """Run pytest and return its exit code."""
    own = host.ensure(
        system.POSTGRESQL, rabbitmq.packages(), system.REPORTS, system.BROWSER, development=True
    )
    frontend.ensure()
    # The broker takes its ten seconds while the database is made.
    with postgres.server() as variables, rabbitmq.starting() as wait_for_broker:
        databases = Databases(own, variables)
        with databases.scratch() as name:
            if options.only != coexistence.TESTS.name:
                arguments = [*(['-k', options.only] if options.only else []), *options.args]
                if not any((ROOT / argument.split('::')[0]).exists() for argument in options.args):
                    arguments.append(f'{ADDON_NAME}/tests')
                code = databases.pytest(name, *arguments, **wait_for_broker())
                if code or options.only or options.args:
                    return code
            code = coexistence.run(own, variables, name, options.args)
            if code or options.only:
                return code
            return soak.run(own, databases, name, FAULT_ROUNDS, options)
