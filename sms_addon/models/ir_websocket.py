import re

from odoo import models

CHANNEL = re.compile(r'sales_order_timeline_(\d{1,9})')


class IrWebsocket(models.AbstractModel):
    _inherit = 'ir.websocket'

    def _build_bus_channel_list(self, channels):
        """Turn the channels of order timelines into those of orders that the user may read, and drop the others."""
        wanted = {channel: match for channel in channels
                  if isinstance(channel, str) and (match := CHANNEL.fullmatch(channel))}
        channels = [channel for channel in channels if channel not in wanted]
        if wanted and not self.env.user._is_public():
            orders = self.env['sale.order'].browse(int(match[1]) for match in wanted.values()).exists()
            channels += [order._timeline_channel() for order in orders._filtered_access('read')]
        return super()._build_bus_channel_list(channels)
