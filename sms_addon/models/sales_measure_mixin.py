from odoo import fields, models

from odoo.addons.sale.models.sale_order import SALE_ORDER_STATE

from .sales_fixed_point import FixedFloat, FixedMonetary, FixedPoint


class SalesMeasureMixin(models.AbstractModel):
    """Dimensions and additive measures that the facts, every roll-up and the analysis have in common.

    Amounts are in the currency of the order's company, converted at the order's own rate and kept to
    the millionth, so that a sum over any grouping equals the sum over its lines; they are rounded to
    the currency where they are shown. Quantities are in the product's own unit.
    """
    _name = 'sales.measure.mixin'
    _description = "Dimensions and Measures of the Sales Warehouse"

    date = fields.Date(
        string="Order Date", readonly=True,
        help="Day of the order in the time zone of its company, the same for whoever looks.")
    company_id = fields.Many2one('res.company', readonly=True)
    state = fields.Selection(SALE_ORDER_STATE, string="Status", readonly=True)
    user_id = fields.Many2one('res.users', string="Salesperson", readonly=True)
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True)
    employee_id = fields.Many2one('hr.employee', readonly=True)
    department_id = fields.Many2one('hr.department', readonly=True)

    product_uom_qty = FixedFloat(string="Quantity, any status", digits='Product Unit', readonly=True)
    price_subtotal = FixedMonetary(string="Untaxed Total, any status", readonly=True)
    price_total = FixedMonetary(string="Total, any status", readonly=True)
    margin = FixedMonetary(string="Margin, any status", readonly=True)
    qty_delivered = FixedFloat(digits='Product Unit', readonly=True)
    qty_invoiced = FixedFloat(digits='Product Unit', readonly=True)
    amount_delivered = FixedMonetary(string="Delivered", readonly=True)
    amount_invoiced = FixedMonetary(
        string="Invoiced", readonly=True, help="Untaxed amount of posted customer invoices.")
    amount_refunded = FixedMonetary(
        string="Refunded", readonly=True, help="Untaxed amount of posted credit notes.")
    amount_paid = FixedMonetary(
        string="Paid", readonly=True,
        help="Untaxed amount of the invoices in the proportion in which they are paid, less that of credit notes.")
    untaxed_amount_to_invoice = FixedMonetary(string="To Invoice", readonly=True)
    discount_amount = FixedMonetary(string="Discount, any status", readonly=True)
    # needed by the monetary fields; the analysis gives it a value
    currency_id = fields.Many2one('res.currency', readonly=True, store=False)

    def _dimension_names(self):
        """Return the dimensions that every table has; record rules need the company and the salesperson."""
        return ['date', 'company_id', 'state', 'user_id', 'team_id', 'employee_id', 'department_id']

    def _measure_names(self):
        """Return the measures that may simply be summed, whatever the grouping."""
        return [
            'price_subtotal', 'product_uom_qty', 'margin', 'amount_delivered', 'amount_invoiced', 'amount_refunded',
            'amount_paid', 'qty_delivered', 'qty_invoiced', 'price_total', 'untaxed_amount_to_invoice',
            'discount_amount',
        ]

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(':')
        if function == 'sum' and isinstance(field := self._fields.get(name), FixedPoint):
            self._check_field_access(field, 'read')
            return field.column_sum(self._table)
        return super()._read_group_select(aggregate_spec, query)
