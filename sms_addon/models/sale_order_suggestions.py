from odoo import api, models
from odoo.exceptions import UserError

#: how many products are shown
SHOWN = 10


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order']

    def action_open_suggestions(self):
        """Show what to offer to the customer of the quotation."""
        self.ensure_one()
        return {
            'type': 'ir.actions.client',
            'tag': 'sms_addon.suggestions',
            'name': self.env._("Suggestions for %(customer)s", customer=self.partner_id.display_name),
            'target': 'new',
            'context': {'active_id': self.id, 'active_model': self._name},
        }

    def get_sales_suggestions(self, limit=SHOWN):
        """Return what to offer to the customer besides what is in the quotation, with price and stock, best first."""
        self._check_suggestions_access()
        found = self._find_sales_suggestions(limit)
        ids = self.env['sales.suggestion']._log(self.partner_id, found, 'quotation', self.company_id, self)
        products = self._get_suggested_products(found)
        data = self._get_product_catalog_order_data(products)
        return {
            'readonly': self._is_readonly() or not self.has_access('write'),
            'currency_id': self.currency_id.id,
            'suggestions': [{
                **suggestion,
                'id': ids[product.id],
                'product': product.display_name,
                'price': data[product.id]['price'],
                'unit': data[product.id]['uomDisplayName'],
                'warning': data[product.id].get('warning', False),
                'available': product.free_qty if product.is_storable else False,
            } for suggestion, product in zip(found, products, strict=True)],
        }

    def add_sales_suggestion(self, product_id):
        """Add a suggested product to the order, at the price of its customer."""
        self.ensure_one()
        if self._is_readonly():
            raise UserError(self.env._("Nothing can be added to %(order)s any more.", order=self.display_name))
        line = self.order_line.filtered(lambda line: line.product_id.id == product_id)[:1]
        if not line:
            line = self.env['sale.order.line'].create({'order_id': self.id, 'product_id': product_id})
        return line.id

    def log_catalog_suggestions(self, product_ids):
        """Note which suggested products somebody was shown in the catalog of products."""
        self._check_suggestions_access()
        shown = [found for found in self._find_sales_suggestions() if found['product_id'] in product_ids]
        self.env['sales.suggestion']._log(self.partner_id, shown, 'catalog', self.company_id, self)

    def _check_suggestions_access(self):
        """Refuse whoever does not sell: customers on the portal read their quotations, too."""
        self.ensure_one()
        self.check_access('read')
        self.env['sales.suggestion'].check_access('read')

    def _find_sales_suggestions(self, limit=SHOWN):
        company_order = self.with_company(self.company_id)
        if not company_order.partner_id:
            return []
        return company_order.env['sales.recommender']._suggest(
            company_order.partner_id, n=limit, exclude=self.order_line.product_id.ids, order=company_order)

    def _get_suggested_products(self, suggestions):
        return self.env['product.product'].with_company(self.company_id).with_context(
            warehouse_id=self.warehouse_id.id).browse([found['product_id'] for found in suggestions])


class SaleOrderLine(models.Model):
    _name = 'sale.order.line'
    _inherit = ['sale.order.line']

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        if not self.env.context.get('sales_import_history'):
            self.env['sales.suggestion']._take(lines)
        return lines
