"""Packages of the operating system. Only what is missing is installed, and only where we may."""

import glob
import os
import shutil
import sys

from . import locks
from .console import Failure, note, step
from .process import logged, output


def _has_program(*names):
    return lambda: any(map(shutil.which, names))


def _has_file(pattern):
    return lambda: bool(glob.glob(pattern, recursive=True))


def _has_venv():
    return output([sys.executable, '-c', 'import ensurepip, venv']) is not None


# Debian package -> how to see that it, or another build of the same thing, is there.
POSTGRESQL = {'postgresql': _has_file('/usr/lib/postgresql/*/bin/postgres')}
RABBITMQ = {'rabbitmq-server': _has_file('/usr/lib/rabbitmq/bin/rabbitmq-server')}
REPORTS = {'wkhtmltopdf': _has_program('wkhtmltopdf'), 'fonts-noto-cjk': _has_file('/usr/share/fonts/**/NotoSansCJK*')}
BROWSER = {'chromium': _has_program('google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser')}
NPM = {'npm': _has_program('npm')}
VENV = {f'python{sys.version_info[0]}.{sys.version_info[1]}-venv': _has_venv}


def missing(packages):
    """Return the names of those packages that are not there."""
    return [name for name, is_there in packages.items() if not is_there()]


def ensure(packages, install=True):
    """See to it that the packages are there.

    :param install: install what is missing, otherwise only complain
    """
    if not missing(packages):
        return
    with locks.hold('apt', waiting_for='it installs system packages'):
        names = missing(packages)
        if not names:
            return
        with step(f'Install system packages: {" ".join(names)}'):
            _install(names, install)
            if names := missing(packages):
                raise Failure(
                    f'apt-get succeeded, and still missing: {" ".join(names)}.', 'Install them by hand, then try again.'
                )


def _install(names, allowed):
    by_hand = f'As root: apt-get update && apt-get install --no-install-recommends {" ".join(names)}'
    prefix = _privilege()
    if not allowed or not shutil.which('apt-get') or prefix is None:
        raise Failure(
            f'Missing system packages: {" ".join(names)}.',
            by_hand if shutil.which('apt-get') else f'Install with your package manager: {" ".join(names)}',
        )
    # Packages of servers would start one for the whole system; in "runlevel 1" most do not. We do not mind if they do.
    env = {**os.environ, 'DEBIAN_FRONTEND': 'noninteractive', 'RUNLEVEL': '1'}
    # Waiting for the system's own update run beats failing because of it.
    apt = [*prefix, 'apt-get', '-q', '-y', '-oDPkg::Lock::Timeout=300']
    install = [*apt, 'install', '--no-install-recommends', *names]
    try:
        logged(install, 'apt-install', by_hand, env=env)
    except Failure:
        note('the package lists are old or empty: updating them')
        logged([*apt, 'update'], 'apt-update', by_hand, env=env)
        logged(install, 'apt-install', by_hand, env=env)


def _privilege():
    """Return what to put before a command to run it as root, or None when we may not."""
    if os.geteuid() == 0:
        return []
    if output(['sudo', '-n', 'true']) is not None:
        return ['sudo', '-n', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1']
    return None
