from odoo import api, fields, models
from odoo.tools import SQL

from .sales_fixed_point import SCALE, FixedPoint

# what sale.report and the facts have in common, under the same name
MEASURES = (
    'product_uom_qty', 'qty_delivered', 'qty_invoiced', 'price_subtotal', 'price_total', 'discount_amount', 'margin',
    'untaxed_amount_to_invoice',
)
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
        ('roll_up', "Roll-ups against order lines"),
    ], required=True, readonly=True)
    order_id = fields.Many2one('sale.order', readonly=True, ondelete='cascade')
    product_id = fields.Many2one('product.product', readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', readonly=True, ondelete='cascade')
    measure = fields.Char(string="Measure Name", readonly=True)
    measure_label = fields.Char(string="Measure", compute='_compute_measure_label')
    table = fields.Char(readonly=True)
    host_value = fields.Float(digits=0, readonly=True)
    fact_value = fields.Float(string="Warehouse Value", digits=0, readonly=True)
    difference = fields.Float(compute='_compute_difference', digits=0)

    @api.depends('host_value', 'fact_value')
    def _compute_difference(self):
        for line in self:
            line.difference = line.fact_value - line.host_value

    @api.depends('measure')
    def _compute_measure_label(self):
        names = self.env['sales.analysis'].fields_get([*MEASURES, 'amount_invoiced', 'nbr'], ['string'])
        for line in self:
            line.measure_label = names.get(line.measure, {}).get('string')

    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()

    @api.model
    def _check(self, warehouse):
        """Replace the list by what differs now, the first differences of each company and source."""
        warehouse.difference_ids.unlink()
        for (company,) in self.env['sale.order']._read_group([], ['company_id']):
            report = self.env['sale.report'].with_context(allowed_company_ids=company.ids)
            self._insert(warehouse, 'report', self._compare_report(company, report))
            self._insert(warehouse, 'invoice', self._compare_invoices(company))
        for cube in warehouse._cubes():
            self._insert(warehouse, 'roll_up', self._compare_roll_up(cube))
        self.invalidate_model()
        warehouse.invalidate_recordset(['difference_ids'])

    @api.model
    def _insert(self, warehouse, source, query):
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_warehouse_difference
                   (warehouse_id, source, company_id, "table", order_id, product_id, measure, host_value, fact_value)
            SELECT %s, %s, d.company_id, d."table", existing.id, product.id, d.measure, d.host_value, d.fact_value
              FROM (%s) d
              LEFT JOIN sale_order existing ON existing.id = d.order_id
              LEFT JOIN product_product product ON product.id = d.product_id
             LIMIT %s
            """, warehouse.id, source, query, LIMIT))

    @api.model
    def _compare_report(self, company, report):
        """Return the query of order, product, measure and both values where they differ from sale.report."""
        # sale.report has a row for each order, product and price; order and product is what both can be cut to
        names = [name for name in MEASURES if name in report._fields]
        return SQL(
            """
            SELECT %(company)s AS company_id, 'sales_fact' AS "table",
                   order_id, NULLIF(product_id, 0) AS product_id, m.measure, m.host_value, m.fact_value
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
            fact_sums=SQL(", ").join(
                SQL("%s AS %s", self.env['sales.fact']._fields[name].column_sum('sales_fact'), SQL.identifier(name))
                for name in names),
            pairs=SQL(", ").join(
                SQL("(%s, host.%s, fact.%s)", name, SQL.identifier(name), SQL.identifier(name)) for name in names),
            tolerance=TOLERANCE,
        )

    @api.model
    def _compare_invoices(self, company):
        """Return the same, by order line, where what was invoiced less refunds is not what its invoices say.

        Lines with an invoice in another currency than their own are left out: the host converts
        those at the rate of the invoice.
        """
        return SQL(
            """
            SELECT f.company_id, 'sales_fact' AS "table", f.order_id, f.product_id, 'amount_invoiced' AS measure,
                   COALESCE(host.amount, 0) / rate.rate AS host_value, fact.amount AS fact_value
              FROM sales_fact f
             CROSS JOIN LATERAL (SELECT (f.amount_invoiced::numeric - f.amount_refunded) / %(scale)s AS amount) fact
              JOIN sale_order s ON s.id = f.order_id
              CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(s.currency_rate, 0), 1) AS rate) rate
              LEFT JOIN (SELECT l.id, BOOL_OR(m.currency_id <> l.currency_id) AS foreign_currency,
                           SUM(CASE m.move_type WHEN 'out_invoice' THEN aml.price_subtotal
                                                ELSE -aml.price_subtotal END) AS amount
                      FROM account_move m
                      JOIN account_move_line aml ON aml.move_id = m.id
                      JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = aml.id
                      JOIN sale_order_line l ON l.id = rel.order_line_id
                     WHERE m.move_type IN ('out_invoice', 'out_refund')
                       AND (m.state = 'posted' OR m.payment_state = 'invoicing_legacy')
                       AND l.company_id = %(company)s
                     GROUP BY l.id) host ON host.id = f.id
             WHERE f.company_id = %(company)s
               AND host.foreign_currency IS NOT TRUE
               AND abs(COALESCE(host.amount, 0) / rate.rate - fact.amount) > %(tolerance)s
            """, company=company.id, tolerance=TOLERANCE, scale=SCALE)

    @api.model
    def _compare_roll_up(self, cube):
        """Return the cells of a roll-up that are not what the facts add up to."""
        keys = SQL(", ").join(map(SQL.identifier, cube._cube_keys()))
        measures = cube._cube_measures()
        return SQL(
            """
            SELECT company_id, %(table)s AS "table", NULL::int AS order_id, NULL::int AS product_id,
                   m.measure, m.host_value / m.scale AS host_value, m.fact_value / m.scale AS fact_value
              FROM (SELECT %(keys)s, %(sums)s
                      FROM (SELECT TRUE AS of_facts, cells.* FROM (%(cells)s) cells
                             UNION ALL SELECT FALSE, %(columns)s FROM %(identifier)s) both_sides
                     GROUP BY %(keys)s) compared,
                   LATERAL (VALUES %(pairs)s) m (measure, host_value, fact_value, scale)
             WHERE COALESCE(m.host_value, 0) <> COALESCE(m.fact_value, 0)
            """,
            table=cube._table, identifier=SQL.identifier(cube._table), keys=keys,
            cells=cube._cube_query('sales_fact'),
            columns=SQL(", ").join(map(SQL.identifier, cube._columns())),
            sums=SQL(", ").join(
                SQL("SUM(%(n)s) FILTER (WHERE of_facts) AS %(host)s, SUM(%(n)s) FILTER (WHERE NOT of_facts) AS %(own)s",
                    n=SQL.identifier(name), host=SQL.identifier(f'{name}_host'), own=SQL.identifier(f'{name}_own'))
                for name in measures),
            pairs=SQL(", ").join(
                SQL("(%s, %s::numeric, %s::numeric, %s)", name, SQL.identifier(f'{name}_host'),
                    SQL.identifier(f'{name}_own'), SCALE if isinstance(cube._fields[name], FixedPoint) else 1)
                for name in measures),
        )
