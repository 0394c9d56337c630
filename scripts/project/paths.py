"""Where things are: the checkout, the cache outside it, and the keys that say when a cached thing is out of date."""

import hashlib
import os
import secrets
import shutil
from functools import lru_cache
from pathlib import Path

from .console import Failure

ROOT = Path(__file__).resolve().parents[2]
ADDON_NAME = 'sms_addon'
ADDON = ROOT / ADDON_NAME
DIST = ROOT / 'dist'

# Part of every key: raise it when the way a cached thing is built changes.
RECIPE = 1
TAG = 'CACHEDIR.TAG'
TAG_TEXT = (
    'Signature: 8a477f597d28d172789f06886806bc55\n# Cache of the sms_addon project; `make clean ALL=1` removes it.\n'
)
KEEP = 2


@lru_cache(maxsize=1)
def cache_root():
    """Return the cache folder, made on first use.

    It lies outside the checkout, so that several checkouts share it and cleaning one costs nothing. Root gets a place
    below /var, because PostgreSQL refuses to run as root and the other user could not enter root's home.
    """
    if chosen := os.environ.get('SMS_ADDON_CACHE'):
        root = Path(chosen).expanduser().resolve()
    elif os.geteuid() == 0:
        root = Path('/var/cache/sms_addon')
    else:
        root = Path(os.environ.get('XDG_CACHE_HOME') or '~/.cache').expanduser() / 'sms_addon'
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / TAG).exists():
            (root / TAG).write_text(TAG_TEXT)
    except OSError as error:
        raise Failure(
            f'The cache folder {root} cannot be written: {error.strerror}.', 'Set SMS_ADDON_CACHE to a folder of yours.'
        ) from error
    return root


def cache(*parts):
    """Return a folder of the cache, made when missing."""
    folder = cache_root().joinpath(*parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@lru_cache(maxsize=1)
def cache_id():
    """Return a short random name of this cache.

    Databases on a PostgreSQL server that several machines share carry it, so that nobody removes those of another
    cache.
    """
    file = cache_root() / 'id'
    if not file.exists():
        fresh = file.with_name(f'id.{os.getpid()}')
        fresh.write_text(secrets.token_hex(3))
        try:
            os.link(fresh, file)  # unlike a rename it fails when another run was first
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return file.read_text()


def digest(*parts):
    """Return a short key over strings and files' contents."""
    key = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        key.update(len(data).to_bytes(8, 'big') + data)
    return key.hexdigest()[:12]


def tree_digest(folder, skip=()):
    """Return a key over the names and contents of a folder's files, leaving out folders named in `skip`."""
    parts = []
    for base, dirs, files in os.walk(folder):
        dirs[:] = sorted(name for name in dirs if name not in skip)
        for name in sorted(files):
            file = Path(base, name)
            if file.is_file():
                parts += [file.relative_to(folder).as_posix(), file]
    return digest(*parts)


def is_complete(folder):
    """Tell whether a cached folder was finished: a killed build leaves it without the mark."""
    return (folder / '.complete').exists()


def mark_complete(folder):
    """Mark a cached folder as finished; the last act of whoever builds it."""
    (folder / '.complete').touch()


def start_over(folder):
    """Empty a folder that a killed build may have left behind."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
