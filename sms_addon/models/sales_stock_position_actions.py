from odoo import models


class SalesStockPosition(models.Model):
    """Where a position leads to."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    def action_open_product(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': 'product.product',
            'res_id': self.product_id.id,
            'views': [(False, 'form')],
        }

    def action_forecasted(self):
        """Open the forecasted report of the host, for the warehouse of the position."""
        self.ensure_one()
        action = self.product_id.action_product_forecast_report()
        action['context'] = {
            'active_id': self.product_id.id, 'active_model': 'product.product', 'warehouse_id': self.warehouse_id.id}
        return action
