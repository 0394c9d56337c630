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
    sales_service_a = fields.Float(related='company_id.sales_service_a', readonly=False)
    sales_service_b = fields.Float(related='company_id.sales_service_b', readonly=False)
    sales_service_c = fields.Float(related='company_id.sales_service_c', readonly=False)
    sales_service_measure = fields.Selection(
        related='company_id.sales_service_measure', required=True, readonly=False)
    sales_cover_days = fields.Integer(related='company_id.sales_cover_days', readonly=False)
    sales_currency_id = fields.Many2one(related='company_id.currency_id', string="Order Currency")
    sales_order_cost = fields.Monetary(
        related='company_id.sales_order_cost', currency_field='sales_currency_id', readonly=False)
    sales_holding_rate = fields.Float(related='company_id.sales_holding_rate', readonly=False)
    sales_reorder_trigger = fields.Selection(
        related='company_id.sales_reorder_trigger', required=True, readonly=False)
