from datetime import timedelta

from odoo import fields, models


class SalesStockAlertSnooze(models.TransientModel):
    """Ask until when alerts are to be out of sight, and why."""
    _name = 'sales.stock.alert.snooze'
    _description = "Snooze Stock Alerts"

    alert_ids = fields.Many2many('sales.stock.alert', string="Alerts", required=True)
    until = fields.Datetime(required=True, default=lambda self: fields.Datetime.now() + timedelta(days=1))
    reason = fields.Char()

    def action_snooze(self):
        self.ensure_one()
        self.alert_ids._snooze(self.until)
        if self.reason:
            for alert in self.alert_ids:
                alert.message_post(body=self.env._("Snoozed: %(reason)s", reason=self.reason))
        return {'type': 'ir.actions.act_window_close'}
