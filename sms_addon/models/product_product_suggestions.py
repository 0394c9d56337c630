from odoo import api, fields, models
from odoo.fields import Domain


class ProductProduct(models.Model):
    _name = 'product.product'
    _inherit = ['product.product']

    sales_suggestion_reason = fields.Char(
        string="Why Suggested", compute='_compute_sales_suggestion_reason',
        groups='sales_team.group_sale_salesman',
        help="Why the product is suggested to the customer of the quotation in whose catalog it is shown.")
    sales_suggested = fields.Boolean(
        string="Suggested", compute='_compute_sales_suggestion_reason', search='_search_sales_suggested',
        groups='sales_team.group_sale_salesman')

    @api.depends_context('product_catalog_order_id', 'product_catalog_order_model', 'lang')
    def _compute_sales_suggestion_reason(self):
        reasons = {found['product_id']: found['reason'] for found in self._get_catalog_suggestions()}
        for product in self:
            product.sales_suggestion_reason = reasons.get(product._origin.id, False)
            product.sales_suggested = product._origin.id in reasons

    def _search_sales_suggested(self, operator, value):
        if operator != 'in':
            return NotImplemented
        suggested = Domain('id', 'in', [found['product_id'] for found in self._get_catalog_suggestions()])
        return suggested if True in value else ~suggested

    def _get_catalog_suggestions(self):
        """Return what is suggested to the customer of the quotation in whose catalog products are shown."""
        context = self.env.context
        if context.get('product_catalog_order_model') != 'sale.order' or not context.get('product_catalog_order_id'):
            return []
        order = self.env['sale.order'].browse(context['product_catalog_order_id'])
        return order._find_sales_suggestions() if order.has_access('read') else []
