from collections.abc import Iterable
from datetime import datetime, time

import pytz

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .sales_event import TYPES

#: the milestones of an order, in the order in which they usually come
MILESTONES = [
    'order.created',
    'order.sent',
    'order.confirmed',
    'delivery.ready',
    'delivery.picked',
    'delivery.packed',
    'delivery.shipped',
    'order.delivered',
    'invoice.posted',
    'invoice.paid',
    'delivery.returned',
    'refund.posted',
    'order.cancelled',
    'order.reset',
]
FILTERED = ('team_ids', 'user_ids', 'company_ids')
SLOWEST = 3
VARIANTS = 20
ORDERS = 5000
CHUNK = 100_000


class SalesProcess(models.AbstractModel):
    """The paths that orders really take from quotation to payment, read from the ledger.

    Whoever reads the ledger gets the paths of the orders they may read, and of no others. ``filters``, everywhere,
    is a dictionary that may have ``date_from`` and ``date_to`` (days, both included, in which the order was made, in
    the reader's time zone) and lists of ids: ``team_ids``, ``partner_ids`` (with their contacts), ``user_ids``,
    ``company_ids``.
    """
    _name = 'sales.process'
    _description = "Sales Process"

    @api.readonly
    @api.model
    def get_process_map(self, filters=None):
        """Return the milestones, the transitions between them and the most frequent paths.

        ``wait`` is the median time of a transition in seconds; the transitions with a ``slow_rank`` (1, 2, 3) are
        those where orders wait longest altogether: number of transitions times median.
        """
        from ..tools.process_mining import discover  # numpy is heavy, and needed here only

        found = discover(*self._read_events(filters or {}))
        slowest = sorted(found.edges, key=lambda edge: -edge.count * edge.median_seconds)[:SLOWEST]
        ranks = {edge: rank for rank, edge in enumerate(slowest, 1) if edge.median_seconds}
        return {
            'orders': found.cases,
            'events': found.events,
            'variant_count': len(found.variants),
            'nodes': [{
                'type': MILESTONES[activity.name],
                'label': self._label(MILESTONES[activity.name]),
                'count': activity.count,
                'orders': activity.cases,
                'starts': activity.starts,
                'ends': activity.ends,
            } for activity in sorted(found.activities, key=lambda activity: activity.name)],
            'edges': [{
                'source': MILESTONES[edge.source],
                'target': MILESTONES[edge.target],
                'count': edge.count,
                'orders': edge.cases,
                'wait': edge.median_seconds,
                'slow_rank': ranks.get(edge, False),
            } for edge in found.edges],
            'variants': [{
                'types': [MILESTONES[step] for step in variant.sequence],
                'orders': variant.count,
                'wait': variant.median_seconds,
            } for variant in found.variants[:VARIANTS]],
        }

    @api.readonly
    @api.model
    def get_transition_orders(self, source, target, filters=None):
        """Return the action that opens the orders with a transition, those that waited longest first."""
        steps = SQL(
            "SELECT *, LEAD(type) OVER steps AS next, LEAD(date) OVER steps - date AS wait FROM (%s) AS events"
            " WINDOW steps AS (PARTITION BY order_id ORDER BY %s)",
            self._select_events(filters or {}), self._order_of_events())
        orders = SQL(
            "SELECT order_id, MAX(wait) AS wait FROM (%s) AS transitions WHERE type = %s AND next = %s GROUP BY 1",
            steps, source, target)
        return self._open_orders(f"{self._label(source)} → {self._label(target)}", orders, [source, target])

    @api.readonly
    @api.model
    def get_variant_orders(self, types, filters=None):
        """Return the action that opens the orders with exactly this path, those that took longest first."""
        orders = SQL(
            "SELECT order_id, MAX(date) - MIN(date) AS wait FROM (%s) AS events"
            " GROUP BY 1 HAVING ARRAY_AGG(type ORDER BY %s) = %s::varchar[]",
            self._select_events(filters or {}), self._order_of_events(), list(types))
        name = self.env._("From %(first)s to %(last)s", first=self._label(types[0]), last=self._label(types[-1]))
        return self._open_orders(name, orders, False)

    @api.model
    def _label(self, event_type):
        return self.env._(TYPES[event_type]) if event_type in TYPES else event_type

    # -- which events

    @api.model
    def _get_orders_domain(self, filters):
        """Return the domain of the orders that the filters leave.

        An order is made when it is entered, or on its own date where that is earlier. Orders that were settled
        elsewhere took no path here.
        """
        domain = Domain('sales_history', '=', False)
        if filters.get('date_from'):
            start = self._get_moment(filters['date_from'], time.min)
            domain &= Domain('create_date', '>=', start) & Domain('date_order', '>=', start)
        if filters.get('date_to'):
            end = self._get_moment(filters['date_to'], time.max)
            domain &= Domain('create_date', '<=', end) | Domain('date_order', '<=', end)
        if filters.get('partner_ids'):
            domain &= Domain('partner_id', 'child_of', filters['partner_ids'])
        return domain & Domain.AND(
            Domain(name.replace('_ids', '_id'), 'in', filters[name]) for name in FILTERED if filters.get(name))

    @api.model
    def _get_moment(self, day, clock):
        """Return a time of a day of the reader's, in UTC."""
        local = self.env.tz.localize(datetime.combine(fields.Date.to_date(day), clock))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    @api.model
    def _select_events(self, filters):
        """Return the query of the milestones of the orders that the user may read and the filters leave."""
        self.env['sales.event'].check_access('read')  # some who read orders, as their customers do, get no ledger
        orders = self.env['sale.order']._search(self._get_orders_domain(filters))
        return SQL(
            "SELECT order_id, type, date, history, xid, id FROM sales_event"
            " WHERE order_id IN (%s) AND type = ANY(%s::varchar[])",
            orders.select(), MILESTONES)

    @api.model
    def _order_of_events(self):
        """Return how the events of an order follow each other.

        The times of the host are whole seconds. Of what happened in one second the transactions tell the order;
        within one, and in the history from before the ledger, the usual order is taken.
        """
        return SQL(
            "date, CASE WHEN NOT history THEN xid END NULLS FIRST, ARRAY_POSITION(%s::varchar[], type), id", MILESTONES)

    @api.model
    def _read_events(self, filters):
        """Return the orders, milestones (as places in MILESTONES) and times (in microseconds) of the events."""
        import numpy as np

        query = SQL(
            "SELECT order_id, ARRAY_POSITION(%(types)s::varchar[], type) - 1,"
            "       (EXTRACT(EPOCH FROM date) * 1000000)::bigint"
            "  FROM (%(events)s) AS events ORDER BY %(order)s",
            types=MILESTONES, events=self._select_events(filters), order=self._order_of_events())
        self.env.flush_query(query)
        self.env.cr.execute(query)
        # in chunks, as a million rows are small as numbers and large as Python objects
        chunks = [np.empty((0, 3), np.int64)]
        while rows := self.env.cr.fetchmany(CHUNK):
            chunks.append(np.array(rows, np.int64))
        return np.concatenate(chunks).T

    # -- their orders

    @api.model
    def _open_orders(self, name, orders, transition):
        """Return the action for the orders of a query of (order_id, wait)."""
        rows = self.env.execute_query(SQL("%s ORDER BY wait DESC, order_id LIMIT %s", orders, ORDERS + 1))
        if len(rows) > ORDERS:
            name = self.env._("%(name)s, the %(count)s slowest", name=name, count=ORDERS)
        return {
            'type': 'ir.actions.act_window',
            'name': name,
            'res_model': 'sale.order',
            'views': [(self.env.ref('sms_addon.sale_order_view_list_process').id, 'list'), (False, 'form')],
            'domain': [('id', 'in', [order_id for order_id, _wait in rows[:ORDERS]])],
            'context': {'create': False, 'sales_process_transition': transition},
        }

    @api.model
    def _select_wait(self, order_id: SQL, transition: Iterable | None):
        """Return the SQL of the seconds that an order waited in a transition, or needed altogether."""
        events = SQL(
            "SELECT type, date, history, xid, id FROM sales_event WHERE order_id = %s AND type = ANY(%s::varchar[])",
            order_id, MILESTONES)
        if not transition:
            return SQL("(SELECT EXTRACT(EPOCH FROM MAX(date) - MIN(date))::float8 FROM (%s) AS events)", events)
        source, target = transition
        return SQL(
            "(SELECT EXTRACT(EPOCH FROM MAX(wait))::float8"
            "   FROM (SELECT type, LEAD(type) OVER steps AS next, LEAD(date) OVER steps - date AS wait"
            "           FROM (%(events)s) AS events WINDOW steps AS (ORDER BY %(order)s)) AS transitions"
            "  WHERE type = %(source)s AND next = %(target)s)",
            events=events, order=self._order_of_events(), source=source, target=target)
