from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    sales_timezone = fields.Selection(related='company_id.sales_timezone', required=True, readonly=False)
    sales_new_days = fields.Integer(
        string="New for", config_parameter='sms_addon.new_days', default=90,
        help="Days after the first order.")
    sales_lost_days = fields.Integer(
        string="Lost after", config_parameter='sms_addon.lost_days', default=365,
        help="Days without an order.")
    sales_event_retention_days = fields.Integer(
        string="Ledger Kept for", config_parameter='sms_addon.event_retention_days',
        help="Days that events are kept, 0 for ever.")
