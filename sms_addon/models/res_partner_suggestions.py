from odoo import models
from odoo.exceptions import AccessError, ValidationError

from .sale_order_suggestions import SHOWN

#: products that one call may ask for
MOST = 100


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner']

    def get_sales_suggestions(self, limit=SHOWN):
        """Return what to offer to a customer in the current company, best first. For other programs (JSON-2).

        :param int limit: number of products, 1 to 100
        :return: list of dictionaries: ``product_id``, ``product``, ``default_code``, ``kind``, ``score``, ``reason``
            (a sentence), ``price`` for one ``unit`` at the customer's pricelist, ``currency``, and ``available``
            (free to use; false for what is not kept in stock)
        :raise AccessError: the customer is that of another salesperson
        """
        return self._get_sales_suggestions(limit, 'api')

    def _get_sales_suggestions(self, limit, place):
        """Return what to offer to a customer, and note that it is shown at a place."""
        self.ensure_one()
        self._check_sales_access()
        if not 1 <= limit <= MOST:
            raise ValidationError(self.env._("From 1 to %(most)s products can be asked for.", most=MOST))
        found = self.env['sales.recommender']._suggest(self, n=limit)
        ids = self.env['sales.suggestion']._log(self, found, place, self.env.company)
        products = self.env['product.product'].browse([suggestion['product_id'] for suggestion in found])
        pricelist = self.property_product_pricelist
        currency = pricelist.currency_id or self.env.company.currency_id
        prices = pricelist._get_products_price(products, 1.0, currency=currency)
        return [{
            **suggestion,
            'id': ids[product.id],
            'product': product.display_name,
            'default_code': product.default_code or False,
            'price': prices[product.id],
            'unit': product.uom_id.display_name,
            'currency': currency.name,
            'currency_id': currency.id,
            'available': product.free_qty if product.is_storable else False,
        } for suggestion, product in zip(found, products, strict=True)]

    def _check_sales_access(self):
        """Refuse what is known of a customer from orders to whoever does not see such orders.

        :raise AccessError: no salesperson, or one who has customers of his own only
        """
        self.check_access('read')
        user = self.env.user
        customer = self.commercial_partner_id.sudo()
        # as the profile has it: of no salesperson of its own, the customer is that of the last order
        owner = customer.user_id or self.env['sales.customer.profile'].sudo().search([
            ('commercial_partner_id', '=', customer.id), ('company_id', '=', self.env.company.id)], limit=1).user_id
        if not user.has_group('sales_team.group_sale_salesman') or (
                owner and owner != user and not user.has_group('sales_team.group_sale_salesman_all_leads')):
            raise AccessError(self.env._("%(customer)s is the customer of somebody else.", customer=self.display_name))
