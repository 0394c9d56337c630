from collections import Counter

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.base.models.res_partner import _tz_get


class ResCompany(models.Model):
    _inherit = 'res.company'

    sales_timezone = fields.Selection(
        _tz_get, string="Time Zone of Sales Reports", required=True,
        default=lambda self: self.env.user.tz or 'UTC',
        help="The day on which an order counts in the sales reports, whoever reads them.")

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
