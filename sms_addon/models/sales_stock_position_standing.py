from odoo import models
from odoo.tools import SQL

from .sales_fixed_point import SCALE
from .sales_stock_position_demand import YEAR

#: receipts that the lead time is from
LEAD_DAYS = 730
LEAD_RECENT = 3
#: days of a month, of which a year has twelve
MONTH = 30
#: months of sales that a variability needs
LEAST_MONTHS = 3
STEADY, CHANGING = 0.5, 1.0


class SalesStockPosition(models.Model):
    """How the product stands: what it brings, how steadily it sells, how long its receipts take, how well it ships."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    def _ctes_standing(self, scope):
        return {
            'yearly': self._select_yearly(),
            'lead': self._select_lead(scope),
            'service': self._select_service(scope),
        }

    def _columns_standing(self):
        return {
            'abc_revenue': self._class(SQL("f.revenue_12"), SQL("f.a_revenue"), SQL("f.b_revenue")),
            'abc_margin': self._class(SQL("f.margin_12"), SQL("f.a_margin"), SQL("f.b_margin")),
            'xyz': SQL(
                "CASE WHEN f.variation IS NULL THEN NULL WHEN f.variation <= %s THEN 'x'"
                " WHEN f.variation <= %s THEN 'y' ELSE 'z' END", STEADY, CHANGING),
            'demand_variation': SQL("f.variation"),
            'revenue_12': SQL("f.revenue_12 / %s::numeric", SCALE),
            'margin_12': SQL("f.margin_12 / %s::numeric", SCALE),
            'turnover': SQL("f.shipped / NULLIF(f.average, 0)"),
            'lead_days': SQL("f.lead_days"),
            'lead_spread': SQL("f.lead_spread"),
            'lead_count': SQL("f.lead_count"),
            'lead_recent': SQL("f.lead_recent"),
            'service_level': SQL("f.service_level"),
            'service_count': SQL("f.service_count"),
        }

    def _class(self, amount, a_from, b_from):
        return SQL("CASE WHEN %(x)s >= %(a)s THEN 'a' WHEN %(x)s >= %(b)s THEN 'b' ELSE 'c' END",
                   x=amount, a=a_from, b=b_from)

    def _select_yearly(self):
        """Return what each position sold and shipped in a year, and how much its months differ."""
        return SQL(
            """
            SELECT m.product_id, m.warehouse_id, m.revenue_12, m.margin_12, out.shipped,
                   CASE WHEN months >= %(least)s AND m.total > 0
                        THEN sqrt(GREATEST(m.squares / months - (m.total / months) * (m.total / months), 0))
                             / (m.total / months) END AS variation
              FROM (SELECT product_id, warehouse_id, SUM(revenue) AS revenue_12, SUM(margin) AS margin_12,
                           COALESCE(SUM(qty) FILTER (WHERE month < full_months), 0) AS total,
                           COALESCE(SUM(qty * qty) FILTER (WHERE month < full_months), 0) AS squares,
                           MAX(full_months) AS months
                      FROM (SELECT s.product_id, s.warehouse_id, (s.today - o.day) / %(month)s AS month,
                                   LEAST(12, (s.today - d.launched + 1) / %(month)s) AS full_months,
                                   COALESCE(SUM(o.qty), 0) AS qty, COALESCE(SUM(o.revenue), 0) AS revenue,
                                   COALESCE(SUM(o.margin), 0) AS margin
                              FROM stock s
                              JOIN demand d USING (product_id, warehouse_id)
                              LEFT JOIN sold o USING (product_id, warehouse_id)
                             GROUP BY s.product_id, s.warehouse_id, 3, 4) monthly
                     GROUP BY product_id, warehouse_id) m
              LEFT JOIN (SELECT d.product_id, d.warehouse_id, SUM(d.qty_out) AS shipped
                           FROM done d JOIN stock s USING (product_id, warehouse_id)
                          WHERE d.day > s.today - %(year)s GROUP BY d.product_id, d.warehouse_id) out
                     ON out.product_id = m.product_id AND out.warehouse_id = m.warehouse_id
            """, least=LEAST_MONTHS, month=MONTH, year=YEAR)

    def _select_lead(self, scope):
        """Return how many days receipts from vendors took, since their order was approved."""
        since, purchase = SQL("m.create_date"), SQL()
        if 'purchase_line_id' in self.env['stock.move']._fields:
            since = SQL("COALESCE(po.date_approve, m.create_date)")
            purchase = SQL("""
                LEFT JOIN purchase_order_line pol ON pol.id = m.purchase_line_id
                LEFT JOIN purchase_order po ON po.id = pol.order_id""")
        return SQL(
            """
            SELECT product_id, warehouse_id, AVG(days) AS lead_days, COALESCE(STDDEV_SAMP(days), 0) AS lead_spread,
                   COUNT(*) AS lead_count, AVG(days) FILTER (WHERE number <= %(recent)s) AS lead_recent
              FROM (SELECT m.product_id, pl.warehouse_id,
                           GREATEST(EXTRACT(EPOCH FROM m.date - %(since)s) / 86400, 0) AS days,
                           ROW_NUMBER() OVER (PARTITION BY m.product_id, pl.warehouse_id
                                              ORDER BY m.date DESC, m.id DESC) AS number
                      FROM stock_move m
                      JOIN place pl ON pl.location_id = m.location_dest_id
                      JOIN stock_location source ON source.id = m.location_id
                      %(purchase)s
                     WHERE m.state = 'done' AND source.usage = 'supplier' AND m.quantity > 0
                       -- what a vendor sends in the place of what went back to him was ordered long ago
                       AND m.origin_returned_move_id IS NULL AND %(scope)s
                       AND m.date > now() AT TIME ZONE 'UTC' - %(days)s * interval '1 day') receipts
             GROUP BY product_id, warehouse_id
            """, since=since, purchase=purchase, days=LEAD_DAYS, recent=LEAD_RECENT, scope=scope(SQL("m.product_id")))

    def _select_service(self, scope):
        """Return what share of the quantity that was shipped to customers in a year was shipped by its day."""
        return SQL(
            """
            SELECT product_id, warehouse_id, COUNT(*) AS service_count,
                   SUM(qty) FILTER (WHERE shipped_on <= promised_on) / SUM(qty) AS service_level
              FROM (SELECT m.product_id, pl.warehouse_id,
                           m.quantity * m.product_qty / NULLIF(m.product_uom_qty, 0) AS qty,
                           (m.date AT TIME ZONE 'UTC' AT TIME ZONE pl.tz)::date AS shipped_on,
                           (m.date_deadline AT TIME ZONE 'UTC' AT TIME ZONE pl.tz)::date AS promised_on
                      FROM stock_move m
                      JOIN place pl ON pl.location_id = m.location_id
                      JOIN stock_location target ON target.id = m.location_dest_id
                     WHERE m.state = 'done' AND target.usage = 'customer' AND m.date_deadline IS NOT NULL
                       AND m.date > now() AT TIME ZONE 'UTC' - %s * interval '1 day'
                       AND m.product_uom_qty > 0 AND m.quantity > 0 AND %s) deliveries
             GROUP BY product_id, warehouse_id
            """, YEAR, scope(SQL("m.product_id")))
