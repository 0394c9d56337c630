from odoo import models


class SalesReaderScreen(models.AbstractModel):
    """Tells the open forms of orders that something happened; they ask for what, with their own rights."""
    _name = 'sales.reader.screen'
    _inherit = ['sales.event.reader']
    _description = "Live order timelines"

    def _consume(self, events):
        for order in events.order_id.exists():
            # the channel is that of a record, see ir.websocket; no content is sent through it
            self.env['bus.bus']._sendone(order._timeline_channel(), 'sms_addon.order_event', {'order_id': order.id})
