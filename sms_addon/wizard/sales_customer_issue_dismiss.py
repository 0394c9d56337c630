from odoo import api, fields, models


class SalesCustomerIssueDismiss(models.TransientModel):
    """Say why what was found is all right, of one or several issues."""
    _name = 'sales.customer.issue.dismiss'
    _description = "Dismiss Data Quality Issues"

    issue_ids = fields.Many2many('sales.customer.issue', string="Issues", readonly=True)
    reason = fields.Char(string="Why It Is All Right", required=True)

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if 'issue_ids' in fields_list and not values.get('issue_ids'):
            values['issue_ids'] = [fields.Command.set(self.env.context.get('active_ids', []))]
        return values

    def action_dismiss(self):
        self.ensure_one()
        self.issue_ids._dismiss(self.reason)
        return {'type': 'ir.actions.act_window_close'}
