from odoo import models

STATES = {
    'waiting': 'move.waiting', 'confirmed': 'move.waiting', 'partially_available': 'move.waiting',
    'assigned': 'move.reserved', 'done': 'move.done', 'cancel': 'move.cancelled',
}


class StockMove(models.Model):
    _name = 'stock.move'
    _inherit = ['stock.move', 'sales.event.mixin']

    _event_fields = ('state',)

    def _event_prepare(self, note, notes):
        before = note.before(self, 'state')
        kind = STATES.get(self.state)
        if not kind or self.state == before or kind == STATES.get(before):
            return []
        order = self.sale_line_id.order_id
        return [{
            'type': kind,
            'order_id': order.id,
            'partner_id': order.partner_id.commercial_partner_id.id,
            'product_id': self.product_id.id,
            'company_id': self.company_id.id,
            'payload': {
                'quantity': self.quantity if self.state == 'done' else self.product_uom_qty,
                'unit': self.product_uom.name,
                'from': self.location_id.id,
                'to': self.location_dest_id.id,
            },
        }]
