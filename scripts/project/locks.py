"""Locks between runs. They are kernel locks on files, so a killed run leaves none behind."""

import contextlib
import fcntl
import os
import shutil

from . import console
from .paths import KEEP, cache, is_complete

_kept = []


class Taken(Exception):
    """The lock is held by another run."""


def _open(name):
    # Never deleted: a lock file that is unlinked while someone waits on it would let two runs in.
    return os.open(cache('locks') / f'{name}.lock', os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextlib.contextmanager
def hold(name, shared=False, wait=True, waiting_for=None):
    """Hold a lock for the time of the block.

    :param shared: together with other shared holders
    :param wait: wait for the other holder, otherwise raise `Taken`
    :param waiting_for: what to tell the reader when there is a wait
    """
    mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    handle = _open(name)
    try:
        try:
            fcntl.flock(handle, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise Taken(name) from None
            if waiting_for:
                console.note(f'waiting for another run: {waiting_for}')
            fcntl.flock(handle, mode)
        yield
    finally:
        os.close(handle)


def keep_shared(name):
    """Hold a shared lock until this process ends: "in use, do not remove"."""
    handle = _open(name)
    fcntl.flock(handle, fcntl.LOCK_SH)
    _kept.append(handle)


def prune(kind, current):
    """Remove old entries of a kind of cache, all but the newest few and those that a run keeps."""
    entries = [folder for folder in cache(kind).iterdir() if folder.is_dir() and folder != current]
    complete = sorted(
        filter(is_complete, entries), key=lambda folder: (folder / '.complete').stat().st_mtime, reverse=True
    )
    for folder in complete[KEEP - 1 :]:
        with contextlib.suppress(Taken), hold(f'{kind}-{folder.name}', wait=False):
            shutil.rmtree(folder)
