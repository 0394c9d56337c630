from odoo import fields, models

from odoo.addons.base.models.res_partner import _tz_get


class ResCompany(models.Model):
    _inherit = 'res.company'

    sales_timezone = fields.Selection(
        _tz_get, string="Time Zone of Sales Reports", required=True,
        default=lambda self: self.env.user.tz or 'UTC',
        help="The day on which an order counts in the sales reports, whoever reads them.")
