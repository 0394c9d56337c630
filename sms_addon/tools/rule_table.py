"""Rules as a decision table: a row per rule, a column per field that conditions ask for; nothing here knows Odoo.

What stands in a cell is a condition on the field of its column:

=====================  ===========================================================
``< 10``, ``>= 10``    comparisons (also ``≤``, ``≥``)
``10 .. 20``           both included
``A, B`` or ``= A``    one of them
``!= A, B``            none of them (also ``≠``)
``~ text``, ``!~ text``  contains, does not contain
``under A``            A or below it, for records that form a tree
``set``, ``not set``   has any value, has none
``yes``, ``no``        for what is either
``> 10; < 20``         both
(empty)                does not matter
=====================  ===========================================================

Values with a comma, a semicolon or what looks like one of the above stand in double quotes. A rule whose condition
has another form keeps it as its *own* condition.
"""
import re
from ast import literal_eval
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

NUMBERS = ('integer', 'float', 'monetary')
TEXTS = ('char', 'text')
DAYS = ('date', 'datetime')
RECORDS = ('many2one', 'many2many', 'one2many')
CHOICES = ('selection', *RECORDS)
TYPES = (*NUMBERS, *TEXTS, *DAYS, *CHOICES, 'boolean')

OPERATOR = re.compile(r'(<=|>=|!=|<>|≤|≥|≠|!~|=|<|>|~|under(?=\s))\s*')
SAME = {'≤': '<=', '≥': '>=', '≠': '!=', '<>': '!='}
ORDERED = ('<', '<=', '>', '>=')
DAY = re.compile(r'\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?$|(today|now)( [+=-][\w]+)*$|[+=-]\d*\w+( [+=-]\d*\w+)*$')
NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$', re.IGNORECASE)
INTEGER = re.compile(r'[+-]?\d+$')
BY_ID = re.compile(r'(?:.*\()?#(\d+)\)?$', re.DOTALL)
#: what a value looks like that must stand in quotes
SPECIAL = re.compile(r'^\s|\s$|^$|[,，;；"]|\.\.|^(<|>|=|!|~|≤|≥|≠|under\s)|^(.*\()?#\d+\)?$', re.DOTALL)


class CellError(ValueError):
    """A cell that cannot be read.

    :param code: ``number``, ``day``, ``boolean``, ``operator`` (not for this type), ``quote`` (not closed), ``empty``
        (an operator without a value), ``unknown`` or ``ambiguous`` (no or several records of that name)
    :param value: the part of the cell that it is about
    """

    def __init__(self, code: str, value: str):
        self.code, self.value = code, value
        super().__init__(f'{code}: {value}')


class TableError(ValueError):
    """Cells that cannot be read: (index of the row, column, :class:`CellError`) of each."""

    def __init__(self, errors: Iterable):
        self.errors = list(errors)
        super().__init__('; '.join(f'{row}, {column}: {error}' for row, column, error in self.errors))


@dataclass(frozen=True)
class Words:
    """The words of a language that stand in cells; those of English are always understood."""

    set: str = 'set'
    not_set: str = 'not set'
    yes: str = 'yes'
    no: str = 'no'

    def recognize(self, text: str) -> str | None:
        """Return the name of the word that a text is."""
        text = text.casefold()
        for words in (self, Words()):
            for name in ('set', 'not_set', 'yes', 'no'):
                if text == getattr(words, name).casefold():
                    return name
        return None


@dataclass(frozen=True)
class Column:
    """A field that conditions ask for.

    :param path: from the document
    :param name: gives what people call a value; the value itself if None
    :param resolve: gives the value of a name, or raises :class:`CellError`
    """

    path: str
    type: str
    name: Callable | None = None
    resolve: Callable | None = None


@dataclass
class Row:
    """A rule: its conditions by the path of their column, or its own, and all else that is to be said of it."""

    values: Mapping
    cells: dict = field(default_factory=dict)
    own: str = ''


@dataclass
class Table:
    columns: list
    rows: list


# -- cells


def parse_cell(text: str, type: str, resolve: Callable | None = None, words: Words = Words()) -> list:
    """Return the conditions that a cell stands for, as (operator, value).

    >>> parse_cell('10 .. 20', 'float')
    [('>=', 10), ('<=', 20)]
    >>> parse_cell('A, "B, C"', 'char')
    [('in', ['A', 'B, C'])]
    >>> parse_cell('', 'char')
    []

    :raise CellError: it cannot be read
    """
    return [
        condition for part in _split(text or '', ';；') if part.strip()
        for condition in _parse_part(part.strip(), type, resolve, words)]


def _parse_part(part, type, resolve, words):
    word = words.recognize(part)
    if word in ('set', 'not_set') and type != 'boolean':
        return [('!=' if word == 'set' else '=', False)]
    if type == 'boolean':
        return [('=', _parse_boolean(part, words))]
    match = OPERATOR.match(part)
    operator = SAME.get(match[1], match[1]) if match else '='
    rest = part[match.end():] if match else part
    if not rest.strip():
        raise CellError('empty', part)
    _check_operator(operator, type, part)
    if not match and type in (*NUMBERS, *DAYS) and len(ends := _split_range(rest)) == 2:
        first, last = (_parse_value(end, type, resolve) for end in ends)
        return [('>=', first), ('<=', last)]
    if operator in ('~', '!~'):
        return [('ilike' if operator == '~' else 'not ilike', _unquote(rest.strip()))]
    if operator in ORDERED:
        return [(operator, _parse_value(rest, type, resolve))]
    values = [_parse_value(value, type, resolve) for value in _split(rest, ',，')]
    if operator == 'under':
        return [('child_of', values)]
    if len(values) == 1:
        return [(operator, values[0])]
    return [('in' if operator == '=' else 'not in', values)]


def _check_operator(operator, type, part):
    fits = {
        '~': type in (*TEXTS, *RECORDS), '!~': type in (*TEXTS, *RECORDS), 'under': type in RECORDS,
        **dict.fromkeys(ORDERED, type in (*NUMBERS, *DAYS)),
    }
    if not fits.get(operator, True):
        raise CellError('operator', part)


def _parse_boolean(part, words):
    negative = part.startswith(('!=', '≠'))
    word = words.recognize(part.lstrip('!=≠ '))
    if word is None:
        raise CellError('boolean', part)
    return (word in ('yes', 'set')) != negative


def _parse_value(text, type, resolve):
    text = text.strip()
    quoted = text.startswith('"')
    value = _unquote(text)
    if not value and not quoted:
        raise CellError('empty', text)
    if type in NUMBERS:
        return _parse_number(value, type)
    if type in DAYS:
        if not DAY.match(value):
            raise CellError('day', value)
        return value
    if type in RECORDS and not quoted and (match := BY_ID.match(value)):
        return int(match[1])
    if type in CHOICES and resolve:
        return resolve(value)
    if type in RECORDS:
        raise CellError('unknown', value)
    return value


def _parse_number(text, type):
    if INTEGER.match(text):
        return int(text)
    if type == 'integer' or not NUMBER.match(text) or not isfinite(float(text)):
        raise CellError('number', text)
    return float(text)


def _split(text, separators):
    """Split a text outside of quotes."""
    parts, current, quoted = [], '', False
    for character in text:
        if character == '"':
            quoted = not quoted
        if character in separators and not quoted:
            parts.append(current)
            current = ''
        else:
            current += character
    if quoted:
        raise CellError('quote', text)
    return [*parts, current]


def _split_range(text):
    return [text] if text.startswith('"') else re.split(r'\s*\.\.\s*', text.strip())


def _unquote(text):
    if not text.startswith('"'):
        return text
    if len(text) < 2 or not text.endswith('"'):
        raise CellError('quote', text)
    return text[1:-1].replace('""', '"')


def format_cell(conditions: Sequence, type: str, name: Callable | None = None, words: Words = Words()) -> str:
    """Return how conditions on one field stand in a cell; only those that :func:`is_simple` accepts.

    >>> format_cell([('>=', 10), ('<=', 20)], 'float')
    '10 .. 20'
    >>> format_cell([('in', ['A', 'B, C'])], 'char')
    'A, "B, C"'
    """
    parts, rest = [], list(conditions)
    while rest:
        if len(rest) > 1 and _is_range(rest[:2], type):
            parts.append(' .. '.join(_format_value(value, type, name, words) for _operator, value in rest[:2]))
            rest = rest[2:]
        else:
            parts.append(_format_part(*rest.pop(0), type, name, words))
    return '; '.join(parts)


def _is_range(pair, type):
    (first, _low), (second, _high) = pair
    return type in (*NUMBERS, *DAYS) and (first, second) == ('>=', '<=')


def _format_part(operator, value, type, name, words):
    if type == 'boolean':
        return words.yes if value == (operator == '=') else words.no
    if value is False:
        return words.set if operator == '!=' else words.not_set
    if operator in ('ilike', 'not ilike'):
        sign = '~' if operator == 'ilike' else '!~'
        return f'{sign} {_quote(value) if SPECIAL.search(value) else value}'
    values = value if isinstance(value, list | tuple) else [value]
    text = ', '.join(_format_value(each, type, name, words) for each in values)
    sign = {'=': '', 'in': '', 'not in': '!= ', 'child_of': 'under '}.get(operator, f'{operator} ')
    return sign + text


def _format_value(value, type, name, words):
    if type in NUMBERS:
        return repr(value)
    text = name(value) if name else f'#{value}' if type in RECORDS else str(value)
    if type in RECORDS and (text == f'#{value}' or text.endswith(f'(#{value})')) and not re.search('[,，;；"]', text):
        return text
    return _quote(text) if SPECIAL.search(text) or words.recognize(text) else text


def _quote(text):
    return '"{}"'.format(text.replace('"', '""'))


def is_simple(operator: str, value, type: str) -> bool:
    """Return whether a condition on a field of a type has a place in a cell."""
    if type == 'boolean':
        return operator in ('=', '!=') and isinstance(value, bool)
    if value is False:
        return operator in ('=', '!=') and type in TYPES
    if operator in ('in', 'not in', 'child_of') and isinstance(value, list | tuple):
        allowed = operator != 'child_of' or type in RECORDS
        return allowed and bool(value) and all(_is_value(each, type) for each in value)
    if operator in ('ilike', 'not ilike'):
        return type in (*TEXTS, *RECORDS) and isinstance(value, str) and bool(value)
    if operator in ORDERED:
        return type in (*NUMBERS, *DAYS) and _is_value(value, type)
    return operator in ('=', '!=', 'child_of') and (
        operator != 'child_of' or type in RECORDS) and _is_value(value, type)


def _is_value(value, type):
    if isinstance(value, bool):
        return False
    if type in NUMBERS:
        whole = isinstance(value, int)
        return whole or type != 'integer' and isinstance(value, float) and isfinite(value)
    if type in RECORDS:
        return isinstance(value, int)
    if type in DAYS:
        return isinstance(value, str) and bool(DAY.match(value))
    return type in (*TEXTS, 'selection') and isinstance(value, str)


# -- tables


def read_conditions(domain: str) -> list | None:
    """Return the conditions (path, operator, value) that all must hold, or None where a domain is not of that form.

    >>> read_conditions("['&', ('a', '=', 1), ('b', '<', 2)]")
    [('a', '=', 1), ('b', '<', 2)]
    >>> read_conditions("['|', ('a', '=', 1), ('b', '<', 2)]")
    """
    try:
        found = literal_eval(domain or '[]')
    except (ValueError, SyntaxError):
        return None
    leaves = []
    for item in found if isinstance(found, list | tuple) else [None]:
        if item == '&' or isinstance(item, list | tuple) and tuple(item) == (1, '=', 1):
            continue
        if not isinstance(item, list | tuple) or len(item) != 3 or not all(isinstance(each, str) for each in item[:2]):
            return None
        leaves.append(tuple(item))
    return leaves


def is_same(domain: str, other: str) -> bool:
    """Return whether two domains ask for the same, in whatever order.

    >>> is_same("[('a', '=', 1), ('b', '<', 2)]", "['&', ('b', '<', 2), ('a', 'in', [1])]")
    True
    """
    conditions, others = read_conditions(domain), read_conditions(other)
    if conditions is None or others is None:
        return domain == other
    return sorted(map(_as_text, conditions)) == sorted(map(_as_text, others))


def _as_text(condition):
    path, *rest = condition
    return f'{path} {_plain(rest)}'


def find_paths(rules: Iterable[Mapping]) -> list:
    """Return the fields that the conditions of rules in simple form ask for, in the order of their coming."""
    return list(dict.fromkeys(
        path for rule in rules for path, _operator, _value in read_conditions(rule['domain']) or ()))


def to_table(rules: Iterable[Mapping], columns: Sequence[Column], words: Words = Words()) -> Table:
    """Return the table of rules as they stand in a definition.

    :param columns: what is known of the fields; a rule that asks for another one keeps its own condition
    """
    return Table(list(columns), [_to_row(rule, columns, words) for rule in rules])


def _to_row(rule, columns, words):
    values = {key: value for key, value in rule.items() if key != 'domain'}
    domain = rule['domain']
    conditions = read_conditions(domain)
    by_path = {column.path: column for column in columns}
    if conditions is None or not all(
            path in by_path and is_simple(operator, value, by_path[path].type)
            for path, operator, value in conditions):
        return Row(values, own=domain)
    cells = {}
    for column in columns:
        told = [(operator, value) for path, operator, value in conditions if path == column.path]
        if told:
            cells[column.path] = format_cell(told, column.type, column.name, words)
            if not _reads_back(cells[column.path], told, column, words):
                return Row(values, own=domain)
    return Row(values, cells)


def _reads_back(text, conditions, column, words):
    """Return whether a cell means the conditions that it was made of, to be sure that nothing is lost."""
    try:
        return list(map(_plain, parse_cell(text, column.type, column.resolve, words))) == list(map(_plain, conditions))
    except CellError:
        return False


def _plain(condition):
    """Return one of the ways to write a condition that mean the same."""
    operator, value = condition
    if isinstance(value, bool):
        return 'has' if (operator == '=') == value else 'has not', ()
    if operator in ('=', '!='):
        return 'in' if operator == '=' else 'not in', (value,)
    return operator, tuple(value) if isinstance(value, list | tuple) else (value,)


def to_rules(table: Table, words: Words = Words()) -> list:
    """Return the rules of a table, as they stand in a definition.

    :raise TableError: cells that cannot be read, all of them
    """
    rules, errors = [], []
    for index, row in enumerate(table.rows):
        conditions = []
        for column in table.columns:
            try:
                found = parse_cell(row.cells.get(column.path, ''), column.type, column.resolve, words)
                conditions += [(column.path, *condition) for condition in found]
            except CellError as error:
                errors.append((index, column.path, error))
        rules.append({**row.values, 'domain': row.own or str(conditions)})
    if errors:
        raise TableError(errors)
    return rules
