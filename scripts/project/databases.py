"""Databases: the template with everything the addon depends on, copies of it, and what is known about each."""

import ast
import contextlib
import json
import os
import re
import secrets
import shutil
import subprocess

from . import console, locks, process
from .console import Failure, step
from .paths import ADDON, ADDON_NAME, KEEP, RECIPE, ROOT, cache, cache_id, digest

LANGUAGES = ('zh_CN',)
# Odoo makes the first one that of the company and its first users.
LOADED = ('en_US', *LANGUAGES)
TEMPLATE = 'sms_template_'
SCRATCH = 'sms_tmp_'
VALID_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_-]{0,62}')
SERVER_REMEDY = (
    'Check the PG variables (PGHOST, PGPORT, PGUSER, PGPASSWORD): the role must be allowed to create databases.'
)


def manifest():
    """Return the addon's manifest."""
    try:
        return ast.literal_eval((ADDON / '__manifest__.py').read_text())
    except (OSError, ValueError, SyntaxError) as error:
        raise Failure(f'{ADDON_NAME}/__manifest__.py cannot be read: {error}.', 'Repair the file.') from error


class Databases:
    """The databases of one host on one server.

    :param variables: the PG variables of `postgres.server`
    """

    def __init__(self, host, variables):
        self.host = host
        self.env = host.env(**variables)
        # Names are unique on one server only, so each server has its own folder of files.
        self.server_id = self.query('SELECT system_identifier::text FROM pg_control_system()')[0][0]
        self.data = cache('data', self.server_id)

    # ----- asking the server

    def query(self, *statements, database='postgres'):
        """Run statements (text, or text with parameters), each by itself; return the last one's rows."""
        batch = [statement if isinstance(statement, tuple) else (statement, []) for statement in statements]
        done = subprocess.run(
            [self.host.python, '-m', 'scripts.project.sql_client', database],
            env=self.env,
            text=True,
            input=json.dumps(batch),
            capture_output=True,
            check=False,
            start_new_session=True,
        )
        if done.returncode:
            raise Failure(f'PostgreSQL says: {done.stderr.strip()[-600:]}', SERVER_REMEDY)
        return json.loads(done.stdout)

    def names(self):
        """Return the names of all databases."""
        return {row[0] for row in self.query('SELECT datname FROM pg_database')}

    def state(self, name):
        """Return what was noted on a database, None when it does not exist, False when it is not of our making."""
        rows = self.query(("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]))
        if not rows:
            return None
        try:
            return json.loads(rows[0][0] or 'false')
        except ValueError:
            return False

    def set_state(self, name, **values):
        """Note something on a database. Kept there and not in the cache, so that it cannot outlive the database."""
        state = {**(self.state(name) or {}), **values}
        self.query(_comment(name, state))

    # ----- copies

    def copy(self, source, target):
        """Copy a database with its files."""
        # Files first: whoever sees the database sees a whole copy. They are never written to again, so links do.
        self._drop_files(target)
        if (files := self._filestore(source)).is_dir():
            shutil.copytree(files, self._filestore(target), copy_function=_link_or_copy)
        self.query(f'CREATE DATABASE "{target}" TEMPLATE "{source}"', _comment(target, {'origin': source}))

    def drop(self, name):
        """Drop a database, its files and its configuration."""
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._drop_files(name)
        (cache('conf') / f'{name}.conf').unlink(missing_ok=True)

    def _filestore(self, name):
        return self.data / 'filestore' / name

    def _drop_files(self, name):
        shutil.rmtree(self._filestore(name), ignore_errors=True)

    def create(self, name):
        """Create a database as a copy of the template."""
        with locks.hold('template', waiting_for='it builds or copies the template database'):
            self.copy(self._template(), name)

    @contextlib.contextmanager
    def scratch(self, install=True, source=None):
        """Give a fresh copy of the template with the addon installed, dropped afterwards.

        :param source: a database to copy as it is, instead
        """
        self._sweep()
        name = f'{SCRATCH}{cache_id()}_{secrets.token_hex(3)}'
        with locks.hold(f'db-{name}'):
            try:
                with step(f'Copy the {"installed" if source else "template"} database'):
                    self.copy(source, name) if source else self.create(name)
                if install and not source:
                    with step(f'Install {ADDON_NAME}'):
                        self.odoo(name, '-i', ADDON_NAME)
                yield name
            finally:
                self.drop(name)
        for file in (cache('locks') / f'db-{name}.lock', cache('logs') / f'odoo-{name}.log'):
            file.unlink(missing_ok=True)

    def _sweep(self):
        """Drop what killed runs left behind: scratch databases that nobody holds."""
        for name in sorted(self.names()):
            if name.startswith(f'{SCRATCH}{cache_id()}_'):
                with contextlib.suppress(locks.Taken), locks.hold(f'db-{name}', wait=False):
                    self.drop(name)

    # ----- the template

    def ensure_template(self):
        """Return the name of the template database, built when it is not there yet."""
        with locks.hold('template', waiting_for='it builds or copies the template database'):
            return self._template()

    def _template(self):
        name = self._template_name()
        if name in self.names() and self._filestore(name).is_dir():
            os.utime(self._filestore(name))
            return name
        with step('Build the template database (once; about two minutes)'):
            self._build_template(name)
        self._prune_templates(name)
        return name

    def _template_name(self):
        depends = ','.join(sorted(manifest()['depends']))
        return TEMPLATE + digest(RECIPE, cache_id(), self.host.version, depends, LOADED, self.server_id)

    def _build_template(self, name):
        """Build under another name and rename: a database with the template's name is always whole."""
        building = f'{name}_new'
        self.drop(name)
        self.drop(building)
        self.odoo(building, '-i', ','.join(manifest()['depends']), f'--load-language={",".join(LOADED)}')
        self.query('VACUUM ANALYZE', database=building)
        files = self._filestore(building)
        files.mkdir(parents=True, exist_ok=True)
        files.rename(self._filestore(name))
        # A connection, even autovacuum's, would make copying fail.
        self.query(
            f'ALTER DATABASE "{building}" RENAME TO "{name}"', f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'
        )
        (cache('conf') / f'{building}.conf').unlink(missing_ok=True)

    def _prune_templates(self, current):
        """Drop templates of former keys, all but the newest few. Copies are independent of them."""
        folders = sorted(
            self._filestore('').glob(f'{TEMPLATE}*'), key=lambda folder: folder.stat().st_mtime, reverse=True
        )
        for folder in folders[KEEP:]:
            if folder.name != current:
                console.note(f'drop the former template {folder.name}')
                self.drop(folder.name)

    # ----- Odoo on a database

    def config(self, name):
        """Write Odoo's configuration for a database and return its file."""
        return self.host.write_config(name, self.data, dbfilter=f'^{name}$')

    def bench_config(self):
        """Write the configuration for programs that choose their databases themselves and return its file."""
        # its addons path is that of this checkout, and another may be measured at the same time
        return self.host.write_config(f'bench-{digest(str(ROOT))}', self.data)

    def odoo(self, name, *arguments):
        """Run Odoo once on a database (created when missing) and stop; its warnings are shown."""
        config = self.config(name)
        command = self.host.command('server', '-c', config, '-d', name, '--stop-after-init', '--no-http', *arguments)
        process.logged(
            command,
            f'odoo-{name}',
            'The log names the error; when it is not in the addon, try again after `make clean ALL=1`.',
            env=self.env,
            cwd=self.data,
            echo=process.OdooWarnings(),
        )

    def pytest(self, name, *arguments, **variables):
        """Run pytest on a database and return its exit code."""
        command = [
            self.host.python,
            '-m',
            'pytest',
            '-p',
            'scripts.project.pytest_skips',
            '-p',
            'no:cacheprovider',
            f'--odoo-config={self.config(name)}',
            f'--odoo-database={name}',
            '--odoo-http',
            '--odoo-log-level=error',
            *arguments,
        ]
        return process.foreground(command, env={**self.env, **variables}, cwd=ROOT)

    def script(self, name, code, remedy, **variables):
        """Run Python code in an Odoo shell on a database; what it prints is shown, and its last lines are returned."""
        config = self.config(name)
        command = self.host.command('shell', '-c', config, '-d', name, '--no-http', '--log-level=warn')
        return process.logged(
            command,
            f'shell-{name}',
            remedy,
            env={**self.env, **variables},
            cwd=self.data,
            stdin=code,
            echo=lambda line: True,
        )


def check_name(name):
    """Refuse names that cannot be a database's."""
    if (
        not VALID_NAME.fullmatch(name)
        or name.startswith((TEMPLATE, SCRATCH))
        or name in ('postgres', 'template0', 'template1')
    ):
        raise Failure(
            f'DB={name} cannot be used.',
            'Choose a name of letters, digits and _: make run DB=my_sales',
            step='Check the database name',
        )
    return name


def _comment(name, state):
    return (f'COMMENT ON DATABASE "{name}" IS %s', [json.dumps(state)])


def _link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
