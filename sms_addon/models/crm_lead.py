from odoo import models

WON = {'won': 'lead.won', 'lost': 'lead.lost', 'pending': 'lead.restored'}


class CrmLead(models.Model):
    _name = 'crm.lead'
    _inherit = ['crm.lead', 'sales.event.mixin']

    _event_fields = ('stage_id', 'won_status')

    def _event_prepare(self, note, notes):
        events = [('lead.created', {})] if note.created else []
        changes = self._event_changes(note, self._event_fields)
        if 'stage_id' in changes:
            events.append(('lead.stage', {'stage_id': changes['stage_id']}))
        before = note.before(self, 'won_status', 'pending') or 'pending'
        if self.won_status and self.won_status != before:
            events.append((WON[self.won_status], {'reason': self.lost_reason_id.name} if self.lost_reason_id else {}))
        return [{
            'type': kind,
            'lead_id': self.id,
            'partner_id': self.partner_id.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': {'name': self.name, **payload},
        } for kind, payload in events]
