from odoo import models


class StockQuant(models.Model):
    _name = 'stock.quant'
    _inherit = ['stock.quant', 'sales.stock.source']

    _stock_fields = frozenset({
        'quantity', 'reserved_quantity', 'location_id', 'lot_id', 'in_date', 'product_id',
        'owner_id'})
