from odoo import models

STATES = {'draft': 'reset', 'posted': 'posted', 'cancel': 'cancelled'}
#: what is settled; the other states of payment say that nothing is
PAID = {'partial': 'partial', 'in_payment': 'paid', 'paid': 'paid', 'reversed': 'reversed'}


class AccountMove(models.Model):
    _name = 'account.move'
    _inherit = ['account.move', 'sales.event.mixin']

    _event_fields = ('state', 'payment_state', 'amount_residual', 'invoice_date_due')

    def unlink(self):
        # the host deletes the lines first, and with them which orders an invoice is for
        orders = {move.id: move._event_order_ids() for move in self.sudo() if move.is_sale_document()}
        return super(AccountMove, self.with_context(sales_event_order_ids=orders)).unlink()

    def _event_order_ids(self):
        return self.line_ids.sale_line_ids.order_id.ids

    def _event_prepare(self, note, notes):
        if not self.is_sale_document():
            return []
        events = list(self._event_milestones(note))
        return self._prepare_events(events, self._event_order_ids()) if events else []

    def _event_prepare_unlink(self, notes):
        orders = self.env.context.get('sales_event_order_ids', {})
        return self._prepare_events([('deleted', {})], orders[self.id]) if self.id in orders else []

    def _event_milestones(self, note):
        """Yield what the invoice has become, with the details that not every event of an invoice has."""
        if note.created:
            yield 'created', {}
        state = note.before(self, 'state', 'draft')
        if self.state != state and self.state in STATES:
            yield STATES[self.state], {}
        before = note.before(self, 'payment_state', 'not_paid')
        if PAID.get(self.payment_state) != PAID.get(before):
            yield PAID.get(self.payment_state, 'unpaid'), {}
        elif self.payment_state == 'partial' and self.amount_residual != note.before(self, 'amount_residual'):
            yield 'partial', {}  # each instalment is one
        # until it is posted, when it is due is being worked out
        if self.state == state == 'posted' and (changes := self._event_changes(note, ['invoice_date_due'])):
            yield 'changed', changes

    def _prepare_events(self, milestones, order_ids):
        kind = 'refund' if self.move_type == 'out_refund' else 'invoice'
        events = [self._prepare_event(f'{kind}.{name}', payload) for name, payload in milestones]
        # the events of an order are complete: an invoice for several orders is in the story of each
        return [event | {'order_id': order_id} for event in events for order_id in order_ids or [False]]

    def _prepare_event(self, kind, payload):
        return {
            'type': kind,
            'partner_id': self.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': {
                'name': self.name or '',
                'amount_total': self.amount_total,
                'amount_residual': self.amount_residual,
                'currency': self.currency_id.name,
                **payload,
            },
        }
