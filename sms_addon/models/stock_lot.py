from odoo import models


class StockLot(models.Model):
    _name = 'stock.lot'
    _inherit = ['stock.lot', 'sales.stock.source']

    # only with expiration dates
    _stock_fields = frozenset({'expiration_date'})
