from odoo import models

CUSTOMERS = ('customer.changed', 'customer.merged')


class SalesReaderTracking(models.AbstractModel):
    """Has order tracking and delivery performance follow the orders that the ledger tells of."""
    _name = 'sales.reader.tracking'
    _inherit = ['sales.event.reader']
    _description = "Order tracking"

    _reader_types = ('order.', 'line.', 'delivery.', 'move.', 'invoice.', 'refund.', *CUSTOMERS)
    # imported orders are to be found, too; those of before the installation are read at once
    _reader_history = True
    _reader_from_start = False

    def _consume(self, events):
        customers = events.filtered(lambda event: event.type in CUSTOMERS).mapped('res_id')
        orders = events.order_id
        if customers:
            orders |= self.env['sale.order'].search([('partner_id', 'child_of', customers)])
        self.env['sales.order.tracking']._read_orders(orders.ids)
