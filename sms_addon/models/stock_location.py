from odoo import models


class StockLocation(models.Model):
    _inherit = 'stock.location'

    def write(self, vals):
        result = super().write(vals)
        if not {'location_id', 'usage'}.isdisjoint(vals):
            # goods are in another warehouse now, without having moved
            self.env['sales.stock.position']._request_rebuild()
        return result
