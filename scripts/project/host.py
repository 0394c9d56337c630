"""The Odoo the addon runs on: ours from the cache, or the one ODOO_HOME points to."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from . import odoo_source, python_env, system
from .console import Failure
from .paths import ROOT, cache
from .process import output

PROBE = """
import importlib.metadata as metadata, json, sys
def is_there(name):
    try:
        return bool(metadata.distribution(name))
    except metadata.PackageNotFoundError:
        return False
try:
    import odoo.release
    release, version = odoo.release.version_info[0], odoo.release.version
except ImportError as error:
    release, version = None, str(error)
print(json.dumps({
    'python': sys.version_info[:2], 'release': release, 'version': version,
    'missing': [name for name in json.loads(sys.argv[1]) if not is_there(name)],
}))
"""


@dataclass(frozen=True)
class Host:
    """An Odoo 19 and the interpreter that runs it.

    :param home: the folder that holds the `odoo` package
    :param version: changes when Odoo does; part of the keys of what is built with it
    :param own: it is ours, so what is missing may be installed
    :param beside: more folders of addons
    """

    python: Path
    home: Path
    version: str
    own: bool
    beside: tuple[Path, ...] = ()

    def env(self, **extra):
        """Return the environment for children that import Odoo."""
        env = {**os.environ, **extra}
        paths = [str(self.home), str(ROOT)]
        if not self.own and env.get('PYTHONPATH'):
            paths.append(env['PYTHONPATH'])
        env['PYTHONPATH'] = os.pathsep.join(paths)
        # Compiled files belong in the cache: they make every start faster and must not litter the checkout.
        env['PYTHONPYCACHEPREFIX'] = str(cache('pycache'))
        for name in ('PYTHONDONTWRITEBYTECODE', 'ODOO_RC', 'PGDATABASE'):
            env.pop(name, None)
        return env

    def addons_path(self):
        """Return the folders where Odoo finds addons: its own (a source checkout has two) and this project."""
        folders = [self.home / 'odoo/addons']
        if not self.own and (self.home / 'addons').is_dir():
            folders.append(self.home / 'addons')
        return [*folders, ROOT, *self.beside]

    def command(self, *arguments):
        """Return the command line of `odoo-bin` with these arguments."""
        return [self.python, '-m', 'odoo', *arguments]

    def write_config(self, name, data_dir, dbfilter=''):
        """Write a configuration file for Odoo and return it. The connection comes from the PG variables."""
        options = {
            'addons_path': ','.join(map(str, self.addons_path())),
            'data_dir': data_dir,
            'http_interface': '127.0.0.1',
            'list_db': False,
            'dbfilter': dbfilter,
            # Imports and rebuilds of large histories take longer than the two minutes Odoo grants by default.
            'limit_time_real': 3600,
        }
        file = cache('conf') / f'{name}.conf'
        fresh = file.with_suffix(f'.{os.getpid()}')
        fresh.write_text('[options]\n' + ''.join(f'{name} = {value}\n' for name, value in options.items()))
        fresh.replace(file)
        return file


def ensure(*packages, development=False):
    """Return the host, with system packages and Python packages in place.

    :param packages: groups of system packages from `system`
    :param development: what only tests and checks import is needed too
    """
    wanted = {name: test for group in packages for name, test in group.items()}
    if home := os.environ.get('ODOO_HOME'):
        system.ensure(wanted, install=False)
        return _existing(Path(home).expanduser(), development)
    system.ensure(wanted)
    home, version = odoo_source.ensure(update=os.environ.get('UPDATE', '0') not in ('', '0'))
    return Host(python_env.ensure(), home, version, own=True)


def ensure_python():
    """Return an interpreter with the development packages, for checks that need no Odoo."""
    if os.environ.get('ODOO_HOME'):
        return ensure(development=True).python
    return python_env.ensure()


def _existing(home, development):
    """Check an Odoo that is there already; nothing is downloaded for it."""
    if not (home / 'odoo/release.py').is_file():
        raise Failure(
            f'ODOO_HOME={home} has no odoo/release.py.',
            'Point it at the folder that holds the `odoo` package: a source checkout, or a site-packages folder.',
        )
    python = os.environ.get('ODOO_PYTHON') or sys.executable
    files = [python_env.RUNTIME] + ([python_env.DEVELOPMENT] if development else [])
    names = [name for file in files for name in python_env.requirement_names(file)]
    host = Host(Path(python), home.resolve(), '', own=False)
    text = output([python, '-c', PROBE, json.dumps(names)], env=host.env())
    if text is None:
        raise Failure(f'The interpreter {python} does not run.', 'Set ODOO_PYTHON to the Python that runs your Odoo.')
    _judge(json.loads(text), python, files)
    return Host(Path(python), home.resolve(), json.loads(text)['version'], own=False)


def _judge(found, python, files):
    """Raise a failure that names what an existing Odoo lacks."""
    if not python_env.is_supported(found['python']):
        raise Failure(
            f'{python} is Python {found["python"][0]}.{found["python"][1]}; Odoo 19 runs on 3.10 to 3.13.',
            'Set ODOO_PYTHON to the Python that runs your Odoo.',
        )
    if found['release'] != 19:
        raise Failure(f'ODOO_HOME is not Odoo 19: found {found["version"]}.', 'Point ODOO_HOME at an Odoo 19.')
    if found['missing']:
        listed = ' '.join(f'-r {file.name}' for file in files)
        raise Failure(
            f'Python packages are missing in {python}: {", ".join(found["missing"])}.',
            f'{python} -m pip install {listed}',
        )
