"""`python3 -m scripts.project setup`: everything a first run would fetch and build, without running anything."""

from . import coexistence, frontend, host, postgres, rabbitmq, system
from .databases import Databases


def main(_options):
    """Bring all caches up to date."""
    own = host.ensure(
        postgres.packages(), rabbitmq.packages(), system.REPORTS, system.BROWSER, development=True
    )
    frontend.ensure()
    coexistence.ensure_modules(own)
    with postgres.server() as variables:
        Databases(own, variables).ensure_template()
    return 0
