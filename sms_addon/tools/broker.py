"""Publishing to and reading from a message broker through kombu; nothing here knows Odoo.

RabbitMQ is what this is proven against. Redis and Kafka go through kombu's own transports: they have no publisher
confirms of this kind, and nobody has tested them here.
"""

import contextlib
import importlib.util
import logging
import os
import socket
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

_logger = logging.getLogger(__name__)

# Others that kombu knows write to files, run on other databases or import what the address says.
DRIVERS = {'amqp': 'amqp', 'amqps': 'amqp', 'redis': 'redis', 'rediss': 'redis', 'kafka': 'confluent_kafka'}
PERSISTENT = 2
MAX_UNCONFIRMED = 1000


class BrokerError(Exception):
    """Something went wrong between us and the broker; the subclass says what, the text is the library's."""


class BadAddress(BrokerError):
    """The address cannot be read, or names a kind of broker that is not supported."""


class MissingLibrary(BrokerError):
    """kombu, or what it needs for this kind of broker, is not installed."""


class Unreachable(BrokerError):
    """Nobody answers there: refused, unknown host, no answer in time, connection lost."""


class AccessDenied(BrokerError):
    """Wrong user name or password, or no permission for the exchange or queue."""


class Untrusted(BrokerError):
    """The secure connection could not be made: certificate, key or protocol."""


class Rejected(BrokerError):
    """The broker is there and refuses: no such exchange, other kind of queue, message not taken."""


class Unroutable(Rejected):
    """No queue is bound that would take the message."""


@dataclass(frozen=True)
class Settings:
    """Where the broker is and how to talk to it. ``repr`` shows no secret.

    :param url: without user and password
    :param verify: check the broker's certificate against `ca`, or the system's authorities
    :param ca: certificates in PEM
    :param certificate: our own in PEM, with `key`
    :param timeout: seconds for connecting, and for each operation
    """

    url: str
    username: str = ''
    password: str = field(default='', repr=False)
    verify: bool = True
    ca: bytes = field(default=b'', repr=False)
    certificate: bytes = field(default=b'', repr=False)
    key: bytes = field(default=b'', repr=False)
    connect_timeout: float = 5
    timeout: float = 30


@dataclass(frozen=True)
class Message:
    """A message on its way out."""

    body: bytes
    routing_key: str
    id: str
    type: str
    headers: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Delivery:
    """A message on its way in, which stays in its queue until it is acknowledged."""

    body: bytes
    _message: object = field(repr=False)

    def acknowledge(self):
        with _translated():
            self._message.ack()


def check_url(url: str) -> str:
    """Return the scheme of an address, or raise :class:`BadAddress`."""
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError as error:
        raise BadAddress(str(error)) from None
    if parts.scheme not in DRIVERS:
        raise BadAddress(f'{parts.scheme or url}: {", ".join(DRIVERS)}')
    # kombu takes options out of a query, and further hosts after a semicolon.
    if not valid or parts.query or parts.fragment or ';' in url or any(char.isspace() for char in url):
        raise BadAddress(split_credentials(url)[0])
    return parts.scheme


def split_credentials(url: str) -> tuple[str, str, str]:
    """Return an address without user and password, and those two."""
    parts = urlsplit(url)
    if '@' not in parts.netloc:
        return url, '', ''
    user, _at, host = parts.netloc.rpartition('@')
    name, _colon, password = user.partition(':')
    return parts._replace(netloc=host).geturl(), unquote(name), unquote(password)


@contextlib.contextmanager
def connect(settings: Settings) -> Iterator:
    """Give a connection of kombu, closed in the end; errors become ours."""
    scheme = check_url(settings.url)
    kombu = _import_kombu()
    if not importlib.util.find_spec(DRIVERS[scheme]):
        raise MissingLibrary(DRIVERS[scheme])
    with contextlib.ExitStack() as stack, _translated(settings):
        secure = scheme in ('amqps', 'rediss') or bool(settings.ca or settings.certificate)
        tls = _tls_options(scheme, settings, stack) if secure else False
        connection = kombu.Connection(
            settings.url,
            userid=settings.username or None,
            password=settings.password or None,
            ssl=tls,
            connect_timeout=settings.connect_timeout,
            transport_options=_transport_options(scheme, settings),
        )
        stack.callback(_close, connection)
        connection.ensure_connection(
            max_retries=1, interval_start=0, interval_step=0, reraise_as_library_errors=False
        )
        yield connection


def publish(settings: Settings, exchange: str, messages: Iterable[Message], require_queue: bool = False) -> int:
    """Publish messages in their order, persistent, and return how many once the broker has confirmed every one.

    On an error, some of them may have been taken: the caller publishes all of them again, with the same ids.

    :param require_queue: raise :class:`Unroutable` when no queue takes a message, which would be lost otherwise
    """
    with connect(settings) as connection, connection.channel() as channel:
        _open_exchange(channel, exchange)
        confirms = _Confirms(connection, channel, settings.timeout)
        count = 0
        # The channel itself and not kombu's Producer, which looks at every message for what all have in common.
        for count, message in enumerate(messages, 1):  # noqa: B007
            content = channel.prepare_message(
                message.body,
                content_type='application/cloudevents+json',
                content_encoding='utf-8',
                headers=message.headers,
                properties={'delivery_mode': PERSISTENT, 'message_id': message.id, 'type': message.type},
            )
            channel.basic_publish(
                content, exchange=exchange, routing_key=message.routing_key, mandatory=require_queue)
            confirms.sent()
        confirms.wait()
        return count


@contextlib.contextmanager
def open_queue(settings: Settings, queue: str) -> Iterator:
    """Give a function that returns the next :class:`Delivery` of a durable queue, or None when there is none now.

    What is not acknowledged when the block ends goes back to the queue.
    """
    with connect(settings) as connection, connection.channel() as channel:
        bound = _open_queue(channel, queue)

        def fetch():
            message = bound.get(no_ack=False)
            return message and Delivery(_as_bytes(message.body), message)

        yield fetch


def check(settings: Settings, exchange: str = '', queue: str = '') -> dict:
    """Connect, see to the exchange and the queue, and return what the broker says of itself."""
    with connect(settings) as connection:
        found = {'product': connection.transport.driver_type, 'version': ''}
        properties = getattr(connection.connection, 'server_properties', None) or {}
        found.update({name: str(properties[name]) for name in found if name in properties})
        with connection.channel() as channel:
            if exchange:
                _open_exchange(channel, exchange)
            if queue:
                found['waiting'] = _open_queue(channel, queue).queue_declare(passive=True).message_count
        return found


class _Confirms:
    """Counts what the broker has confirmed. Waiting once for many messages is six times as fast as for each."""

    def __init__(self, connection, channel, timeout):
        self.connection, self.timeout = connection, timeout
        self.last = self.confirmed = 0
        self.beyond = set()
        self.refused = self.returned = None
        self.active = hasattr(channel, 'confirm_select')
        if self.active:
            # Otherwise py-amqp asks before each message whether the broker is blocked; then no confirms come either.
            connection.connection.client_properties['capabilities'].pop('connection.blocked', None)
            channel.confirm_select()
            channel.events['basic_ack'].add(self._on_ack)
            channel.events['basic_nack'].add(self._on_nack)
            channel.events['basic_return'].add(self._on_return)
            self._cork(True)

    def sent(self):
        """Note that one more is on its way, and do not let too many be."""
        self.last += 1
        if self.last - self.confirmed >= MAX_UNCONFIRMED:
            self.wait(self.last - MAX_UNCONFIRMED // 2)
            self._cork(True)

    def wait(self, until=None):
        """Wait until all messages up to a number are confirmed; the broker may confirm in any order."""
        until = self.last if until is None else until
        self._cork(False)
        while self.active and self.confirmed < until and not self.refused:
            self.connection.drain_events(timeout=self.timeout)
        if self.refused:
            raise Rejected(self.refused)
        if self.returned:
            raise Unroutable(self.returned)

    def _cork(self, on):
        """Have the kernel make full packets of many messages, where it can: a packet each keeps the broker busy."""
        if self.active and hasattr(socket, 'TCP_CORK'):
            self.connection.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, on)

    def _on_ack(self, tag, multiple):
        if multiple:
            self.confirmed = max(self.confirmed, tag)
        else:
            self.beyond.add(tag)
        self.beyond = {each for each in self.beyond if each > self.confirmed} if multiple else self.beyond
        while self.confirmed + 1 in self.beyond:
            self.confirmed += 1
            self.beyond.discard(self.confirmed)

    def _on_nack(self, tag, multiple):
        self.refused = f'nack {tag}'

    def _on_return(self, error, exchange, routing_key, message):
        self.returned = f'{exchange}: {routing_key}'


def _import_kombu():
    try:
        import kombu
    except ImportError as error:
        raise MissingLibrary(str(error)) from None
    return kombu


def _open_exchange(channel, name):
    """Return an exchange, made as a durable topic exchange where it is not there; ours to use as it is where it is."""
    exchange = _import_kombu().Exchange(name, type='topic', durable=True)(channel)
    if not hasattr(channel, 'confirm_select'):
        exchange.declare()
    elif not _exists(channel, lambda probe: probe.exchange_declare(name, 'topic', passive=True)):
        exchange.declare()
    return exchange


def _open_queue(channel, name):
    queue = _import_kombu().Queue(name, durable=True)(channel)
    if not hasattr(channel, 'confirm_select'):
        queue.declare()
    elif not _exists(channel, lambda probe: probe.queue_declare(name, passive=True)):
        queue.queue_declare()
    return queue


def _exists(channel, ask):
    """Tell whether something is there. Asking needs no permission to make it, and the answer no closes the channel."""
    import amqp

    try:
        with channel.connection.channel() as probe:
            ask(probe)
    except amqp.NotFound:
        return False
    return True


def _as_bytes(body):
    return body.encode() if isinstance(body, str) else bytes(body or b'')


def _close(connection):
    """Close without hiding the error that made us close."""
    try:
        connection.release()
    except Exception:  # noqa: BLE001
        _logger.debug("closing a broker connection failed", exc_info=True)


def _transport_options(scheme, settings):
    if scheme.startswith('amqp'):
        return {'read_timeout': settings.timeout, 'write_timeout': settings.timeout}
    if scheme.startswith('redis'):
        return {'socket_timeout': settings.timeout, 'socket_connect_timeout': settings.connect_timeout}
    return {}


def _tls_options(scheme, settings, stack):
    """Return the TLS options of the transport. Its libraries take files only: they live as long as the connection."""
    if 'kafka' in scheme:
        raise BadAddress(f'{scheme}: TLS')
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='broker-')))
    files = {'ca_certs': settings.ca, 'certfile': settings.certificate, 'keyfile': settings.key}
    options = {name: _write_secret(folder / name, data) for name, data in files.items() if data}
    options['cert_reqs'] = ssl.CERT_REQUIRED if settings.verify else ssl.CERT_NONE
    if scheme.startswith('redis'):
        return {f'ssl_{name}': value for name, value in {**options, 'check_hostname': settings.verify}.items()}
    if settings.verify:
        options['server_hostname'] = urlsplit(settings.url).hostname
    return options


def _write_secret(file, data):
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'wb') as target:
        target.write(data)
    return str(file)


@contextlib.contextmanager
def _translated(settings=None):
    """Turn the errors of kombu, its transports and the network into ours, without the password in their text."""
    try:
        yield
    except BrokerError:
        raise
    except ImportError as error:
        raise MissingLibrary(str(error)) from None
    except Exception as error:
        kind = _classify(error)
        if kind is None:
            raise
        text = str(error) or type(error).__name__
        if settings and settings.password:
            text = text.replace(settings.password, '***')
        raise kind(text) from None


def _classify(error):
    import amqp
    from kombu.exceptions import KombuError

    kinds = (
        (ssl.SSLError, Untrusted),
        ((amqp.AccessRefused, amqp.NotAllowed), AccessDenied),
        (amqp.ChannelError, Rejected),
        ((amqp.ConnectionError, OSError, EOFError), Unreachable),
        (amqp.AMQPError, Rejected),
        (KombuError, Unreachable),
    )
    for types, kind in kinds:
        if isinstance(error, types):
            return kind
    module = type(error).__module__.partition('.')[0]
    if module in ('redis', 'confluent_kafka'):
        return AccessDenied if 'auth' in type(error).__name__.lower() else Unreachable
    return None
