"""CloudEvents 1.0 in JSON, structured mode: what goes out, and what comes in from strangers.

Nothing here knows Odoo or a broker. What comes in is hostile until :func:`parse` has had it: it is bounded in size and
depth, and holds nothing that JSON or PostgreSQL would not take.
"""

import json
import re
from datetime import datetime, timezone
from typing import Any

VERSION = '1.0'
CONTENT_TYPE = 'application/cloudevents+json'
DATA_CONTENT_TYPE = 'application/json'
MAX_BYTES = 256 * 1024
MAX_DEPTH = 16
MAX_ATTRIBUTE = 255
REQUIRED = ('specversion', 'id', 'source', 'type')
TEXTS = (*REQUIRED, 'subject', 'time', 'datacontenttype', 'dataschema')
ATTRIBUTE = re.compile(r'[a-z0-9]{1,20}')
JSON_TYPE = re.compile(r'application/([a-z0-9.+-]+\+)?json( *;.*)?', re.IGNORECASE)

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(',', ':'), allow_nan=False)


class CloudEventError(ValueError):
    """A message that is no CloudEvent; says at which place, and what is wrong there.

    :param code: one of 'size', 'text', 'json', 'depth', 'object', 'missing', 'attribute', 'version', 'content'
    :param path: where, as ``data.lines[2].quantity``; empty for the whole message
    :param value: what was found there, shortened
    """

    def __init__(self, code: str, path: str = '', value: Any = ''):
        self.code, self.path, self.value = code, path, shorten(value)
        super().__init__(': '.join(part for part in (path, code, self.value) if part))


def build(event_id: str, source: str, type_: str, subject: str, time: datetime, data: dict) -> dict:
    """Return a CloudEvent; its ``partitionkey`` keeps the events of one subject in order where there are partitions.

    :param time: in UTC, with or without a zone
    """
    moment = time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)
    return {
        'specversion': VERSION,
        'id': event_id,
        'source': source,
        'type': type_,
        'subject': subject,
        'time': moment.isoformat().replace('+00:00', 'Z'),
        'datacontenttype': DATA_CONTENT_TYPE,
        'partitionkey': subject,
        'data': data,
    }


def encode(event: dict) -> bytes:
    """Return the event as JSON."""
    return _encoder.encode(event).encode()


def parse(body: bytes, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> dict:
    """Return the CloudEvent in a message, or raise :class:`CloudEventError`; the data is left to its own schema."""
    if len(body) > max_bytes:
        raise CloudEventError('size', value=len(body))
    event = _load(body)
    _check_values(event, max_depth)
    if not isinstance(event, dict):
        raise CloudEventError('object', value=event)
    for name in REQUIRED:
        if not event.get(name):
            raise CloudEventError('missing', name)
    for name, value in event.items():
        if name != 'data':
            _check_attribute(name, value)
    if event['specversion'] != VERSION:
        raise CloudEventError('version', 'specversion', event['specversion'])
    if not JSON_TYPE.fullmatch(event.get('datacontenttype') or DATA_CONTENT_TYPE):
        raise CloudEventError('content', 'datacontenttype', event['datacontenttype'])
    return event


def shorten(value: Any, length: int = 100) -> str:
    """Return a value as a person should read it in an error: one line, not too long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = ' '.join(text.split())
    return text if len(text) <= length else f'{text[: length - 1]}…'


def _load(body):
    try:
        return json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise CloudEventError('text', value=str(error)) from None
    except RecursionError:
        raise CloudEventError('depth') from None
    except CloudEventError:
        raise
    except ValueError as error:  # also of numbers with thousands of digits
        raise CloudEventError('json', value=str(error)) from None


def _unique(pairs):
    """Refuse names given twice: two readers would take different ones."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _value in pairs]
        raise CloudEventError('json', value=next(name for name in names if names.count(name) > 1))
    return found


def _refuse_constant(name):
    raise CloudEventError('json', value=name)


def _check_values(value, max_depth):
    """Refuse what is nested too deep and text that no database takes: NUL, half characters."""
    pending = [(value, '', 1)]
    while pending:
        item, path, depth = pending.pop()
        if depth > max_depth:
            raise CloudEventError('depth', path)
        if isinstance(item, dict):
            for name, child in item.items():
                _check_text(name, path)
                pending.append((child, f'{path}.{name}' if path else name, depth + 1))
        elif isinstance(item, list):
            pending += [(child, f'{path}[{index}]', depth + 1) for index, child in enumerate(item)]
        elif isinstance(item, str):
            _check_text(item, path)


def _check_text(text, path):
    if '\x00' in text or any('\ud800' <= char <= '\udfff' for char in text):
        raise CloudEventError('text', shorten(path.encode(errors='replace').decode()), ascii(text)[:100])


def _check_attribute(name, value):
    """Check a context attribute: lower-case names, and plain values of a bearable length."""
    if not ATTRIBUTE.fullmatch(name):
        raise CloudEventError('attribute', shorten(name), value)
    if name in TEXTS and value is not None and not isinstance(value, str):
        raise CloudEventError('attribute', name, value)
    if isinstance(value, (dict, list)) or len(str(value)) > MAX_ATTRIBUTE:
        raise CloudEventError('attribute', name, value)
