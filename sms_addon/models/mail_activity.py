from odoo import models

REFERENCES = {'sale.order': 'order_id', 'crm.lead': 'lead_id', 'res.partner': None}


class MailActivity(models.Model):
    _name = 'mail.activity'
    _inherit = ['mail.activity', 'sales.event.mixin']

    _event_fields = ('active',)

    def _event_prepare(self, note, notes):
        if self.res_model not in REFERENCES:
            return []
        kinds = ['activity.planned'] if note.created else []
        if not self.active and (note.created or note.old.get('active')):
            kinds.append('activity.done')
        return [self._prepare_event(kind) for kind in kinds]

    def _prepare_event(self, kind):
        record = self.env[self.res_model].browse(self.res_id)
        partner = record if self.res_model == 'res.partner' else record.partner_id
        reference = REFERENCES[self.res_model]
        return {
            'type': kind,
            **({reference: record.id} if reference else {}),
            'partner_id': partner.commercial_partner_id.id,
            'company_id': (record.company_id or partner.commercial_partner_id.company_id).id,
            'payload': {
                'activity': self.activity_type_id.name or '', 'summary': self.summary or '',
                'deadline': str(self.date_deadline),
            },
        }
