"""`make dist`: a zip that an admin unpacks on the addons path."""

import os
import zipfile
from pathlib import Path

from . import frontend
from .console import note, step
from .databases import manifest
from .paths import ADDON, DIST, ROOT

LEFT_OUT = ('tests', '__pycache__')
# The same sources give the same file, bit by bit.
DATE = (2020, 1, 1, 0, 0, 0)


def main(_options):
    """Write dist/sms_addon-<version>.zip."""
    frontend.ensure()
    with step('Package the addon'):
        DIST.mkdir(exist_ok=True)
        target = DIST / f'{ADDON.name}-{manifest()["version"]}.zip'
        fresh = target.with_suffix('.new')
        with zipfile.ZipFile(fresh, 'w', zipfile.ZIP_DEFLATED) as archive:
            for file, name in _files():
                _add(archive, file, name)
        fresh.replace(target)
        note(f'{target.relative_to(ROOT)}, {target.stat().st_size // 1024} kB')
    return 0


def _files():
    """Yield what goes in, with its name in the archive."""
    for base, dirs, files in os.walk(ADDON):
        dirs[:] = sorted(name for name in dirs if name not in LEFT_OUT)
        for name in sorted(files):
            file = Path(base, name)
            if not name.startswith('.') and file.suffix != '.pyc':
                yield file, file.relative_to(ROOT)
    for name in ('LICENSE', 'README.md', 'requirements.txt'):
        if (ROOT / name).exists() and not (ADDON / name).exists():
            yield ROOT / name, Path(ADDON.name, name)


def _add(archive, file, name):
    info = zipfile.ZipInfo(str(name), DATE)
    info.external_attr = 0o644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, file.read_bytes())
