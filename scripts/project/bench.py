"""`make bench`: the measurements of bench/, on databases it makes itself from the template."""

from . import frontend, host, postgres, process, rabbitmq
from .databases import Databases
from .paths import ROOT


def main(options):
    """Run the benchmark and return its exit code: 1 where a bound does not hold."""
    own = host.ensure(postgres.packages(), rabbitmq.packages(), development=True)
    frontend.ensure()
    with postgres.server() as variables, rabbitmq.starting() as wait_for_broker:
        databases = Databases(own, variables)
        template = databases.ensure_template()
        environment = {
            **databases.env,
            **wait_for_broker(),
            'SMS_TEMPLATE_DB': template,
            'SMS_ODOO_CONFIG': str(databases.bench_config()),
        }
        arguments = [
            *(['--only', options.only] if options.only else []),
            *(['--json', options.json] if options.json else []),
        ]
        return process.foreground([own.python, '-m', 'bench', *arguments, *options.args], env=environment, cwd=ROOT)
