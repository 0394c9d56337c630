from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.sale.models.sale_order import INVOICE_STATUS

from .sales_fixed_point import LARGEST, SCALE, FixedFloat, FixedPoint

# What questions about a few customers, products or weeks ask for: then an index alone answers them.
COVERED = (
    'company_id', 'state', 'user_id', 'team_id', 'date', 'commercial_partner_id', 'product_id', 'categ_id',
    'price_subtotal', 'product_uom_qty', 'margin', 'discount',
)
# what a column of seconds holds; a date further ahead was mistyped
LONGEST_CYCLE = '68 years'


def covering(key):
    """Return the definition of an index on a column that holds the other covered ones too."""
    return False, f"({key}) INCLUDE ({', '.join(name for name in COVERED if name != key)})"


class SalesFact(models.Model):
    """One row per order line of the host, quotations included, under the id of that line."""
    _name = 'sales.fact'
    _description = "Sales Fact"
    _inherit = ['sales.star', 'sales.measure.mixin', 'sales.warehouse.reader']
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'order_id'

    order_id = fields.Many2one('sale.order', readonly=True)
    product_id = fields.Many2one('product.product', string="Product Variant", readonly=True)
    product_tmpl_id = fields.Many2one('product.template', string="Product", readonly=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    product_uom_id = fields.Many2one('uom.uom', string="Unit", readonly=True)
    partner_id = fields.Many2one('res.partner', string="Contact", readonly=True)
    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    country_id = fields.Many2one('res.country', string="Customer Country", readonly=True)
    state_id = fields.Many2one('res.country.state', string="Customer State", readonly=True)
    industry_id = fields.Many2one('res.partner.industry', string="Customer Industry", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True)
    pricelist_id = fields.Many2one('product.pricelist', readonly=True)
    campaign_id = fields.Many2one('utm.campaign', readonly=True)
    medium_id = fields.Many2one('utm.medium', readonly=True)
    source_id = fields.Many2one('utm.source', readonly=True)
    invoice_status = fields.Selection(INVOICE_STATUS, string="Order Invoice Status", readonly=True)
    line_invoice_status = fields.Selection(INVOICE_STATUS, string="Invoice Status", readonly=True)
    date_order = fields.Datetime(string="Order Time", readonly=True)
    price_unit = FixedFloat(string="Unit Price", digits='Product Price', aggregator='avg', readonly=True)
    discount = FixedFloat(string="Discount %", digits='Discount', aggregator='avg', readonly=True)
    cycle_seconds = fields.Integer(
        string="Seconds to Confirm", aggregator=None, readonly=True,
        help="From the creation of the quotation to its confirmation; empty for orders dated before they were "
             "entered, as imported history is.")

    _star_indexes = {
        'pkey': (True, '(id)'),
        'order': (False, '(order_id)'),
        'date': covering('date'),
        'customer': covering('commercial_partner_id'),
        'product': covering('product_id'),
        'category': covering('categ_id'),
    }

    def _columns(self):
        return list(self._select_columns())

    def _star_definition(self):
        query = self._star_query()
        return [super()._star_definition(), query.code, query.params]

    # -- the star query: small hooks, so that other addons can add columns

    def _select_columns(self):
        """Return the SQL expression of each column, in physical order.

        What most questions need comes first, and of that what is never empty and has a fixed width: there
        PostgreSQL finds a value without a look at those before it.
        """
        rate = SQL("COALESCE(NULLIF(s.currency_rate, 0), 1)")
        to_unit = SQL("u.factor / u2.factor")

        # as in sale.report, a line without product counts for nothing but its invoices
        def of_product(expression):
            return SQL("CASE WHEN l.product_id IS NULL THEN 0 ELSE %s END", expression)

        def amount(expression):
            return of_product(SQL("%s / %s", expression, rate))

        def quantity(expression):
            return of_product(SQL("%s * %s", expression, to_unit))

        return {
            'id': SQL("l.id"),
            'date': SQL("(s.date_order AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date"),
            'company_id': SQL("s.company_id"),
            'price_subtotal': amount(SQL("l.price_subtotal")),
            'product_uom_qty': quantity(SQL("l.product_uom_qty")),
            'margin': SQL("l.margin / %s", rate),
            'discount': SQL("l.discount"),
            'order_id': SQL("l.order_id"),
            'commercial_partner_id': SQL("partner.commercial_partner_id"),
            'product_id': SQL("l.product_id"),
            'categ_id': SQL("t.categ_id"),
            'user_id': SQL("s.user_id"),
            'team_id': SQL("s.team_id"),
            'state': SQL("s.state"),
            'country_id': SQL("partner.country_id"),
            'amount_delivered': amount(SQL(
                "CASE WHEN l.product_uom_qty <> 0 THEN l.price_subtotal * l.qty_delivered / l.product_uom_qty"
                " ELSE l.price_unit * (1 - COALESCE(l.discount, 0) / 100) * l.qty_delivered END")),
            'amount_invoiced': SQL("COALESCE(inv.invoiced, 0) / %s + COALESCE(inv.invoiced_other, 0)", rate),
            'amount_refunded': SQL("COALESCE(inv.refunded, 0) / %s + COALESCE(inv.refunded_other, 0)", rate),
            'amount_paid': SQL("COALESCE(inv.paid, 0) / %s + COALESCE(inv.paid_other, 0)", rate),
            'qty_delivered': quantity(SQL("l.qty_delivered")),
            'qty_invoiced': quantity(SQL("l.qty_invoiced")),
            'untaxed_amount_to_invoice': SQL(
                "CASE WHEN l.product_id IS NULL AND l.is_downpayment IS NOT TRUE THEN 0"
                " ELSE l.untaxed_amount_to_invoice / %s END", rate),
            'price_total': amount(SQL("l.price_total")),
            'discount_amount': amount(SQL("l.price_unit * l.product_uom_qty * l.discount / 100.0")),
            'price_unit': amount(SQL("l.price_unit")),
            'product_tmpl_id': SQL("p.product_tmpl_id"),
            'product_uom_id': SQL("t.uom_id"),
            'partner_id': SQL("s.partner_id"),
            'warehouse_id': SQL("s.warehouse_id"),
            'date_order': SQL("s.date_order"),
            'line_invoice_status': SQL("l.invoice_status"),
            'invoice_status': SQL("s.invoice_status"),
            'employee_id': SQL("e.id"),
            'department_id': SQL("version.department_id"),
            'pricelist_id': SQL("s.pricelist_id"),
            'state_id': SQL("partner.state_id"),
            'industry_id': SQL("partner.industry_id"),
            'campaign_id': SQL("s.campaign_id"),
            'medium_id': SQL("s.medium_id"),
            'source_id': SQL("s.source_id"),
            'cycle_seconds': SQL(
                "CASE WHEN s.state = 'sale' AND s.date_order BETWEEN s.create_date AND s.create_date + %s::interval"
                " THEN EXTRACT(EPOCH FROM s.date_order - s.create_date) END", LONGEST_CYCLE),
        }

    def _from(self, order_ids=None):
        """Return the join of the host's tables.

        :param order_ids: orders that the caller restricts the query to; tells the invoice part to do the same
        """
        return SQL("""
            sale_order_line l
            JOIN sale_order s ON s.id = l.order_id
            JOIN res_company c ON c.id = s.company_id
            JOIN res_partner partner ON partner.id = s.partner_id
            LEFT JOIN product_product p ON p.id = l.product_id
            LEFT JOIN product_template t ON t.id = p.product_tmpl_id
            LEFT JOIN uom_uom u ON u.id = l.product_uom_id
            LEFT JOIN uom_uom u2 ON u2.id = t.uom_id
            LEFT JOIN hr_employee e ON e.user_id = s.user_id AND e.company_id = s.company_id
            LEFT JOIN hr_version version ON version.id = e.current_version_id
            LEFT JOIN (%s) inv ON inv.order_line_id = l.id
        """, self._select_invoiced(order_ids))

    def _select_invoiced(self, order_ids=None):
        """Return, per order line, what was invoiced, refunded and paid, in the order's currency.

        Invoices in another currency than the order go to the ``_other`` columns, in company
        currency at the rate of the invoice.
        """
        same = SQL("aml.currency_id = l.currency_id")
        invoice = SQL("m.move_type = 'out_invoice'")
        paid_share = SQL("""CASE
            WHEN m.payment_state IN ('invoicing_legacy', 'paid', 'reversed') THEN 1
            WHEN m.amount_total = 0 THEN 0
            ELSE 1 - m.amount_residual / m.amount_total END""")
        return SQL(
            """
            SELECT rel.order_line_id,
                   SUM(aml.price_subtotal) FILTER (WHERE %(invoice)s AND %(same)s) AS invoiced,
                   SUM(-aml.balance) FILTER (WHERE %(invoice)s AND NOT %(same)s) AS invoiced_other,
                   SUM(aml.price_subtotal) FILTER (WHERE NOT %(invoice)s AND %(same)s) AS refunded,
                   SUM(aml.balance) FILTER (WHERE NOT %(invoice)s AND NOT %(same)s) AS refunded_other,
                   SUM(CASE WHEN %(invoice)s THEN aml.price_subtotal ELSE -aml.price_subtotal END * %(paid)s)
                       FILTER (WHERE %(same)s) AS paid,
                   SUM(-aml.balance * %(paid)s) FILTER (WHERE NOT %(same)s) AS paid_other
              FROM sale_order_line_invoice_rel rel
              JOIN sale_order_line l ON l.id = rel.order_line_id
              JOIN account_move_line aml ON aml.id = rel.invoice_line_id
              JOIN account_move m ON m.id = aml.move_id
             WHERE m.move_type IN ('out_invoice', 'out_refund')
               AND (m.state = 'posted' OR m.payment_state = 'invoicing_legacy')
               %(scope)s
             GROUP BY rel.order_line_id
            """,
            invoice=invoice, same=same, paid=paid_share,
            scope=SQL("AND l.order_id = ANY(%s)", order_ids) if order_ids is not None else SQL(),
        )

    def _where(self):
        return SQL("l.display_type IS NULL")

    def _star_query(self, order_ids=None):
        """Return the query of the fact rows, of all orders or of the given ones."""
        columns = SQL(", ").join(
            SQL("%s AS %s", self._as_stored(name, expression), SQL.identifier(name))
            for name, expression in self._select_columns().items()
        )
        scope = SQL("AND l.order_id = ANY(%s)", order_ids) if order_ids is not None else SQL()
        return SQL("SELECT %s FROM %s WHERE %s %s", columns, self._from(order_ids), self._where(), scope)

    def _as_stored(self, name, expression):
        """Return an expression in the type of its column."""
        if isinstance(self._fields[name], FixedPoint):
            # one absurd line must not keep all others from being read; a check lists it
            expression = SQL(
                "GREATEST(LEAST(COALESCE(%s, 0) * %s, %s), -%s)", expression, SCALE, LARGEST, LARGEST)
        return SQL("(%s)::%s", expression, self._column_type(name))

    def _replace_orders(self, order_ids):
        """Read the given orders again from the host; those that are gone there are gone here."""
        cr = self.env.cr
        cr.execute(SQL("DELETE FROM sales_fact WHERE order_id = ANY(%s)", order_ids))
        cr.execute(SQL(
            "INSERT INTO sales_fact (%s) %s",
            SQL(", ").join(map(SQL.identifier, self._columns())), self._star_query(order_ids)))
