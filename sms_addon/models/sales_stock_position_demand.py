from odoo import models
from odoo.tools import SQL

from .sales_fixed_point import SCALE

YEAR = 365
#: days back that the demand of a day is taken from
DEMAND_DAYS = 180
#: with fewer days with stock than these, days without count too
LEAST_DAYS = 28
#: fewer days with orders before say nothing of what is usual, and nothing is a surprise
LEAST_ORDER_DAYS = 4
RECENT_DAYS = 7


def from_components(more=None):
    """Return the tables, and the condition on them, of what was asked for of components (``m``) by kits (``s``).

    :param more: another join, as SQL
    """
    return SQL(
        """
        stock_move m
          JOIN sales_fact s ON s.id = m.sale_line_id
          -- a move that is yet to be done counts for where its goods end, as in the host
          JOIN stock_location target ON target.id = CASE WHEN m.state = 'done' THEN m.location_dest_id
               ELSE COALESCE(m.location_final_id, m.location_dest_id) END
          %s
         WHERE s.state = 'sale' AND m.product_id <> s.product_id AND m.state <> 'cancel'
           AND target.usage = 'customer'
        """, more or SQL())


class SalesStockPosition(models.Model):
    """How much is wanted a day, from the facts of the warehouse.

    Demand counts on the day of the order, whenever it is shipped. A day on which the product was out from morning to
    evening says nothing about demand and is left out, with what was ordered on it: what was there each day follows
    from what is there now and the moves since. Components of kits are wanted as their kits are. What somebody marked as
    no part of the usual demand (:class:`SalesForecastExclusion`) is none here either: an order that comes once never
    came, and the days of a promotion are left out as those without stock.
    """
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    def _ctes_demand(self):
        return {
            'spans': self._select_spans(),
            'promoted': self._select_promoted(),
            'level': self._select_level(),
            'demand': self._select_demand(),
        }

    def _columns_demand(self):
        return {
            'daily_demand': SQL("f.mean"),
            'demand_spread': SQL("f.spread"),
            'demand_days': SQL("f.days"),
            'stockout_days': SQL("f.stockout_days"),
            'demand_recent': SQL("f.recent"),
            'demand_surprise': SQL(
                "CASE WHEN f.days_before >= %s AND f.order_days_before >= %s THEN (f.recent - %s * f.mean_before)"
                " / (sqrt(%s) * GREATEST(f.spread_before, sqrt(f.mean_before), 1e-3)) ELSE 0 END",
                LEAST_DAYS, LEAST_ORDER_DAYS, RECENT_DAYS, RECENT_DAYS),
        }

    def _select_sold(self, scope):
        """Return what was ordered each day of the last year; a subquery that the keys of the positions need, too.

        ``usual`` is the part of the quantity that is not of orders that come once.
        """
        once = self.env['sales.forecast.exclusion']._is_once(SQL("s"))
        return SQL(
            """
            SELECT product_id, warehouse_id, day, SUM(qty) AS qty, SUM(revenue) AS revenue, SUM(margin) AS margin,
                   COALESCE(SUM(qty) FILTER (WHERE NOT once), 0) AS usual
              FROM (SELECT s.product_id, s.warehouse_id, s.date AS day, s.product_uom_qty::numeric / %(scale)s AS qty,
                           s.price_subtotal AS revenue, s.margin, %(once)s AS once
                      FROM sales_fact s
                     WHERE s.state = 'sale' AND s.product_uom_qty <> 0 AND %(fact_scope)s
                     UNION ALL
                    SELECT m.product_id, s.warehouse_id, s.date, m.product_qty, 0, 0, %(once)s
                      FROM %(components)s AND %(move_scope)s) lines
              JOIN (SELECT DISTINCT warehouse_id, today FROM place) pl USING (warehouse_id)
             WHERE day > pl.today - %(year)s AND day <= pl.today
             GROUP BY product_id, warehouse_id, day
            """,
            scale=SCALE, year=YEAR, once=once, components=from_components(), fact_scope=scope(SQL("s.product_id")),
            move_scope=scope(SQL("m.product_id")))

    def _select_promoted(self):
        """Return the days of promotions that do not count, and whether the product was out on them."""
        return SQL(
            """
            SELECT DISTINCT s.product_id, s.warehouse_id, day::date AS day, s.today, d.product_id IS NOT NULL AS dry
              FROM sales_forecast_exclusion e
              JOIN stock s ON s.product_id = e.product_id AND s.company_id = e.company_id
                          AND (e.warehouse_id IS NULL OR s.warehouse_id = e.warehouse_id)
              LEFT JOIN (SELECT product_id, warehouse_id, MIN(day) AS first_sale FROM sold GROUP BY 1, 2) asked
                     ON asked.product_id = s.product_id AND asked.warehouse_id = s.warehouse_id
             -- only of its life, from the first move or order on
             CROSS JOIN generate_series(GREATEST(e.date_from, LEAST(s.first_day, asked.first_sale), s.today - %s + 1),
                                        LEAST(e.date_to, s.today), interval '1 day') AS day
              LEFT JOIN spans d ON d.product_id = s.product_id AND d.warehouse_id = s.warehouse_id
                               AND d.closing <= 0.000001 AND day::date BETWEEN d.since AND d.until
             WHERE e.state = 'confirmed' AND e.order_id IS NULL AND LEAST(s.first_day, asked.first_sale) IS NOT NULL
            """, DEMAND_DAYS)

    def _select_spans(self):
        """Return the spans of days between two moves, and what was there on them."""
        return SQL(
            """
            SELECT product_id, warehouse_id, today, closing, day AS moved_on,
                   GREATEST(day + 1, today - %(year)s + 1) AS since, COALESCE(next_day - 1, today) AS until
              FROM (SELECT d.product_id, d.warehouse_id, s.today, d.day, LEAD(d.day) OVER days AS next_day,
                           s.on_hand - SUM(d.qty_in - d.qty_out) OVER position + SUM(d.qty_in - d.qty_out) OVER days
                           AS closing
                      FROM done d
                      JOIN stock s USING (product_id, warehouse_id)
                    WINDOW days AS (PARTITION BY d.product_id, d.warehouse_id ORDER BY d.day),
                           position AS (PARTITION BY d.product_id, d.warehouse_id)) moved
             WHERE COALESCE(next_day - 1, today) > today - %(year)s
            """, year=YEAR)

    def _select_level(self):
        """Return the days without stock and the average stock of each position."""
        empty = SQL("closing <= 0.000001 AND since <= until")
        length = SQL("(until - since + 1)")
        return SQL(
            """
            SELECT product_id, warehouse_id,
                   SUM(%(length)s) FILTER (WHERE %(empty)s) AS dry,
                   SUM(until - GREATEST(since, today - %(demand)s + 1) + 1)
                   FILTER (WHERE %(empty)s AND until > today - %(demand)s) AS dry_demand,
                   SUM(until - GREATEST(since, today - %(recent)s + 1) + 1)
                   FILTER (WHERE %(empty)s AND until > today - %(recent)s) AS dry_recent,
                   SUM(GREATEST(closing, 0) * (until - GREATEST(moved_on, today - %(year)s + 1) + 1))
                   / SUM(until - GREATEST(moved_on, today - %(year)s + 1) + 1) AS average
              FROM spans
             GROUP BY product_id, warehouse_id
            """, length=length, empty=empty, demand=DEMAND_DAYS, recent=RECENT_DAYS, year=YEAR)

    def _select_demand(self):
        return SQL(
            """
            SELECT product_id, warehouse_id, launched, days, days_before, order_days_before, stockout_days, recent,
                   %(mean)s AS mean, %(spread)s AS spread, %(mean_before)s AS mean_before,
                   %(spread_before)s AS spread_before
              FROM (SELECT product_id, warehouse_id, launched, stockout_days, recent, order_days_before,
                           CASE WHEN corrected THEN days_wet ELSE days_all END AS days,
                           CASE WHEN corrected THEN days_wet - wet_recent ELSE days_all - all_recent END AS days_before,
                           CASE WHEN corrected THEN sum_wet ELSE sum_all END AS total,
                           CASE WHEN corrected THEN squares_wet ELSE squares_all END AS squares,
                           CASE WHEN corrected THEN sum_wet_before ELSE sum_before END AS total_before,
                           CASE WHEN corrected THEN squares_wet_before ELSE squares_before END AS squares_before
                      FROM (%(sums)s) sums
                     CROSS JOIN LATERAL (SELECT days_wet >= %(least)s AS corrected) c) chosen
            """,
            mean=self._mean(SQL("total"), SQL("days")),
            spread=self._spread(SQL("total"), SQL("squares"), SQL("days")),
            mean_before=self._mean(SQL("total_before"), SQL("days_before")),
            spread_before=self._spread(SQL("total_before"), SQL("squares_before"), SQL("days_before")),
            least=LEAST_DAYS, sums=self._select_demand_sums())

    def _mean(self, total, days):
        return SQL("GREATEST(COALESCE(%s / NULLIF(%s, 0), 0), 0)", total, days)

    def _spread(self, total, squares, days):
        return SQL(
            "CASE WHEN %(days)s > 1 THEN sqrt(GREATEST(%(squares)s - %(total)s * %(total)s / %(days)s, 0)"
            " / (%(days)s - 1)) ELSE 0 END", total=total, squares=squares, days=days)

    def _select_demand_sums(self):
        """Return days, sums and squares of the demand of each position, with and without its days out of stock."""
        def sums(condition):
            return SQL(
                "COALESCE(SUM(o.usual) FILTER (WHERE %(c)s), 0) AS %(sum)s,"
                " COALESCE(SUM(o.usual * o.usual) FILTER (WHERE %(c)s), 0) AS %(squares)s",
                c=condition[1], sum=SQL.identifier(f'sum_{condition[0]}'),
                squares=SQL.identifier(f'squares_{condition[0]}'))

        window = SQL("o.day > s.today - %s AND x.product_id IS NULL", DEMAND_DAYS)
        wet, before = SQL("d.product_id IS NULL"), SQL("o.day <= s.today - %s", RECENT_DAYS)
        return SQL(
            """
            SELECT p.*, p.days_launched - COALESCE(x.days, 0) AS days_all,
                   p.days_launched - COALESCE(l.dry_demand, 0) - COALESCE(x.wet, 0) AS days_wet,
                   LEAST(%(recent)s, p.days_launched) - COALESCE(x.recent_days, 0) AS all_recent,
                   LEAST(%(recent)s, p.days_launched) - COALESCE(l.dry_recent, 0) - COALESCE(x.recent_wet, 0)
                   AS wet_recent,
                   COALESCE(l.dry, 0) AS stockout_days
              FROM (SELECT s.product_id, s.warehouse_id, LEAST(s.first_day, MIN(o.day)) AS launched,
                           COALESCE(LEAST(%(demand)s, s.today - LEAST(s.first_day, MIN(o.day)) + 1), 0)
                           AS days_launched,
                           COALESCE(SUM(o.usual) FILTER (WHERE %(window)s AND NOT %(before)s), 0) AS recent,
                           COUNT(o.day) FILTER (WHERE o.usual > 0 AND %(before)s AND %(window)s) AS order_days_before,
                           %(sums)s
                      FROM stock s
                      LEFT JOIN sold o ON o.product_id = s.product_id AND o.warehouse_id = s.warehouse_id
                      LEFT JOIN spans d ON d.product_id = s.product_id AND d.warehouse_id = s.warehouse_id
                                     AND d.closing <= 0.000001 AND o.day BETWEEN d.since AND d.until
                      LEFT JOIN promoted x ON x.product_id = o.product_id AND x.warehouse_id = o.warehouse_id
                                          AND x.day = o.day
                     GROUP BY s.product_id, s.warehouse_id, s.first_day, s.today) p
              LEFT JOIN level l USING (product_id, warehouse_id)
              LEFT JOIN (SELECT product_id, warehouse_id, COUNT(*) AS days, COUNT(*) FILTER (WHERE NOT dry) AS wet,
                                COUNT(*) FILTER (WHERE day > today - %(recent)s) AS recent_days,
                                COUNT(*) FILTER (WHERE NOT dry AND day > today - %(recent)s) AS recent_wet
                           FROM promoted GROUP BY product_id, warehouse_id) x USING (product_id, warehouse_id)
            """,
            demand=DEMAND_DAYS, recent=RECENT_DAYS, window=window, before=before,
            sums=SQL(", ").join(map(sums, [
                ('all', window), ('wet', SQL("%s AND %s", window, wet)), ('before', SQL("%s AND %s", window, before)),
                ('wet_before', SQL("%s AND %s AND %s", window, wet, before))])))
