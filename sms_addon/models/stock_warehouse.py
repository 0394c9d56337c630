from odoo import models


class StockWarehouse(models.Model):
    _inherit = 'stock.warehouse'

    def write(self, vals):
        result = super().write(vals)
        if not {'active', 'company_id', 'view_location_id'}.isdisjoint(vals):
            self.env['sales.stock.position']._request_rebuild()
        return result
