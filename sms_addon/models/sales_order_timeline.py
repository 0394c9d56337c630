from datetime import datetime

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate, format_amount, format_date

from .sales_event import TYPES

_lt = LazyTranslate(__name__)

#: details shown, the last ones; of milestones there are few, and none is left out
LIMIT = 500
#: what an order has gone through, in contrast to details; a step's duration is counted from the one before
MILESTONES = {
    'order.created': 'fa-file-text-o', 'order.sent': 'fa-paper-plane-o', 'order.confirmed': 'fa-check',
    'order.cancelled': 'fa-ban', 'order.reset': 'fa-undo', 'order.delivered': 'fa-flag-checkered',
    'order.invoiced': 'fa-file-o', 'delivery.ready': 'fa-cubes', 'delivery.picked': 'fa-hand-paper-o',
    'delivery.packed': 'fa-archive', 'delivery.shipped': 'fa-truck', 'delivery.returned': 'fa-reply',
    'delivery.cancelled': 'fa-times', 'invoice.posted': 'fa-file-text', 'invoice.partial': 'fa-money',
    'invoice.paid': 'fa-money', 'refund.posted': 'fa-reply-all', 'refund.paid': 'fa-money',
}
#: what a customer is told, in plain words
CUSTOMER_WORDS = {
    'order.sent': _lt("We sent you our quotation"),
    'order.confirmed': _lt("Your order is confirmed"),
    'delivery.ready': _lt("Your goods are reserved"),
    'delivery.picked': _lt("Your goods are being prepared"),
    'delivery.packed': _lt("Your goods are packed"),
    'delivery.shipped': _lt("Goods left our warehouse"),
    'order.delivered': _lt("Everything has been delivered"),
    'delivery.returned': _lt("We received your return"),
    'invoice.posted': _lt("We issued the invoice"),
    'invoice.paid': _lt("We received your payment"),
    'refund.posted': _lt("We issued a credit note"),
    'order.cancelled': _lt("The order was cancelled"),
}
ARRIVALS = ('order.delivered', 'delivery.shipped')


class SalesOrderTimeline(models.AbstractModel):
    """The story of an order out of the ledger: what happened, how long it took, what is late, what comes next."""
    _name = 'sales.order.timeline'
    _description = "Timeline of an Order"

    @api.model
    def _get(self, order):
        """Return what the timeline of an order shows to a salesperson who may read it."""
        promised = self._get_promise(order)
        steps = self._get_steps(order, promised)
        return {
            'steps': steps,
            'next': self._get_next(order, promised),
            'promised': fields.Datetime.to_string(promised),
            'late_days': self._get_late_days(order, promised),
            'is_history': bool(steps) and all(step['history'] for step in steps),
        }

    @api.model
    def _get_promise(self, order):
        return order.commitment_date or (order.state == 'sale' and order.expected_date) or False

    @api.model
    def _get_late_days(self, order, promised):
        """Return by how many days an order that is still awaited is late."""
        if not promised or order.state != 'sale' or order.delivery_status in (False, 'full') or order.sales_history:
            return 0
        return max((self._day(order, fields.Datetime.now()) - self._day(order, promised)).days, 0)

    @api.model
    def _day(self, order, moment):
        """Return the day of a moment for the company of the order."""
        return fields.Datetime.context_timestamp(order.with_context(tz=order.company_id.sales_timezone), moment).date()

    # -- what happened

    @api.model
    def _get_steps(self, order, promised):
        steps, before = [], None
        for row in self._read_events(order):
            step = self._prepare_step(order, row, promised)
            if step['milestone']:
                step['seconds'] = (row['date'] - before).total_seconds() if before else 0
                before = row['date']
            steps.append(step)
        return steps

    @api.model
    def _read_events(self, order, details=True):
        """Return the events of an order, oldest first, with the names of those who did it, in one query.

        :param details: also those that are no milestones, the last :data:`LIMIT` of them
        """
        parts = [self._select_events(order, Domain('type', 'in', list(MILESTONES)))]
        if details:
            parts.append(self._select_events(order, Domain('type', 'not in', list(MILESTONES)), LIMIT))
        return self.env.execute_query_dict(SQL(
            """
            SELECT event.*, person.name AS user_name
              FROM (%s) event
              LEFT JOIN res_users who ON who.id = event.user_id
              LEFT JOIN res_partner person ON person.id = who.partner_id
             ORDER BY event.date, event.id
            """, SQL(" UNION ALL ").join(SQL("(%s)", part) for part in parts)))

    @api.model
    def _select_events(self, order, domain, limit=None):
        query = self.env['sales.event']._search(
            Domain('order_id', '=', order.id) & domain, order='date DESC, id DESC', limit=limit)
        columns = ('id', 'date', 'type', 'payload', 'history', 'user_id')
        return query.select(*(SQL.identifier('sales_event', name) for name in columns))

    @api.model
    def _prepare_step(self, order, row, promised):
        kind = row['type']
        late = 0
        if kind in ARRIVALS and promised and not order.sales_history:
            late = max((self._day(order, row['date']) - self._day(order, promised)).days, 0)
        return {
            'id': row['id'],
            'type': kind,
            'label': self.env._(TYPES[kind]) if kind in TYPES else kind,
            'icon': MILESTONES.get(kind, 'fa-circle-o'),
            'milestone': kind in MILESTONES,
            'date': fields.Datetime.to_string(row['date']),
            'user_id': row['user_id'],
            'user_name': row['user_name'],
            'text': self._describe(order, row['payload'] or {}),
            'late_days': late,
            'history': row['history'],
            'seconds': None,
        }

    @api.model
    def _describe(self, order, payload):
        """Return the details of an event in one line."""
        show = self.env['sales.event']._show_value
        parts = [str(payload[name]) for name in ('name', 'product', 'activity', 'summary') if payload.get(name)]
        parts = [part for part in parts if part != order.name]
        if payload.get('amount_total'):
            parts.append(format_amount(self.env, payload['amount_total'], order.currency_id))
        for name, value in payload.items():
            # the state is what the label says
            if isinstance(value, list) and len(value) == 2 and name not in ('state', 'stage'):
                parts.append(self.env._(
                    "%(field)s %(before)s → %(after)s", field=self._get_label(name), before=show(value[0]),
                    after=show(value[1])))
        return ", ".join(parts)

    @api.model
    def _get_label(self, name):
        for model in ('sale.order', 'sale.order.line', 'stock.picking', 'account.move'):
            if field := self.env[model]._fields.get(name):
                return field._description_string(self.env)
        return name

    # -- what comes next

    @api.model
    def _get_next(self, order, promised):
        if order.state in ('draft', 'sent'):
            return [self._prepare_next(
                'fa-hourglass-half', self.env._("The customer's answer"),
                order.validity_date, self._is_past(order, order.validity_date),
                self.env._("valid until then") if order.validity_date else "")]
        if order.state != 'sale' or order.sales_history:
            return []
        return [*self._get_next_transfers(order, promised), *self._get_next_bills(order)]

    @api.model
    def _get_next_transfers(self, order, promised):
        # transfers and invoices of an order that somebody may read are part of its story, whatever else they may open
        pickings = order.sudo().picking_ids.filtered(lambda picking: picking.state not in ('done', 'cancel'))
        return [self._prepare_next(
            'fa-truck' if picking.picking_type_code == 'outgoing' else 'fa-cubes',
            f"{picking.picking_type_id.name} {picking.name}",
            picking.scheduled_date,
            bool(promised) and picking.scheduled_date > promised or picking.scheduled_date < fields.Datetime.now(),
            "" if picking.state == 'assigned' else self.env._("waits for goods"),
        ) for picking in pickings.sorted('scheduled_date')]

    @api.model
    def _get_next_bills(self, order):
        steps = []
        if order.invoice_status == 'to invoice':
            steps.append(self._prepare_next('fa-file-text-o', self.env._("Invoice"), False, False, ""))
        for invoice in order.sudo().invoice_ids:
            if invoice.state == 'posted' and invoice.move_type == 'out_invoice' and invoice.amount_residual:
                steps.append(self._prepare_next(
                    'fa-money', self.env._("Payment of %(invoice)s", invoice=invoice.name),
                    invoice.invoice_date_due,
                    self._is_past(order, invoice.invoice_date_due),
                    format_amount(self.env, invoice.amount_residual, invoice.currency_id)))
        return steps

    @api.model
    def _is_past(self, order, day):
        return bool(day) and day < self._day(order, fields.Datetime.now())

    @api.model
    def _prepare_next(self, icon, label, date, late, text):
        # a moment or a day
        texts = fields.Datetime.to_string(date) if isinstance(date, datetime) else fields.Date.to_string(date)
        return {'icon': icon, 'label': label, 'date': texts or False, 'late': bool(late), 'text': text}

    # -- for the customer

    @api.model
    def _get_for_customer(self, order):
        """Return what the portal tells: each step once, without who did it or any number of ours.

        :param order: the order, as superuser; whoever calls has checked that its reader may see it
        """
        last = {}
        for row in self._read_events(order, details=False):
            if row['type'] in CUSTOMER_WORDS:
                last[row['type']] = (row['date'], row['id'])
        for kind in self._get_undone(order):
            last.pop(kind, None)
        if 'order.delivered' in last:
            last.pop('delivery.shipped', None)
        promised = order.state == 'sale' and order.commitment_date
        awaited = promised and 'order.delivered' not in last and not order.sales_history
        return {
            'steps': [
                {'label': self.env._(CUSTOMER_WORDS[kind]), 'icon': MILESTONES[kind], 'date': date}
                for kind, (date, _id) in sorted(last.items(), key=lambda item: item[1])
            ],
            'promised': format_date(
                self.env, promised, date_format='d MMMM y', lang_code=self.env.lang) if awaited else False,
        }

    @api.model
    def _get_undone(self, order):
        """Return the steps that were taken back: what a customer reads is what still holds."""
        invoices = order.invoice_ids.filtered(lambda move: move.state == 'posted' and move.move_type == 'out_invoice')
        holds = {
            'order.cancelled': order.state == 'cancel',
            'order.confirmed': order.state in ('sale', 'cancel'),
            'order.delivered': order.delivery_status == 'full' or order.sales_history,
            'invoice.posted': bool(invoices),
            'invoice.paid': any(move.payment_state in ('paid', 'in_payment') for move in invoices),
        }
        return [kind for kind, true in holds.items() if not true]
