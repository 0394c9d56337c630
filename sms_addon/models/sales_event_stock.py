from odoo import api, models

from .sales_event_mixin import EventNote

CHANGED = 'stock.changed'


class SalesEvent(models.Model):
    """Stock that changed is one event per product and flush, and none where an event of a move tells of it already."""
    _name = 'sales.event'
    _inherit = ['sales.event']

    @api.model
    def _note_stock(self, product_ids):
        """Note that stock, plan or standing of some products changed."""
        if not product_ids:
            return
        notes = self._notes()
        for product_id in product_ids:
            key = ('product.product', product_id)
            if key not in notes:
                notes[key] = EventNote(self.env)
            ready = notes[key].ready
            if not any(row['type'] == CHANGED for row in ready):
                ready.append({
                    'type': CHANGED, 'model': 'product.product', 'res_id': product_id, 'product_id': product_id,
                    'user_id': self.env.uid, 'payload': {}})

    @api.model
    def _prepare_rows(self, notes):
        rows = super()._prepare_rows(notes)
        told = {row.get('product_id') for row in rows if row['type'].startswith('move.')}
        return [row for row in rows if row['type'] != CHANGED or row['product_id'] not in told]
