"""`make clean`: remove what was made in the checkout, and with ALL=1 the cache too."""

import shutil

from . import locks, postgres
from .console import Failure, note, step
from .paths import ADDON, DIST, ROOT, TAG, cache_root

MADE = ('.pytest_cache', '.ruff_cache', '.hypothesis', 'build')


def main(options):
    """Remove what can be made again."""
    with step('Clean the checkout'):
        for folder in (DIST, ADDON / 'static/lib', *(ROOT / name for name in MADE)):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in list(ROOT.rglob('__pycache__')):
            if '.git' not in folder.parts:
                shutil.rmtree(folder, ignore_errors=True)
    if options.all:
        with step(f'Remove the cache {cache_root()}, databases of `make run` included'):
            _remove_cache()
    return 0


def _remove_cache():
    root = cache_root()
    try:
        postgres.stop_unused()
    except locks.Taken:
        raise Failure('Another run of this project is using the cache.', 'Stop it, then try again.') from None
    if not (root / TAG).exists():
        raise Failure(f'{root} does not look like a cache of this project.', 'Look at SMS_ADDON_CACHE.')
    for entry in root.iterdir():
        note(entry.name)
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
