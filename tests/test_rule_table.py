import doctest
import unittest

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools import rule_table
from odoo.addons.sms_addon.tools.rule_table import (
    CellError,
    Column,
    Row,
    Table,
    TableError,
    Words,
    find_paths,
    format_cell,
    is_simple,
    parse_cell,
    read_conditions,
    to_rules,
    to_table,
)

NAMES = {1: "Alpha", 2: "Beta, Ltd.", 3: 'The "Third"', 4: "set", 5: "under way", 6: "< less", 7: "Nr. #7", 8: "A; B"}
SELECTION = {'sale': "Sales Order", 'draft': "Quotation", 'yes': "Yes", 'x': "10 .. 20"}
CHINESE = Words(set="有值", not_set="空", yes="是", no="否")


def resolver(names):
    def resolve(text):
        found = [value for value, name in names.items() if name == text]
        if len(found) != 1:
            raise CellError('ambiguous' if found else 'unknown', text)
        return found[0]
    return resolve


COLUMNS = [
    Column('amount', 'monetary'), Column('count', 'integer'), Column('note', 'char'), Column('day', 'date'),
    Column('done', 'boolean'), Column('partner_id', 'many2one', NAMES.get, resolver(NAMES)),
    Column('tag_ids', 'many2many'), Column('state', 'selection', SELECTION.get, resolver(SELECTION)),
]


class TestCells(unittest.TestCase):
    """What people write in a cell."""

    def test_examples_in_the_documentation(self):
        self.assertEqual(doctest.testmod(rule_table).failed, 0)

    def test_numbers(self):
        for text, conditions in {
            '< 10': [('<', 10)], '<=10.5': [('<=', 10.5)], '≥ -3': [('>=', -3)], '10..20': [('>=', 10), ('<=', 20)],
            '1.5 .. 2.5': [('>=', 1.5), ('<=', 2.5)], '10': [('=', 10)], '= 10': [('=', 10)],
            '1, 2,3': [('in', [1, 2, 3])],
            '!= 5': [('!=', 5)], '≠ 1, 2': [('not in', [1, 2])], '> 1; != 5': [('>', 1), ('!=', 5)], '': [], '  ': [],
            'set': [('!=', False)], 'NOT SET': [('=', False)],
        }.items():
            with self.subTest(text):
                self.assertEqual(parse_cell(text, 'float'), conditions)

    def test_other_types(self):
        resolve = resolver(NAMES)
        for text, type_, conditions in (
                ('Alpha', 'many2one', [('=', 1)]), ('= Alpha, "Beta, Ltd."', 'many2one', [('in', [1, 2])]),
                ('under Alpha', 'many2one', [('child_of', [1])]), ('!= #9', 'many2one', [('!=', 9)]),
                ('Anything (#7)', 'many2one', [('=', 7)]), ('~ alp', 'many2one', [('ilike', 'alp')]),
                ('!~ x', 'char', [('not ilike', 'x')]), ('"set"', 'char', [('=', 'set')]),
                ('yes', 'boolean', [('=', True)]), ('!= yes', 'boolean', [('=', False)]),
                ('>= 2026-01-01', 'date', [('>=', '2026-01-01')]), ('< today -30d', 'date', [('<', 'today -30d')]),
                ('2026-01-01 .. 2026-02-01', 'date', [('>=', '2026-01-01'), ('<=', '2026-02-01')])):
            with self.subTest(text):
                self.assertEqual(parse_cell(text, type_, resolve), conditions)

    def test_what_cannot_be_read_says_why(self):
        resolve = resolver(NAMES)
        for text, type_, code in (
                ('< ten', 'float', 'number'), ('1.5', 'integer', 'number'), ('nan', 'float', 'number'),
                ('<', 'float', 'empty'), ('1e999', 'float', 'number'), ('1,', 'float', 'empty'),
                ('> A', 'char', 'operator'), ('~ 3', 'float', 'operator'), ('under A', 'char', 'operator'),
                ('"open', 'char', 'quote'), ('perhaps', 'boolean', 'boolean'),
                ('yesterday', 'date', 'day'), ('Gamma', 'many2one', 'unknown'), ('1 .. 2 .. 3', 'float', 'number')):
            with self.subTest(text):
                with self.assertRaises(CellError) as caught:
                    parse_cell(text, type_, resolve)
                self.assertEqual(caught.exception.code, code)

    def test_words_of_a_language(self):
        self.assertEqual(format_cell([('=', True)], 'boolean', words=CHINESE), "是")
        self.assertEqual(parse_cell("空", 'char', words=CHINESE), [('=', False)])
        self.assertEqual(parse_cell("not set", 'char', words=CHINESE), [('=', False)])
        self.assertEqual(parse_cell("1，2； > 0", 'integer'), [('in', [1, 2]), ('>', 0)])


def values(type_):
    day = st.one_of(st.dates().map(str), st.sampled_from(['today', 'today -30d', 'now +2w', '=monday -1w']))
    text = st.text(st.characters(exclude_categories=['Cs'], exclude_characters='\x00'), max_size=8)
    return {
        'integer': st.integers(-10**9, 10**9), 'boolean': st.booleans(), 'many2one': st.sampled_from(list(NAMES)),
        'monetary': st.one_of(st.integers(-99, 99), st.floats(allow_nan=False, allow_infinity=False)),
        'char': text, 'date': day, 'selection': st.sampled_from(list(SELECTION)), 'many2many': st.integers(1, 99),
    }[type_]


@st.composite
def simple_conditions(draw):
    column = draw(st.sampled_from(COLUMNS))
    operator = draw(st.sampled_from(
        ['=', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'ilike', 'not ilike', 'child_of']))
    if operator in ('=', '!=') and draw(st.booleans()):
        value = False
    elif operator in ('in', 'not in', 'child_of'):
        value = draw(st.lists(values(column.type), min_size=0, max_size=3))
    elif operator.endswith('like'):
        value = draw(values('char'))
    else:
        value = draw(values(column.type))
    return (column.path, operator, value)


@st.composite
def domains(draw):
    leaves = draw(st.lists(st.one_of(simple_conditions(), st.just(('other', '=', 1))), max_size=5))
    signs = draw(st.sampled_from([[], [], ['&'] * max(len(leaves) - 1, 0), ['|'] if len(leaves) > 1 else [], ['!']]))
    return str([*signs, *leaves] if leaves else [])


def meaning(domain):
    """Return something that is equal for domains that mean the same."""
    conditions = read_conditions(domain)
    if conditions is None:
        return domain
    found = set()
    for path, operator, value in conditions:
        if isinstance(value, bool):
            positive = (operator == '=') == value
            found.add((path, 'has' if positive else 'has not'))
        elif isinstance(value, list | tuple) or operator in ('=', '!='):
            many = tuple(value) if isinstance(value, list | tuple) else (value,)
            found.add((path, {'=': 'in', '!=': 'not in'}.get(operator, operator), many))
        elif operator == 'child_of':
            found.add((path, operator, (value,)))
        else:
            found.add((path, operator, value))
    return frozenset(found)


class TestTable(unittest.TestCase):
    """Rules to a table and back."""

    @given(st.lists(domains(), max_size=5), st.sampled_from([Words(), CHINESE]))
    @settings(max_examples=400, deadline=None)
    def test_nothing_is_lost(self, all_domains, words):
        rules = [
            {'id': number, 'name': {'en_US': "Rule"}, 'domain': domain} for number, domain in enumerate(all_domains)]
        table = to_table(rules, COLUMNS, words)
        back = to_rules(table, words)
        self.assertEqual([rule['id'] for rule in back], [rule['id'] for rule in rules])
        for rule, again in zip(rules, back, strict=True):
            self.assertEqual(meaning(again['domain']), meaning(rule['domain']))
            self.assertEqual({**again, 'domain': ''}, {**rule, 'domain': ''})
        self.assertEqual(
            [row.cells for row in to_table(back, COLUMNS, words).rows], [row.cells for row in table.rows])

    @given(simple_conditions())
    @settings(max_examples=400, deadline=None)
    def test_simple_conditions_have_a_cell(self, condition):
        path, operator, value = condition
        [column] = [column for column in COLUMNS if column.path == path]
        [row] = to_table([{'domain': str([condition])}], COLUMNS).rows
        self.assertEqual(bool(row.cells), is_simple(operator, value, column.type), condition)

    @given(st.text(max_size=12), st.sampled_from([column.type for column in COLUMNS]))
    @settings(max_examples=400, deadline=None)
    def test_any_text_is_read_or_refused(self, text, type_):
        try:
            conditions = parse_cell(text, type_, resolver(NAMES))
        except CellError:
            return
        for operator, value in conditions:
            self.assertTrue(is_simple(operator, value, type_), (text, operator, value))

    def test_own_conditions(self):
        rules = [{'domain': domain} for domain in (
            "['|', ('amount', '<', 1), ('count', '>', 2)]", "[('unknown', '=', 1)]", "not a domain",
            "[('partner_id', 'any', [('x', '=', 1)])]", "[('note', '=ilike', 'a%')]")]
        table = to_table(rules, COLUMNS)
        self.assertTrue(all(row.own and not row.cells for row in table.rows))
        self.assertEqual(to_rules(table), rules)

    def test_columns_of_rules(self):
        rules = [{'domain': "[('b', '=', 1), ('a', '=', 2)]"}, {'domain': "['|', ('c', '=', 1), ('a', '=', 2)]"}]
        self.assertEqual(find_paths(rules), ['b', 'a'])

    def test_all_errors_are_told(self):
        table = Table(COLUMNS, [
            Row({}, {'amount': "< ten", 'partner_id': "Nobody"}), Row({}, {'amount': "< 10"}),
            Row({}, {'day': "soon"})])
        with self.assertRaises(TableError) as caught:
            to_rules(table)
        self.assertEqual(
            [(row, path, error.code) for row, path, error in caught.exception.errors],
            [(0, 'amount', 'number'), (0, 'partner_id', 'unknown'), (2, 'day', 'day')])
