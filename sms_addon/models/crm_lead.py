from odoo import fields, models

WON = {'won': 'lead.won', 'lost': 'lead.lost', 'pending': 'lead.restored'}


class CrmLead(models.Model):
    _name = 'crm.lead'
    _inherit = ['crm.lead', 'sales.event.mixin']

    _event_fields = ('stage_id', 'won_status')

    sales_need_ids = fields.One2many(
        'sales.need', 'lead_id', string="Needs", groups='sales_team.group_sale_salesman')
    sales_need_count = fields.Integer(
        string="Number of Needs", compute='_compute_sales_need_count', groups='sales_team.group_sale_salesman')

    def _compute_sales_need_count(self):
        counts = dict(self.env['sales.need']._read_group([('lead_id', 'in', self.ids)], ['lead_id'], ['__count']))
        for lead in self:
            lead.sales_need_count = counts.get(lead._origin, 0)

    def action_open_sales_needs(self):
        """Open the needs that the opportunity is about, or note the first one."""
        self.ensure_one()
        return self.env['sales.need']._open_of([('lead_id', '=', self.id)], {
            'lead_id': self.id,
            'partner_id': self.partner_id.id,
            'user_id': self.user_id.id,
            'expected_revenue': self.expected_revenue,
            'expected_date': self.date_deadline,
        })

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
