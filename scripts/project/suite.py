"""`make test`: the whole suite on a fresh database, browser tests included, and a few rounds of the faults."""

from . import frontend, host, postgres, process, rabbitmq, soak, system
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
            command = [
                own.python,
                '-m',
                'pytest',
                '-p',
                'scripts.project.pytest_skips',
                '-p',
                'no:cacheprovider',
                f'--odoo-config={databases.config(name)}',
                f'--odoo-database={name}',
                '--odoo-http',
                '--odoo-log-level=error',
                *(['-k', options.only] if options.only else []),
                *options.args,
            ]
            if not any((ROOT / argument.split('::')[0]).exists() for argument in options.args):
                command.append(f'{ADDON_NAME}/tests')
            environment = {**databases.env, **wait_for_broker()}
            code = process.foreground(command, env=environment, cwd=ROOT)
            if code or options.only or options.args:
                return code
            return soak.run(own, databases, name, FAULT_ROUNDS, options)
