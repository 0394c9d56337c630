from odoo import models

CHANNEL = 'sales_stock_alerts'


class ResCompany(models.Model):
    _name = 'res.company'
    _inherit = ['res.company']

    def _stock_alert_channel(self):
        """Return the channel on which screens are told that alerts of the company changed."""
        self.ensure_one()
        return self, CHANNEL


class IrWebsocket(models.AbstractModel):
    _name = 'ir.websocket'
    _inherit = ['ir.websocket']

    def _build_bus_channel_list(self, channels):
        """Turn the channel of stock alerts into those of the companies of the user, if he may read alerts."""
        wanted = CHANNEL in channels
        channels = [channel for channel in channels if channel != CHANNEL]
        if wanted and self.env['sales.stock.alert'].has_access('read'):
            channels += [company._stock_alert_channel() for company in self.env.user.company_ids]
        return super()._build_bus_channel_list(channels)
