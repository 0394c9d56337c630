from collections import Counter

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.base.models.res_partner import _tz_get

#: what a service level is the share of
SERVICE_MEASURES = [
    ('fill', "Demand served from stock"),
    ('cycle', "Order cycles without shortage"),
]
#: what has an order point order
TRIGGERS = [('manual', "Manual"), ('auto', "Automatic")]


class ResCompany(models.Model):
    _inherit = 'res.company'

    sales_timezone = fields.Selection(
        _tz_get, string="Time Zone of Sales Reports", required=True,
        default=lambda self: self.env.user.tz or 'UTC',
        help="The day on which an order counts in the sales reports, whoever reads them.")

    sales_service_a = fields.Float(string="Service Level of A Products", default=0.98, digits=(16, 4))
    sales_service_b = fields.Float(string="Service Level of B Products", default=0.95, digits=(16, 4))
    sales_service_c = fields.Float(string="Service Level of C Products", default=0.90, digits=(16, 4))
    sales_service_measure = fields.Selection(
        SERVICE_MEASURES, string="Service Measured By", default='fill', required=True)
    sales_cover_days = fields.Integer(
        string="Days an Order Should Last", default=30, help="Where the cost of an order is not given.")
    sales_order_cost = fields.Monetary(
        string="Cost of an Order",
        help="What an order costs, whatever is ordered: with it, orders are as large as costs least. 0 if it is not"
             " known.")
    sales_holding_rate = fields.Float(
        string="Yearly Cost of Stock", default=0.25, digits=(16, 4), help="As a share of its value.")
    sales_reorder_trigger = fields.Selection(
        TRIGGERS, string="Trigger of New Order Points", default='manual', required=True,
        help="Manual: somebody orders in the replenishment report. Automatic: the scheduler orders by itself.")

    _sales_service_check = models.Constraint(
        'CHECK(sales_service_a > 0 AND sales_service_a < 1 AND sales_service_b > 0 AND sales_service_b < 1'
        ' AND sales_service_c > 0 AND sales_service_c < 1)',
        "A service level is above 0 % and below 100 %.")
    _sales_order_size_check = models.Constraint(
        'CHECK(sales_cover_days > 0 AND sales_order_cost >= 0 AND sales_holding_rate >= 0)',
        "An order lasts a day or more, and costs are not below zero.")

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        self.env['sales.study'].sudo()._ensure_defaults(companies)
        return companies

    @api.model
    def _guess_sales_timezones(self):
        """Give each company its own time zone, or that of most of its users: whoever installs has none."""
        for company in self.with_context(active_test=False).search(Domain.TRUE):
            zones = Counter(user.tz for user in company.user_ids if user.tz and not user.share)
            company.sales_timezone = company.partner_id.tz or (zones.most_common(1)[0][0] if zones else 'UTC')
