from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from .sales_fixed_point import SCALE

#: days that a period which is over is looked at again: orders are cancelled, or entered late
LOOKED_AT = 100


class SalesForecast(models.Model):
    """How good forecasts turn out to be, as time passes."""
    _name = 'sales.forecast'
    _inherit = ['sales.forecast']

    @api.model
    def _cron_measure(self):
        """Tell what was ordered in the periods that are over."""
        for company in self.env['res.company'].search(Domain.TRUE):
            self._measure(company)

    @api.model
    def _measure(self, company):
        self.env['sales.forecast.line'].flush_model()
        today = self._get_today(company)
        for level in self.env['sales.forecast.line']._fields['level'].get_values(self.env):
            self.env.cr.execute(self._update_actual(company, level, today))
        self.env.cr.execute(SQL(
            """
            UPDATE sales_forecast f SET accuracy = s.accuracy, accuracy_count = s.periods
              FROM (SELECT forecast_id, COUNT(*) AS periods,
                           GREATEST(1 - SUM(absolute_error) / NULLIF(SUM(actual), 0), 0) AS accuracy
                      FROM sales_forecast_line WHERE company_id = %s AND has_actual GROUP BY forecast_id) s
             WHERE s.forecast_id = f.id
               AND (f.accuracy, f.accuracy_count) IS DISTINCT FROM (s.accuracy, s.periods::int)
            """, company.id))
        self._refresh_next(company)
        self.env['sales.forecast'].invalidate_model(flush=False)
        self.env['sales.forecast.line'].invalidate_model(flush=False)

    def _update_actual(self, company, level, today):
        """Return the statement that tells what was ordered in the periods of a level that are over."""
        same = {
            'product_warehouse': SQL("o.product_id = l.product_id AND o.warehouse_id = l.warehouse_id"),
            'category': SQL("o.categ_id IS NOT DISTINCT FROM l.categ_id"),
            'team': SQL("o.team_id IS NOT DISTINCT FROM l.team_id"),
            'company': SQL("TRUE"),
        }[level]
        keys = {
            'product_warehouse': SQL("product_id, warehouse_id,"), 'category': SQL("categ_id,"),
            'team': SQL("team_id,"), 'company': SQL(),
        }[level]
        return SQL(
            """
            WITH open AS (
                SELECT id, forecast_id, date, period, product_id, warehouse_id, categ_id, team_id, mean, final, lo, hi,
                       actual, has_actual
                  FROM sales_forecast_line
                 WHERE company_id = %(company)s AND level = %(level)s
                   AND (date >= %(today)s::date - %(back)s OR NOT has_actual)
                   AND (date + CASE period WHEN 'month' THEN INTERVAL '1 month' ELSE INTERVAL '7 days' END)::date
                       <= %(today)s
            ), ordered AS (
                SELECT %(keys)s period, date_trunc(period, date)::date AS start,
                       SUM(%(figure)s) / %(scale)s::float8 AS figure
                  FROM sales_fact CROSS JOIN (VALUES ('week'), ('month')) AS p (period)
                 WHERE company_id = %(company)s AND state = 'sale' AND product_id IS NOT NULL
                   AND date >= (SELECT MIN(date) FROM open) AND date < %(today)s
                 GROUP BY %(keys)s period, date_trunc(period, date)
            ), told AS (
                SELECT l.id, COALESCE(o.figure, 0) AS actual, l.mean, l.final, l.lo, l.hi
                  FROM open l LEFT JOIN ordered o ON o.period = l.period AND o.start = l.date AND %(same)s
            )
            UPDATE sales_forecast_line l
               SET has_actual = TRUE, actual = t.actual, error = t.final - t.actual,
                   absolute_error = ABS(t.final - t.actual), model_error = ABS(t.mean - t.actual),
                   covered = CASE WHEN t.actual BETWEEN t.lo AND t.hi THEN 1 ELSE 0 END,
                   error_rate = ABS(t.final - t.actual) / NULLIF(t.actual, 0)
              FROM told t
             WHERE t.id = l.id AND (NOT l.has_actual OR l.actual IS DISTINCT FROM t.actual)
            """, company=company.id, level=level, today=today, back=LOOKED_AT, keys=keys, same=same, scale=SCALE,
            figure=SQL("product_uom_qty") if level == 'product_warehouse' else SQL("price_subtotal"))
