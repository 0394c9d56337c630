from odoo import models

from .sales_stock_position_live import CHANNEL


class IrWebsocket(models.AbstractModel):
    _name = 'ir.websocket'
    _inherit = ['ir.websocket']

    def _build_bus_channel_list(self, channels):
        """Turn the channel of stock boards into those of the user's companies, if he may see positions at all."""
        wanted = CHANNEL in channels
        channels = [channel for channel in channels if channel != CHANNEL]
        if wanted and not self.env.user._is_public() and self.env['sales.stock.position'].has_access('read'):
            channels += [(company, CHANNEL) for company in self.env.user.company_ids]
        return super()._build_bus_channel_list(channels)
