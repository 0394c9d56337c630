from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.http import root
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

from .common import WarehouseCommon

DAY = 86400


class ProcessCommon(WarehouseCommon):
    """A ledger that holds nothing but the events which a test puts there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.process = cls.env['sales.process']
        cls.team, other_team = cls.env['crm.team'].create([{'name': "Process Team"}, {'name': "Other Team"}])
        cls.fast = cls.quote(user_id=cls.salesman.id, team_id=cls.team.id)
        cls.slow = cls.quote(user_id=cls.manager.id, partner_id=cls.customers[1].id, team_id=other_team.id)
        cls.lost = cls.quote(user_id=cls.manager.id, created='2025-01-10 09:00:00', team_id=other_team.id)
        cls.env.flush_all()
        cls.env.cr.flush()
        cls.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        cls.env.cr.execute("DELETE FROM sales_event")
        cls.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'off'")
        cls.happen(cls.fast, ('order.created', 0), ('order.confirmed', 1), ('delivery.shipped', 2))
        cls.happen(
            cls.slow, ('order.created', 0), ('order.confirmed', 3), ('line.changed', 4), ('delivery.shipped', 10))
        cls.happen(cls.lost, ('order.created', 0), ('order.cancelled', 30), start='2025-01-10 09:00:00')

    @classmethod
    def quote(cls, created='2026-03-01 09:00:00', **values):
        order = cls.order([(cls.products[0], 1, 100)], state='draft', date=created, **values)
        cls.env.flush_all()
        cls.env.cr.execute(SQL("UPDATE sale_order SET create_date = %s WHERE id = %s", created, order.id))
        cls.env.invalidate_all()
        return order

    @classmethod
    def happen(cls, order, *events, start='2026-03-01 09:00:00', history=False):
        """Write events of an order: (type, days after the start[, transaction])."""
        start = fields.Datetime.to_datetime(start)
        for event_type, days, *xid in events:
            cls.env.cr.execute(SQL(
                "INSERT INTO sales_event (xid, date, type, model, res_id, order_id, company_id, history)"
                " VALUES (%s, %s, %s, 'sale.order', %s, %s, %s, %s)",
                str(xid[0] if xid else 3), start + timedelta(days=days), event_type, order.id, order.id,
                order.company_id.id, history))

    def edges(self, **filters):
        """Return source and target -> (transitions, days), as the test's user sees them."""
        found = self.process.get_process_map(filters)
        return {(edge['source'], edge['target']): (edge['count'], edge['wait'] / DAY) for edge in found['edges']}

    def open_orders(self, action, user=None):
        """Return the orders of an action in the order in which its list shows them."""
        self.assertEqual((action['res_model'], action['views'][0][1]), ('sale.order', 'list'))
        orders = self.env['sale.order'].with_user(user or self.env.user).with_context(action['context'])
        return orders.search(action['domain'], order='sales_process_wait DESC, id')


@tagged('post_install', '-at_install')
class TestSalesProcess(ProcessCommon):

    def test_the_map_has_milestones_transitions_and_paths(self):
        found = self.process.get_process_map()
        self.assertEqual((found['orders'], found['events'], found['variant_count']), (3, 8, 2))
        self.assertEqual(self.edges(), {
            ('order.created', 'order.confirmed'): (2, 2.0),
            ('order.confirmed', 'delivery.shipped'): (2, 4.0),
            ('order.created', 'order.cancelled'): (1, 30.0),
        })
        self.assertEqual(
            [(node['type'], node['orders'], node['starts'], node['ends']) for node in found['nodes']],
            [('order.created', 3, 3, 0), ('order.confirmed', 2, 0, 0), ('delivery.shipped', 2, 0, 2),
             ('order.cancelled', 1, 0, 1)])
        self.assertEqual(found['variants'][0], {
            'types': ['order.created', 'order.confirmed', 'delivery.shipped'], 'orders': 2, 'wait': 6 * DAY})

    def test_what_many_orders_wait_for_is_slowest(self):
        ranks = {edge['target']: edge['slow_rank'] for edge in self.process.get_process_map()['edges']}
        self.assertEqual(ranks, {'order.cancelled': 1, 'delivery.shipped': 2, 'order.confirmed': 3})

    def test_a_transition_without_waiting_is_not_slow(self):
        self.happen(self.lost, ('order.reset', 30), start='2025-01-10 09:00:00')
        found = self.process.get_process_map({'date_to': '2025-12-31'})
        self.assertEqual([edge['slow_rank'] for edge in found['edges'] if edge['target'] == 'order.reset'], [False])

    def paths(self):
        return [variant['types'] for variant in self.process.get_process_map()['variants']]

    def test_transactions_of_one_second_come_one_after_the_other(self):
        self.happen(
            self.quote(), ('order.created', 0, 10), ('order.cancelled', 0, 12), ('invoice.posted', 0, 11))
        self.assertIn(['order.created', 'invoice.posted', 'order.cancelled'], self.paths())

    def test_what_one_transaction_did_comes_in_the_usual_order(self):
        self.happen(self.quote(), ('invoice.posted', 0), ('order.confirmed', 0), ('order.created', 0))
        self.assertIn(['order.created', 'order.confirmed', 'invoice.posted'], self.paths())

    def test_history_of_one_second_comes_in_the_usual_order(self):
        self.happen(
            self.quote(), ('invoice.paid', 0, 10), ('invoice.posted', 0, 11), ('order.created', 0, 12), history=True)
        self.assertIn(['order.created', 'invoice.posted', 'invoice.paid'], self.paths())

    def test_an_order_from_quotation_to_payment(self):
        order = self.quote()
        order.action_quotation_sent()
        self.env.cr.flush()
        order.action_confirm()
        self.env.cr.flush()
        order.picking_ids.move_ids.write({'quantity': 1, 'picked': True})
        order.picking_ids.with_context(skip_sms=True).button_validate()
        invoice = order._create_invoices()
        invoice.action_post()
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids).create({})._create_payments()
        self.env.cr.flush()
        [path] = [types for types in self.paths() if 'order.sent' in types]
        self.assertEqual(path, [
            'order.created', 'order.sent', 'order.confirmed', 'delivery.ready', 'delivery.shipped', 'order.delivered',
            'invoice.posted', 'invoice.paid'])

    def test_nothing_found(self):
        found = self.process.get_process_map({'date_from': '2030-01-01'})
        self.assertEqual((found['orders'], found['nodes'], found['edges'], found['variants']), (0, [], [], []))

    def test_events_of_deleted_orders_are_left_out(self):
        order = self.quote()
        self.happen(order, ('order.created', 0), ('refund.posted', 1))
        self.env.cr.execute(SQL("DELETE FROM sale_order WHERE id = %s", order.id))
        self.assertEqual(self.process.get_process_map()['orders'], 3)


@tagged('post_install', '-at_install')
class TestSalesProcessFilters(ProcessCommon):

    def test_period_is_that_of_the_order(self):
        self.assertEqual(list(self.edges(date_to='2025-12-31')), [('order.created', 'order.cancelled')])
        self.assertEqual(self.process.get_process_map({'date_from': '2025-01-11'})['orders'], 2)

    def test_days_are_those_of_the_reader(self):
        self.process = self.process.with_context(tz='Pacific/Auckland')  # 13 hours ahead
        evening = self.quote(created='2026-02-10 12:30:00')
        self.happen(evening, ('order.created', 0), start='2026-02-10 12:30:00')
        day = {'date_from': '2026-02-11', 'date_to': '2026-02-11'}
        self.assertEqual(self.process.get_process_map(day)['orders'], 1)
        self.assertEqual(self.process.with_context(tz='UTC').get_process_map(day)['orders'], 0)

    def test_orders_settled_elsewhere_took_no_path_here(self):
        self.slow.sales_history = True
        self.assertEqual(self.process.get_process_map()['orders'], 2)

    def test_an_order_entered_later_counts_on_its_own_date(self):
        self.slow.date_order = '2020-05-05 10:00:00'
        self.assertEqual(self.process.get_process_map({'date_to': '2020-12-31'})['orders'], 1)
        self.assertEqual(self.process.get_process_map({'date_from': '2026-01-01'})['orders'], 1)

    def test_team_customer_salesperson_company(self):
        contact = self.env['res.partner'].create({'name': "Buyer", 'parent_id': self.customers[1].id})
        self.slow.partner_id = contact
        for filters, orders in (
            ({'team_ids': self.team.ids}, self.fast),
            ({'partner_ids': self.customers[1].ids}, self.slow),
            ({'user_ids': self.manager.ids}, self.slow + self.lost),
            ({'user_ids': self.manager.ids, 'partner_ids': self.customers[1].ids}, self.slow),
            ({'company_ids': self.company.ids}, self.fast + self.slow + self.lost),
            ({'team_ids': [], 'date_from': False}, self.fast + self.slow + self.lost),
        ):
            with self.subTest(filters=filters):
                self.assertEqual(self.process.get_process_map(filters)['orders'], len(orders))


@tagged('post_install', '-at_install')
class TestSalesProcessOrders(ProcessCommon):

    def test_orders_of_a_transition_slowest_first(self):
        action = self.process.get_transition_orders('order.confirmed', 'delivery.shipped')
        orders = self.open_orders(action)
        self.assertEqual(orders, self.slow + self.fast)
        self.assertEqual(orders.mapped('sales_process_wait'), [7 * DAY, DAY])
        self.assertEqual(action['name'], "Order confirmed → Goods shipped")

    def test_orders_of_a_path_longest_first(self):
        action = self.process.get_variant_orders(['order.created', 'order.confirmed', 'delivery.shipped'])
        orders = self.open_orders(action)
        self.assertEqual(orders, self.slow + self.fast)
        self.assertEqual(orders.mapped('sales_process_wait'), [10 * DAY, 2 * DAY])
        self.assertFalse(self.open_orders(self.process.get_variant_orders(['order.created'])))

    def test_filters_hold_for_the_orders(self):
        filters = {'team_ids': self.team.ids}
        action = self.process.get_transition_orders('order.confirmed', 'delivery.shipped', filters)
        self.assertEqual(self.open_orders(action), self.fast)
        action = self.process.get_variant_orders(['order.created', 'order.cancelled'], filters)
        self.assertFalse(self.open_orders(action))

    def test_every_transition_and_path_opens_as_many_orders_as_it_says(self):
        self.happen(self.fast, ('delivery.shipped', 3), ('delivery.shipped', 5), ('order.confirmed', 6))
        found = self.process.get_process_map()
        for edge in found['edges']:
            action = self.process.get_transition_orders(edge['source'], edge['target'])
            self.assertEqual(len(self.open_orders(action)), edge['orders'], edge)
        for variant in found['variants']:
            action = self.process.get_variant_orders(variant['types'])
            self.assertEqual(len(self.open_orders(action)), variant['orders'], variant)

    def test_the_list_can_be_opened(self):
        action = self.process.with_user(self.salesman).get_transition_orders('order.confirmed', 'delivery.shipped')
        orders = self.env['sale.order'].with_user(self.salesman).with_context(action['context'])
        self.assertIn('sales_process_wait', orders.get_views(action['views'])['views']['list']['arch'])
        [row] = orders.web_search_read(
            action['domain'], {'sales_process_wait': {}}, order='sales_process_wait desc, id')['records']
        self.assertEqual(row, {'id': self.fast.id, 'sales_process_wait': DAY})


@tagged('post_install', '-at_install')
class TestSalesProcessRights(ProcessCommon):

    def orders_of(self, user, companies=None):
        process = self.process.with_user(user).with_context(allowed_company_ids=(companies or self.company).ids)
        self.env.invalidate_all()
        return process.get_process_map()['orders']

    def test_a_salesperson_has_own_orders(self):
        self.assertEqual(self.orders_of(self.salesman), 1)
        self.assertEqual(self.orders_of(self.all_leads), 3)
        self.assertEqual(self.orders_of(self.manager), 3)
        process = self.process.with_user(self.salesman)
        action = process.get_transition_orders('order.confirmed', 'delivery.shipped')
        self.assertEqual(action['domain'], [('id', 'in', self.fast.ids)])
        action = process.get_variant_orders(['order.created', 'order.confirmed', 'delivery.shipped'])
        self.assertEqual(action['domain'], [('id', 'in', self.fast.ids)])

    def test_an_order_of_nobody_is_everybodys(self):
        self.slow.user_id = False
        self.assertEqual(self.orders_of(self.salesman), 2)

    def test_other_companies_are_not_seen(self):
        other = self.env['res.company'].create({'name': "Other", 'sales_timezone': 'UTC'})
        self.manager.company_ids += other
        order = self.quote(company_id=other.id, user_id=self.manager.id)
        self.happen(order, ('order.created', 0))
        self.assertEqual(self.orders_of(self.manager), 3)
        self.assertEqual(self.orders_of(self.manager, other), 1)
        self.assertEqual(self.orders_of(self.manager, self.company + other), 4)

    def test_others_see_nothing(self):
        self.fast.partner_id = self.portal.partner_id
        accountant = new_test_user(self.env, 'process accountant', 'account.group_account_invoice')
        for user in (self.portal, accountant, new_test_user(self.env, 'process stranger', 'base.group_user')):
            process = self.process.with_user(user)
            with self.assertRaises(AccessError):
                process.get_process_map()
            with self.assertRaises(AccessError):
                process.get_transition_orders('order.created', 'order.confirmed')
            with self.assertRaises(AccessError):
                process.get_variant_orders(['order.created'])
            with self.assertRaises(AccessError):
                self.fast.with_user(user).read(['sales_process_wait'])
            with self.assertRaises(AccessError):
                self.fast.with_user(user).search([], order='sales_process_wait')

    def test_queries_do_not_grow_with_the_orders(self):
        counts = []
        for _round in range(2):
            self.process.get_process_map({'team_ids': self.team.ids})  # warm
            before = self.env.cr.sql_log_count
            self.process.get_process_map({'team_ids': self.team.ids})
            counts.append(self.env.cr.sql_log_count - before)
            for _order in range(20):
                order = self.quote(team_id=self.team.id)
                self.happen(order, ('order.created', 0), ('order.sent', 1), ('order.confirmed', 1))
            self.env.flush_all()
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 2)


@tagged('post_install', '-at_install')
class TestSalesProcessTours(HttpCase, ProcessCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.slow.partner_id.name = "Process Customer"
        for name in ('fast', 'slow', 'lost'):
            getattr(cls, name).name = name.upper()
        cls.all_leads.lang = 'en_US'

    def test_process(self):
        self.start_tour('/odoo/sales-process', 'sms_addon_process', login='everyone')

    def test_process_without_the_library(self):
        get_static_file = root.get_static_file
        with patch.object(
            type(root), 'get_static_file',
            lambda self, url, *args, **kwargs: None if 'dagre' in url else get_static_file(url, *args, **kwargs),
        ):
            self.start_tour('/odoo/sales-process', 'sms_addon_process_without_library', login='everyone')
