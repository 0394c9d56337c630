from odoo import models

STATES = {'in_process': 'payment.posted', 'paid': 'payment.paid', 'canceled': 'payment.cancelled'}


class AccountPayment(models.Model):
    _name = 'account.payment'
    _inherit = ['account.payment', 'sales.event.mixin']

    _event_fields = ('state',)

    def _event_prepare(self, note, notes):
        if self.partner_type != 'customer':
            return []
        before = note.before(self, 'state', 'draft')
        kinds = ['payment.created'] if note.created else []
        if self.state != before and self.state in STATES:
            kinds.append(STATES[self.state])
        # which orders it pays is known once it is reconciled, and is then told by their invoices
        return [{
            'type': kind,
            'partner_id': self.partner_id.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': {'name': self.name or '', 'amount': self.amount, 'currency': self.currency_id.name},
        } for kind in kinds]
