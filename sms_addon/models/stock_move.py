from odoo import models

STATES = {
    'waiting': 'move.waiting', 'confirmed': 'move.waiting', 'partially_available': 'move.waiting',
    'assigned': 'move.reserved', 'done': 'move.done', 'cancel': 'move.cancelled',
}


class StockMove(models.Model):
    _name = 'stock.move'
    _inherit = ['stock.move', 'sales.event.mixin', 'sales.stock.source']

    _event_fields = ('state', 'product_uom_qty')
    _stock_fields = frozenset({
        'state', 'product_id', 'product_qty', 'product_uom_qty', 'product_uom', 'quantity', 'date', 'location_id',
        'location_dest_id', 'location_final_id', 'sale_line_id'})

    def _event_prepare(self, note, notes):
        before = note.before(self, 'state')
        kind = STATES.get(self.state)
        events = []
        if kind and self.state != before and kind != STATES.get(before):
            events.append(self._prepare_event(kind, {
                'quantity': self.quantity if self.state == 'done' else self.product_uom_qty}))
        # what is done is what was moved, however much was asked for
        if not note.created and self.state not in ('done', 'cancel') and (
            changes := self._event_changes(note, ['product_uom_qty'])
        ):
            events.append(self._prepare_event('move.changed', changes))
        return events

    def _prepare_event(self, kind, payload):
        order = self.sale_line_id.order_id
        return {
            'type': kind,
            'order_id': order.id,
            'partner_id': order.partner_id.commercial_partner_id.id,
            'product_id': self.product_id.id,
            'company_id': self.company_id.id,
            'payload': {
                **payload,
                'unit': self.product_uom.name,
                'from': self.location_id.id,
                'to': self.location_dest_id.id,
            },
        }
