from odoo import api, fields, models


class ProductProduct(models.Model):
    """The way from a product to what will be sold of it."""
    _name = 'product.product'
    _inherit = ['product.product']

    has_forecasts = fields.Boolean(compute='_compute_has_forecasts')

    @api.depends_context('allowed_company_ids', 'uid')
    def _compute_has_forecasts(self):
        known = self.env['sales.forecast']._get_products_with_forecasts(self)
        for product in self:
            product.has_forecasts = product._origin in known

    def action_open_forecasts(self):
        """Open the forecasts of the products, by month where there are any."""
        return self.env['sales.forecast']._open_for([('product_id', 'in', self.ids)])
