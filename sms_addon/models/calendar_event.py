from odoo import models


class CalendarEvent(models.Model):
    _name = 'calendar.event'
    _inherit = ['calendar.event', 'sales.event.mixin']

    _event_fields = ('active',)

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
