from odoo import models
from odoo.tools import SQL

from .sales_stock_position import STATUSES
from .sales_stock_position_demand import YEAR

#: days whose demand is not overstock
HALF_YEAR = 182
#: days that a product is new
NEW_DAYS = 90
#: days of warning where receipts are faster than that
WARNING_DAYS = 7
#: what is less than that is nothing
NOTHING = SQL("0.000001")


class SalesStockPosition(models.Model):
    """What follows from stock, plan and demand: how long it lasts, what cannot be kept, and what it is called.

    Demand counts on the day of the order, so the moves that are planned are past demand: the usual demand comes on top
    of them.
    """
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    def _ctes_derived(self):
        return {'runout': self._select_runout(), 'uncovered': self._select_uncovered()}

    def _columns_derived(self):
        overstock = SQL("f.overstock")
        return {
            'qty_uncovered': SQL("COALESCE(f.uncovered, 0)"),
            'revenue_at_risk': SQL("COALESCE(f.at_risk, 0)"),
            'customers_at_risk': SQL("COALESCE(f.customers, 0)"),
            'days_of_cover': SQL("GREATEST(f.free, 0) / NULLIF(f.mean, 0)"),
            'stockout_date': SQL("f.stockout_date"),
            'qty_overstock': overstock,
            'overstock_value': SQL("LEAST(%s, GREATEST(f.owned, 0)) * f.cost", overstock),
            'status': SQL("f.status"),
            'status_sequence': SQL(
                "CASE f.status %s END", SQL(" ").join(
                    SQL("WHEN %s THEN %s", status, number) for number, (status, _name) in enumerate(STATUSES, 1))),
        }

    def _overstock(self):
        """Return what the coming half year does not need of what is free; a new product has no overstock yet."""
        return SQL(
            "CASE WHEN COALESCE(launched, today - %(new)s) <= today - %(new)s"
            " THEN ROUND(GREATEST(free - mean * %(half)s, 0)::numeric, %(digits)s) ELSE 0 END",
            new=NEW_DAYS, half=HALF_YEAR, digits=self.env['decimal.precision'].precision_get('Product Unit'))

    def _status(self):
        return SQL(
            """CASE
                WHEN on_hand < -%(nothing)s THEN 'negative'
                WHEN on_hand <= %(nothing)s AND (mean > 0 OR outgoing > %(nothing)s OR has_orderpoint) THEN 'out'
                WHEN (mean > 0 OR uncovered > %(nothing)s)
                     AND stockout_date <= today + GREATEST(CEIL(lead_days), %(warning)s)::int THEN 'risk'
                WHEN on_hand > %(nothing)s AND idle_since <= today - %(year)s THEN 'dead'
                WHEN on_hand > %(nothing)s AND idle_since <= today - %(new)s THEN 'slow'
                WHEN overstock > %(nothing)s THEN 'over'
                ELSE 'ok' END""",
            nothing=NOTHING, warning=WARNING_DAYS, new=NEW_DAYS, year=YEAR)

    def _select_runout(self):
        """Return the first day on which planned moves and usual demand leave nothing.

        Between two planned days the stock falls by the demand of a day each.
        """
        return SQL(
            """
            SELECT product_id, warehouse_id, MIN(empty_on) AS stockout_date
              FROM (SELECT w.*, CASE
                               WHEN level < -%(nothing)s OR level <= %(nothing)s AND (mean > 0 OR leaving) THEN day
                               WHEN mean > 0 THEN day + LEAST(GREATEST(CEIL(level / mean) - 1, 0), 9999)::int
                           END AS empty_on,
                           LEAD(day) OVER (PARTITION BY product_id, warehouse_id ORDER BY day) AS next_day
                      FROM (SELECT product_id, warehouse_id, today, mean, day, BOOL_OR(leaving) OVER steps AS leaving,
                                   on_hand + SUM(net) OVER steps - mean * (day - today) AS level
                              FROM (SELECT s.product_id, s.warehouse_id, s.today, s.on_hand, d.mean, p.day, p.net,
                                           p.leaving
                                      FROM stock s
                                      JOIN demand d USING (product_id, warehouse_id)
                                      JOIN (SELECT product_id, warehouse_id, day, SUM(net) AS net,
                                                   BOOL_OR(leaving) AS leaving
                                              FROM (SELECT product_id, warehouse_id, day,
                                                           CASE WHEN incoming THEN qty ELSE -qty END AS net,
                                                           NOT incoming AS leaving
                                                      FROM planned
                                                     UNION ALL
                                                    SELECT product_id, warehouse_id, today, 0, FALSE FROM stock) each
                                             GROUP BY product_id, warehouse_id, day) p
                                        USING (product_id, warehouse_id)) days
                            WINDOW steps AS (PARTITION BY product_id, warehouse_id ORDER BY day)) w) ends
             WHERE empty_on <= today + %(year)s AND (next_day IS NULL OR empty_on < next_day)
             GROUP BY product_id, warehouse_id
            """, nothing=NOTHING, year=YEAR)

    def _select_uncovered(self):
        """Return what customers were promised that is not there on its day: first promised, first served.

        Of a kit whose component is missing the share of the kit is at risk that the component is missing for.
        """
        return SQL(
            """
            SELECT product_id, warehouse_id, SUM(missing) AS uncovered, COUNT(DISTINCT customer_id) AS customers,
                   SUM(LEAST(1, missing / NULLIF(ordered, 0)) * amount) AS at_risk
              FROM (SELECT w.product_id, w.warehouse_id, LEAST(w.open, w.short) AS missing,
                           COALESCE(partner.commercial_partner_id, -w.id) AS customer_id,
                           l.price_subtotal / COALESCE(NULLIF(o.currency_rate, 0), 1) AS amount,
                           CASE WHEN l.product_id = w.product_id
                                THEN l.product_uom_qty * unit.factor / own.factor ELSE w.qty END AS ordered
                      FROM (SELECT p.*, GREATEST(p.qty - p.reserved, 0) AS open,
                                   SUM(CASE WHEN p.incoming THEN -p.qty ELSE GREATEST(p.qty - p.reserved, 0) END)
                                   OVER (PARTITION BY p.product_id, p.warehouse_id
                                         ORDER BY p.day, p.incoming DESC, p.id)
                                   - s.free AS short, s.uom_id
                              FROM planned p
                              JOIN stock s USING (product_id, warehouse_id)) w
                      JOIN stock_location target ON target.id = w.target_id
                      LEFT JOIN sale_order_line l ON l.id = w.sale_line_id
                      LEFT JOIN sale_order o ON o.id = l.order_id
                      LEFT JOIN res_partner partner ON partner.id = o.partner_id
                      LEFT JOIN uom_uom unit ON unit.id = l.product_uom_id
                      LEFT JOIN uom_uom own ON own.id = w.uom_id
                     WHERE NOT w.incoming AND target.usage = 'customer' AND LEAST(w.open, w.short) > %s) promises
             GROUP BY product_id, warehouse_id
            """, NOTHING)
