from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.customer_history import OWN_DAYS

#: what of the customers may change before they are measured anew
STALE_SHARE = 0.01


class SalesCustomerScale(models.Model):
    """What the customers of a company are measured by: the bounds of the fifths, and the usual rhythm.

    A bound is the greatest value of its fifth (``percentile_disc``), counted from the least days of silence, order days
    and revenue, as :mod:`..tools.rfm` has it. The rhythm is the median of the customers' own
    ones. Bounds hardly move with one customer: they are taken again once one customer in a hundred has changed, and
    every night.
    """
    _name = 'sales.customer.scale'
    _description = "Scale of the Customers"
    _log_access = False
    _rec_name = 'company_id'

    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    customer_count = fields.Integer(string="Customers", readonly=True)
    changed_count = fields.Integer(string="Changed Since", readonly=True)
    rhythm_count = fields.Integer(string="Customers with a Rhythm", readonly=True)
    rhythm_days = fields.Float(string="Usual Days Between Orders", readonly=True)
    rhythm_spread = fields.Float(string="Usual Spread", readonly=True)

    _company_uniq = models.UniqueIndex("(company_id)", "A company has one scale.")

    def init(self):
        super().init()
        # bounds are arrays, which the ORM has no field for
        self.env.cr.execute("""
            ALTER TABLE sales_customer_scale ADD COLUMN IF NOT EXISTS r_bounds date[],
                                             ADD COLUMN IF NOT EXISTS f_bounds integer[],
                                             ADD COLUMN IF NOT EXISTS m_bounds numeric[]""")

    @api.model
    def _follow(self, partner_ids):
        """Take the bounds again where enough customers have changed by now."""
        self.env.flush_all()
        self.env.cr.execute(SQL(
            """
            WITH changed AS (
                SELECT company_id, COUNT(*) AS customers FROM sales_customer_figures
                 WHERE commercial_partner_id = ANY(%s) GROUP BY company_id)
            INSERT INTO sales_customer_scale (company_id, changed_count, customer_count)
            SELECT company_id, customers, 0 FROM changed
                ON CONFLICT (company_id) DO UPDATE
               SET changed_count = sales_customer_scale.changed_count + EXCLUDED.changed_count
            RETURNING company_id, changed_count, customer_count
            """, partner_ids))
        stale = [
            company_id for company_id, changed, customers in self.env.cr.fetchall()
            if changed >= STALE_SHARE * customers]
        if stale:
            self._measure(stale)
        self.invalidate_model()

    @api.model
    def _measure(self, company_ids=None):
        """Take the bounds of some companies, or of all."""
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_customer_scale (company_id, customer_count, changed_count, rhythm_count, rhythm_days,
                                              rhythm_spread, r_bounds, f_bounds, m_bounds)
            SELECT company_id, COUNT(*), 0, COUNT(*) FILTER (WHERE order_day_count >= %(days)s),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY gap_median) FILTER (WHERE order_day_count >= %(days)s),
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY gap_spread) FILTER (WHERE order_day_count >= %(days)s),
                   percentile_disc(%(fifths)s) WITHIN GROUP (ORDER BY last_order_date DESC),
                   percentile_disc(%(fifths)s) WITHIN GROUP (ORDER BY order_day_count),
                   percentile_disc(%(fifths)s) WITHIN GROUP (ORDER BY revenue)
              FROM sales_customer_figures
             WHERE %(scope)s
             GROUP BY company_id
                ON CONFLICT (company_id) DO UPDATE
               SET customer_count = EXCLUDED.customer_count, changed_count = 0, rhythm_count = EXCLUDED.rhythm_count,
                   rhythm_days = EXCLUDED.rhythm_days, rhythm_spread = EXCLUDED.rhythm_spread,
                   r_bounds = EXCLUDED.r_bounds, f_bounds = EXCLUDED.f_bounds, m_bounds = EXCLUDED.m_bounds
            """,
            days=OWN_DAYS, fifths=SQL("ARRAY[0.2, 0.4, 0.6, 0.8]"),
            scope=SQL("TRUE") if company_ids is None else SQL("company_id = ANY(%s)", company_ids)))
        self.invalidate_model()
