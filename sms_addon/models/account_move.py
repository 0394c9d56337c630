from odoo import models

STATES = {'posted': 'posted', 'cancel': 'cancelled'}
PAID = {'partial': 'partial', 'in_payment': 'paid', 'paid': 'paid'}


class AccountMove(models.Model):
    _name = 'account.move'
    _inherit = ['account.move', 'sales.event.mixin']

    _event_fields = ('state', 'payment_state', 'amount_residual')

    def _event_prepare(self, note, notes):
        if not self.is_sale_document():
            return []
        kind = 'refund' if self.move_type == 'out_refund' else 'invoice'
        events = [self._prepare_event(f'{kind}.{name}') for name in self._event_milestones(note)]
        # the events of an order are complete: an invoice for several orders is in the story of each
        orders = self.line_ids.sale_line_ids.order_id.ids or [False]
        return [event | {'order_id': order_id} for event in events for order_id in orders]

    def _event_milestones(self, note):
        """Yield what the invoice has become."""
        if note.created:
            yield 'created'
        before = note.before(self, 'state', 'draft')
        if self.state != before and self.state in STATES:
            yield STATES[self.state]
        before = note.before(self, 'payment_state', 'not_paid')
        if PAID.get(self.payment_state) not in (PAID.get(before), None):
            yield PAID[self.payment_state]
        elif self.payment_state == 'partial' and self.amount_residual != note.before(self, 'amount_residual'):
            yield 'partial'  # each instalment is one

    def _prepare_event(self, kind):
        return {
            'type': kind,
            'partner_id': self.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': {
                'name': self.name or '',
                'amount_total': self.amount_total,
                'amount_residual': self.amount_residual,
                'currency': self.currency_id.name,
            },
        }
