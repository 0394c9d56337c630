from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ..tools.demand_levels import Z80
from .sales_stock_position_demand import DEMAND_DAYS, from_components

#: days ahead that the demand of a day is the mean of
DAYS = 30
#: where it is from; those with kits have what these took in the past, too
DEMAND_SOURCES = [
    ('past', "past demand"),
    ('week', "forecast by week"),
    ('week_hand', "forecast by week, changed by hand"),
    ('month', "forecast by month"),
    ('month_hand', "forecast by month, changed by hand"),
    ('week_kits', "forecast by week, and past demand of its kits"),
    ('week_hand_kits', "forecast by week, changed by hand, and past demand of its kits"),
    ('month_kits', "forecast by month, and past demand of its kits"),
    ('month_hand_kits', "forecast by month, changed by hand, and past demand of its kits"),
]


class SalesForecast(models.Model):
    """What forecasts tell others of the demand of a day."""
    _name = 'sales.forecast'
    _inherit = ['sales.forecast']

    @api.model
    def _get_daily_demand(self, positions):
        """Return position id -> (mean of a day, standard deviation of a day, one of :data:`DEMAND_SOURCES`).

        From the forecast of the next 30 days: that which somebody changed by hand, else that which is better than a
        naive guess, and of two by week and by month that by week. Where there is none, or it abstained: from the past.
        Forecasts are of what is sold itself; what kits take of a product is added, as it was in the past.
        """
        found = {position.id: (position.daily_demand, position.demand_spread, 'past') for position in positions}
        for company, own in positions.grouped('company_id').items():
            forecast = self._get_forecast_demand(company, own)
            for position, (mean, variance) in self._read_kit_demand(company, forecast).items():
                own_mean, spread, source = forecast[position]
                forecast[position] = (own_mean + mean, (spread ** 2 + variance) ** 0.5, f'{source}_kits')
            found.update(forecast)
        return found

    def _read_kit_demand(self, company, position_ids):
        """Return position id -> (mean, variance) of what kits took a day, where they took anything."""
        excluded = self.env['sales.forecast.exclusion']._select_excluded(company)
        rows = self.env.execute_query(SQL(
            """
            SELECT id, SUM(quantity) / days, GREATEST(SUM(quantity * quantity) / days - (SUM(quantity) / days) ^ 2, 0)
              FROM (SELECT p.id, SUM(m.product_qty)::float8 AS quantity, LEAST(
                               GREATEST(p.demand_days + COALESCE(p.stockout_days, 0), 1), %(days)s)::float8 AS days
                      FROM %(components)s AND s.date > %(today)s::date - %(days)s AND s.date <= %(today)s
                       AND s.id NOT IN (%(excluded)s) AND p.id = ANY(%(ids)s)
                     GROUP BY p.id, p.demand_days, p.stockout_days, s.date) taken
             GROUP BY id, days
            """, components=from_components(SQL(
                "JOIN sales_stock_position p ON p.product_id = m.product_id AND p.warehouse_id = s.warehouse_id")),
            days=DEMAND_DAYS, today=self._get_today(company), excluded=excluded, ids=list(position_ids)))
        return {position: (mean, variance) for position, mean, variance in rows}

    def _get_forecast_demand(self, company, positions):
        today = self._get_today(company)
        self.env['sales.forecast.line'].flush_model()
        rows = self.env.execute_query(SQL(
            """
            SELECT position.id, f.period, f.status, l.date, l.final, l.mean, l.lo, l.hi, COALESCE(f.backtest_error, 0),
                   l.is_overridden
              FROM sales_stock_position position
              JOIN sales_forecast f ON f.product_id = position.product_id AND f.warehouse_id = position.warehouse_id
              JOIN sales_forecast_line l ON l.forecast_id = f.id
             WHERE position.id = ANY(%(ids)s) AND f.level = 'product_warehouse' AND f.active
               AND f.status <> 'abstained' AND l.date < %(until)s
               AND l.date + CASE WHEN f.period = 'month' THEN interval '1 month' ELSE interval '7 days' END > %(today)s
             ORDER BY position.id, f.period = 'month', l.date
            """, ids=positions.ids, today=today, until=today + timedelta(days=DAYS)))
        choices = {}
        for position, period, status, *figures in rows:
            choices.setdefault(position, {}).setdefault((status != 'ok', period == 'month'), []).append(figures)
        return {position: told for position, kinds in choices.items() if (told := self._choose_demand(kinds, today))}

    def _choose_demand(self, kinds, today):
        """Return mean, standard deviation and source from one of the forecasts of a position, if any tells.

        :param kinds: (whether it is naive, whether it is by month) -> its lines
        """
        choices = []
        for (naive, monthly), lines in kinds.items():
            told = self._get_mean_day(lines, monthly, today)
            if told:
                by_hand = any(line[-1] for line in lines)
                source = ('month' if monthly else 'week') + ('_hand' if by_hand else '')
                choices.append(((not by_hand, naive, monthly), (*told, source)))
        return min(choices)[1] if choices else None

    def _get_mean_day(self, lines, monthly, today):
        """Return mean and standard deviation of a day, the lines weighted by their days among the next 30."""
        days = quantity = variance = 0.0
        end = today + timedelta(days=DAYS)
        for date, final, mean, low, high, error, _by_hand in lines:
            until = date + (relativedelta(months=1) if monthly else timedelta(days=7))
            length, counted = (until - date).days, (min(until, end) - max(date, today)).days
            if counted <= 0:
                continue
            # the low one may be cut off at 0, and of what is seldom sold the interval is narrow, but not the error
            spread = max((high - mean) / Z80, (mean - low) / Z80, error)
            # more than was forecast, as of more customers of the same kind: nobody is surer of it than of that
            spread *= max(final / mean, 1) ** 0.5 if mean > 0 else 1
            spread = max(spread, final ** 0.5 if final > mean else 0)
            days += counted
            quantity += final * counted / length
            variance += spread ** 2 * counted / length
        return (quantity / days, (variance / days) ** 0.5) if days else None
