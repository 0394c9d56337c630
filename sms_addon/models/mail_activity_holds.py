from odoo import fields, models
from odoo.exceptions import UserError


class MailActivityType(models.Model):
    _inherit = 'mail.activity.type'

    category = fields.Selection(
        selection_add=[('sales_approval', "Sales Approval")], ondelete={'sales_approval': 'set default'})


class MailActivity(models.Model):
    """Approve and refuse from the activity. That it is done or deleted otherwise decides nothing."""
    _inherit = 'mail.activity'

    def action_sales_approve(self):
        return self._get_sales_hold().action_approve()

    def action_sales_refuse(self):
        return self._get_sales_hold().action_refuse()

    def _get_sales_hold(self):
        """Return the hold that the current user is asked about: each request has activities of its own."""
        activity = self.exists()
        if not activity or not activity.active or activity.res_model != 'sales.order.hold':
            raise UserError(self.env._("This has been decided, withdrawn or asked for again. Look at it again."))
        activity.check_access('read')
        if activity.user_id != self.env.user:
            raise UserError(self.env._("%(user)s is asked here, not you.", user=activity.user_id.name))
        hold = self.env['sales.order.hold'].browse(activity.res_id)
        return hold.with_context(hold_revision=hold.revision)
