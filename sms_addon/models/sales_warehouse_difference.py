from odoo import api, fields, models
from odoo.tools import SQL

# measure of sale.report -> the same of the facts
MEASURES = {
    'product_uom_qty': SQL("product_uom_qty"),
    'qty_delivered': SQL("qty_delivered"),
    'qty_invoiced': SQL("qty_invoiced"),
    'price_subtotal': SQL("price_subtotal"),
    'price_total': SQL("price_total"),
    'discount_amount': SQL("discount_amount"),
    'margin': SQL("margin"),
    'untaxed_amount_to_invoice': SQL("untaxed_amount_to_invoice"),
}
TOLERANCE = 0.005
LIMIT = 1000


class SalesWarehouseDifference(models.Model):
    """Where the warehouse and the host disagree, found by the Check button."""
    _name = 'sales.warehouse.difference'
    _description = "Difference between the Warehouse and the Host"
    _log_access = False
    _order = 'order_id desc, id'

    warehouse_id = fields.Many2one('sales.warehouse', required=True, index=True, ondelete='cascade')
    source = fields.Selection([
        ('report', "Sales report of the host"),
        ('invoice', "Invoices"),
    ], required=True, readonly=True)
    order_id = fields.Many2one('sale.order', readonly=True, ondelete='cascade')
    product_id = fields.Many2one('product.product', readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', readonly=True, ondelete='cascade')
    measure = fields.Char(readonly=True)
    host_value = fields.Float(digits=0, readonly=True)
    fact_value = fields.Float(string="Warehouse Value", digits=0, readonly=True)
    difference = fields.Float(compute='_compute_difference', digits=0)

    @api.depends('host_value', 'fact_value')
    def _compute_difference(self):
        for line in self:
            line.difference = line.fact_value - line.host_value

    def action_open_order(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'sale.order',
            'res_id': self.order_id.id,
            'views': [(False, 'form')],
        }

    @api.model
    def _check(self, warehouse):
        """Replace the list by what differs now, the first differences of each company and source."""
        warehouse.difference_ids.unlink()
        for (company,) in self.env['sale.order']._read_group([], ['company_id']):
            report = self.env['sale.report'].with_context(allowed_company_ids=company.ids)
            self._insert(warehouse, company, 'report', self._compare_report(company, report))
            self._insert(warehouse, company, 'invoice', self._compare_invoices(company))
        self.invalidate_model()
        warehouse.invalidate_recordset(['difference_ids'])

    @api.model
    def _insert(self, warehouse, company, source, query):
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_warehouse_difference
                   (warehouse_id, source, company_id, order_id, product_id, measure, host_value, fact_value)
            SELECT %s, %s, %s, existing.id, product.id, d.measure, d.host_value, d.fact_value
              FROM (%s) d
              LEFT JOIN sale_order existing ON existing.id = d.order_id
              LEFT JOIN product_product product ON product.id = d.product_id
             LIMIT %s
            """, warehouse.id, source, company.id, query, LIMIT))

    @api.model
    def _compare_report(self, company, report):
        """Return the query of order, product, measure and both values where they differ from sale.report."""
        # sale.report has a row for each order, product and price; order and product is what both can be cut to
        names = [name for name in MEASURES if name in report._fields]
        return SQL(
            """
            SELECT order_id, NULLIF(product_id, 0) AS product_id, m.measure, m.host_value, m.fact_value
              FROM (SELECT split_part(order_reference, ',', 2)::int AS order_id, COALESCE(product_id, 0) AS product_id,
                           %(sums)s
                      FROM %(report)s AS r WHERE company_id = %(company)s AND order_reference LIKE 'sale.order,%%'
                     GROUP BY 1, 2) host
              FULL JOIN (SELECT order_id, COALESCE(product_id, 0) AS product_id, %(fact_sums)s
                      FROM sales_fact WHERE company_id = %(company)s
                     GROUP BY 1, 2) fact USING (order_id, product_id),
                   LATERAL (VALUES %(pairs)s) m (measure, host_value, fact_value)
             WHERE abs(COALESCE(m.host_value, 0) - COALESCE(m.fact_value, 0)) > %(tolerance)s
                OR (host.price_subtotal IS NULL) <> (fact.price_subtotal IS NULL)
             ORDER BY order_id, product_id
            """,
            report=report._table_sql,
            company=company.id,
            sums=SQL(", ").join(SQL("SUM(%(n)s) AS %(n)s", n=SQL.identifier(name)) for name in names),
            fact_sums=SQL(", ").join(SQL("SUM(%s) AS %s", MEASURES[name], SQL.identifier(name)) for name in names),
            pairs=SQL(", ").join(
                SQL("(%s, host.%s, fact.%s)", name, SQL.identifier(name), SQL.identifier(name)) for name in names),
            tolerance=TOLERANCE,
        )

    @api.model
    def _compare_invoices(self, company):
        """Return the same where what was invoiced, less refunds, is not what the invoices of the order say.

        Orders with an invoice in another currency than their own are left out: the host converts
        those at the rate of the invoice.
        """
        return SQL(
            """
            SELECT fact.order_id, NULL::int AS product_id, 'invoiced' AS measure,
                   COALESCE(host.amount, 0) / fact.rate AS host_value, fact.amount AS fact_value
              FROM (SELECT f.order_id, COALESCE(NULLIF(MAX(s.currency_rate), 0), 1) AS rate,
                           SUM(f.amount_invoiced - f.amount_refunded) AS amount
                      FROM sales_fact f JOIN sale_order s ON s.id = f.order_id
                     WHERE f.company_id = %(company)s
                     GROUP BY f.order_id) fact
              LEFT JOIN (SELECT l.order_id, BOOL_OR(m.currency_id <> l.currency_id) AS foreign_currency,
                           SUM(CASE m.move_type WHEN 'out_invoice' THEN aml.price_subtotal
                                                ELSE -aml.price_subtotal END) AS amount
                      FROM account_move m
                      JOIN account_move_line aml ON aml.move_id = m.id
                      JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = aml.id
                      JOIN sale_order_line l ON l.id = rel.order_line_id
                     WHERE m.move_type IN ('out_invoice', 'out_refund')
                       AND (m.state = 'posted' OR m.payment_state = 'invoicing_legacy')
                       AND l.company_id = %(company)s AND l.display_type IS NULL
                     GROUP BY l.order_id) host ON host.order_id = fact.order_id
             WHERE host.foreign_currency IS NOT TRUE
               AND abs(COALESCE(host.amount, 0) / fact.rate - fact.amount) > %(tolerance)s
            """, company=company.id, tolerance=TOLERANCE)
