"""A part of `make test`: modules of others beside the addon. They come from PyPI into the cache, for the tests only."""

import os
from dataclasses import replace

from . import locks, process
from .console import step
from .databases import ADDON_NAME, Databases
from .paths import RECIPE, ROOT, cache, digest, is_complete, mark_complete, start_over

REQUIREMENTS = ROOT / 'requirements-coexistence.txt'
TESTS = ROOT / 'coexistence'
# What they depend on comes with them.
MODULES = ('sale_exception', 'sale_financial_risk')
# Modules of the host that the addon does not depend on, but whose kits, orders and dates its positions read.
HOST_MODULES = ('sale_mrp', 'purchase_stock', 'product_expiry')


def ensure_modules(own):
    """Return the folder of addons with the modules of others, fetched when they are not there yet."""
    key = digest(RECIPE, REQUIREMENTS)
    folder = cache('beside') / key
    with locks.hold('beside', waiting_for='it fetches the modules that are tested beside the addon'):
        if not is_complete(folder):
            with step('Fetch the modules that are tested beside the addon'):
                _fetch(own, start_over(folder))
                mark_complete(folder)
                locks.prune('beside', folder)
        locks.keep_shared(f'beside-{key}')
    return folder / 'odoo/addons'


def _fetch(own, folder):
    # Without dependencies: they name a distribution `odoo`, and ours comes from elsewhere.
    arguments = ('--no-deps', '--no-compile', '--target', folder, '-r', REQUIREMENTS)
    process.logged(
        [own.python, '-m', 'pip', 'install', *arguments],
        'pip-beside',
        'Check that pip can reach its package index (`pip download --no-deps polib`), then try again.',
        env={**os.environ, 'PIP_CACHE_DIR': str(cache('pip')), 'PIP_DISABLE_PIP_VERSION_CHECK': '1'},
    )


def run(own, variables, name, arguments=()):
    """Install the modules of others beside the addon, in both orders, test, and take the addon away again.

    :param name: a database with the addon installed, which stays as it is
    :param arguments: more for pytest
    """
    databases = Databases(replace(own, beside=(ensure_modules(own),)), variables)
    names = ', '.join(MODULES)
    with databases.scratch(source=name) as ours_first:
        with step(f'Install {names} beside {ADDON_NAME}'):
            _script(databases, ours_first, 'ours_first')
        # what we test without others must hold beside them too
        doors = f'{ADDON_NAME}/tests/test_sales_rule_doors.py::TestDoors'
        if code := databases.pytest(ours_first, *arguments, TESTS.name, doors):
            return code
    with databases.scratch(install=False) as theirs_first:
        with step(f'Install {names}, then {ADDON_NAME}, and take it away again'):
            _script(databases, theirs_first, 'theirs_first')
    return 0


def _script(databases, name, script):
    code = (TESTS / f'{script}.py').read_text()
    databases.script(name, code, 'The log names the error.', SMS_BESIDE=','.join(MODULES),
        SMS_BESIDE_HOST=','.join(HOST_MODULES))
