from odoo import api, fields, models


class ProductTemplate(models.Model):
    _name = 'product.template'
    _inherit = ['product.template']

    has_forecasts = fields.Boolean(compute='_compute_has_forecasts')

    @api.depends_context('allowed_company_ids', 'uid')
    def _compute_has_forecasts(self):
        known = self.env['sales.forecast']._get_products_with_forecasts(self.product_variant_ids)
        for template in self:
            template.has_forecasts = bool(template._origin.product_variant_ids & known)

    def action_open_forecasts(self):
        return self.product_variant_ids.action_open_forecasts()
