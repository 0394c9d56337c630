from odoo import models


class SalesReaderStock(models.AbstractModel):
    """Has the stock positions follow at once what the ledger tells of stock, moves and costs."""
    _name = 'sales.reader.stock'
    _inherit = ['sales.event.reader']
    _description = "Stock positions"

    _reader_types = ('stock.', 'move.', 'product.cost')
    _reader_batch = 2000

    def _consume(self, events):
        self.env['sales.stock.position']._refresh_products(set(events.product_id._ids))
