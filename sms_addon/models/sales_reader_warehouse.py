from odoo import models

from .sales_warehouse import WarehouseBusy


class SalesReaderWarehouse(models.AbstractModel):
    """Has the reports follow at once what the ledger tells; the events say that something changed, the database's
    own notes (``sales.touch``) say what."""
    _name = 'sales.reader.warehouse'
    _inherit = ['sales.event.reader']
    _description = "Sales warehouse"

    _reader_types = ('order.', 'line.', 'delivery.', 'invoice.', 'refund.', 'customer.', 'payment.')
    _reader_batch = 2000

    def _consume(self, events):
        warehouse = self.env['sales.warehouse']._get()
        try:
            done = not warehouse._is_stale() and warehouse._read_all()
        except WarehouseBusy:
            done = False  # whoever loads it now may be past these changes
        if not done:
            warehouse._wake()
