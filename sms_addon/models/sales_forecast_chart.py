from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from .sales_fixed_point import SCALE

#: periods of the past that a chart shows
SHOWN = {'week': 78, 'month': 36}
#: what a point has of a period that was, or is, expected
EXPECTED = ('mean', 'lo', 'hi', 'final', 'by_hand', 'reason')


class SalesForecast(models.Model):
    """The past of what is forecast, and what is expected, as a chart shows it."""
    _name = 'sales.forecast'
    _inherit = ['sales.forecast']

    @api.readonly
    def get_forecast_chart(self):
        """Return the periods of a forecast, past and coming ones.

        :return: dictionary with ``period``, ``unit`` (the name of the unit, or nothing), ``currency_id`` (or nothing)
            and ``points``, each with ``date``, ``actual``, ``excluded`` (what of it was left out), ``mean``, ``lo``,
            ``hi``, ``final``, ``by_hand`` and ``reason``; what there is none of is false
        """
        self.ensure_one()
        self.check_access('read')
        current = self.env['sales.forecast.line']._get_current_start(self)
        ahead = relativedelta(months=1) if self.period == 'month' else relativedelta(days=7)
        first = current - ahead * SHOWN[self.period]
        past = self._read_past(first, current)
        lines = {line.date: line for line in self.line_ids.filtered(lambda line: line.date >= first)}
        # nothing was sold before the first period with anything
        begin = min([*past, *lines], default=current)
        last = max([*lines, current])
        points, date = [], begin
        while date <= last:
            line = lines.get(date)
            actual, excluded = past.get(date, (0, 0)) if date < current else (False, False)
            points.append({
                'date': date.isoformat(), 'actual': actual, 'excluded': excluded or False,
                **(line._prepare_point() if line else dict.fromkeys(EXPECTED, False)),
            })
            date += ahead
        product = self.level == 'product_warehouse'
        return {
            'period': self.period,
            'current': current.isoformat(),
            'unit': product and self.uom_id.name,
            'currency_id': not product and self.currency_id.id,
            'points': points,
        }

    def _read_past(self, first, end):
        """Return first day of a period -> (what was sold in it, what of that is left out of forecasts)."""
        # a forecast is for all of its company, and so is what it is made from: no rule on orders applies
        rows = self.env.execute_query(SQL(
            """
            SELECT date_trunc(%(period)s, date)::date AS start, SUM(%(figure)s) / %(scale)s::float8,
                   SUM(%(figure)s) FILTER (WHERE id IN (%(excluded)s)) / %(scale)s::float8
              FROM sales_fact
             WHERE company_id = %(company)s AND state = 'sale' AND product_id IS NOT NULL AND date >= %(first)s
               AND date < %(end)s AND %(scope)s
             GROUP BY start
            """, period=self.period, scale=SCALE, company=self.company_id.id, first=first, end=end,
            figure=SQL("product_uom_qty" if self.level == 'product_warehouse' else "price_subtotal"),
            excluded=self.env['sales.forecast.exclusion']._select_excluded(self.company_id), scope=self._get_scope()))
        return {start: (figure, excluded or 0) for start, figure, excluded in rows}

    def _get_scope(self):
        """Return the condition of the facts that the forecast is about."""
        if self.level == 'product_warehouse':
            return SQL("product_id = %s AND warehouse_id = %s", self.product_id.id, self.warehouse_id.id)
        if self.level == 'category':
            return SQL("categ_id IS NOT DISTINCT FROM %s", self.categ_id.id or None)
        if self.level == 'team':
            return SQL("team_id IS NOT DISTINCT FROM %s", self.team_id.id or None)
        return SQL("TRUE")
