import io
import os
import re
import tempfile
import unittest
import zipfile
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tools import float_round

from odoo.addons.sms_addon.tools.sales_columns import guess_mapping, missing_targets
from odoo.addons.sms_addon.tools.sales_import import Row, Rules, assemble_order, parse_row
from odoo.addons.sms_addon.tools.sales_styles import Styles
from odoo.addons.sms_addon.tools.sales_table import TableError, open_table
from odoo.addons.sms_addon.tools.sales_values import ValueProblem, parse_date, parse_discount, parse_number, price_line

CENT = Decimal('0.01')
MAPPING = {
    name: name
    for name in (
        'order_ref',
        'date',
        'customer_ref',
        'product_code',
        'quantity',
        'unit_price',
        'discount',
        'total',
        'status',
        'line_ref',
        'currency',
    )
}


def host_subtotal(price, quantity):
    """Work out a line's subtotal as the host does, in doubles."""
    return float_round(float(quantity) * (price.price_unit * (1 - price.discount / 100.0)), precision_rounding=0.01)


class TestNumbers(unittest.TestCase):
    def test_numbers_as_people_write_them(self):
        for text, number in (
            ('1,234.50', '1234.50'),
            ('1.234,50', '1234.50'),
            ("1'234.50", '1234.50'),
            ('1 234,5', '1234.5'),
            ('1\u202f234,5', '1234.5'),
            ('0,500', '.5'),
            ('0.500', '.5'),
            ('1234,567', '1234.567'),
            ('1,5', '1.5'),
            ('1,234,567', '1234567'),
            ('1.234.567', '1234567'),
            ('$12.30', '12.30'),
            ('12.30 €', '12.30'),
            ('USD 12', '12'),
            ('(12.50)', '-12.50'),
            ('12-', '-12'),
            ('-3', '-3'),
            ('.5', '.5'),
            ('15 %', '15'),
            ('12,34,567', '1234567'),
            ('1e-3', '.001'),
            (12.5, '12.5'),
            (3, '3'),
        ):
            with self.subTest(text):
                self.assertEqual(parse_number(text), Decimal(number))

    def test_a_chosen_separator_decides(self):
        self.assertEqual(parse_number('1,234', ','), Decimal('1.234'))
        self.assertEqual(parse_number('1.234', ','), Decimal(1234))
        self.assertEqual(parse_number('1,234', '.'), Decimal(1234))
        self.assertEqual(parse_number('1.234', '.'), Decimal('1.234'))

    def test_a_number_that_may_be_a_thousand_times_another_is_refused(self):
        for text in ('1,234', '1.234', '-12,500', '(123.456)', '1,234 €'):
            with self.subTest(text), self.assertRaisesRegex(ValueProblem, 'ambiguous_number'):
                parse_number(text)

    def test_what_is_no_number_is_refused(self):
        for text in (
            'twelve',
            '',
            '1.2.3,4,5',
            '12..5',
            '--1',
            'nan',
            'inf',
            '1,2,3',
            '1234,567.8.9',
            '1e400',
            True,
            '(-5)',
        ):
            with self.subTest(text), self.assertRaises(ValueProblem):
                parse_number(text)

    @settings(deadline=None)
    @given(st.decimals('-1e9', '1e9', places=2))
    def test_any_amount_is_read_back_in_both_styles(self, amount):
        english = f'{amount:,.2f}'
        german = english.translate(str.maketrans(',.', '.,'))
        self.assertEqual(parse_number(english, '.'), amount)
        self.assertEqual(parse_number(german, ','), amount)

    def test_discounts(self):
        self.assertEqual(parse_discount('0.2'), 20)
        self.assertEqual(parse_discount('20'), 20)
        self.assertEqual(parse_discount('20%'), 20)
        self.assertEqual(parse_discount('0.5', as_fraction=False), Decimal('0.5'))
        self.assertEqual(parse_discount('0.5%'), Decimal('0.5'))
        self.assertEqual(parse_discount('20%', as_fraction=True), 20)
        self.assertEqual((parse_discount('0'), parse_discount('1%')), (0, 1))
        self.assertEqual((parse_discount('1', as_fraction=True), parse_discount('1', as_fraction=False)), (100, 1))
        with self.assertRaisesRegex(ValueProblem, 'ambiguous_discount'):
            parse_discount('1')
        for text in ('120', '-5', '1.2x'):
            with self.subTest(text), self.assertRaises(ValueProblem):
                parse_discount(text)


class TestStyles(unittest.TestCase):
    """How a column writes its numbers is decided once, by all of its cells."""

    def settle(self, rules=None, **columns):
        rules = rules or Rules()
        styles = Styles(MAPPING, rules)
        for values in zip(*columns.values(), strict=True):
            styles.see(dict(zip(columns, values, strict=True)))
        return replace(rules, **styles.settle())

    def test_one_cell_settles_its_column_and_the_columns_that_show_nothing(self):
        for shown, separator, number in (('1,25', ',', '1.250'), ('1.5', '.', '1250'), ('1.234.567', ',', '1.250')):
            rules = self.settle(quantity=['1,250', shown], total=['12,500', '3'])
            self.assertEqual(
                (rules.get_separator('quantity'), rules.get_separator('total')), (separator, separator), shown)
            self.assertEqual(parse_number('1,250', rules.get_separator('quantity')), Decimal(number))

    def test_cells_that_show_nothing_or_different_things_settle_nothing(self):
        rules = self.settle(quantity=['1,250', '7', '', None, 2.5, 'n/a'], total=['1,5', '1.5', '1,250', '', '', ''])
        self.assertEqual((rules.get_separator('quantity'), rules.get_separator('total')), ('auto', 'auto'))

    def test_a_chosen_separator_stays(self):
        rules = self.settle(Rules(decimal_separator='.'), quantity=['1,25'])
        self.assertEqual(rules.get_separator('quantity'), '.')

    def test_discounts_are_fractions_only_if_all_of_them_may_be(self):
        for values, as_fraction in (
            (['10', '1', '0.5'], False),
            (['0.2', '1', '0'], True),
            ([0.2, 1.0, 0], True),
            (['1', '0', ''], None),
            (['15%', '1'], None),
            (['1,250', '0'], False),
            (['n/a', '0.1'], True),
        ):
            self.assertIs(self.settle(discount=values).discount_as_fraction, as_fraction, values)
        self.assertIs(self.settle(Rules(discount_as_fraction=True), discount=['50']).discount_as_fraction, True)

    @settings(deadline=None)
    @given(
        st.lists(st.decimals('0', '99999', places=3), min_size=1, max_size=8),
        st.sampled_from(['.', ',']), st.booleans(), st.sampled_from(['{:,.3f}', '{:,.2f}', '{:.3f}', '{:.1f}']))
    def test_a_column_written_in_one_style_is_read_right_or_refused(self, numbers, decimal, with_total, style):
        texts = [style.format(number) for number in numbers]
        if decimal == ',':
            texts = [text.translate(str.maketrans(',.', '.,')) for text in texts]
        totals = [f'2{decimal}5' if with_total else ''] * len(texts)
        rules = self.settle(quantity=texts, total=totals)
        for number, text in zip(numbers, texts, strict=True):
            try:
                read = parse_number(text, rules.get_separator('quantity'))
            except ValueProblem as problem:
                self.assertEqual(problem.code, 'ambiguous_number')
                self.assertFalse(with_total)
            else:
                self.assertEqual(read, Decimal(style.format(number).replace(',', '')))

    @settings(deadline=None)
    @given(st.lists(st.decimals('0', '100', places=2), min_size=1, max_size=8), st.booleans())
    def test_a_column_of_discounts_is_read_right_or_refused(self, percents, written_as_fraction):
        values = [percent / 100 if written_as_fraction else percent for percent in percents]
        if not written_as_fraction and max(values) <= 1:
            return  # a column of nothing but 0.5 % cannot be told from one of 50 %
        rules = self.settle(discount=list(map(str, values)))
        for percent, value in zip(percents, values, strict=True):
            try:
                self.assertEqual(parse_discount(str(value), '.', rules.discount_as_fraction), percent)
            except ValueProblem as problem:
                self.assertEqual(problem.code, 'ambiguous_discount')


class TestDates(unittest.TestCase):
    def test_dates_as_people_write_them(self):
        noon = datetime(2020, 3, 25, 12)
        for text in (
            '2020-03-25',
            '2020/03/25',
            '20200325',
            '25.03.2020',
            '25/3/2020',
            '3/25/2020',
            '25 Mar 2020',
            '2020年3月25日',
            datetime(2020, 3, 25).date(),
            datetime(2020, 3, 25),
            43915,
        ):
            with self.subTest(text):
                self.assertEqual(parse_date(text), noon)

    def test_times_are_kept(self):
        for text in (
            '2010-12-01 08:26:00',
            '2010-12-01T08:26',
            '12/1/2010 8:26',
            '01.12.2010 08:26',
            '2010-12-01 8:26 AM',
        ):
            with self.subTest(text):
                self.assertEqual(parse_date(text, 'mdy' if '/' in text else 'auto'), datetime(2010, 12, 1, 8, 26))

    def test_an_ambiguous_date_needs_a_format(self):
        with self.assertRaisesRegex(ValueProblem, 'ambiguous_date'):
            parse_date('03/04/2020')
        self.assertEqual(parse_date('03/04/2020', 'dmy').month, 4)
        self.assertEqual(parse_date('03/04/2020', 'mdy').month, 3)

    def test_what_is_no_date_is_refused(self):
        for text in ('yesterday', '2020-02-30', '31/02/2020', '0020-01-01', '12', '2020-13-01', '5020-01-01'):
            with self.subTest(text), self.assertRaises(ValueProblem):
                parse_date(text)

    @settings(deadline=None)
    @given(
        st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.sampled_from(['%Y-%m-%d', '%d.%m.%Y', '%m/%d/%Y'])
    )
    def test_any_day_is_read_back(self, moment, one):
        key = {'%d.%m.%Y': 'dmy', '%m/%d/%Y': 'mdy'}.get(one, 'ymd')
        self.assertEqual(parse_date(moment.strftime(one), key).date(), moment.date())


class TestPrices(unittest.TestCase):
    @settings(deadline=None)
    @given(
        st.decimals('0.01', '9999', places=2),
        st.decimals('-99999', '99999', places=4),
        st.decimals('0', '99.99', places=2),
    )
    def test_the_total_is_taken_at_its_word(self, quantity, total, discount):
        price = price_line(quantity, None, discount, total)
        expected = total.quantize(CENT, ROUND_HALF_UP)
        self.assertEqual(price.subtotal, expected)
        self.assertEqual(host_subtotal(price, quantity), float(expected))
        self.assertEqual(price.discount, float(discount))

    @settings(deadline=None)
    @given(st.integers(1, 5000), st.decimals('0', '9999', places=2), st.decimals('0', '99999', places=2))
    def test_a_price_that_does_not_lead_to_the_total_gives_way(self, quantity, unit_price, total):
        price = price_line(Decimal(quantity), unit_price, None, total)
        self.assertEqual(host_subtotal(price, quantity), float(total))

    @settings(deadline=None)
    @given(st.integers(1, 500), st.decimals('0', '9999', places=2), st.integers(0, 100))
    def test_a_stated_price_that_leads_to_the_total_stays(self, quantity, unit_price, discount):
        total = (quantity * unit_price * (100 - discount) / 100).quantize(CENT, ROUND_HALF_UP)
        price = price_line(Decimal(quantity), unit_price, Decimal(discount), total)
        self.assertEqual((price.price_unit, price.discount), (float(unit_price), float(discount)))

    def test_a_price_that_does_not_divide(self):
        price = price_line(Decimal(3), None, None, Decimal(10))
        self.assertEqual(host_subtotal(price, 3), 10.0)
        self.assertEqual(price_line(Decimal(4), None, None, Decimal(10)).price_unit, 2.5)

    def test_a_lower_total_shows_as_discount(self):
        price = price_line(Decimal(3), Decimal(10), None, Decimal(27))
        self.assertEqual((price.price_unit, price.discount), (10.0, 10.0))

    def test_impossible_totals_are_refused(self):
        for quantity, discount in ((0, 0), (5, 100)):
            with self.subTest(quantity), self.assertRaisesRegex(ValueProblem, 'total'):
                price_line(Decimal(quantity), Decimal(1), Decimal(discount), Decimal(5))
        with self.assertRaisesRegex(ValueProblem, 'price'):
            price_line(Decimal(1), None, None, None)


class TestTables(unittest.TestCase):
    def read(self, content, **options):
        with tempfile.NamedTemporaryFile(delete=False) as target:
            target.write(content)
        self.addCleanup(os.unlink, target.name)
        with open_table(target.name, **options) as table:
            return table, list(table.rows)

    def test_delimiters_and_encodings_are_recognised(self):
        for encoding, delimiter in (
            ('utf-8', ','),
            ('utf-8-sig', ';'),
            ('cp1252', '\t'),
            ('utf-16', ','),
            ('gb18030', ','),
        ):
            city = '北京市朝阳区' if encoding == 'gb18030' else 'Zürich'
            with self.subTest(encoding=encoding):
                table, rows = self.read(f'order{delimiter}city\r\n1{delimiter}{city}\r\n'.encode(encoding))
                self.assertEqual(rows, [(2, {'order': '1', 'city': city})])
                self.assertEqual('legacy_encoding' in table.notes, encoding in ('cp1252', 'gb18030'))

    def test_lines_are_counted_as_in_the_file(self):
        _table, rows = self.read(b'a,b\n1,"two\nlines"\n\n3,4\n')
        self.assertEqual([line for line, _row in rows], [2, 5])

    def test_what_is_no_table_is_refused(self):
        for content, code in (
            (b'', 'empty'),
            (b'a,a\n1,2\n', 'headers'),
            (b'PK\x03\x04nothing', 'broken'),
            (b'\x1f\x8bno', 'broken'),
            (b'\n \n,,\n', 'empty'),
            (b'a,b\n1,Pen\x00cil\n', 'broken'),
            (b'a,b\x00\n1,2\n', 'broken'),
            (b'\x89PNG\r\n\x1a\n' + bytes(range(256)) * 20, 'broken'),
            (self.workbook([['a'], [1]], lambda sheet: sheet[:-60]), 'broken'),
            (self.workbook([['a'], [1]])[:900], 'broken'),
        ):
            with self.subTest(code, content=content[:20]), self.assertRaisesRegex(TableError, code):
                self.read(content)

    def workbook(self, rows, edit=lambda sheet: sheet):
        """Return an XLSX file of these rows, the XML of its sheet changed by ``edit``."""
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append(row)
        made, target = io.BytesIO(), io.BytesIO()
        book.save(made)
        with zipfile.ZipFile(made) as source, zipfile.ZipFile(target, 'w') as changed:
            for name in source.namelist():
                content = source.read(name)
                changed.writestr(name, edit(content) if name.endswith('sheet1.xml') else content)
        return target.getvalue()

    def test_all_rows_of_a_workbook_are_read_whatever_it_says_of_its_size(self):
        for size in (b'A1', b'A1:B2', b'A1:XFD9', b''):
            def claim(sheet, size=size):
                return re.sub(rb'<dimension ref="[^"]*" ?/>', b'<dimension ref="%s"/>' % size if size else b'', sheet)
            with self.subTest(size):
                _table, rows = self.read(self.workbook([['a', 'b'], [1, 2], [3, None], [], [5, 6]], claim))
                self.assertEqual([(line, row['a']) for line, row in rows], [(2, 1), (3, 3), (5, 5)])
                self.assertEqual(rows[2][1], {'a': 5, 'b': 6})

    def test_blank_lines_before_the_headers_are_skipped(self):
        for content in (b'\n  \n\na;b\n1;2\n', self.workbook([[], [], ['', None], ['a', 'b'], [1, 2]])):
            with self.subTest(content[:10]):
                table, rows = self.read(content)
                self.assertEqual(table.headers, ['a', 'b'])
                self.assertEqual([(line, str(row['b'])) for line, row in rows], [(5, '2')])

    def test_columns_are_guessed_in_english_and_chinese(self):
        mapping = guess_mapping(['Order ID', 'ORDER_DATE', 'Qty', 'Unit Price', 'SKU', 'Ship Mode', 'Customer'])
        self.assertEqual(
            list(mapping.values()),
            ['order_ref', 'date', 'quantity', 'unit_price', 'product_code', None, 'customer_name'],
        )
        mapping = guess_mapping(['订单编号', '订单日期', '数量', '单价', '产品编号', '客户名称'])
        self.assertEqual(
            list(mapping.values()), ['order_ref', 'date', 'quantity', 'unit_price', 'product_code', 'customer_name']
        )
        self.assertEqual(
            missing_targets(['order_ref', 'date', 'quantity']),
            [('product_code', 'product_name'), ('unit_price', 'total')],
        )


class TestRows(unittest.TestCase):
    CELLS = {
        'order_ref': 'A1',
        'date': '2020-01-01',
        'customer_ref': 'C1',
        'product_code': 'P1',
        'quantity': '2',
        'unit_price': '5',
    }

    def parse(self, rules=None, cells=(), **more):
        return parse_row(7, {**self.CELLS, **dict(cells), **more}, MAPPING, rules or Rules())

    def assemble(self, *cells, rules=None):
        rows = [
            (n, parse_row(n, {**self.CELLS, **one}, MAPPING, rules or Rules()).row)
            for n, one in enumerate(cells, start=2)
        ]
        return assemble_order('A1', rows, rules or Rules())

    def test_a_row_survives_being_put_aside(self):
        row = self.parse(discount='0.15', total='8.50').row
        self.assertEqual(Row.load(row.dump()), row)

    def test_each_fault_is_named(self):
        for cells, column, code in (
            ({'order_ref': ''}, 'order_ref', 'missing_order'),
            ({'date': 'soon'}, 'date', 'date'),
            ({'date': ''}, 'date', 'missing_date'),
            ({'date': '2031-03-02'}, 'date', 'future_date'),
            ({'quantity': 'two'}, 'quantity', 'number'),
            ({'quantity': '1,000'}, 'quantity', 'ambiguous_number'),
            ({'discount': '1'}, 'discount', 'ambiguous_discount'),
            ({None: ['7', 'surplus']}, None, 'cells'),
            ({'quantity': ''}, 'quantity', 'missing_quantity'),
            ({'quantity': '-2'}, 'quantity', 'negative'),
            ({'customer_ref': ' '}, 'customer_name', 'missing_customer'),
            ({'product_code': ''}, 'product_code', 'missing_product'),
            ({'unit_price': ''}, 'unit_price', 'price'),
            ({'discount': '150'}, 'discount', 'discount'),
            ({'quantity': '0', 'total': '5'}, 'total', 'total'),
        ):
            with self.subTest(code):
                parsed = self.parse(Rules(latest=date(2031, 3, 1)), cells)
                self.assertEqual(parsed.outcome, 'refused')
                self.assertEqual(
                    [(issue.line, issue.column, issue.code) for issue in parsed.issues], [(7, column, code)]
                )

    def test_rules_skip_or_map_what_is_no_plain_sale(self):
        skip = Rules(
            negative='skip',
            missing_customer='anonymous',
            anonymous_name="Nobody",
            service_patterns=('POST',),
            services='skip',
        )
        self.assertEqual(self.parse(skip, quantity='-1').outcome, 'skipped')
        self.assertEqual(self.parse(skip, product_code='POST').outcome, 'skipped')
        self.assertEqual(self.parse(Rules(missing_customer='skip'), customer_ref='').outcome, 'skipped')
        self.assertEqual(self.parse(skip, customer_ref='').row.customer, "Nobody")
        service = Rules(service_patterns=('POST', r'gift_\d+'), services='service')
        self.assertTrue(self.parse(service, product_code='gift_20').row.service)
        self.assertFalse(self.parse(service, product_code='POSTER').row.service)

    def test_cancelled_orders_follow_their_rule(self):
        cancelled = {'order_ref': 'C77', 'quantity': '-3'}
        self.assertEqual(self.parse(Rules(cancelled_pattern=r'C\d+'), **cancelled).issues[0].code, 'cancelled')
        returned = self.parse(Rules(cancelled_pattern=r'C\d+', cancelled='return'), **cancelled).row
        self.assertEqual((returned.quantity, returned.cancelled), (-3, False))
        void = self.parse(Rules(cancelled_pattern=r'C\d+', cancelled='cancel'), **cancelled).row
        self.assertEqual((void.quantity, void.cancelled), (3, True))

    def test_repeated_rows_follow_their_rule(self):
        refused = self.assemble({}, {})
        self.assertEqual((len(refused.lines), refused.refused), (0, 2))
        self.assertEqual(
            {(issue.line, issue.code) for issue in refused.issues}, {(3, 'duplicate'), (2, 'order_refused')}
        )
        skipped = self.assemble({}, {}, rules=Rules(duplicates='skip'))
        self.assertEqual((len(skipped.lines), skipped.skipped), (1, 1))
        kept = self.assemble({}, {}, rules=Rules(duplicates='keep'))
        self.assertEqual([line.key for line in kept.lines], ['P1#1', 'P1#2'])

    def test_an_order_has_one_customer_one_currency_and_its_earliest_date(self):
        self.assertIn(
            'two_customer',
            [issue.code for issue in self.assemble({}, {'customer_ref': 'C2', 'product_code': 'P2'}).issues],
        )
        self.assertIn(
            'two_currency',
            [issue.code for issue in self.assemble({}, {'currency': 'EUR', 'product_code': 'P2'}).issues],
        )
        plan = self.assemble({'date': '2020-02-02'}, {'product_code': 'P2'})
        self.assertEqual(plan.moment, datetime(2020, 1, 1, 12))
        self.assertEqual([(issue.code, issue.severity) for issue in plan.issues], [('two_dates', 'warning')])

    def test_a_currency_is_the_same_in_any_case(self):
        plan = self.assemble({'currency': 'usd'}, {'currency': 'USD', 'product_code': 'P2'})
        self.assertEqual(([line.row.currency for line in plan.lines], plan.issues), (['USD', 'USD'], []))

    def test_a_code_is_not_a_name(self):
        names = {'customer_name': 'customer_name', 'product_name': 'product_name'}
        rows = [
            parse_row(n, {**self.CELLS, **cells}, {**MAPPING, **names}, Rules()).row
            for n, cells in enumerate([
                {'customer_ref': 'ACME', 'product_code': 'Pen'},
                {'customer_ref': '', 'customer_name': 'ACME', 'product_code': '', 'product_name': 'Pen'},
            ])
        ]
        self.assertNotEqual(rows[0].customer_key, rows[1].customer_key)
        self.assertNotEqual(rows[0].product_key, rows[1].product_key)
        self.assertIn('two_customer', [issue.code for issue in assemble_order('A1', enumerate(rows), Rules()).issues])

    def test_no_order_is_planned_in_part(self):
        plan = self.assemble({}, {'quantity': 'x', 'product_code': 'P2'}, {'product_code': 'P3'})
        self.assertEqual((plan.lines, plan.refused), ([], 2))

    def test_a_line_reference_used_twice_is_refused(self):
        plan = self.assemble({'line_ref': '1'}, {'line_ref': '1', 'product_code': 'P2'})
        self.assertIn('line_twice', [issue.code for issue in plan.issues])

    @settings(deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from('AB'), st.sampled_from(['1', '2', '-1', 'x']), st.sampled_from(['C1', 'C2', '']))
        )
    )
    def test_every_row_is_counted_once(self, rows):
        for rules in (Rules(), Rules(negative='skip', duplicates='skip'), Rules(duplicates='keep', negative='return')):
            parsed = [
                parse_row(
                    n,
                    {**self.CELLS, 'product_code': product, 'quantity': quantity, 'customer_ref': customer},
                    MAPPING,
                    rules,
                )
                for n, (product, quantity, customer) in enumerate(rows)
            ]
            aside = [(n, one.row) for n, one in enumerate(parsed) if one.outcome != 'skipped']
            plan = assemble_order('A1', aside, rules)
            alone = sum(one.row is None for one in parsed)
            self.assertEqual(alone + len(plan.lines) + plan.refused + plan.skipped, len(rows))
