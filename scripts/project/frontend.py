"""Front-end libraries from npm, copied into the addon; nothing to do while the project has no package.json.

package.json names the versions, package-lock.json their checksums, and `"copy": {"node_modules/<file>": "<path in the
checkout>"}` says what goes where. The targets are not committed.
"""

import json
import os
import shutil
from pathlib import Path

from . import locks, system
from .console import Failure, step
from .paths import ADDON, ROOT, cache, digest, is_complete, mark_complete, start_over
from .process import logged

PACKAGE = ROOT / 'package.json'
LOCK = ROOT / 'package-lock.json'
STAMP = ADDON / 'static/lib/.stamp'


def ensure():
    """See to it that the libraries are in the addon, in the versions package.json asks for."""
    if not PACKAGE.exists():
        return
    key = digest(PACKAGE, LOCK)
    targets = json.loads(PACKAGE.read_text()).get('copy', {})
    with locks.hold('frontend', waiting_for='it fetches the front-end libraries'):
        if _is_current(key, targets.values()):
            return
        if not os.environ.get('ODOO_HOME'):
            system.ensure(system.NPM)
        with step('Fetch the front-end libraries'):
            _copy(_modules(key), targets)
            STAMP.parent.mkdir(parents=True, exist_ok=True)
            STAMP.write_text(key)


def _is_current(key, targets):
    return STAMP.exists() and STAMP.read_text() == key and all((ROOT / target).exists() for target in targets)


def _modules(key):
    """Return a folder of the cache with the packages installed."""
    folder = cache('npm') / key
    if not is_complete(folder):
        start_over(folder)
        shutil.copy(PACKAGE, folder)
        shutil.copy(LOCK, folder)
        logged(
            ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
            'npm-ci',
            'Check that npm can reach its registry, then try again.',
            cwd=folder,
            env={**os.environ, 'npm_config_cache': str(cache('npm-cache'))},
        )
        mark_complete(folder)
    return folder


def _copy(source, targets):
    for origin, target in targets.items():
        file, goal = source / origin, ROOT / Path(target)
        if not file.exists():
            raise Failure(
                f'package.json copies {origin}, which the packages do not have.', 'Correct "copy" in package.json.'
            )
        goal.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            shutil.copytree(file, goal, dirs_exist_ok=True)
        else:
            shutil.copyfile(file, goal)
