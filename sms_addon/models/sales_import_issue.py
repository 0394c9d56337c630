from odoo import api, fields, models
from odoo.tools.translate import LazyTranslate

from .sales_import_column import TARGETS

_lt = LazyTranslate(__name__)

CODES = [
    ('cells', "More cells than headers"),
    ('missing_order', "Order reference missing"),
    ('missing_date', "Date missing"),
    ('date', "Bad date"),
    ('ambiguous_date', "Ambiguous date"),
    ('future_date', "Date far ahead"),
    ('two_dates', "Several dates in one order"),
    ('other_date', "Order of another date"),
    ('missing_customer', "Customer missing"),
    ('unknown_customer', "Unknown customer"),
    ('two_customer', "Several customers in one order"),
    ('unknown_country', "Unknown country"),
    ('missing_product', "Product missing"),
    ('unknown_product', "Unknown product"),
    ('service', "Not a product"),
    ('missing_quantity', "Quantity missing"),
    ('number', "Not a number"),
    ('ambiguous_number', "Ambiguous number"),
    ('negative', "Negative quantity"),
    ('price', "Price missing"),
    ('discount', "Bad discount"),
    ('ambiguous_discount', "Ambiguous discount"),
    ('total', "Impossible total"),
    ('unknown_currency', "Unknown currency"),
    ('no_rate', "Currency without a rate"),
    ('two_currency', "Several currencies in one order"),
    ('unknown_team', "Unknown sales team"),
    ('unknown_salesperson', "Unknown salesperson"),
    ('cancelled', "Cancelled order"),
    ('line_cancelled', "Cancelled line"),
    ('duplicate', "Repeated line"),
    ('line_twice', "Line reference used twice"),
    ('order_refused', "With a refused line"),
    ('order_locked', "Order locked"),
    ('differs', "Already there, different"),
]
REASONS = {
    'cells': _lt("The line has more cells than the file has headers; is a separator missing its quotes?"),
    'missing_order': _lt("The order reference is missing."),
    'missing_date': _lt("The date is missing."),
    'date': _lt("%(value)s is not a date."),
    'ambiguous_date': _lt("%(value)s may be day-month or month-day: choose the date format in the rules."),
    'future_date': _lt("%(value)s is years ahead; is the year right?"),
    'two_dates': _lt("Lines of one order have different dates; the earliest is taken."),
    'other_date': _lt("The order is there already, but not of %(value)s."),
    'missing_customer': _lt("The customer is missing."),
    'unknown_customer': _lt("There is no customer %(value)s, and missing customers are not to be created."),
    'two_customer': _lt("Another line of this order has another customer than %(value)s."),
    'unknown_country': _lt("There is no country %(value)s; the customer is created without."),
    'missing_product': _lt("Product code and name are both missing."),
    'unknown_product': _lt("There is no product %(value)s, and missing products are not to be created."),
    'service': _lt("%(value)s is not a product but postage, a fee or an adjustment."),
    'missing_quantity': _lt("The quantity is missing."),
    'number': _lt("%(value)s is not a number."),
    'ambiguous_number': _lt("%(value)s may be thousands or decimals: choose the decimal separator in the rules."),
    'negative': _lt("The quantity %(value)s is negative."),
    'price': _lt("There is neither a unit price nor a total."),
    'discount': _lt("The discount %(value)s is not between 0 and 100 %%."),
    'ambiguous_discount': _lt("%(value)s may be 1 %% or all: choose percent or fraction in the rules."),
    'total': _lt("No price can give the total %(value)s with this quantity and discount."),
    'unknown_currency': _lt("%(value)s is not the code of an active currency."),
    'no_rate': _lt("The currency %(value)s has no exchange rate."),
    'two_currency': _lt("Another line of this order has another currency than %(value)s."),
    'unknown_team': _lt("There is no sales team %(value)s; the order has none."),
    'unknown_salesperson': _lt("There is no salesperson %(value)s; the order has none."),
    'cancelled': _lt("The reference %(value)s is one of a cancelled order."),
    'line_cancelled': _lt("This line is cancelled, others of its order are not."),
    'duplicate': _lt("The line repeats an earlier one word for word."),
    'line_twice': _lt("An earlier line of this order has the same line reference %(value)s."),
    'order_refused': _lt("Another line of order %(value)s is refused, and no order is imported in part."),
    'order_locked': _lt("Order %(value)s exists and is locked or cancelled, so the line cannot be added."),
    'differs': _lt("The line is there already, with other figures than %(value)s; it is left as it is."),
}


class SalesImportIssue(models.Model):
    """What an import has to say of a line of its file."""

    _name = 'sales.import.issue'
    _description = "Sales Import Message"
    _order = 'import_id, line, id'
    _rec_name = 'line'

    import_id = fields.Many2one('sales.import', required=True, ondelete='cascade', index=True)
    company_id = fields.Many2one(related='import_id.company_id', store=True)
    reading = fields.Boolean(help="Found while the file was read; the others come from checking or importing.")
    line = fields.Integer(aggregator=False)
    column = fields.Selection(TARGETS)
    value = fields.Char()
    code = fields.Selection(CODES, string="Kind", required=True)
    severity = fields.Selection(
        [('error', "Refused"), ('warning', "Warning"), ('info', "Left out by rule")], required=True
    )
    reason = fields.Char(compute='_compute_reason')

    @api.depends('code', 'value')
    def _compute_reason(self):
        for issue in self:
            reason = REASONS.get(issue.code)
            text = self.env._(reason) if reason else ''
            issue.reason = text % {'value': issue.value or ''}
