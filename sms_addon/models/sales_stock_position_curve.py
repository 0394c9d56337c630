from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools.stock_curve import past_stock, projected_stock

#: what a chart can show
MAX_DAYS = 730


class SalesStockPosition(models.Model):
    """The past and the projected stock of a position."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    @api.readonly
    def get_stock_curve(self, days_back=90, days_ahead=60):
        """Return the stock of each day, past days from what was moved, coming ones from plans and usual demand.

        :return: ``days`` (all), ``today``, for each day ``past`` or None, ``future``, ``low`` and ``high`` (80 %) or
            None, ``receipts``: planned ones ({day, quantity, names}), ``demand`` of a day, its ``source`` in a
            sentence, ``unit``
        """
        self.ensure_one()
        self.check_access('read')
        if not 0 <= days_back <= MAX_DAYS or not 0 <= days_ahead <= MAX_DAYS:
            raise UserError(self.env._("A chart shows between 0 and %s days.", MAX_DAYS))
        zone = ZoneInfo(self.company_id.sales_timezone)
        today = fields.Datetime.now().replace(tzinfo=UTC).astimezone(zone).date()
        on_hand = self._get_curve_stock()
        past = past_stock(on_hand, self._get_curve_moves(today - timedelta(days=days_back), zone), today, days_back)
        receipts, deliveries, names = self._get_curve_plans(zone)
        demand, spread, source = self._get_curve_demand()
        future = projected_stock(on_hand, receipts, deliveries, demand, spread, today, days_ahead)
        blank = [None] * days_back
        return {
            'days': [day.isoformat() for day, _stock in past] + [day.isoformat() for day, *_stock in future[1:]],
            'today': today.isoformat(),
            'past': [stock for _day, stock in past] + [None] * days_ahead,
            **{
                # what is there now is known, whatever is planned for later today
                name: blank + [on_hand] + [row[place] for row in future[1:]]
                for name, place in (('future', 1), ('low', 2), ('high', 3))
            },
            'receipts': [
                {'day': max(day, today).isoformat(), 'quantity': quantity, 'names': names[day]}
                for day, quantity in sorted(receipts.items())
            ],
            'demand': demand,
            'source': source,
            'unit': self.uom_id.name,
        }

    def _get_curve_stock(self):
        """Return what is there at the moment: the moves of the chart are those of the same moment."""
        [(on_hand,)] = self._query_curve(
            "SELECT COALESCE(SUM(q.quantity), 0)::float8"
            " FROM stock_quant q JOIN stock_location l ON l.id = q.location_id"
            " WHERE q.product_id = %(product)s AND l.warehouse_id = %(warehouse)s")
        return on_hand

    def _get_curve_moves(self, since, zone):
        """Return what came less what left on each day since a day."""
        start = datetime.combine(since, datetime.min.time(), zone).astimezone(UTC).replace(tzinfo=None)
        return dict(self._query_curve(
            """
            SELECT (l.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date,
                   SUM(CASE WHEN d.warehouse_id = %(warehouse)s THEN l.quantity_product_uom
                            ELSE -l.quantity_product_uom END)::float8
              FROM stock_move_line l
              JOIN stock_location s ON s.id = l.location_id
              JOIN stock_location d ON d.id = l.location_dest_id
             WHERE l.product_id = %(product)s AND l.state = 'done' AND l.date >= %(start)s
               AND s.warehouse_id IS DISTINCT FROM d.warehouse_id
               AND %(warehouse)s IN (s.warehouse_id, d.warehouse_id)
             GROUP BY 1
            """, zone=str(zone), start=start))

    def _get_curve_plans(self, zone):
        """Return planned receipts and deliveries by day, and the documents of the receipts by day."""
        receipts, deliveries, names = {}, {}, {}
        for day, arriving, quantity, documents in self._query_curve(
            """
            SELECT (m.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date,
                   d.warehouse_id IS NOT DISTINCT FROM %(warehouse)s AS arriving, SUM(m.product_qty)::float8,
                   ARRAY_AGG(DISTINCT m.reference) FILTER (WHERE m.reference IS NOT NULL)
              FROM stock_move m
              JOIN stock_location s ON s.id = m.location_id
              JOIN stock_location d ON d.id = COALESCE(m.location_final_id, m.location_dest_id)
             WHERE m.product_id = %(product)s AND m.state NOT IN ('draft', 'done', 'cancel')
               AND s.warehouse_id IS DISTINCT FROM d.warehouse_id
               AND %(warehouse)s IN (s.warehouse_id, d.warehouse_id)
             GROUP BY 1, 2
            """, zone=str(zone),
        ):
            (receipts if arriving else deliveries)[day] = quantity
            if arriving:
                names[day] = documents or []
        return receipts, deliveries, names

    def _get_curve_demand(self):
        """Return mean and standard deviation of the demand of a day, and where they are from."""
        # sudo: the mean says no more than the demand of the position that the user may read
        mean, spread, source = self.env['sales.forecast'].sudo()._get_daily_demand(self)[self.id]
        if source != 'past':
            return mean, spread, self.env['sales.reorder.proposal']._describe_demand_source(source)
        return mean, spread, self.env._(
            "usual demand of %s days with stock", self.demand_days) if self.demand_days else ""

    def _query_curve(self, query, **values):
        # what the chart sums up is the position's own past: its stock was right on each of these days
        for model, names in (
            ('stock.quant', ['quantity']), ('stock.move', ['state', 'date', 'product_qty']),
            ('stock.move.line', ['state', 'date', 'quantity_product_uom']), ('stock.location', ['warehouse_id']),
        ):
            self.env[model].flush_model(names)
        return self.env.execute_query(SQL(
            query, product=self.product_id.id, warehouse=self.warehouse_id.id, **values))
