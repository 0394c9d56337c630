import json
import unittest
from datetime import datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import tagged

from odoo.addons.sms_addon.tools import cloudevents, order_message
from odoo.addons.sms_addon.tools.cloudevents import CloudEventError

TEXT = st.text(st.characters(codec='utf-8', exclude_characters='\x00'), max_size=60)
NAME = TEXT.filter(bool)
NUMBERS = st.integers(-2**53, 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12)
LINE = st.fixed_dictionaries(
    {'code': st.just('CHAIR'), 'quantity': st.integers(1, 1000) | st.floats(0.01, 1000)},
    optional={'price': st.floats(0, 10**6), 'discount': st.integers(0, 100), 'unit': st.just('Units')})
ORDER = st.fixed_dictionaries(
    {'customer': st.fixed_dictionaries({'ref': st.just('K1')}), 'lines': st.lists(LINE, min_size=1, max_size=4)},
    optional={'reference': st.just('W-1'), 'currency': st.just('EUR'), 'commitment_date': st.dates().map(str)})


def make(data, **attributes):
    """Return a message as a storefront sends it."""
    return json.dumps({
        'specversion': '1.0', 'id': '1', 'source': 'shop', 'type': 'order.create', 'data': data, **attributes}).encode()


@tagged('post_install', '-at_install')
class TestCloudEvents(unittest.TestCase):
    """The envelope, without a database."""

    @given(NAME, NAME, NAME, NAME, st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1)),
           st.dictionaries(TEXT, VALUES, max_size=5))
    @settings(deadline=None)
    def test_what_is_built_is_read_back(self, id_, source, type_, subject, time, data):
        event = cloudevents.build(id_, source, type_, subject, time, data)
        self.assertEqual(cloudevents.parse(cloudevents.encode(event)), event)
        self.assertEqual(event['data'], data)

    @given(st.binary(max_size=300) | TEXT.map(str.encode) | VALUES.map(lambda value: json.dumps(value).encode()))
    @settings(deadline=None)
    def test_junk_is_refused_without_a_traceback(self, body):
        with self.assertRaises(CloudEventError):
            order_message.parse_order(body)

    @given(st.dictionaries(st.sampled_from(['customer', 'lines', 'reference', 'currency', 'note', 'x']), VALUES))
    @settings(deadline=None)
    def test_random_data_is_refused_with_a_place(self, data):
        with self.assertRaises(CloudEventError) as caught:
            order_message.parse_order(make(data))
        self.assertTrue(caught.exception.path.startswith('data'))
        self.assertLess(len(str(caught.exception)), 2000)

    @given(ORDER)
    @settings(deadline=None)
    def test_orders_of_the_schema_pass(self, data):
        self.assertEqual(order_message.parse_order(make(data)).data, data)

    def test_time_is_rfc_3339_in_utc(self):
        zone = timezone(timedelta(hours=2))
        for time, text in (
            (datetime(2026, 1, 15, 12), '2026-01-15T12:00:00Z'),
            (datetime(2026, 1, 15, 12, 0, 0, 5), '2026-01-15T12:00:00.000005Z'),
            (datetime(2026, 1, 15, 12, tzinfo=zone), '2026-01-15T10:00:00Z'),
        ):
            self.assertEqual(cloudevents.build('1', 's', 't', 'd', time, {})['time'], text)

    def test_what_is_wrong_has_a_code_and_a_place(self):
        good = {'customer': {'ref': 'K'}, 'lines': [{'code': 'A', 'quantity': 1}]}
        for body, code, path in (
            (b'\xff', 'text', ''),
            (b'{"a": 1', 'json', ''),
            (b'{"a": 1, "a": 2}', 'json', ''),
            (b'{"a": NaN}', 'json', ''),
            (b'[' * 100_000, 'depth', ''),
            (b'[' * 50 + b']' * 50, 'depth', '[0]' * 16),
            (b' ' * (cloudevents.MAX_BYTES + 1), 'size', ''),
            (b'7', 'object', ''),
            (b'{}', 'missing', 'specversion'),
            (make(good, specversion='0.3'), 'version', 'specversion'),
            (make(good, id=''), 'missing', 'id'),
            (make(good, id=5), 'attribute', 'id'),
            (make(good, id='x' * 300), 'attribute', 'id'),
            (make(good, source={'a': 1}), 'attribute', 'source'),
            (make(good, datacontenttype='text/xml'), 'content', 'datacontenttype'),
            (make(good, type='order.delete'), 'type', 'type'),
            (make({**good, 'note': 'a\x00b'}), 'text', 'data.note'),
            (make({**good, 'note': '\ud800'}), 'text', 'data.note'),
            (make({**good, 'commitment_date': '2026-02-30'}), 'date', 'data.commitment_date'),
            (make({**good, 'state': 'sale'}), 'schema', 'data'),
            (make({**good, 'lines': []}), 'schema', 'data.lines'),
            (make({**good, 'lines': [{'code': 'A', 'quantity': -1}]}), 'schema', 'data.lines[0].quantity'),
            (make({**good, 'lines': [{'code': 'A', 'barcode': 'B', 'quantity': 1}]}), 'schema', 'data.lines[0]'),
            (make({**good, 'lines': [{'code': 'A', 'quantity': 1, 'price_unit': 1}]}), 'schema', 'data.lines[0]'),
            (make({**good, 'customer': {}}), 'schema', 'data.customer'),
        ):
            with self.subTest(body=body[:80]), self.assertRaises(CloudEventError) as caught:
                order_message.parse_order(body)
            self.assertEqual((caught.exception.code, caught.exception.path), (code, path))

    def test_an_error_quotes_the_value_but_not_all_of_it(self):
        body = make({'customer': {'ref': 'K'}, 'lines': [{'code': 'A', 'quantity': 'x' * 5000}]})
        with self.assertRaises(CloudEventError) as caught:
            order_message.parse_order(body)
        self.assertIn('xxx', caught.exception.value)
        self.assertLess(len(str(caught.exception)), 400)

    def test_moments(self):
        for text, moment in (
            ('2026-01-15', datetime(2026, 1, 15, 12)),
            ('2026-01-15T10:00:00Z', datetime(2026, 1, 15, 10)),
            ('2026-01-15T10:00:00.123456789+02:00', datetime(2026, 1, 15, 8)),
        ):
            self.assertEqual(order_message.parse_moment(text), moment)

    def test_the_schema_is_one(self):
        from jsonschema import Draft202012Validator

        Draft202012Validator.check_schema(order_message.load_schema())
