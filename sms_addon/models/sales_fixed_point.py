"""Fields of the warehouse that hold amounts and quantities as whole millionths.

PostgreSQL adds up integers several times faster than ``numeric``, and, other than floats, exactly: a
roll-up that was changed a thousand times still equals the sum of its lines.
"""
from decimal import Decimal, InvalidOperation

from odoo import fields
from odoo.tools import SQL

#: what a column holds for 1
SCALE = 1_000_000
#: what a column of integers holds at most, 9.2 million millions times that
LARGEST = SQL("9200000000000000000")
UNIT = SQL("0.000001")
OPERATORS = {
    'in': SQL("IN"), 'not in': SQL("NOT IN"), **{operator: SQL(operator) for operator in ('<', '>', '<=', '>=')},
}


def as_stored(value):
    """Return a number as the column holds it; with decimals where it is finer than the column.

    :return: ``None`` for what is no number, or none that a column could hold
    """
    try:
        scaled = Decimal(str(value or 0)) * SCALE
    except InvalidOperation:
        return None
    if not scaled.is_finite():
        return None
    return int(scaled) if scaled == int(scaled) else scaled


class FixedPoint:
    """What the fixed-point fields have in common: whole millionths in the table, numbers everywhere else.

    The table of the facts has integers; a small one may have ``numeric``, which no sum overflows.
    """
    _column_type = ('int8', 'int8')

    def to_sql(self, model, alias):
        # dividing as floats gives the float nearest to the decimal number, and costs less than numeric
        return SQL("(%s / %s::float8)", super().to_sql(model, alias), SCALE)

    def condition_to_sql(self, field_expr, operator, value, model, alias, query):
        """Compare as integers, and without the usual "... or it is NULL": these columns are never empty."""
        stored = ()
        if operator in OPERATORS and not isinstance(value, SQL):
            stored = tuple(map(as_stored, value if operator.endswith('in') else [value]))
        if not stored or None in stored:
            # the host has its own way with true, infinity and words
            return super().condition_to_sql(field_expr, operator, value, model, alias, query)
        model._check_field_access(self, 'read')
        return SQL(
            "%s %s %s", SQL.identifier(alias, self.name), OPERATORS[operator],
            stored if operator.endswith('in') else stored[0])

    def column_sum(self, alias, condition=SQL()):  # noqa: B008  (never changed)
        """Return the SQL of the sum over the rows of a group.

        :param condition: the FILTER clause of the aggregate, if any
        """
        return SQL("SUM(%s) %s * %s", SQL.identifier(alias, self.name), condition, UNIT)


class FixedMonetary(FixedPoint, fields.Monetary):
    """An amount, as whole millionths of its currency."""


class FixedFloat(FixedPoint, fields.Float):
    """A quantity, as whole millionths of its unit."""
