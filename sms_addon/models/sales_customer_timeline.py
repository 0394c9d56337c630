from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, LazyTranslate, format_amount
from odoo.tools.mail import html_to_inner_content

from .sales_event import TYPES

_lt = LazyTranslate(__name__)

#: entries of a page
PAGE = 20
#: what of a customer's life is shown, by the kind that one may look at alone
KINDS = {
    'order': ('order.created', 'order.sent', 'order.confirmed', 'order.cancelled'),
    'delivery': ('order.delivered', 'delivery.shipped', 'delivery.returned', 'delivery.cancelled'),
    'invoice': (
        'invoice.posted', 'invoice.paid', 'refund.posted', 'refund.paid', 'payment.posted', 'payment.paid',
        'payment.cancelled'),
    'lead': ('lead.created', 'lead.stage', 'lead.won', 'lead.lost'),
    'meeting': ('meeting.planned', 'meeting.cancelled', 'activity.done'),
}
ICONS = {
    'order.created': 'fa-file-text-o', 'order.sent': 'fa-paper-plane-o', 'order.confirmed': 'fa-check',
    'order.cancelled': 'fa-ban', 'order.delivered': 'fa-flag-checkered', 'delivery.shipped': 'fa-truck',
    'delivery.returned': 'fa-reply', 'delivery.cancelled': 'fa-times', 'invoice.posted': 'fa-file-text',
    'refund.posted': 'fa-reply-all', 'lead.created': 'fa-star-o', 'lead.stage': 'fa-arrow-right',
    'lead.won': 'fa-trophy', 'lead.lost': 'fa-thumbs-o-down', 'meeting.planned': 'fa-calendar',
    'meeting.cancelled': 'fa-calendar-times-o', 'activity.done': 'fa-check-square-o',
    'customer.created': 'fa-user-plus', 'customer.merged': 'fa-users', 'mail': 'fa-envelope-o',
    'note': 'fa-sticky-note-o',
}
KIND_ICONS = {'invoice': 'fa-money'}
#: told of the customer itself, with everything
OF_CUSTOMER = ('customer.created', 'customer.merged')
#: what a person wrote, in contrast to what the host logs and tells
MESSAGES = {
    'email': _lt("E-mail received"),
    'email_outgoing': _lt("E-mail sent"),
    'comment': _lt("Message"),
}
#: characters of a mail that are shown
EXCERPT = 140


class SalesCustomerTimeline(models.AbstractModel):
    """What happened with a customer, newest first, in pages: the ledger and what was written, as far as the user may
    read the documents that it belongs to."""
    _name = 'sales.customer.timeline'
    _description = "Timeline of a Customer"

    @api.model
    def _get(self, customer, kind=None, place=None, limit=PAGE):
        """Return a page of the timeline of a commercial partner.

        :param kind: a key of :data:`KINDS` or ``message``; all of them when None
        :param place: what the page before gave as ``next``
        :return: ``entries``, and ``next``, the place to go on at, or False at the end
        :raise AccessError: no salesperson; customers on the portal read their own documents, but no notes on them
        """
        self.env['sales.event'].check_access('read')
        place = place or {}
        rows = []
        if kind != 'message':
            rows += self._read_events(customer, kind, place.get('event'), limit + 1)
        if kind in (None, 'message'):
            rows += self._read_messages(customer, place.get('message'), limit + 1)
        rows.sort(key=lambda row: (row['date'], row['source'], row['id']), reverse=True)
        shown = rows[:limit]
        for row in shown:
            place = place | {row['source']: [fields.Datetime.to_string(row['date']), row['id']]}
        return {
            'entries': [self._prepare_entry(row) for row in shown],
            'next': place if len(rows) > limit else False,
        }

    # -- reading

    @api.model
    def _read_events(self, customer, kind, place, limit):
        types = KINDS[kind] if kind else (*OF_CUSTOMER, *(name for names in KINDS.values() for name in names))
        query = self.env['sales.event']._search(
            Domain('partner_id', '=', customer.id) & Domain('type', 'in', types)
            & Domain('company_id', 'in', (self.env.company.id, False)),
            order='date DESC, id DESC', limit=limit)
        self._go_on(query, 'sales_event', place)
        columns = ('id', 'date', 'type', 'model', 'res_id', 'order_id', 'lead_id', 'payload', 'user_id')
        return self.env.execute_query_dict(SQL(
            """
            SELECT event.*, 'event' AS source, person.name AS user_name, s.name AS order_name,
                   COALESCE(currency.id, s.currency_id) AS currency_id,
                   COALESCE(s.id, lead.id) IS NOT NULL OR event.order_id IS NULL AND event.lead_id IS NULL AS is_there
              FROM (%s) event
              LEFT JOIN res_users who ON who.id = event.user_id
              LEFT JOIN res_partner person ON person.id = who.partner_id
              LEFT JOIN sale_order s ON s.id = event.order_id
              LEFT JOIN crm_lead lead ON lead.id = event.lead_id
              LEFT JOIN res_currency currency ON currency.name = event.payload ->> 'currency'
            """, query.select(*(SQL.identifier('sales_event', name) for name in columns))))

    @api.model
    def _read_messages(self, customer, place, limit):
        """Return what was written on the customer, its contacts, orders and opportunities that the user may read."""
        contacts = self.env['res.partner'].with_context(active_test=False)._search([
            ('commercial_partner_id', '=', customer.id)])
        documents = Domain('model', '=', 'res.partner') & Domain('res_id', 'in', contacts)
        for model in ('sale.order', 'crm.lead'):
            records = self.env[model].with_context(active_test=False)
            if records.has_access('read'):
                of_customer = records._search([('partner_id.commercial_partner_id', '=', customer.id)])
                documents |= Domain('model', '=', model) & Domain('res_id', 'in', of_customer)
        # whoever may read a document may read what its chatter says: the check by message would read them one by one
        query = self.env['mail.message'].sudo()._search(
            documents & Domain('message_type', 'in', list(MESSAGES)), order='date DESC, id DESC', limit=limit)
        self._go_on(query, 'mail_message', place)
        columns = ('id', 'date', 'message_type', 'model', 'res_id', 'subject', 'body', 'author_id', 'subtype_id')
        return self.env.execute_query_dict(SQL(
            """
            SELECT message.*, 'message' AS source, author.name AS user_name, subtype.internal
              FROM (%s) message
              LEFT JOIN res_partner author ON author.id = message.author_id
              LEFT JOIN mail_message_subtype subtype ON subtype.id = message.subtype_id
            """, query.select(*(SQL.identifier('mail_message', name) for name in columns))))

    @api.model
    def _go_on(self, query, table, place):
        if place:
            date, last = place
            query.add_where(SQL(
                "(%s, %s) < (%s::timestamp, %s)", SQL.identifier(table, 'date'), SQL.identifier(table, 'id'),
                str(date), int(last)))

    # -- showing

    @api.model
    def _prepare_entry(self, row):
        entry = self._prepare_event(row) if row['source'] == 'event' else self._prepare_message(row)
        return {
            'id': f"{row['source']}-{row['id']}",
            'date': fields.Datetime.to_string(row['date']),
            'user_name': row['user_name'],
            **entry,
        }

    @api.model
    def _prepare_event(self, row):
        kind = row['type']
        payload = row['payload'] or {}
        names = [row['order_name'], payload.get('name'), payload.get('summary'), payload.get('reason')]
        texts = list(dict.fromkeys(str(name) for name in names if name))
        stage = payload.get('stage_id')
        if kind == 'lead.stage' and isinstance(stage, list):
            texts.append(" → ".join(map(self.env['sales.event']._show_value, stage)))
        amount = payload.get('amount_total') or payload.get('amount')
        if isinstance(amount, (int, float)) and kind not in KINDS['delivery']:
            currency = self.env['res.currency'].browse(row['currency_id'] or self.env.company.currency_id.id)
            texts.append(format_amount(self.env, amount, currency))
        return {
            'label': self.env._(TYPES[kind]),
            'icon': ICONS.get(kind) or KIND_ICONS[self._kind_of(kind)],
            'kind': self._kind_of(kind),
            'text': " · ".join(texts),
            'record': self._get_record(row),
        }

    @api.model
    def _kind_of(self, kind):
        return next((name for name, types in KINDS.items() if kind in types), 'customer')

    @api.model
    def _get_record(self, row):
        """Return the document that an event opens: the order or opportunity it belongs to, if that is still there."""
        if not row['is_there'] or row['type'] in OF_CUSTOMER:
            return False
        if row['order_id']:
            return {'model': 'sale.order', 'id': row['order_id']}
        if row['lead_id']:
            return {'model': 'crm.lead', 'id': row['lead_id']}
        return {'model': row['model'], 'id': row['res_id']}

    @api.model
    def _prepare_message(self, row):
        kind = row['message_type']
        is_note = kind == 'comment' and row['internal']
        words = " ".join(html_to_inner_content(row['body'] or '').split())
        text = " · ".join(part for part in (row['subject'], words) if part)
        return {
            'label': self.env._("Note") if is_note else self.env._(MESSAGES[kind]),
            'icon': ICONS['note' if is_note else 'mail'],
            'kind': 'message',
            'text': text if len(text) <= EXCERPT else text[:EXCERPT].rstrip() + "…",
            'record': {'model': row['model'], 'id': row['res_id']},
        }
