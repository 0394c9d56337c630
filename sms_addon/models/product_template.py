from odoo import models


class ProductTemplate(models.Model):
    _name = 'product.template'
    _inherit = ['product.template', 'sales.event.mixin']

    _event_fields = ('list_price',)

    def _event_prepare(self, note, notes):
        changes = self._event_changes(note, self._event_fields)
        return [{
            'type': 'product.price',
            'product_id': self.product_variant_id.id if self.product_variant_count == 1 else None,
            'company_id': self.company_id.id,
            'payload': {'name': self.name, **changes, 'currency': self.currency_id.name},
        }] if changes else []

    def write(self, vals):
        result = super().write(vals)
        if not {'is_storable', 'type', 'categ_id', 'uom_id', 'responsible_id'}.isdisjoint(vals):
            self.env['sales.event']._note_stock(
                'product.product', self.with_context(active_test=False).product_variant_ids.ids)
        return result
