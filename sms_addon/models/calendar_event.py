from odoo import fields, models
from odoo.tools import html2plaintext


class CalendarEvent(models.Model):
    _name = 'calendar.event'
    _inherit = ['calendar.event', 'sales.event.mixin']

    _event_fields = ('active',)

    sales_need_count = fields.Integer(
        string="Number of Needs", compute='_compute_sales_need_count', groups='sales_team.group_sale_salesman')

    def _compute_sales_need_count(self):
        references = [f'{self._name},{event.id}' for event in self._origin]
        counts = dict(self.env['sales.need']._read_group(
            [('evidence_ref', 'in', references)], ['evidence_ref'], ['__count']))
        for event in self:
            event.sales_need_count = counts.get(f'{self._name},{event._origin.id}', 0)

    def action_open_sales_needs(self):
        """Open the needs that were heard of in the meeting, or note the first one."""
        self.ensure_one()
        reference = f'{self._name},{self.id}'
        customers = self.partner_ids.filtered('partner_share')
        return self.env['sales.need']._open_of([('evidence_ref', '=', reference)], {
            'evidence': 'meeting',
            'evidence_ref': reference,
            'evidence_text': html2plaintext(self.description or '').strip(),
            'partner_id': (self.opportunity_id.partner_id or customers[:1]).id,
            'lead_id': self.opportunity_id.id,
        })

    def _event_prepare(self, note, notes):
        if note.created:
            return self._prepare_events('meeting.planned')
        gone = self._event_changes(note, ['active'])
        return self._prepare_events('meeting.cancelled') if gone and not self.active else []

    def _event_prepare_unlink(self, notes):
        return self._prepare_events('meeting.cancelled')

    def _prepare_events(self, kind):
        """Return an event for each customer, order or opportunity that the meeting is with."""
        payload = {'start': str(self.start), 'duration': self.duration}
        if self.effective_privacy == 'public':
            payload = {'name': self.name, **payload}
        order = self.env['sale.order'].browse(self.res_id if self.res_model == 'sale.order' else False).exists()
        customers = self.partner_ids.filtered('partner_share').commercial_partner_id
        if not customers and not order and not self.opportunity_id:
            return []
        company = order.company_id or self.opportunity_id.company_id
        return [{
            'type': kind,
            'order_id': order.id,
            'lead_id': self.opportunity_id.id,
            'partner_id': customer.id,
            'company_id': (company or customer.company_id).id,
            'payload': payload,
        } for customer in customers or [customers]]
