from datetime import timedelta

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class SalesStockAlert(models.Model):
    """What people do with an alert: its buttons."""
    _name = 'sales.stock.alert'
    _inherit = ['sales.stock.alert']

    def action_assign_to_me(self):
        """Take an alert over."""
        if not self.has_access('write'):
            raise AccessError(self.env._("Alerts are handed to you by the inventory users."))
        self.write({'user_id': self.env.uid})

    def action_snooze_day(self):
        self._snooze(fields.Datetime.now() + timedelta(days=1))

    def action_snooze_week(self):
        self._snooze(fields.Datetime.now() + timedelta(days=7))

    def action_snooze(self):
        """Ask until when."""
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Snooze"),
            'res_model': 'sales.stock.alert.snooze',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_alert_ids': self.ids},
        }

    def action_wake(self):
        """Have snoozed alerts back now."""
        self._check_may_handle()
        self.filtered(lambda alert: alert.state == 'snoozed').sudo()._wake()

    def action_handled(self):
        """Close alerts that somebody has seen to; they stay closed as long as the same cause lasts."""
        self._check_may_handle()
        open_ones = self.filtered(lambda alert: alert.state != 'closed').sudo()
        open_ones.write({
            'state': 'closed', 'closed_at': fields.Datetime.now(), 'close_reason': 'person',
            'closed_by_id': self.env.uid, 'snoozed_until': False, 'to_tell': False})
        open_ones._finish_activities()
        open_ones._tell_ledger('alert.closed')
        open_ones._tell_screens()

    def action_reopen(self):
        """Take back that alerts were handled, as long as their cause persists."""
        self._check_may_handle()
        if self.filtered(lambda alert: alert.state != 'closed' or not alert.holds):
            raise UserError(self.env._("Only handled alerts whose cause persists can be opened again."))
        alerts = self.sudo()
        alerts._show_again({'closed_at': False, 'close_reason': False, 'closed_by_id': False})

    def _snooze(self, until):
        """Have alerts out of sight until a moment."""
        self._check_may_handle()
        if until <= fields.Datetime.now():
            raise UserError(self.env._("Snooze until a moment to come."))
        alerts = self.filtered(lambda alert: alert.state != 'closed').sudo()
        alerts.write({'state': 'snoozed', 'snoozed_until': until, 'to_tell': False})
        alerts._drop_activities()
        alerts._tell_screens()
        self._wake_schedule(at=until)

    def _wake(self):
        """Show snoozed alerts again."""
        self._show_again({'snoozed_until': False})

    def _show_again(self, vals):
        """Have alerts open again, and tell their owners, who have as long until the escalation as at first."""
        now = fields.Datetime.now()
        for alert in self:
            hours = alert._get_terms().get('alert_escalate_hours')
            alert.write({
                **vals, 'state': 'open', 'to_tell': True, 'escalated_at': False, 'escalated_to_id': False,
                'escalate_at': now + timedelta(hours=hours) if hours else False})
        self._tell_screens()
        self._filter_terms('alert_notify')._notify_owners()
        self._tell_waiting()

    def _check_may_handle(self):
        self.check_access('read')
        if not all(alert.may_handle for alert in self):
            raise AccessError(self.env._("Alerts are handled by inventory users and by their owners."))

    # -- where to go on

    def action_open_position(self):
        self.ensure_one()
        if not self.position_id:
            raise UserError(self.env._("The product has no position in this warehouse any more."))
        return {
            'type': 'ir.actions.act_window', 'res_model': 'sales.stock.position', 'res_id': self.position_id.id,
            'views': [(False, 'form')],
        }

    def action_reorder(self):
        """Open the proposals for these positions."""
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Reorder Proposals"),
            'res_model': 'sales.reorder.proposal',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('position_id', 'in', self.position_id.ids)],
        }

