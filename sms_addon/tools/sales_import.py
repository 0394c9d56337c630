"""From the cells of a sales file to orders: what each row says, what is wrong with it, what the rules make of it.

Two steps, both without a database. :func:`parse_row` judges a row by itself. :func:`assemble_order` judges the
rows of one order together, wherever in the file they were. Every row ends in exactly one place: in a planned
line, refused, or skipped by a rule, and whoever does not import it has an :class:`Issue` with its line number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from .sales_values import ValueProblem, parse_date, parse_discount, parse_number, price_line

CANCELLED = {'cancel', 'cancelled', 'canceled', 'void', 'voided', 'annulled', '取消', '已取消', '作废'}
ERROR, WARNING, INFO = 'error', 'warning', 'info'


@dataclass(frozen=True)
class Rules:
    """What to do with the rows that are not plain sales; each rule is ``refuse`` unless said otherwise."""

    date_format: str = 'auto'
    decimal_separator: str = 'auto'
    separators: dict[str, str] = field(default_factory=dict)  # target: what its column was recognised to write
    discount_as_fraction: bool | None = None
    latest: date | None = None  # a date after it was mistyped
    cancelled_pattern: str = ''  # order references of cancelled invoices, as `C\d+`
    cancelled: str = 'refuse'  # or skip, return (a line of negative quantity), cancel (a cancelled order)
    negative: str = 'refuse'  # or skip, return: negative quantities on other orders
    missing_customer: str = 'refuse'  # or skip, anonymous: sold to `anonymous_name`
    anonymous_name: str = ''
    service_patterns: tuple[str, ...] = ()  # product codes that are postage, fees, adjustments...
    services: str = 'refuse'  # or skip, service (a product of type service)
    duplicates: str = 'refuse'  # or skip, keep: rows that say exactly the same as one before

    def get_separator(self, name: str) -> str:
        return self.separators.get(name, self.decimal_separator)

    def is_cancelled(self, order: str) -> bool:
        return bool(self.cancelled_pattern and re.fullmatch(self.cancelled_pattern, order))

    def is_service(self, code: str) -> bool:
        return bool(self.service_patterns and self._service_regex.fullmatch(code))

    @cached_property
    def _service_regex(self):
        return re.compile('|'.join(f'(?:{pattern})' for pattern in self.service_patterns), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Issue:
    """Something the person who imports should know of a row; ``column`` is the target field."""

    line: int
    column: str | None
    value: str
    code: str
    severity: str = ERROR


@dataclass(slots=True)
class Row:
    """A row that is right in itself."""

    order: str
    moment: datetime
    quantity: Decimal
    line_ref: str = ''
    customer_ref: str = ''
    customer_name: str = ''
    country: str = ''
    state: str = ''
    city: str = ''
    zip: str = ''
    segment: str = ''
    product_code: str = ''
    product_name: str = ''
    category: str = ''
    subcategory: str = ''
    unit_price: Decimal | None = None
    discount: Decimal | None = None
    total: Decimal | None = None
    unit_cost: Decimal | None = None
    profit: Decimal | None = None
    currency: str = ''
    team: str = ''
    salesperson: str = ''
    cancelled: bool = False
    service: bool = False
    anonymous: bool = False

    def as_tuple(self) -> tuple:
        return tuple(getattr(self, name) for name in ROW_FIELDS)

    def dump(self) -> list:
        """Return the row as a list that JSON can hold."""
        return [
            value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, Decimal) else value
            for value in self.as_tuple()
        ]

    @classmethod
    def load(cls, values: list) -> Row:
        """Return the row that :meth:`dump` wrote."""
        row = cls(*values)
        row.moment = datetime.fromisoformat(row.moment)
        for name in DECIMALS:
            value = getattr(row, name)
            if value is not None:
                setattr(row, name, Decimal(value))
        return row

    @property
    def customer(self) -> str:
        return self.customer_ref or self.customer_name

    @property
    def product(self) -> str:
        return self.product_code or self.product_name

    # a code and a name that read the same are two things: these keys keep them apart

    @property
    def customer_key(self) -> tuple[str, str] | None:
        return _key(self.customer_ref, self.customer_name)

    @property
    def product_key(self) -> tuple[str, str] | None:
        return _key(self.product_code, self.product_name)


def _key(ref, name):
    return ('ref', ref) if ref else ('name', name) if name else None


ROW_FIELDS = [one.name for one in fields(Row)]
DECIMALS = ('quantity', 'unit_price', 'discount', 'total', 'unit_cost', 'profit')
TEXTS = [
    one.name
    for one in fields(Row)
    if one.name not in (*DECIMALS, 'order', 'moment', 'cancelled', 'service', 'anonymous')
]


@dataclass(slots=True)
class Parsed:
    """What became of a row: a :class:`Row`, or none and at least one issue. ``order`` is known in most cases."""

    order: str
    row: Row | None
    issues: list[Issue] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        if self.row:
            return 'read'
        return 'refused' if any(issue.severity == ERROR for issue in self.issues) else 'skipped'


def parse_row(line: int, cells: dict, mapping: dict[str, str], rules: Rules) -> Parsed:
    """Judge one row.

    :param cells: the row, by header
    :param mapping: the header of each target field that is mapped
    """
    texts = {target: _text(cells.get(header)) for target, header in mapping.items() if target != 'date'}
    row = Row(texts.get('order_ref', ''), None, None, **{name: texts.get(name, '') for name in TEXTS})
    row.currency = row.currency.upper()
    issues = []

    def read(target, parse, *args):
        # a row keeps its surplus cells under None, which is no header
        value = cells.get(mapping[target]) if target in mapping else None
        if value is None or value == '' or (isinstance(value, str) and not value.strip()):
            return None
        try:
            return parse(value, *args)
        except ValueProblem as problem:
            issues.append(Issue(line, target, _text(value), problem.code))
        return None

    row.moment = read('date', parse_date, rules.date_format)
    if row.moment and rules.latest and row.moment.date() > rules.latest:
        issues.append(Issue(line, 'date', _text(cells[mapping['date']]), 'future_date'))
    for name in DECIMALS:
        if name == 'discount':
            row.discount = read(name, parse_discount, rules.get_separator(name), rules.discount_as_fraction)
        else:
            setattr(row, name, read(name, parse_number, rules.get_separator(name)))
    if None in cells:
        issues.append(Issue(line, None, _text(cells[None][0]), 'cells'))
    faulty = {issue.column for issue in issues}
    for column, value, code in (
        ('order_ref', row.order, 'missing_order'),
        ('date', row.moment, 'missing_date'),
        ('quantity', row.quantity, 'missing_quantity'),
        ('product_code', row.product, 'missing_product'),
    ):
        if value in ('', None) and column not in faulty:
            issues.append(Issue(line, column, '', code))
    if issues:
        return Parsed(row.order, None, issues)
    return _apply_rules(line, row, texts, rules)


def _apply_rules(line, row, texts, rules):
    """Judge a row whose cells could all be read by the rules of this import."""
    for column, value, code, rule in _exceptions(row, texts, rules):
        if rule == 'skip':
            return Parsed(row.order, None, [Issue(line, column, value, code, INFO)])
        if rule == 'refuse':
            return Parsed(row.order, None, [Issue(line, column, value, code)])
    if rules.is_cancelled(row.order) and rules.cancelled == 'cancel':
        row.cancelled, row.quantity = True, abs(row.quantity)
        row.total = abs(row.total) if row.total is not None else None
    if texts.get('status', '').casefold() in CANCELLED:
        row.cancelled = True
    if not row.customer:
        row.customer_name, row.anonymous = rules.anonymous_name, True
    row.service = rules.is_service(row.product)
    try:
        price_line(row.quantity, row.unit_price, row.discount, row.total)
    except ValueProblem as problem:
        column = 'unit_price' if problem.code == 'price' else 'total'
        return Parsed(row.order, None, [Issue(line, column, texts.get(column, ''), problem.code)])
    return Parsed(row.order, row)


def _exceptions(row, texts, rules):
    """Yield what is out of the ordinary in a row: column, value, code, and the rule for it."""
    if rules.is_cancelled(row.order):
        yield 'order_ref', row.order, 'cancelled', rules.cancelled
    elif row.quantity < 0:
        yield 'quantity', texts.get('quantity', ''), 'negative', rules.negative
    if not row.customer:
        yield 'customer_name', '', 'missing_customer', rules.missing_customer
    if rules.is_service(row.product):
        yield 'product_code', row.product, 'service', rules.services


def _text(value):
    """Return a cell as text; a spreadsheet's 536365.0 is the reference 536365."""
    if value is None:
        return ''
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


@dataclass(slots=True)
class PlannedLine:
    """A row that becomes an order line; ``key`` finds it again when the file is imported a second time."""

    line: int
    key: str
    row: Row


@dataclass(slots=True)
class Plan:
    """One order of the file: its lines, or none if it is refused; each row is counted once."""

    order: str
    moment: datetime | None = None
    cancelled: bool = False
    lines: list[PlannedLine] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    refused: int = 0
    skipped: int = 0

    def refuse(self, *issues: Issue):
        """Refuse the order: none of its rows is imported, those without a fault of their own for being with it."""
        faulty = {issue.line for issue in issues}
        self.issues += issues
        self.issues += [
            Issue(planned.line, 'order_ref', self.order, 'order_refused')
            for planned in self.lines
            if planned.line not in faulty
        ]
        self.refused += len(self.lines)
        self.lines = []


def assemble_order(order: str, rows: Iterable[tuple[int, Row | None]], rules: Rules) -> Plan:
    """Put the rows of one order together.

    :param rows: line numbers and rows, in the order of the file; ``None`` for a row refused by itself, which was
        counted and reported when it was read, and refuses the order: no order is imported in part
    """
    plan = Plan(order)
    spoilt, faults, seen, occurrences, dates = False, [], set(), {}, set()
    for line, row in rows:
        if row is None:
            spoilt = True
            continue
        content = row.as_tuple()
        repeated = content in seen
        if repeated and rules.duplicates != 'keep':
            issue = Issue(line, 'line_ref', row.line_ref or row.product, 'duplicate')
            if rules.duplicates == 'skip':
                plan.issues.append(replace(issue, severity=INFO))
                plan.skipped += 1
                continue
            faults.append(issue)
        seen.add(content)
        identity = row.line_ref or row.product
        occurrences[identity] = count = occurrences.get(identity, 0) + 1
        if row.line_ref and count > 1 and not repeated:
            faults.append(Issue(line, 'line_ref', row.line_ref, 'line_twice'))
        plan.lines.append(PlannedLine(line, f'{identity}#{count}', row))
        dates.add(row.moment)
    if not plan.lines:
        return plan
    first = plan.lines[0].row
    plan.moment = min(dates)
    plan.cancelled = all(planned.row.cancelled for planned in plan.lines)
    faults += _disagreements(plan.lines, first)
    if spoilt or faults:
        plan.refuse(*faults)
        return plan
    if not plan.cancelled:
        _skip_cancelled_lines(plan)
    if len({moment.date() for moment in dates}) > 1:
        other = next(planned for planned in plan.lines if planned.row.moment.date() != plan.moment.date())
        plan.issues.append(Issue(other.line, 'date', other.row.moment.isoformat(' '), 'two_dates', WARNING))
    return plan


def _disagreements(lines, first):
    """Yield what the rows of an order must agree on and do not."""
    for planned in lines:
        if planned.row.customer_key != first.customer_key:
            yield Issue(planned.line, 'customer_ref', planned.row.customer, 'two_customer')
        if planned.row.currency != first.currency:
            yield Issue(planned.line, 'currency', planned.row.currency, 'two_currency')


def _skip_cancelled_lines(plan):
    for planned in [planned for planned in plan.lines if planned.row.cancelled]:
        plan.lines.remove(planned)
        plan.skipped += 1
        plan.issues.append(Issue(planned.line, 'status', '', 'line_cancelled', INFO))
