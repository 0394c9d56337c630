"""`make shell`: an Odoo shell on the database of `make run`."""

from . import host, postgres, process
from .console import Failure
from .databases import Databases, check_name


def main(options):
    """Open the shell and return its exit code."""
    own = host.ensure(postgres.packages())
    with postgres.server() as variables:
        databases = Databases(own, variables)
        if databases.state(check_name(options.db)) is None:
            raise Failure(
                f'There is no database {options.db}.', f'Make it first: make run DB={options.db}', step='Open the shell'
            )
        command = own.command(
            'shell', '-c', databases.config(options.db), '-d', options.db, '--no-http', '--log-level=warn'
        )
        return process.foreground([*command, *options.args], env=databases.env, cwd=databases.data)
