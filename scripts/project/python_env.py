"""The Python environment in the cache: made from the requirement files, remade when they change."""

import os
import shutil
import sys

from . import locks, system
from .console import Failure, step
from .paths import RECIPE, ROOT, cache, digest, is_complete, mark_complete, start_over
from .process import logged, output

SUPPORTED = ((3, 10), (3, 13))
RUNTIME = ROOT / 'requirements.txt'
ODOO = ROOT / 'requirements-odoo.txt'
DEVELOPMENT = ROOT / 'requirements-dev.txt'


def ensure():
    """Return the interpreter of the environment, built when it is not there yet."""
    base = _base_python()
    # The base interpreter's full version is in the key: a virtual environment breaks when its base is upgraded.
    version = output([base, '-c', 'import sys; print(sys.version, sys.prefix)'])
    key = digest(RECIPE, version, RUNTIME, ODOO, DEVELOPMENT)
    folder = cache('venv') / key
    with locks.hold(f'venv-build-{key}', waiting_for='it installs the Python packages'):
        if not is_complete(folder):
            if base == sys.executable:
                system.ensure(system.VENV)
            with step('Install Python packages'):
                _build(base, folder)
                locks.prune('venv', folder)
        locks.keep_shared(f'venv-{key}')
    return folder / 'bin/python'


def _build(base, folder):
    remedy = 'Check that pip can reach its package index (`pip download --no-deps polib`), then try again.'
    # pip's own cache goes with ours, so a changed requirement costs only its own download.
    env = {**os.environ, 'PIP_CACHE_DIR': str(cache('pip')), 'PIP_DISABLE_PIP_VERSION_CHECK': '1'}
    logged([base, '-m', 'venv', start_over(folder)], 'venv', 'Install the venv module of this Python, then try again.')
    files = [argument for file in (RUNTIME, ODOO, DEVELOPMENT) for argument in ('-r', file)]
    logged([folder / 'bin/python', '-m', 'pip', 'install', '--prefer-binary', *files], 'pip-install', remedy, env=env)
    mark_complete(folder)


def _base_python():
    """Return an interpreter that Odoo 19 supports: this one, or else the newest on the path."""
    if is_supported(sys.version_info):
        return sys.executable
    for minor in range(SUPPORTED[1][1], SUPPORTED[0][1] - 1, -1):
        if found := shutil.which(f'python3.{minor}'):
            return found
    raise Failure(
        f'Odoo 19 runs on Python 3.10 to 3.13; python3 is {sys.version_info[0]}.{sys.version_info[1]}.',
        'Install one of those, and name it: make PYTHON=python3.12 ...',
    )


def is_supported(version):
    """Tell whether Odoo 19 runs on this Python version."""
    return SUPPORTED[0] <= tuple(version[:2]) <= SUPPORTED[1]


def requirement_names(file):
    """Return the names of the packages a requirement file lists."""
    lines = (line.split('#')[0].strip() for line in file.read_text().splitlines())
    return [line.split('==')[0].split(';')[0].strip() for line in lines if line]
