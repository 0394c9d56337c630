from odoo import Command, fields
from odoo.tests import new_test_user

from odoo.addons.sale.tests.common import SaleCommon


class WarehouseCommon(SaleCommon):
    """Orders of two companies and three kinds of salespeople, with the warehouse kept up by :meth:`refresh`."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.company
        cls.company.sales_timezone = 'UTC'
        cls.warehouse = cls.env['sales.warehouse']._get()
        cls.analysis = cls.env['sales.analysis']
        cls.salesman = new_test_user(cls.env, 'own', 'sales_team.group_sale_salesman', name="Own Documents")
        cls.all_leads = new_test_user(
            cls.env, 'everyone', 'sales_team.group_sale_salesman_all_leads', name="All Documents")
        cls.manager = new_test_user(cls.env, 'boss', 'sales_team.group_sale_manager', name="Manager")
        cls.portal = new_test_user(cls.env, 'portal customer', 'base.group_portal', name="Portal")
        cls.categories = cls.env['product.category'].create([{'name': "Chairs"}, {'name': "Tables"}])
        cls.products = cls.env['product.product'].create([
            {
                'name': f"Thing {n}", 'type': 'consu', 'categ_id': cls.categories[n % 2].id, 'list_price': 10 + n,
                'standard_price': 4 + n, 'invoice_policy': 'order', 'taxes_id': [Command.clear()],
            }
            for n in range(4)
        ])
        belgium, china = cls.env.ref('base.be'), cls.env.ref('base.cn')
        cls.customers = cls.env['res.partner'].create([
            {'name': "Alpha", 'is_company': True, 'country_id': belgium.id},
            {'name': "Beta", 'is_company': True, 'country_id': china.id},
            {'name': "Gamma", 'is_company': True},
        ])
        cls.refresh()

    @classmethod
    def refresh(cls):
        """Have the warehouse read whatever was changed so far."""
        while cls.warehouse._refresh_batch():
            pass

    @classmethod
    def order(cls, lines, date='2026-03-15 12:00:00', state='sale', **values):
        """Create an order of ``lines``: (product, quantity, price[, discount])."""
        order = cls.env['sale.order'].create({
            'partner_id': cls.customers[0].id,
            'order_line': [
                Command.create({
                    'product_id': product.id, 'product_uom_qty': quantity, 'price_unit': price,
                    'discount': discount[0] if discount else 0,
                })
                for product, quantity, price, *discount in lines
            ],
            **values,
        })
        if state == 'sale':
            order.action_confirm()
        elif state == 'cancel':
            order._action_cancel()
        order.date_order = fields.Datetime.to_datetime(date)
        return order
