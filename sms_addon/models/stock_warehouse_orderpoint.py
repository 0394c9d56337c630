from odoo import models


class StockWarehouseOrderpoint(models.Model):
    _name = 'stock.warehouse.orderpoint'
    _inherit = ['stock.warehouse.orderpoint', 'sales.stock.source']

    _stock_fields = frozenset({'active', 'warehouse_id', 'product_id'})
