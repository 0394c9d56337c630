from odoo import models


class ProductProduct(models.Model):
    _name = 'product.product'
    _inherit = ['product.product', 'sales.event.mixin']

    _event_fields = ('standard_price',)

    def _event_prepare(self, note, notes):
        changes = self._event_changes(note, self._event_fields)
        # the cost is that of the company in which it was changed
        return [{
            'type': 'product.cost',
            'product_id': self.id,
            'company_id': self.env.company.id,
            'payload': {'name': self.display_name, **changes, 'currency': self.env.company.currency_id.name},
        }] if changes else []
