"""Odoo 19 from Debian's unstable suite, unpacked into the cache.

Neither PyPI nor npm has it. The system's own package sources are never changed: a private apt index in the cache is
enough, and needs no root. Once unpacked, the network is left alone until UPDATE=1.
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from . import locks
from .console import Failure, note, step
from .paths import RECIPE, cache, is_complete, mark_complete, start_over
from .process import logged, output

OWN_ODOO = (
    'Set ODOO_HOME to the folder of an Odoo 19 that holds its `odoo` package (and ODOO_PYTHON to its interpreter); '
    'README.md, "You have Odoo 19".'
)
NETWORK = 'Check the network and the mirror named in /etc/apt, then try again. Or: ' + OWN_ODOO
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
PACKAGE = 'odoo-19'
# Odoo's static files are relative links to these. Font Awesome must be 4.7: the suites after trixie have 7, without
# Odoo's icons.
FROM_SID = (
    'libjs-jquery',
    'libjs-jquery-form',
    'libjs-underscore',
    'fonts-montserrat',
    'fonts-roboto-unhinted',
    'fonts-ocr-b',
)
FROM_STABLE = ('fonts-font-awesome', 'fonts-inconsolata')
STABLE_SUITES = ('bookworm', 'trixie')
SITE = Path('usr/lib/python3/dist-packages')
# Debian removes this file, which is not free; its absence breaks the web client's bundle. Empty, only the blur of
# video calls is lost.
STUB = SITE / 'odoo/addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js'


@dataclass(frozen=True)
class Archive:
    """One entry of the machine's apt configuration."""

    uri: str
    suites: tuple
    components: tuple
    keyring: str

    def rank(self):
        """Return how much it looks like Debian's own archive; third-party repositories use its suite names too."""
        return ('debian-archive-keyring' in self.keyring) * 2 + (self.uri.rstrip('/').rsplit('/', 1)[-1] == 'debian')


def ensure(update=False):
    """Return (prefix/dist-packages, version) of the cached Odoo, fetched when there is none yet."""
    with locks.hold('odoo', waiting_for='it fetches Odoo 19'):
        found = None if update else _newest()
        if not found:
            with step('Fetch Odoo 19 from Debian'):
                found = _fetch()
                locks.prune('odoo', found)
        locks.keep_shared(f'odoo-{found.name}')
    return found / SITE, found.name


def _newest():
    """Return the cached Odoo that was completed last, if any."""
    complete = [folder for folder in cache('odoo').glob(f'*-r{RECIPE}') if is_complete(folder)]
    return max(complete, key=lambda folder: (folder / '.complete').stat().st_mtime, default=None)


def _fetch():
    """Download and unpack whatever odoo-19 the archive has now; return its folder."""
    if not all(map(shutil.which, ('apt-get', 'dpkg', 'dpkg-deb'))):
        raise Failure('This machine has no apt: Odoo 19 can be fetched by itself on Debian only.', OWN_ODOO)
    archive, suite = _debian_archive()
    index = _PrivateIndex(archive, suite)
    index.update()
    version = index.version(PACKAGE)
    if not version:
        raise Failure(f'{PACKAGE} is not in the Debian suite sid any more.', OWN_ODOO)
    folder = cache('odoo') / f'{re.sub("[^A-Za-z0-9.+~-]", "_", version)}-r{RECIPE}'
    if not is_complete(folder):
        note(f'{PACKAGE} {version}, 122 MB')
        _unpack(index.download(suite), start_over(folder))
        mark_complete(folder)
    else:
        os.utime(folder / '.complete')
    index.forget_downloads()
    return folder


def _unpack(packages, prefix):
    for package in packages:
        logged(['dpkg-deb', '-x', package, prefix], 'odoo-unpack', 'Free some disk space, then try again.')
    stub = prefix / STUB
    if not stub.exists():
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.touch()
    dangling = output(['find', prefix, '-xtype', 'l']) or ''
    if dangling.strip():
        raise Failure(
            f'The unpacked Odoo has links to files that are not there:\n{dangling[:500]}',
            'Debian changed what the package needs: name the packages with these files in odoo_source.py. '
            'Or: ' + OWN_ODOO,
        )


class _PrivateIndex:
    """An apt index of our own beside the system's."""

    def __init__(self, archive, suite):
        base = cache('apt')
        self.debs = base / 'debs'
        for folder in (base / 'lists/partial', base / 'cache/archives/partial', self.debs):
            folder.mkdir(parents=True, exist_ok=True)
        sources = base / 'sources.list'
        sources.write_text(
            ''.join(f'deb [signed-by={archive.keyring}] {archive.uri} {name} main\n' for name in ('sid', suite))
        )
        # The rest of the system's configuration (proxy, certificates) stays in force; its sources and pins do not.
        self.options = [
            f'-oDir::Etc::SourceList={sources}',
            '-oDir::Etc::SourceParts=/dev/null',
            '-oDir::Etc::Preferences=/dev/null',
            '-oDir::Etc::PreferencesParts=/dev/null',
            f'-oDir::State::Lists={base / "lists"}',
            f'-oDir::Cache={base / "cache"}',
            '-oAPT::Sandbox::User=root',
            '-oAcquire::Retries=3',
            '-oAcquire::Languages=none',
            '-oAPT::Get::List-Cleanup=true',
            '-oAPT::Update::Error-Mode=any',
        ]

    def update(self):
        logged(['apt-get', *self.options, '-q', 'update'], 'odoo-index', NETWORK)

    def version(self, package):
        """Return the version sid offers, or None."""
        text = output(['apt-cache', *self.options, 'madison', package]) or ''
        rows = [[part.strip() for part in line.split('|')] for line in text.splitlines()]
        return next((row[1] for row in rows if len(row) == 3 and ' sid/' in row[2]), None)

    def download(self, suite):
        """Download the packages and return their files; what a killed run has downloaded is not downloaded again."""
        names = [f'{name}/sid' for name in (PACKAGE, *FROM_SID)] + [f'{name}/{suite}' for name in FROM_STABLE]
        logged(['apt-get', *self.options, '-q', 'download', *names], 'odoo-download', NETWORK, cwd=self.debs)
        newest = {}
        for file in sorted(self.debs.glob('*.deb'), key=lambda file: file.stat().st_mtime):
            newest[file.name.split('_')[0]] = file
        return list(newest.values())

    def forget_downloads(self):
        shutil.rmtree(self.debs, ignore_errors=True)


def _debian_archive():
    """Return the machine's Debian archive and the stable suite to take from it, as its apt configuration says."""
    found = []
    for archive in _archives():
        suites = [suite for suite in STABLE_SUITES if suite in archive.suites]
        other = {'stable', 'oldstable', 'testing', 'forky', 'sid', 'unstable'} & set(archive.suites)
        if 'main' in archive.components and (suites or other):
            found.append((archive, suites[-1] if suites else STABLE_SUITES[-1]))
    if not found:
        raise Failure('No Debian archive is configured in /etc/apt/sources.list or /etc/apt/sources.list.d.', OWN_ODOO)
    return max(found, key=lambda pair: pair[0].rank())


def _archives(etc=Path('/etc/apt')):
    """Yield the `deb` entries of the apt configuration, in both of its formats."""
    for file in [etc / 'sources.list', *sorted(etc.glob('sources.list.d/*.list'))]:
        if file.is_file():
            yield from _one_line_entries(file.read_text(errors='replace'))
    for file in sorted(etc.glob('sources.list.d/*.sources')):
        yield from _deb822_entries(file.read_text(errors='replace'))


def _one_line_entries(text):
    for match in re.finditer(
        r'^deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)[ \t]*(?P<rest>[^#\n]*)', text, re.M
    ):
        signed = re.search(r'signed-by=(\S+)', match['options'] or '', re.I)
        yield Archive(match['uri'], (match['suite'],), tuple(match['rest'].split()), signed[1] if signed else KEYRING)


def _deb822_entries(text):
    for stanza in re.split(r'\n\s*\n', re.sub(r'^#.*\n?', '', text, flags=re.M)):
        fields = {
            key.lower(): value.split() for key, value in re.findall(r'^([\w-]+):((?:.*)(?:\n[ \t].*)*)', stanza, re.M)
        }
        if 'deb' not in fields.get('types', ()) or fields.get('enabled') == ['no']:
            continue
        keyring = ' '.join(fields.get('signed-by', ()))
        keyring = keyring if keyring.startswith('/') and ' ' not in keyring else KEYRING
        for uri in fields.get('uris', ()):
            yield Archive(uri, tuple(fields.get('suites', ())), tuple(fields.get('components', ())), keyring)
