"""A private RabbitMQ on the loopback interface: the message broker of the tests and measurements.

It shares nothing with a RabbitMQ that the system may run: other ports, another node name, its own name server (epmd),
its own cookie, data and password. Whoever names a broker of his own with SMS_TEST_AMQP_URL gets that one instead.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import time
from pathlib import Path

from . import locks, process, system
from .console import Failure, note
from .paths import cache, start_over

VARIABLE = 'SMS_TEST_AMQP_URL'
PROGRAM = Path('/usr/lib/rabbitmq/bin/rabbitmq-server')
USER = 'rabbitmq'
START_LIMIT = 120
GREETING = b'AMQP\x00\x00\x09\x01'
SETTINGS = """\
default_user = sms
default_pass = {password}
log.console = false
log.file.level = warning
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.relative = 0.2
"""
TLS_SETTINGS = """\
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {folder}/ca.pem
ssl_options.certfile = {folder}/certificate.pem
ssl_options.keyfile = {folder}/key.pem
ssl_options.verify = verify_peer
ssl_options.fail_if_no_peer_cert = true
"""


def is_given():
    """Tell whether the reader named a broker."""
    return bool(os.environ.get(VARIABLE))


def packages():
    """Return the system packages the broker needs: none when it is somebody else's."""
    return {} if is_given() else system.RABBITMQ


@contextlib.contextmanager
def starting():
    """Have a broker started while other things are done; give a function that waits for it.

    That function returns the environment variables that lead to the broker, which runs until the block ends.
    """
    if is_given():
        yield dict
        return
    with Broker.private() as broker:
        broker.start()

        def wait():
            broker.wait()
            return {VARIABLE: broker.url}

        yield wait


@contextlib.contextmanager
def running(certificates=None):
    """Give a broker that answers; it can be killed and started again on the same data.

    :param certificates: `ca`, `certificate` and `key` in PEM, for a secure port that asks clients for theirs
    """
    with Broker.private(certificates) as broker:
        broker.start()
        broker.wait()
        yield broker


class Broker:
    """One RabbitMQ node, its folder and its ports; the ports stay the same when it is started again."""

    def __init__(self, folder, certificates=None):
        self.folder, self.certificates = folder, certificates or {}
        self.password = secrets.token_urlsafe(12)
        self.port, self.tls_port, self.dist_port, self.epmd_port = _free_ports(4)
        self._node = self._epmd = None

    @classmethod
    @contextlib.contextmanager
    def private(cls, certificates=None):
        """Give a broker that is not started yet; stop it and remove its folder in the end."""
        _sweep()
        name = secrets.token_hex(4)
        with locks.hold(f'rabbitmq-{name}'):
            broker = cls(cache('rabbitmq') / name, certificates)
            try:
                broker._prepare()
                yield broker
            finally:
                broker.stop()
                shutil.rmtree(broker.folder, ignore_errors=True)
        (cache('locks') / f'rabbitmq-{name}.lock').unlink(missing_ok=True)

    @property
    def url(self):
        return f'amqp://sms:{self.password}@127.0.0.1:{self.port}//'

    @property
    def tls_url(self):
        return f'amqps://sms:{self.password}@localhost:{self.tls_port}//'

    def start(self):
        """Start the node without waiting for it."""
        # A name server of our own: one that the system runs could be bound to any address, and outlives us.
        if self._epmd is None:
            self._epmd = self._spawn('epmd', '-address', '127.0.0.1', '-port', self.epmd_port)
        self._node = self._spawn(PROGRAM)

    def wait(self):
        """Wait until the node answers a client."""
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            if self._node.poll() is not None:
                raise Failure(f'RabbitMQ ended with exit code {self._node.returncode} while starting.', self._remedy())
            if time.monotonic() > deadline:
                raise Failure(f'RabbitMQ did not answer within {START_LIMIT} s.', self._remedy())
            time.sleep(0.1)

    def kill(self):
        """End the node as `kill -9` does."""
        os.killpg(self._node.pid, process.signal.SIGKILL)
        self._node.wait()

    def stop(self):
        """End what runs, in order."""
        for child in (self._node, self._epmd):
            if child is not None:
                process.stop(child)
        self._node = self._epmd = None

    def _spawn(self, *command):
        with (self.folder / 'output.log').open('a') as out:
            return process.start(
                command,
                env=self._environment(),
                cwd=self.folder,
                stdin=process.subprocess.DEVNULL,
                stdout=out,
                stderr=process.subprocess.STDOUT,
                **_as_server_user(),
            )

    def _prepare(self):
        start_over(self.folder)
        settings = SETTINGS.format(password=self.password)
        for name, data in self.certificates.items():
            (self.folder / f'{name}.pem').write_bytes(data)
        if self.certificates:
            settings += TLS_SETTINGS.format(port=self.tls_port, folder=self.folder)
        (self.folder / 'rabbitmq.conf').write_text(settings)
        (self.folder / 'plugins').write_text('[].\n')
        (self.folder / 'environment').touch()
        user = _server_user()
        for path in (self.folder, *self.folder.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
            path.chmod(0o700 if path.is_dir() else 0o600)

    def _environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(('RABBITMQ_', 'ERL_'))}
        kept.pop('NOTIFY_SOCKET', None)
        return {
            **kept,
            'HOME': str(self.folder),  # where the cookie is
            'ERL_EPMD_ADDRESS': '127.0.0.1',
            'ERL_EPMD_PORT': str(self.epmd_port),
            'RABBITMQ_NODENAME': f'sms_{self.folder.name}@localhost',
            'RABBITMQ_NODE_IP_ADDRESS': '127.0.0.1',
            'RABBITMQ_NODE_PORT': str(self.port),
            'RABBITMQ_DIST_PORT': str(self.dist_port),
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '-kernel inet_dist_use_interface {127,0,0,1}',
            'RABBITMQ_CONF_ENV_FILE': str(self.folder / 'environment'),
            'RABBITMQ_CONFIG_FILE': str(self.folder / 'rabbitmq.conf'),
            'RABBITMQ_ENABLED_PLUGINS_FILE': str(self.folder / 'plugins'),
            'RABBITMQ_MNESIA_BASE': str(self.folder / 'data'),
            'RABBITMQ_LOG_BASE': str(self.folder / 'log'),
            'RABBITMQ_PID_FILE': str(self.folder / 'pid'),
        }

    def _answers(self):
        """Tell whether the node greets a client; it listens only when it is ready."""
        try:
            with socket.create_connection(('127.0.0.1', self.port), timeout=5) as client:
                client.sendall(GREETING)
                return bool(client.recv(1))
        except OSError:
            return False

    def _remedy(self):
        """Keep the log, for the folder is removed, and say where it is."""
        kept = cache('logs') / 'rabbitmq.log'
        texts = [file.read_text(errors='replace') for file in self.folder.rglob('*.log')]
        kept.write_text('\n'.join(texts))
        return f'Read {kept}. Or name a broker of your own: {VARIABLE}=amqp://user:password@host:5672//'


def _sweep():
    """Remove the folders that killed runs left behind."""
    for folder in cache('rabbitmq').iterdir():
        with contextlib.suppress(locks.Taken), locks.hold(f'rabbitmq-{folder.name}', wait=False):
            note(f'remove the RabbitMQ of a run that was killed: {folder.name}')
            shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count):
    with contextlib.ExitStack() as probes:
        found = [probes.enter_context(socket.socket()) for _number in range(count)]
        for probe in found:
            probe.bind(('127.0.0.1', 0))
        return [probe.getsockname()[1] for probe in found]


def _server_user():
    return pwd.getpwnam(USER) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _as_server_user():
    """Return how to start a child as the package's own user, as root; it needs no rights but those to its folder."""
    if os.geteuid():
        return {}
    user = _server_user()
    return {'user': user.pw_uid, 'group': user.pw_gid, 'extra_groups': []}
