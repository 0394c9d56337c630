from odoo import models


class ProductTemplate(models.Model):
    _name = 'product.template'
    _inherit = ['product.template']

    def action_open_stock_positions(self):
        return self.product_variant_ids.action_open_stock_positions()

    def action_open_stock_movements(self):
        return self.product_variant_ids.action_open_stock_movements()
