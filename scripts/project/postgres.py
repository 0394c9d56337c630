"""The PostgreSQL server: the one the PG variables name, or a private cluster that runs only while somebody uses it."""

import contextlib
import getpass
import glob
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from . import locks, system
from .console import Failure, step
from .paths import cache, cache_root, is_complete, mark_complete, start_over
from .process import logged, output

ROLE = 'odoo'
# Only names the socket file; the cluster does not listen on TCP.
PORT = '5432'
SOCKET_PATH_LIMIT = 107


def is_given():
    """Tell whether the reader named a server with the PG variables."""
    return bool(os.environ.get('PGHOST') or os.environ.get('PGSERVICE'))


def packages():
    """Return the system packages the server needs: none when it is somebody else's."""
    return {} if is_given() else system.POSTGRESQL


@contextlib.contextmanager
def server():
    """Give the environment variables to reach the server.

    Ours runs until its last user leaves, however that user ends.
    """
    if is_given():
        yield {}
        return
    cluster = Cluster.newest()
    # Every user holds the shared lock; whoever can take it alone, on leaving, was the last. A killed run loses
    # its lock with its
    # life, so what it left running is used by the next one and stopped at that one's end.
    with contextlib.ExitStack() as users:
        with locks.hold('postgres-control'):
            users.enter_context(locks.hold('postgres-users', shared=True))
            cluster.start()
        try:
            yield cluster.variables()
        finally:
            with locks.hold('postgres-control'):
                users.close()
                _stop_unused(cluster)


def stop_unused():
    """Stop our cluster when nobody uses it; raise `locks.Taken` otherwise."""
    with locks.hold('postgres-control'), locks.hold('postgres-users', wait=False):
        for cluster in Cluster.existing():
            cluster.stop()


def _stop_unused(cluster):
    with contextlib.suppress(locks.Taken), locks.hold('postgres-users', wait=False):
        cluster.stop()


@dataclass(frozen=True)
class Cluster:
    """A private cluster in the cache, one for each major version of PostgreSQL.

    It listens on a Unix socket alone and asks the kernel who is calling (`peer`): only the user of this cache and the
    server's own user get in, without any password to keep. The server refuses to run as root; for root it runs as
    `postgres`.
    """

    programs: Path
    folder: Path

    @classmethod
    def newest(cls):
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin/postgres'), key=lambda path: float(Path(path).parts[-3]))
        programs = Path(found[-1]).parent
        return cls(programs, cache('postgres') / programs.parent.name)

    @classmethod
    def existing(cls):
        """Return the clusters of the cache whose programs are still installed."""
        for folder in cache('postgres').iterdir():
            programs = Path('/usr/lib/postgresql', folder.name, 'bin')
            if is_complete(folder) and programs.is_dir():
                yield cls(programs, folder)

    @property
    def data(self):
        return self.folder / 'data'

    @property
    def socket(self):
        return self.folder / 'socket'

    def variables(self):
        """Return the PG variables that lead to this cluster."""
        return {'PGHOST': str(self.socket), 'PGPORT': PORT, 'PGUSER': ROLE}

    def start(self):
        if not is_complete(self.folder):
            with step('Create the private PostgreSQL cluster'):
                self._create()
        if self._is_running():
            return
        self._write_settings()
        with step('Start PostgreSQL'):
            self._run(
                'pg_ctl',
                'start',
                '-D',
                self.data,
                '-l',
                self.folder / 'server.log',
                '-w',
                '-t',
                '120',
                '-s',
                remedy=f'Read {self.folder / "server.log"}. When the cluster is beyond repair: make clean ALL=1',
            )

    def stop(self, mode='fast'):
        """Stop the server.

        :param mode: of `pg_ctl`; 'immediate' is what a power cut does
        """
        if self._is_running():
            self._run(
                'pg_ctl',
                'stop',
                '-D',
                self.data,
                '-m',
                mode,
                '-w',
                '-t',
                '120',
                '-s',
                remedy=f'Read {self.folder / "server.log"}.',
            )

    def _is_running(self):
        return (
            output([*self._as_server_user(), self.programs / 'pg_ctl', 'status', '-D', self.data], cwd='/') is not None
        )

    def _create(self):
        start_over(self.folder)
        owner = self._server_user()
        if len(os.fsencode(self.socket / f'.s.PGSQL.{PORT}')) > SOCKET_PATH_LIMIT:
            raise Failure(
                f'The path of the cache is too long for a Unix socket: {self.socket}.',
                'Set SMS_ADDON_CACHE to a shorter path.',
            )
        for folder in (self.folder, self.data, self.socket):
            folder.mkdir(exist_ok=True, mode=0o700)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        if output([*self._as_server_user(), 'test', '-x', self.data], cwd='/') is None:
            raise Failure(
                f'The user {owner.pw_name}, as whom PostgreSQL runs for root, cannot enter {cache_root()}.',
                'Set SMS_ADDON_CACHE to a folder that every user can enter.',
            )
        self._run(
            'initdb',
            '-D',
            self.data,
            '-U',
            ROLE,
            '--auth=peer',
            '-E',
            'UTF8',
            '--locale=C.UTF-8',
            '--no-sync',
            remedy='Free some disk space, then try again.',
        )
        self._write(self.data / 'pg_hba.conf', 'local all all peer map=sms_addon\n')
        callers = {owner.pw_name, getpass.getuser() if os.geteuid() else 'root'}
        self._write(self.data / 'pg_ident.conf', ''.join(f'sms_addon {caller} {ROLE}\n' for caller in sorted(callers)))
        with (self.data / 'postgresql.conf').open('a') as file:
            file.write("include 'sms_addon.conf'\n")
        mark_complete(self.folder)

    def _write_settings(self):
        """Write the settings at every start: the machine's memory may have changed."""
        memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 2**20
        settings = {
            'listen_addresses': "''",
            'unix_socket_directories': f"'{self.socket}'",
            'port': PORT,
            'shared_buffers': f'{max(128, min(1024, memory // 8))}MB',
            'effective_cache_size': f'{max(256, memory // 3)}MB',
            'work_mem': '64MB',
            'maintenance_work_mem': '512MB' if memory > 4096 else '128MB',
            'max_wal_size': '4GB',
            'synchronous_commit': 'off',
            'random_page_cost': '1.1',
            'log_min_messages': 'warning',
        }
        if (shm := os.statvfs('/dev/shm')).f_frsize * shm.f_blocks < 2**30:
            # Containers often have 64 MB there, too little for parallel queries.
            settings['dynamic_shared_memory_type'] = 'sysv'
        self._write(self.data / 'sms_addon.conf', ''.join(f'{name} = {value}\n' for name, value in settings.items()))

    def _write(self, file, text):
        file.write_text(text)
        os.chown(file, self._server_user().pw_uid, self._server_user().pw_gid)
        file.chmod(0o600)

    def _run(self, program, *arguments, remedy):
        # From / because the server's user may not enter the current folder. pg_ctl detaches the server from
        # our session.
        logged([*self._as_server_user(), self.programs / program, *arguments], f'postgres-{program}', remedy, cwd='/')

    @staticmethod
    def _server_user():
        return pwd.getpwnam('postgres') if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    @staticmethod
    def _as_server_user():
        return ['runuser', '-u', 'postgres', '--'] if os.geteuid() == 0 else []
