from odoo import models


class ResCompany(models.Model):
    _name = 'res.company'
    _inherit = ['res.company']

    def write(self, vals):
        zones = {company: company.sales_timezone for company in self} if 'sales_timezone' in vals else {}
        result = super().write(vals)
        if any(company.sales_timezone != zone for company, zone in zones.items()):
            # every day on which something was moved or sold may be another one
            self.env['sales.stock.position']._request_rebuild()
        return result
