from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, freeze_time, tagged, users
from odoo.tools import mute_logger

from .common import WarehouseCommon


class SuggestionCommon(WarehouseCommon):
    """A customer with a pricelist, and a recommender that suggests three products."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.suggestion = cls.env['sales.suggestion']
        cls._enable_pricelists()
        cls.pricelist = cls.env['product.pricelist'].create({
            'name': "A fifth less", 'item_ids': [Command.create({
                'compute_price': 'percentage', 'percent_price': 20, 'applied_on': '3_global'})]})
        cls.customer = cls.customers[0]
        cls.customer.property_product_pricelist = cls.pricelist
        cls.customer.user_id = cls.salesman
        cls.contact = cls.env['res.partner'].create({'name': "Purchaser", 'parent_id': cls.customer.id})
        cls.suggested = cls.products[:3]

    def setUp(self):
        super().setUp()
        self.asked = []

        def suggest(recommender, partner, n=10, exclude=(), order=None):
            self.asked.append((partner, n, recommender.env.company))
            return [
                {'product_id': product.id, 'score': 1 - rank / 10, 'kind': 'repeat' if rank else 'together',
                 'reason': f"Reason {rank}"}
                for rank, product in enumerate(self.suggested) if product.id not in exclude][:n]
        patcher = patch.object(type(self.env['sales.recommender']), '_suggest', suggest)
        patcher.start()
        self.addCleanup(patcher.stop)

    def quotation(self, *products, **values):
        order = self.env['sale.order'].create({
            'partner_id': self.customer.id, 'user_id': self.salesman.id,
            'order_line': [Command.create({'product_id': product.id}) for product in products], **values})
        return order.with_user(self.salesman)

    def logged(self, **values):
        self.env.invalidate_all()
        return self.suggestion.search([(name, '=', value) for name, value in values.items()], order='position, id')


@tagged('post_install', '-at_install')
class TestSuggestion(SuggestionCommon):
    """Products are offered, and it is known what became of that."""

    # -- on the quotation

    def test_suggestions_have_the_price_of_the_customer(self):
        found = self.quotation().get_sales_suggestions()
        self.assertFalse(found['readonly'])
        self.assertEqual(
            [(row['product_id'], round(row['price'], 2), row['reason']) for row in found['suggestions']],
            [(product.id, round(0.8 * product.list_price, 2), f"Reason {rank}")
             for rank, product in enumerate(self.suggested)])

    def test_price_is_in_the_currency_of_the_quotation(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create({'currency_id': euro.id, 'name': '2020-01-01', 'rate': 0.5})
        pricelist = self.env['product.pricelist'].create({'name': "Euro", 'currency_id': euro.id})
        found = self.quotation(pricelist_id=pricelist.id).get_sales_suggestions()
        self.assertEqual(found['currency_id'], euro.id)
        self.assertEqual(found['suggestions'][0]['price'], 0.5 * self.suggested[0].list_price)

    def test_what_is_in_the_quotation_is_not_suggested(self):
        found = self.quotation(self.suggested[1]).get_sales_suggestions()
        self.assertEqual(
            [row['product_id'] for row in found['suggestions']], (self.suggested[0] + self.suggested[2]).ids)

    def test_stock_is_that_of_the_warehouse(self):
        goods = self.suggested[0]
        goods.is_storable = True
        warehouse = self.env['stock.warehouse'].search([('company_id', '=', self.company.id)], limit=1)
        self.env['stock.quant']._update_available_quantity(goods, warehouse.lot_stock_id, 7)
        found = self.quotation().get_sales_suggestions()['suggestions']
        self.assertEqual([row['available'] for row in found], [7, False, False])

    def test_one_click_adds_a_line_as_the_host_would(self):
        order = self.quotation()
        order.get_sales_suggestions()
        line = order.order_line.browse(order.add_sales_suggestion(self.suggested[1].id))
        by_hand = Form(self.quotation())
        with by_hand.order_line.new() as hand_line:
            hand_line.product_id = self.suggested[1]
        expected = by_hand.save().order_line
        names = ('product_id', 'product_uom_qty', 'price_unit', 'discount', 'price_subtotal', 'tax_ids', 'name')
        self.assertEqual([line[name] for name in names], [expected[name] for name in names])
        self.assertEqual(order.add_sales_suggestion(self.suggested[1].id), line.id, "it is there already")

    def test_nothing_is_added_to_a_closed_order(self):
        order = self.quotation(self.products[3])
        order._action_cancel()
        self.assertTrue(order.get_sales_suggestions()['readonly'])
        with self.assertRaises(UserError):
            order.add_sales_suggestion(self.suggested[0].id)

    def test_button_opens_the_dialog(self):
        order = self.quotation()
        action = order.action_open_suggestions()
        self.assertEqual((action['target'], action['context']['active_id']), ('new', order.id))

    # -- what became of it

    def test_shown_added_sold(self):
        order = self.quotation()
        order.get_sales_suggestions()
        shown = self.logged(order_id=order.id)
        self.assertRecordValues(shown, [
            {'state': 'shown', 'place': 'quotation', 'position': position, 'user_id': self.salesman.id,
             'partner_id': self.customer.id, 'company_id': self.company.id, 'amount': 0}
            for position in (1, 2, 3)])
        order.add_sales_suggestion(self.suggested[0].id)
        self.assertEqual(shown.mapped('state'), ['added', 'shown', 'shown'])
        order.action_confirm()
        self.assertRecordValues(shown, [
            {'state': 'sold', 'added': 1, 'sold': 1, 'sold_rate': 1, 'amount': order.order_line.price_subtotal},
            {'state': 'shown', 'added': 0, 'sold': 0, 'sold_rate': 0, 'amount': 0},
            {'state': 'shown', 'added': 0, 'sold': 0, 'sold_rate': 0, 'amount': 0},
        ])

    def test_cancelled_order_is_not_sold(self):
        order = self.quotation()
        order.get_sales_suggestions()
        order.add_sales_suggestion(self.suggested[0].id)
        order.action_confirm()
        order._action_cancel()
        self.assertRecordValues(self.logged(order_id=order.id)[0], [{'state': 'added', 'sold': 0, 'amount': 0}])

    def test_removed_line_is_not_added(self):
        order = self.quotation()
        order.get_sales_suggestions()
        order.add_sales_suggestion(self.suggested[0].id)
        order.order_line.unlink()
        self.assertEqual(self.logged(order_id=order.id).mapped('state'), ['shown'] * 3)

    def test_line_added_by_other_means_counts(self):
        order = self.quotation()
        order.get_sales_suggestions()
        order.order_line = [
            Command.create({'product_id': self.suggested[2].id}),
            Command.create({'name': "Note", 'display_type': 'line_note'})]
        self.assertEqual(self.logged(order_id=order.id).mapped('state'), ['shown', 'shown', 'added'])

    def test_line_that_was_there_before_does_not_count(self):
        order = self.quotation(self.suggested[0])
        self.suggested -= self.suggested[0]
        order.get_sales_suggestions()
        order.action_confirm()
        self.assertEqual(set(self.logged(order_id=order.id).mapped('state')), {'shown'})

    def test_shown_twice_is_one_suggestion(self):
        order = self.quotation()
        for _time in range(2):
            found = order.get_sales_suggestions()
        self.assertEqual(self.logged(order_id=order.id).ids, [row['id'] for row in found['suggestions']])

    def test_amount_is_in_the_currency_of_the_company(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create({'currency_id': euro.id, 'name': '2020-01-01', 'rate': 0.5})
        order = self.quotation(pricelist_id=self.env['product.pricelist'].create({
            'name': "Euro", 'currency_id': euro.id}).id)
        order.get_sales_suggestions()
        order.add_sales_suggestion(self.suggested[0].id)
        order.action_confirm()
        self.assertAlmostEqual(self.logged(order_id=order.id)[0].amount, self.suggested[0].list_price)

    # -- outside of quotations

    def test_other_programs_ask_for_a_customer(self):
        found = self.contact.with_user(self.salesman).get_sales_suggestions(limit=2)
        self.assertEqual(
            [(row['product_id'], row['price'], row['currency']) for row in found],
            [(product.id, 0.8 * product.list_price, self.company.currency_id.name) for product in self.suggested[:2]])
        self.assertRecordValues(self.logged(place='api'), [
            {'partner_id': self.customer.id, 'order_id': False, 'state': 'shown'}] * 2)

    def test_only_the_last_time_counts_for_an_order(self):
        customer = self.customer.with_user(self.salesman)
        for day in ('2027-01-01', '2027-03-01', '2027-03-02'):
            with freeze_time(day):
                customer.get_sales_suggestions()
        with freeze_time('2027-03-05'):
            self.quotation(self.suggested[0])
        self.assertEqual(
            [(str(row.date), row.state) for row in self.logged(product_id=self.suggested[0].id).sorted('date')],
            [('2027-01-01', 'shown'), ('2027-03-01', 'shown'), ('2027-03-02', 'added')])

    def test_what_was_shown_long_ago_does_not_count(self):
        with freeze_time('2027-01-01'):
            self.customer.with_user(self.salesman).get_sales_suggestions()
        with freeze_time('2027-02-15'):
            self.quotation(self.suggested[0])
        self.assertEqual(set(self.logged(place='api').mapped('state')), {'shown'})

    def test_suggestions_to_another_customer_do_not_count(self):
        self.customer.with_user(self.salesman).get_sales_suggestions()
        self.quotation(self.suggested[0], partner_id=self.customers[1].id)
        self.assertEqual(set(self.logged(place='api').mapped('state')), {'shown'})

    def test_day_is_that_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        with freeze_time('2027-03-01 20:00:00'):
            self.customer.with_user(self.salesman).get_sales_suggestions()
        self.assertEqual(self.logged(place='api').mapped('date'), [fields.Date.to_date('2027-03-02')] * 3)

    def test_bad_limit(self):
        for limit in (0, -1, 101):
            with self.assertRaises(ValidationError):
                self.customer.with_user(self.salesman).get_sales_suggestions(limit=limit)

    # -- in the catalog of products

    def catalog(self, order):
        return self.env['product.product'].with_user(self.salesman).with_context(
            order.action_add_from_catalog()['context'])

    def test_catalog_filter_and_mark(self):
        order = self.quotation()
        catalog = self.catalog(order)
        self.assertEqual(catalog.search([('sales_suggested', '=', True)]), self.suggested.with_user(self.salesman))
        others = catalog.search([('sales_suggested', '=', False)])
        self.assertIn(self.products[3].id, others.ids)
        self.assertFalse(others & self.suggested)
        self.assertEqual(
            catalog.browse(self.products.ids).mapped('sales_suggestion_reason'),
            ["Reason 0", "Reason 1", "Reason 2", False])

    def test_outside_of_the_catalog_nothing_is_suggested(self):
        self.assertEqual(set(self.products.mapped('sales_suggested')), {False})
        self.assertFalse(self.products.search([('sales_suggested', '=', True)]))
        self.assertFalse(self.asked)

    def test_catalog_notes_what_is_shown_and_added(self):
        order = self.quotation()
        order.log_catalog_suggestions([self.suggested[1].id, self.products[3].id])
        self.env['sale.order.line'].create({'order_id': order.id, 'product_id': self.suggested[1].id})
        self.assertRecordValues(self.logged(order_id=order.id), [
            {'product_id': self.suggested[1].id, 'place': 'catalog', 'state': 'added'}])

    # -- who may what

    @users('everyone')
    def test_customers_of_others_are_seen_by_those_who_see_all(self):
        self.assertTrue(self.customer.with_user(self.env.user).get_sales_suggestions())

    def test_customers_of_others_are_refused(self):
        self.customer.user_id = self.manager
        with self.assertRaises(AccessError):
            self.contact.with_user(self.salesman).get_sales_suggestions()
        self.customer.user_id = False
        self.assertTrue(self.contact.with_user(self.salesman).get_sales_suggestions())
        self.order([(self.products[0], 1, 10)], user_id=self.manager.id)
        self.refresh()
        self.env['sales.customer.profile']._rebuild_all()
        with self.assertRaises(AccessError):
            self.contact.with_user(self.salesman).get_sales_suggestions()

    def test_no_salesperson_is_refused(self):
        self.portal.partner_id.parent_id = self.customer
        with self.assertRaises(AccessError):
            self.portal.partner_id.with_user(self.portal).get_sales_suggestions()
        order = self.quotation(partner_id=self.portal.partner_id.id).with_user(self.portal)
        self.assertTrue(order.name, "customers read their quotations")
        for act in (order.get_sales_suggestions, lambda: order.log_catalog_suggestions(self.suggested.ids)):
            with self.assertRaises(AccessError):
                act()
        self.assertNotIn('sales_suggestion_reason', order.env['product.product'].fields_get())

    def test_quotations_of_others_are_refused(self):
        order = self.quotation(user_id=self.manager.id)
        for act in (order.get_sales_suggestions, lambda: order.add_sales_suggestion(self.suggested[0].id),
                    lambda: order.log_catalog_suggestions(self.suggested.ids)):
            with self.assertRaises(AccessError):
                act()
        self.assertFalse(self.catalog_of_others(order).search([('sales_suggested', '=', True)]))

    def catalog_of_others(self, order):
        return self.env['product.product'].with_user(self.salesman).with_context(
            product_catalog_order_id=order.id, product_catalog_order_model='sale.order')

    def test_report_shows_ones_own_or_all(self):
        self.quotation().get_sales_suggestions()
        self.quotation(user_id=self.manager.id).with_user(self.manager).get_sales_suggestions()
        for user, count in ((self.salesman, 3), (self.all_leads, 6), (self.manager, 6)):
            self.assertEqual(self.suggestion.with_user(user).search_count([]), count)
        row = self.logged(user_id=self.salesman.id)[0].with_user(self.manager)
        for act in (lambda: row.write({'state': 'sold'}), row.unlink):
            with self.assertRaises(AccessError):
                act()

    def test_other_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.manager.company_ids += other
        order = self.env['sale.order'].with_company(other).create({
            'partner_id': self.customer.id, 'company_id': other.id}).with_user(self.manager)
        order.with_context(allowed_company_ids=(self.company + other).ids).get_sales_suggestions()
        self.assertEqual(self.asked[-1][2], other, "the company of the order, not of the screen")
        self.assertEqual(self.logged(order_id=order.id).company_id, other)
        mine = self.suggestion.with_user(self.manager).with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(mine.search([]))

    def test_what_was_shown_in_another_company_does_not_count(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.manager.company_ids += other
        self.customer.with_user(self.manager).with_company(other).get_sales_suggestions()
        self.quotation(self.suggested[0])
        self.assertEqual(set(self.logged(place='api').mapped('state')), {'shown'})

    # -- cost

    def count_queries(self, call):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        call()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def test_more_suggestions_cost_no_more_queries(self):
        order = self.quotation()
        products = self.env['product.product'].create([
            {'name': f"More {n}", 'list_price': n, 'taxes_id': [Command.clear()]} for n in range(20)])

        def cost_of(suggested):
            self.suggested = suggested
            order.get_sales_suggestions(limit=30)  # what is read once for all
            return self.count_queries(lambda: order.get_sales_suggestions(limit=30))
        cost_of(products)
        cost = cost_of(products[:3])
        self.assertEqual(cost_of(products), cost)
        self.assertLess(cost, 30)

    def test_lines_without_suggestions_cost_one_query(self):
        def add(count):
            order = self.quotation(partner_id=self.customers[2].id)
            return self.count_queries(lambda: self.env['sales.suggestion']._take(order.order_line.create([
                {'order_id': order.id, 'product_id': self.products[3].id} for _n in range(count)])))
        add(1)
        with patch.object(type(self.suggestion), '_take', lambda self, lines: None):
            bare = add(5)
        with_search = add(5)
        self.assertLessEqual(with_search - bare, 4)


@tagged('post_install', '-at_install')
class TestSuggestionTour(SuggestionCommon, HttpCase):
    """The dialog on a quotation and the catalog in a browser, and another program."""

    def ask(self, user, **values):
        key = self.env['res.users.apikeys'].with_user(user)._generate(
            'rpc', "test", fields.Datetime.now() + timedelta(days=1))
        self.env.flush_all()
        return self.url_open(
            '/json/2/res.partner/get_sales_suggestions', json={'ids': self.customer.ids, **values},
            headers={'Authorization': f'bearer {key}'})

    @mute_logger('odoo.http')
    def test_json2(self):
        found = self.ask(self.salesman, limit=2).json()
        self.assertEqual([row['product_id'] for row in found], self.suggested[:2].ids)
        self.assertEqual(found[0]['reason'], "Reason 0")
        self.assertEqual(self.logged(place='api').user_id, self.salesman)
        self.customer.user_id = self.manager
        self.assertEqual(self.ask(self.salesman).status_code, 403)
        self.assertEqual(self.ask(self.manager, limit=1000).status_code, 422)

    def test_dialog_and_catalog(self):
        self.manager.password = 'boss-password'
        self.manager.lang = 'en_US'
        order = self.quotation(user_id=self.manager.id)
        self.start_tour(
            f'/odoo/action-sale.action_quotations/{order.id}', 'sales_suggestion_tour', login=self.manager.login)
        self.env.invalidate_all()
        self.assertEqual(order.sudo().order_line.product_id, self.suggested[:2])
        self.assertEqual(
            self.logged(order_id=order.id, place='quotation').mapped('state'), ['added', 'added', 'shown'],
            "one that was shown at two places was taken at both")
        self.assertEqual(
            self.logged(order_id=order.id, place='catalog').mapped('state'), ['added', 'shown'])
