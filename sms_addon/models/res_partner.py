from odoo import api, models

KEY_FIELDS = (
    'name', 'email', 'phone', 'vat', 'street', 'zip', 'city', 'country_id', 'parent_id', 'user_id', 'team_id',
    'property_payment_term_id', 'active',
)


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner', 'sales.event.mixin']

    _event_fields = KEY_FIELDS

    @api.readonly
    def action_open_sales_analysis(self):
        """Open the sales of the customer, with all its contacts."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_analysis_action_revenue'),
            'domain': [('commercial_partner_id', '=', self.commercial_partner_id.id)],
            'context': {},
        }

    # -- events

    def _event_prepare(self, note, notes):
        changes = self._event_changes(note, KEY_FIELDS)
        if not self.partner_share or not (note.created or changes):
            return []
        return [{
            'type': 'customer.created' if note.created else 'customer.changed',
            'partner_id': self.commercial_partner_id.id,
            'company_id': self.company_id.id,
            'payload': {'name': self.display_name, **changes},
        }]

    def _event_merge(self, others):
        """Tell that other contacts are this one from now on; their orders were moved by SQL, without a word."""
        for note in self._event_notes():
            note.ready.append(note.complete({
                'type': 'customer.merged',
                'partner_id': self.commercial_partner_id.id,
                'company_id': self.company_id.id,
                'payload': {'name': self.display_name, 'from': others.ids, 'into': self.id},
            }, self))
