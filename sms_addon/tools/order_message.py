"""Messages that ask for an order: the CloudEvent around them, and the JSON Schema of what is in them."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timezone
from functools import lru_cache
from pathlib import Path

from . import cloudevents
from .cloudevents import CloudEventError

TYPE = 'order.create'
SCHEMA = Path(__file__).parents[1] / 'data/schemas/order_create.schema.json'
MAX_ERRORS = 5
FRACTION = re.compile(r'\.[0-9]+')


class SchemaError(CloudEventError):
    """The data does not fit the schema.

    :param errors: (path, what is wrong there) of the first few, in the order of the message
    """

    def __init__(self, errors: list[tuple[str, str]]):
        super().__init__('schema', *errors[0])
        self.errors = errors


@dataclass(frozen=True)
class OrderMessage:
    """A message that may be believed in its form; whether its customer and products exist is another question."""

    id: str
    source: str
    data: dict


def parse_order(body: bytes) -> OrderMessage:
    """Return what a message asks for, or raise :class:`CloudEventError` naming the place and the value."""
    event = cloudevents.parse(body)
    if event['type'] != TYPE:
        raise CloudEventError('type', 'type', event['type'])
    if 'data' not in event:
        raise CloudEventError('missing', 'data')
    errors = list(_find_errors(event['data']))
    if errors:
        raise SchemaError(errors)
    _check_date(event['data'])
    return OrderMessage(event['id'], event['source'], event['data'])


def parse_moment(text: str) -> datetime:
    """Return a day or a time of the schema as a naive UTC time; a day is its noon: that day, nearly everywhere."""
    if 'T' not in text:
        return datetime.combine(date.fromisoformat(text), datetime.min.time()).replace(hour=12)
    # Python 3.10 reads neither Z nor fractions of any length, and nobody promises a delivery to the microsecond.
    moment = datetime.fromisoformat(FRACTION.sub('', text).replace('Z', '+00:00'))
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


@lru_cache(maxsize=1)
def load_schema() -> dict:
    """Return the schema that is documented and shipped with the addon."""
    return json.loads(SCHEMA.read_text(encoding='utf-8'))


@lru_cache(maxsize=1)
def _validator():
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema())


def _find_errors(data):
    errors = sorted(_validator().iter_errors(data), key=lambda error: [str(part) for part in error.absolute_path])
    for error in errors[:MAX_ERRORS]:
        yield _format_path(error.absolute_path), _explain(error)


def _format_path(parts):
    return 'data' + ''.join(f'[{part}]' if isinstance(part, int) else f'.{part}' for part in parts)


def _explain(error):
    """Return what is wrong, without the whole value where the library would quote it."""
    if error.validator == 'oneOf':
        return 'needs exactly one of: code, barcode'
    quoted = repr(error.instance)
    return cloudevents.shorten(error.message.replace(quoted, cloudevents.shorten(quoted, 60)), 200)


def _check_date(data):
    """Refuse days that no calendar has, which a pattern cannot tell."""
    if text := data.get('commitment_date'):
        try:
            parse_moment(text)
        except (ValueError, OverflowError) as error:
            raise CloudEventError('date', 'data.commitment_date', f'{text} ({error})') from None
