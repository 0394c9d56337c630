from odoo import api, fields, models
from odoo.tools import SQL

from .sales_stock_position_demand import YEAR

A_SHARE, B_SHARE = 0.8, 0.95


class SalesStockScale(models.Model):
    """From what revenue and margin of a year on a position of the company is A or B.

    A are those that bring the first 80 % together, B those up to 95 %. Amounts are millionths, as in the facts. They
    are measured every night; one order does not move them.
    """
    _name = 'sales.stock.scale'
    _description = "Scale of the Stock Positions"
    _log_access = False
    _rec_name = 'company_id'

    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    a_revenue = fields.Float(digits=(20, 0), readonly=True)
    b_revenue = fields.Float(digits=(20, 0), readonly=True)
    a_margin = fields.Float(digits=(20, 0), readonly=True)
    b_margin = fields.Float(digits=(20, 0), readonly=True)

    _company_uniq = models.UniqueIndex("(company_id)", "A company has one scale.")

    @api.model
    def _measure(self):
        """Take the bounds of all companies from the facts."""
        def bound(measure, share):
            return SQL(
                "MIN(%(m)s) FILTER (WHERE %(m)s > 0 AND %(sum)s - %(m)s < %(share)s * %(total)s)",
                m=SQL.identifier(measure), sum=SQL.identifier(f'{measure}_sum'),
                total=SQL.identifier(f'{measure}_total'), share=share)

        self.env.cr.execute("DELETE FROM sales_stock_scale")
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_stock_scale (company_id, a_revenue, b_revenue, a_margin, b_margin)
            SELECT company_id, %(a_revenue)s, %(b_revenue)s, %(a_margin)s, %(b_margin)s
              FROM (SELECT company_id, revenue, margin,
                           SUM(GREATEST(revenue, 0)) OVER (PARTITION BY company_id ORDER BY revenue DESC)
                           AS revenue_sum,
                           SUM(GREATEST(revenue, 0)) OVER (PARTITION BY company_id) AS revenue_total,
                           SUM(GREATEST(margin, 0)) OVER (PARTITION BY company_id ORDER BY margin DESC) AS margin_sum,
                           SUM(GREATEST(margin, 0)) OVER (PARTITION BY company_id) AS margin_total
                      FROM (SELECT f.company_id, SUM(f.price_subtotal) AS revenue, SUM(f.margin) AS margin
                              FROM sales_fact f
                              JOIN product_product p ON p.id = f.product_id
                              JOIN product_template t ON t.id = p.product_tmpl_id
                             WHERE f.state = 'sale' AND t.is_storable AND f.warehouse_id IS NOT NULL
                               AND f.date > %(today)s - %(year)s AND f.date <= %(today)s
                             GROUP BY f.company_id, f.product_id, f.warehouse_id) positions) ranked
             GROUP BY company_id
            """,
            a_revenue=bound('revenue', A_SHARE), b_revenue=bound('revenue', B_SHARE),
            a_margin=bound('margin', A_SHARE), b_margin=bound('margin', B_SHARE), year=YEAR,
            today=self.env['sales.order.tracking']._today(SQL("f.company_id"))))
        self.invalidate_model()
