import random
from datetime import timedelta

from odoo import Command, fields
from odoo.tests import new_test_user
from odoo.tools import SQL

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
        cls.warehouse._rebuild()  # an upgraded database may be waiting for one

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


class LedgerCommon(WarehouseCommon):
    """What happens in a test is written to the ledger at once, and may be read before it is committed."""

    def setUp(self):
        super().setUp()
        self.patch(
            type(self.env['sales.consumer']), '_horizon', lambda self: SQL("'9223372036854775807'::xid8"))
        self.env.cr.flush()
        self.start = self.last_event_id()

    def last_event_id(self):
        [(last,)] = self.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) FROM sales_event"))
        return last

    def events(self, **values):
        """Return the events of this test, oldest first, those with these values."""
        self.env.cr.flush()
        domain = [('id', '>', self.start), *((name, '=', value) for name, value in values.items())]
        return self.env['sales.event'].search(domain, order='id')

    def event_types(self, **values):
        return self.events(**values).mapped('type')

    def dispatch(self, consumers=None):
        """Have the readers read all there is."""
        self.env.cr.flush()
        for consumer in consumers or self.env['sales.consumer'].search([]):
            while consumer._dispatch_batch():
                pass


class CustomerHistoryCommon(WarehouseCommon):
    """Random orders of twelve customers in two companies with different currencies, over three years."""

    TODAY = fields.Date.to_date('2026-06-15')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.env.ref('base.EUR')
        cls.euro.active = True
        cls.other_company = cls.env['res.company'].create({
            'name': "Other Company", 'currency_id': cls.euro.id, 'sales_timezone': 'UTC'})
        # the host's reports read the rates of the company whose currency they show
        cls.env['res.currency.rate'].create([
            {'currency_id': cls.euro.id, 'name': '2020-01-01', 'rate': 0.8, 'company_id': cls.company.id},
            {'currency_id': cls.company.currency_id.id, 'name': '2020-01-01', 'rate': 1.25,
             'company_id': cls.other_company.id},
        ])
        for user in cls.salesman + cls.all_leads + cls.manager + cls.env.user:
            user.company_ids += cls.other_company
        countries = cls.env.ref('base.be') + cls.env.ref('base.cn')
        cls.buyers = cls.env['res.partner'].create([
            {'name': f"Buyer {n}", 'is_company': True, 'country_id': (countries[n % 3].id if n % 3 < 2 else False)}
            for n in range(12)
        ])
        cls.env['res.partner'].create([{'name': "Purchaser", 'parent_id': buyer.id} for buyer in cls.buyers])
        cls._create_history(random.Random(20260615))
        cls.order([(cls.products[0], 2, 70)], partner_id=cls.customers[2].id, date='2025-12-01 10:00:00')
        cls.refresh()

    @classmethod
    def _create_history(cls, rng):
        for number in range(90):
            company = rng.choice([cls.company, cls.company, cls.other_company])
            # some buyers are early, some late, so that there are all kinds of them
            buyer = rng.randrange(12)
            newest = (0, 0, 20, 380, 500, 60)[buyer % 6]
            age = newest + int((1050 - newest) * rng.random() ** 2) if buyer % 4 else rng.randrange(newest, newest + 60)
            partner = rng.choice(cls.buyers[buyer] + cls.buyers[buyer].child_ids)
            order = cls.env['sale.order'].with_company(company).create({
                'company_id': company.id,
                'partner_id': partner.id,
                'user_id': rng.choice([cls.salesman.id, cls.manager.id, False]),
                'order_line': [
                    Command.create({
                        'product_id': rng.choice(cls.products).id, 'product_uom_qty': rng.randint(1, 9),
                        'price_unit': rng.randint(5, 400), 'discount': rng.choice([0, 15]),
                    })
                    for _line in range(rng.randint(1, 3))
                ],
            })
            if number % 10:
                order.action_confirm()
            order.date_order = fields.Datetime.to_datetime(cls.TODAY) - timedelta(days=age) + timedelta(hours=9)

    def read_history(self, user, companies=None):
        """Return (customer, company, day, order) of the confirmed orders that the user may see in the host."""
        companies = companies or self.company + self.other_company
        orders = self.env['sale.order'].with_user(user).with_context(allowed_company_ids=companies.ids).search([
            ('state', '=', 'sale')])
        return [
            (order.partner_id.commercial_partner_id, order.company_id, order.date_order.date(), order)
            for order in orders.sudo()
        ]

    def as_user(self, model, user, companies=None):
        """Return the model as the user has it with these companies switched on."""
        self.env.invalidate_all()
        companies = companies or self.company + self.other_company
        return self.env[model].with_user(user).with_context(allowed_company_ids=companies.ids)

    def convert(self, amount, order, target=None):
        """Return an amount of an order in the currency of a company: at the order's rate, then at today's."""
        target = target or self.company
        return amount / order.currency_rate * self.env['res.currency']._get_conversion_rate(
            order.company_id.currency_id, target.currency_id, target, self.TODAY)
