from dataclasses import dataclass, field
from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.demand_series import Gaps
from .sales_fixed_point import SCALE
from .sales_stock_position_demand import from_components

#: days of demand that are read: the year that is replayed, and those that are held out to judge the method
REPLAY_DAYS, HELD_OUT_DAYS = 365, 91
HISTORY_DAYS = REPLAY_DAYS + HELD_OUT_DAYS
#: days that demand has to be known for
MIN_DEMAND_DAYS = 60


@dataclass(frozen=True)
class Sold:
    """What was asked for of a product in a warehouse.

    ``ago`` and ``quantity`` have a value a day with orders; ``price`` is the net price of the last year, if anything
    was sold itself in it; ``unknown`` are the days ago of which the demand is not known: without stock, or promoted.
    """
    ago: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    quantity: np.ndarray = field(default_factory=lambda: np.zeros(0))
    price: float | None = None
    unknown: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


NOTHING = Sold()


class SalesReorderCalculation(models.AbstractModel):
    """What reorder proposals are made of. This part: what was asked for, as forecasts and stock positions see it.

    Orders that somebody marked as coming once never came; days of a promotion, or without stock from morning to
    evening, tell nothing; components of kits were asked for as their kits were.

    Works for the company of the environment, with its rights taken for granted: whoever calls has checked them.
    """
    _name = 'sales.reorder.calculation'
    _inherit = ['sales.study.data']
    _description = "Calculation of Reorder Proposals"

    @api.model
    def _today(self):
        now = fields.Datetime.now().replace(tzinfo=UTC)
        return now.astimezone(ZoneInfo(self.env.company.sales_timezone)).date()

    @api.model
    def _read_demand(self, product_ids=None):
        """Return the demand per day up to yesterday: (product id, warehouse id) -> :class:`Sold`."""
        read = self._read_matrix(self._select_demand(product_ids), {
            'product': 'int', 'warehouse': 'int', 'ago': 'int', 'quantity': 'float', 'direct': 'float',
            'amount': 'float'})
        keys = np.column_stack((read['product'], read['warehouse']))
        starts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)]) if len(keys) else []
        limits = [*starts, len(keys)]
        places = [tuple(keys[start].tolist()) for start in starts]
        unknown = self._read_unknown(places)
        found = {}
        for place, start, end in zip(places, limits, limits[1:], strict=False):
            ago, direct, amount = (read[name][start:end] for name in ('ago', 'direct', 'amount'))
            lately = ago <= REPLAY_DAYS
            sold, revenue = direct[lately].sum(), amount[lately].sum()
            found[place] = Sold(
                ago, read['quantity'][start:end], float(revenue / sold) if sold > 0 and revenue > 0 else None,
                unknown.get(place, NOTHING.unknown))
        return found

    def _select_demand(self, product_ids):
        def scope(column):
            return SQL("%s = ANY(%s)", column, list(product_ids)) if product_ids is not None else SQL("TRUE")

        today, company = self._today(), self.env.company
        where = SQL(
            "s.company_id = %(company)s AND s.warehouse_id IS NOT NULL AND s.date >= %(today)s::date - %(days)s::int"
            " AND s.date < %(today)s::date AND s.id NOT IN (%(excluded)s)", company=company.id, today=today,
            days=HISTORY_DAYS, excluded=self.env['sales.forecast.exclusion']._select_excluded(company))
        return SQL(
            """
            SELECT product_id AS product, warehouse_id AS warehouse, %(today)s::date - date AS ago,
                   GREATEST(SUM(quantity), 0) AS quantity, SUM(direct) AS direct, SUM(amount) AS amount
              FROM (SELECT s.product_id, s.warehouse_id, s.date, s.product_uom_qty / %(scale)s::float8 AS quantity,
                           s.product_uom_qty / %(scale)s::float8 AS direct,
                           s.price_subtotal / %(scale)s::float8 AS amount
                      FROM sales_fact s
                     WHERE s.state = 'sale' AND s.product_id IS NOT NULL AND %(where)s AND %(products)s
                     UNION ALL
                    SELECT m.product_id, s.warehouse_id, s.date, m.product_qty, 0, 0
                      FROM %(components)s AND %(where)s AND %(parts)s) asked
             GROUP BY product_id, warehouse_id, date
             ORDER BY product_id, warehouse_id
            """, today=today, scale=SCALE, where=where, products=scope(SQL("s.product_id")),
            components=from_components(), parts=scope(SQL("m.product_id")))

    @api.model
    def _read_unknown(self, places):
        """Return (product id, warehouse id) -> the days ago of which the demand is not known, if there are any."""
        today = int(np.datetime64(self._today(), 'D').astype(np.int64))
        study = self.env['sales.study'].new({
            'kind': 'demand', 'company_id': self.env.company.id, 'exclude_marked': True,
            'date_from': np.datetime64(today - HISTORY_DAYS, 'D').item()})
        series = {place: number for number, place in enumerate(places)}
        found = {}
        if not series:
            return found
        without_stock, left_out = study._read_days_without_stock(series), study._read_left_out(series)
        # on the day that ends without any there was some in the morning
        for gaps in (Gaps(without_stock.series, without_stock.start + 1, without_stock.end), left_out):
            for number, ago in self._spread_gaps(gaps, today):
                found.setdefault(places[number], []).append(ago)
        return {place: np.unique(np.concatenate(days)) for place, days in found.items()}

    def _spread_gaps(self, gaps, today):
        """Yield (series, days ago) of gaps, without today, which is not over."""
        start, end = np.maximum(gaps.start, today - HISTORY_DAYS), np.minimum(gaps.end, today)
        for number, first, stop in zip(gaps.series.tolist(), start.tolist(), end.tolist(), strict=True):
            if stop > first:
                yield number, today - np.arange(first, stop)

    @api.model
    def _get_history(self, position, demand):
        """Return the demand of the last days, oldest first, twice: with all days that count, and as it was asked for.

        NaN before the product was there. Days without stock count where hardly any would be left without them: goods
        that are bought to order never have stock.
        """
        sold = demand.get((position.product_id.id, position.warehouse_id.id), NOTHING)
        asked = np.zeros(HISTORY_DAYS)
        asked[HISTORY_DAYS - sold.ago] = sold.quantity
        known = min(max(int(sold.ago.max(initial=0)), position.demand_days), HISTORY_DAYS)
        asked[:HISTORY_DAYS - known] = np.nan
        history = asked.copy()
        history[HISTORY_DAYS - sold.unknown] = np.nan
        return (history if np.isfinite(history).sum() >= MIN_DEMAND_DAYS else asked), asked
