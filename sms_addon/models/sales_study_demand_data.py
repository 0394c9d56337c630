from dataclasses import dataclass

import numpy as np

from odoo import models
from odoo.tools import SQL

from ..tools.demand_series import Gaps, days_without_stock
from ..tools.evidence import ThinDataError
from .sales_fixed_point import SCALE

#: years of the past that forecasts are made of
YEARS = 5
#: days: what was not sold for that long is not forecast; prices and shares are of these, too
RECENT = 365
#: order lines of a product that tell what is usual, how far above it one is proposed to be left out, and how many are
MIN_LINES, MIN_SCORE, MOST_PROPOSALS = 8, 8.0, 200
#: a median deviation times this is the standard deviation of a normal distribution
ROBUST = 1.4826


@dataclass(frozen=True)
class Demand:
    """What was sold by product, warehouse, team and day, and of which days nothing is known.

    ``products`` and ``warehouses`` have one id a series, ``rows`` one value a day of a series and team: ``series``,
    ``day``, ``team``, ``category`` (0 for none), ``quantity``, ``amount``.
    """
    products: np.ndarray
    warehouses: np.ndarray
    rows: dict
    without_stock: Gaps
    left_out: Gaps

    def __len__(self):
        return len(self.products)

    @property
    def categories(self):
        """The category of each series."""
        found = np.zeros(len(self), np.int64)
        found[self.rows['series']] = self.rows['category']
        return found


class SalesStudy(models.Model):
    """How a study of demand reads the past."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    def _read_demand(self):
        """Return the demand of all products and warehouses of the company.

        :raise ThinDataError: nothing was sold
        """
        rows = self._read_matrix(SQL(
            """
            SELECT product_id AS product, warehouse_id AS warehouse, COALESCE(team_id, 0) AS team, date AS day,
                   MAX(COALESCE(categ_id, 0)) AS category, SUM(product_uom_qty) / %(scale)s::float8 AS quantity,
                   SUM(price_subtotal) / %(scale)s::float8 AS amount
              FROM sales_fact WHERE %(where)s
             GROUP BY product_id, warehouse_id, COALESCE(team_id, 0), date
             ORDER BY 1, 2, 4, 3
            """, scale=SCALE, where=self._where_demand()), {
                'product': 'int', 'warehouse': 'int', 'team': 'int', 'day': 'date', 'category': 'int',
                'quantity': 'float', 'amount': 'float'})
        if not len(rows['day']):
            raise ThinDataError('no_demand')
        rows['day'] = rows['day'].astype(np.int64)
        keys, series = np.unique(
            np.column_stack([rows.pop('product'), rows.pop('warehouse')]), axis=0, return_inverse=True)
        rows['series'] = series.ravel()
        place = {tuple(key): number for number, key in enumerate(keys.tolist())}
        return Demand(keys[:, 0], keys[:, 1], rows, self._read_days_without_stock(place), self._read_left_out(place))

    def _where_demand(self):
        """Return the condition of facts that count."""
        as_of = np.datetime64(self._get_as_of(), 'D')
        first = self.date_from or (as_of - YEARS * 366).item()
        return SQL(
            """
            state = 'sale' AND company_id = %(company)s AND product_id IS NOT NULL AND warehouse_id IS NOT NULL
            AND date >= %(first)s AND date <= %(last)s AND %(marked)s
            AND EXISTS (SELECT 1 FROM product_product p WHERE p.id = product_id AND p.active)
            AND EXISTS (SELECT 1 FROM stock_warehouse w WHERE w.id = warehouse_id)
            """, company=self.company_id.id, first=first, last=self._get_as_of(),
            marked=SQL("id NOT IN (%s)", self.env['sales.forecast.exclusion']._select_excluded(self.company_id))
            if self.exclude_marked else SQL("TRUE"))

    def _read_days_without_stock(self, place):
        """Return the days at whose end storable products had nothing left, from done moves backwards.

        :param place: (product, warehouse) -> series
        """
        local_day = SQL(
            "(l.date AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", self.company_id.sales_timezone)
        first = self._get_first_day()
        products = sorted({product for product, _warehouse in place})
        changes = self._read_matrix(SQL(
            """
            SELECT product, warehouse, day, SUM(quantity) AS quantity FROM (
                SELECT l.product_id AS product, side.warehouse_id AS warehouse, %(day)s AS day,
                       CASE WHEN side.id = l.location_dest_id THEN 1 ELSE -1 END * l.quantity_product_uom AS quantity
                  FROM stock_move_line l
                  JOIN stock_location side
                    ON side.id IN (l.location_id, l.location_dest_id) AND side.usage = 'internal'
                   AND side.warehouse_id IS NOT NULL
                 WHERE l.state = 'done' AND l.company_id = %(company)s AND l.location_id <> l.location_dest_id
                   AND l.date >= %(first)s AND l.product_id = ANY(%(products)s)
                ) moved
             GROUP BY product, warehouse, day HAVING SUM(quantity) <> 0
            """, day=local_day, company=self.company_id.id, products=products,
            first=np.datetime64(first, 'D').item()), {
                'product': 'int', 'warehouse': 'int', 'day': 'date', 'quantity': 'float'})
        stock = self._read_matrix(SQL(
            """
            SELECT q.product_id AS product, place.warehouse_id AS warehouse, SUM(q.quantity) AS quantity
              FROM stock_quant q JOIN stock_location place ON place.id = q.location_id
             WHERE place.usage = 'internal' AND place.warehouse_id IS NOT NULL AND place.company_id = %s
               AND q.product_id = ANY(%s)
             GROUP BY 1, 2
            """, self.company_id.id, products), {'product': 'int', 'warehouse': 'int', 'quantity': 'float'})
        moved = np.array([
            place.get(key, -1) for key in zip(changes['product'].tolist(), changes['warehouse'].tolist(), strict=True)],
            np.int64)
        # only what was ever in stock can be out of it
        stocked = np.unique(moved[moved >= 0])
        on_hand = np.zeros(len(place))
        for product, warehouse, quantity in zip(*(column.tolist() for column in stock.values()), strict=True):
            series = place.get((product, warehouse))
            if series is not None:
                on_hand[series] += quantity
        ours = moved >= 0
        gaps = days_without_stock(
            moved[ours], changes['day'].astype(np.int64)[ours], changes['quantity'][ours], on_hand, first,
            self._get_day() + 1)
        kept = np.isin(gaps.series, stocked)
        return Gaps(gaps.series[kept], gaps.start[kept], gaps.end[kept])

    def _get_first_day(self):
        """Return the first day that counts, since 1970."""
        first = self.date_from or (np.datetime64(self._get_as_of(), 'D') - YEARS * 366).item()
        return int(np.datetime64(first, 'D').astype(np.int64))

    def _read_left_out(self, place):
        """Return the days of promotions that are left out."""
        if not self.exclude_marked:
            return Gaps(*(np.zeros(0, np.int64) for _column in range(3)))
        days = self._read_matrix(SQL(
            """
            SELECT DISTINCT e.product_id AS product, COALESCE(e.warehouse_id, 0) AS warehouse, day::date AS day
              FROM sales_forecast_exclusion e
             CROSS JOIN generate_series(GREATEST(e.date_from, %(first)s), LEAST(e.date_to, %(last)s), '1 day') day
             WHERE e.state = 'confirmed' AND e.company_id = %(company)s AND e.order_id IS NULL
            """, company=self.company_id.id, first=np.datetime64(self._get_first_day(), 'D').item(),
            last=self._get_as_of()), {'product': 'int', 'warehouse': 'int', 'day': 'date'})
        of_product = {}
        for (product, warehouse), series in place.items():
            of_product.setdefault((product, 0), []).append(series)
            of_product[product, warehouse] = [series]
        found = sorted({
            (series, day)
            for product, warehouse, day in zip(
                days['product'].tolist(), days['warehouse'].tolist(), days['day'].astype(np.int64).tolist(),
                strict=True)
            for series in of_product.get((product, warehouse), ())})
        series, start = np.array(found, np.int64).reshape(-1, 2).T
        return Gaps(series, start, start + 1)

    # -- what should perhaps be left out

    def _propose_exclusions(self):
        """Propose order lines far above what is usual for their product, the largest first; return how many."""
        lines = self._read_matrix(SQL(
            """
            SELECT f.id AS line, f.product_id AS product, f.product_uom_qty / %(scale)s::float8 AS quantity
              FROM sales_fact f
             WHERE f.state = 'sale' AND f.company_id = %(company)s AND f.product_id IS NOT NULL
               AND f.product_uom_qty > 0 AND f.date > %(since)s AND f.date <= %(last)s
             ORDER BY f.product_id
            """, scale=SCALE, company=self.company_id.id, last=self._get_as_of(),
            since=(np.datetime64(self._get_as_of(), 'D') - 2 * RECENT).item()),
            {'line': 'int', 'product': 'int', 'quantity': 'float'})
        _products, starts, counts = np.unique(lines['product'], return_index=True, return_counts=True)
        found = []
        enough = counts >= MIN_LINES
        for start, count in zip(starts[enough].tolist(), counts[enough].tolist(), strict=True):
            quantities = lines['quantity'][start:start + count]
            usual = float(np.median(quantities))
            # where most lines are the same, those to come still differ as what is counted does by chance
            spread = max(ROBUST * float(np.median(np.abs(quantities - usual))), usual ** 0.5, usual / 10)
            scores = (quantities - usual) / spread
            found += [
                (float(scores[place]), int(lines['line'][start + place]), float(quantities[place]), usual, count)
                for place in np.flatnonzero(scores >= MIN_SCORE).tolist()]
        found.sort(reverse=True)
        self.env['sales.forecast.exclusion'].sudo()._propose(self.company_id, [{
            'order_line_id': line,
            'score': score,
            'reason': self.env._(
                "%(quantity)g ordered at once; half of %(count)s lines are for %(usual)g at most",
                quantity=quantity, count=count, usual=usual),
        } for score, line, quantity, usual, count in found[:MOST_PROPOSALS]])
        return min(len(found), MOST_PROPOSALS)
