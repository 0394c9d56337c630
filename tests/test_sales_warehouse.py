import random
from decimal import Decimal
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.errors import QueryCanceled

from odoo import Command
from odoo.exceptions import AccessError, ConcurrencyError, UserError
from odoo.sql_db import db_connect
from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.sms_addon.hooks import uninstall_hook

from .common import WarehouseCommon


@tagged('post_install', '-at_install')
class TestSalesWarehouse(WarehouseCommon):
    """What was touched is read again, and nothing else: a refresh ends where a rebuild would."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.employee = cls.env['hr.employee'].create({'name': "Seller", 'user_id': cls.salesman.id})
        cls.departments = cls.env['hr.department'].create([{'name': "North"}, {'name': "South"}])
        cls.orders = cls.env['sale.order'].union(*[
            cls.order(
                [(cls.products[n % 4], n + 1, 10.5 + n), (cls.products[(n + 1) % 4], 2, 99.99, 10)],
                f'2026-{1 + n % 6:02}-11 08:00:00', ('sale', 'draft', 'cancel')[n % 3],
                partner_id=cls.customers[n % 3].id, user_id=(cls.salesman.id, cls.manager.id)[n % 2])
            for n in range(9)
        ])
        euro = cls.env.ref('base.EUR')
        euro.active = True
        cls.other_company = cls.env['res.company'].create({'name': "Other Company", 'currency_id': euro.id})
        cls.orders += cls.order(
            [(cls.products[0], 3, 20)], partner_id=cls.customers[0].id, company_id=cls.other_company.id)
        # dozens in the stock unit of a product, so that a change of the unit shows
        cls.orders.order_line.filtered(lambda line: line.order_id.state == 'draft').product_uom_id = cls.uom_dozen
        cls.refresh()

    def snapshot(self):
        """Return the content of every table, as sorted rows."""
        self.env.flush_all()
        tables = [self.env['sales.fact'], *self.warehouse._cubes()]
        return {
            table._table: sorted(self.env.execute_query(SQL(
                "SELECT %s FROM %s",
                SQL(", ").join(map(SQL.identifier, table._columns())), SQL.identifier(table._table))), key=repr)
            for table in tables
        }

    def assertRefreshEqualsRebuild(self):
        self.env.flush_all()
        self.refresh()
        refreshed = self.snapshot()
        self.warehouse._rebuild()
        rebuilt = self.snapshot()
        for table, rows in rebuilt.items():
            self.assertEqual(
                [[value or 0 for value in row] for row in refreshed[table]],
                [[value or 0 for value in row] for row in rows], table)

    # -- every kind of change

    def edits(self):
        """Return ways to change what the warehouse has read: name -> function of a random generator."""
        return {
            'quantity': lambda rng: self.some_line(rng, 'draft').write({'product_uom_qty': rng.randint(1, 50)}),
            'price': lambda rng: self.some_line(rng, 'draft').write({'price_unit': rng.randint(1, 999) / 7}),
            'discount': lambda rng: self.some_line(rng, 'draft').write({'discount': rng.choice([0, 33.33])}),
            'new line': lambda rng: self.some_order(rng, 'draft').write({'order_line': [Command.create({
                'product_id': rng.choice(self.products).id, 'product_uom_qty': 3, 'price_unit': 7})]}),
            'delete line': lambda rng: self.some_line(rng, 'draft').unlink(),
            'delete order': lambda rng: self.some_order(rng, 'cancel').unlink(),
            'confirm': lambda rng: self.some_order(rng, 'draft').action_confirm(),
            'cancel': lambda rng: self.some_order(rng, 'sale')._action_cancel(),
            'salesperson': lambda rng: self.some_order(rng, 'sale').write({'user_id': self.all_leads.id}),
            'date': lambda rng: self.some_order(rng, 'sale').write({'date_order': '2026-09-30 23:00:00'}),
            'delivered': lambda rng: self.some_line(rng, 'sale').write({'qty_delivered': rng.randint(0, 9)}),
            'country': lambda rng: rng.choice(self.customers).write({'country_id': self.env.ref('base.fr').id}),
            'parent': lambda rng: self.customers[2].write({'parent_id': self.customers[0].id, 'is_company': False}),
            'category': lambda rng: rng.choice(self.products).write({'categ_id': rng.choice(self.categories).id}),
            'unit': lambda rng: self.uom_dozen.write({'relative_factor': self.uom_dozen.relative_factor + 1}),
            'department': lambda rng: self.employee.write({'department_id': rng.choice(self.departments).id}),
            'raw SQL': lambda rng: self.env.cr.execute(
                "UPDATE sale_order SET currency_rate = 1.25 WHERE id = %s", (self.some_order(rng, 'sale').id,)),
        }

    def some_order(self, rng, state):
        orders = self.orders.exists().filtered(lambda order: order.state == state)
        return self.env['sale.order'].browse(rng.choice(orders.ids) if orders else ())

    def some_line(self, rng, state):
        lines = self.orders.exists().filtered(lambda order: order.state == state).order_line
        return self.env['sale.order.line'].browse(rng.choice(lines.ids) if lines else ())

    @settings(
        max_examples=15, deadline=None, database=None, derandomize=True,
        suppress_health_check=[HealthCheck.differing_executors])
    @given(seed=st.integers(0, 2**32), count=st.integers(1, 8))
    def test_random_edits(self, seed, count):
        rng = random.Random(seed)
        edits = self.edits()
        for _edit in range(count):
            edits[rng.choice(sorted(edits))](rng)
        self.assertRefreshEqualsRebuild()

    def test_each_edit_alone(self):
        for name, edit in self.edits().items():
            with self.subTest(name):
                edit(random.Random(1))
                self.env.flush_all()
                self.assertTrue(self.env['sales.touch'].search_count([]), "the change is noted")
                self.assertRefreshEqualsRebuild()

    @settings(
        max_examples=10, deadline=None, database=None, derandomize=True,
        suppress_health_check=[HealthCheck.differing_executors])
    @given(st.lists(st.decimals('-1e14', '1e14', places=6), min_size=2, max_size=4))
    def test_amounts_of_any_size_add_up(self, amounts):
        lines = self.orders.order_line[:len(amounts)]
        for line, amount in zip(lines, amounts, strict=True):
            self.env.cr.execute(SQL(
                "UPDATE sale_order_line SET price_subtotal = %s, margin = -%s WHERE id = %s", amount, amount, line.id))
        self.assertRefreshEqualsRebuild()
        held = dict(self.env.execute_query(SQL("SELECT id, price_subtotal FROM sales_fact")))
        largest = Decimal('9.2e12')
        for line, amount in zip(lines, amounts, strict=True):
            rate = Decimal(str(line.order_id.currency_rate or 1))
            expected = max(min(amount / rate, largest), -largest) * 1_000_000
            self.assertAlmostEqual(held[line.id], expected, delta=1)
        for cube in self.warehouse._cubes():
            [(total,)] = self.env.execute_query(SQL(
                "SELECT SUM(price_subtotal)::text FROM %s", SQL.identifier(cube._table)))
            self.assertEqual(int(total), sum(held.values()), cube._name)

    def test_an_absurd_line_stops_nobody_and_is_listed(self):
        absurd = self.order([(self.products[0], 1, 1e13)])
        for _order in range(2):  # each fits, their sum would not
            self.order([(self.products[0], 1, 6e12)])
        self.env.flush_all()
        self.env.cr.execute(SQL("UPDATE sale_order_line SET margin = -1e13 WHERE order_id = %s", absurd.id))
        self.assertRefreshEqualsRebuild()
        [(ordered, cost)] = self.analysis._read_group(
            [('order_id', '=', absurd.id)], [], ['amount_ordered:sum', 'amount_cost:sum'])
        self.assertEqual((ordered, cost), (9.2e12, 18.4e12))
        self.warehouse.action_check()
        self.assertEqual(self.warehouse.difference_ids.order_id, absurd)
        difference = self.warehouse.difference_ids.filtered(lambda d: d.measure == 'price_subtotal')
        self.assertAlmostEqual(difference.host_value, 1e13, delta=1)
        self.assertEqual((difference.fact_value, difference.source), (9.2e12, 'report'))

    def test_the_largest_roll_up_has_integers_until_a_sum_does_not_fit(self):
        def column_type():
            [(name,)] = self.env.execute_query(SQL(
                "SELECT format_type(atttypid, NULL) FROM pg_attribute"
                " WHERE attrelid = 'sales_cube_customer'::regclass AND attname = 'price_subtotal'"))
            return name
        self.assertEqual(column_type(), 'bigint')
        orders = self.order([(self.products[0], 1, 6e12)]) + self.order([(self.products[0], 1, 6e12)])
        self.refresh()
        self.assertEqual(column_type(), 'numeric')
        self.assertRefreshEqualsRebuild()
        self.assertEqual(column_type(), 'numeric')
        orders.order_line.price_unit = 1
        self.assertRefreshEqualsRebuild()
        self.assertEqual(column_type(), 'bigint', "a rebuild finds that all fit again")
        self.env['sales.cube.customer'].init()
        self.assertFalse(self.warehouse._is_stale(), "an upgrade finds the table as it should be")

    def test_an_order_of_another_century_stops_nobody(self):
        order = self.order([(self.products[0], 1, 100)], '2206-01-15 00:00:00')
        self.assertRefreshEqualsRebuild()
        fact = self.env['sales.fact'].search([('order_id', '=', order.id)])
        self.assertFalse(fact.cycle_seconds, "a time to confirm of two lifetimes says nothing")
        [(count, days)] = self.analysis._read_group(
            [('order_id', '=', order.id)], [], ['order_count:sum', 'cycle_days:avg'])
        self.assertEqual((count, days), (1, False))

    def test_merged_customers(self):
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.customers[0] + self.customers[2]).ids, self.customers[0])
        self.assertRefreshEqualsRebuild()
        self.assertNotIn(self.customers[2].id, self.analysis.search([]).commercial_partner_id.ids)

    def test_a_note_on_an_order_touches_nothing(self):
        self.refresh()
        self.orders[0].write({'note': "Call before noon"})
        self.orders[0].message_post(body="Hello")
        self.env.flush_all()
        self.assertFalse(self.env['sales.touch'].search_count([]))

    def test_only_touched_orders_are_read(self):
        self.orders[1].order_line[0].product_uom_qty = 77
        self.env.flush_all()
        fact = type(self.env['sales.fact'])
        with patch.object(fact, '_replace_orders', autospec=True, side_effect=fact._replace_orders) as replace:
            self.refresh()
        self.assertEqual([call.args[1] for call in replace.call_args_list], [self.orders[1].ids])

    def test_a_rolled_back_change_is_not_read(self):
        self.refresh()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.orders[1].order_line[0].product_uom_qty = 77
            self.env.flush_all()
            1 / 0  # noqa: B018
        self.assertFalse(self.env['sales.touch'].search_count([]))

    # -- rebuilding

    def test_a_rebuild_gives_the_same_rows_twice(self):
        self.warehouse._rebuild()
        first = self.snapshot()
        self.warehouse._rebuild()
        self.assertEqual(first, self.snapshot())

    def test_a_rebuild_that_dies_leaves_what_was_there(self):
        before = self.snapshot()
        self.orders[0].order_line[0].qty_delivered = 1
        self.env.flush_all()
        with (
            patch.object(type(self.env['sales.cube.customer']), '_star_swap', side_effect=ZeroDivisionError),
            self.assertRaises(ZeroDivisionError), self.env.cr.savepoint(),
        ):
            self.warehouse._rebuild()
        self.assertEqual(before, self.snapshot())
        self.assertTrue(self.env['sales.touch'].search_count([]), "the change still waits")

    def test_a_rebuilt_table_keeps_its_indexes(self):
        def indexes():
            return self.env.execute_query(SQL(
                "SELECT indexname FROM pg_indexes WHERE tablename LIKE 'sales_fact%%' OR tablename LIKE 'sales_cube%%'"
                " ORDER BY 1"))
        before = indexes()
        self.warehouse._rebuild()
        self.assertEqual(before, indexes())

    def test_two_loaders_do_not_meet(self):
        self.warehouse._lock()  # held until the end of the test
        with db_connect(self.env.cr.dbname).cursor() as cr:
            other = self.env(cr=cr)['sales.warehouse']._get()
            with self.assertRaisesRegex(UserError, "being loaded"):
                other._refresh_batch()

    def test_cron_reads_in_batches(self):
        for order in self.orders.filtered(lambda order: order.state == 'draft'):
            order.order_line[0].product_uom_qty += 1
        self.env.flush_all()
        waiting = self.env['sales.touch']._count_orders()
        with (
            patch('odoo.addons.sms_addon.models.sales_warehouse.BATCH_ORDERS', 2),
            self.enter_registry_test_mode(),
        ):
            self.env.ref('sms_addon.ir_cron_sales_warehouse').method_direct_trigger()
        self.assertGreater(waiting, 2)
        self.assertFalse(self.env['sales.touch'].search_count([]))
        self.assertRefreshEqualsRebuild()

    def test_queries_of_a_refresh_do_not_grow_with_the_orders(self):
        counts = []
        drafts = self.orders.filtered(lambda order: order.state == 'draft')
        for orders in (drafts[0], drafts[0], drafts):
            for order in orders:
                order.order_line[0].product_uom_qty += 1
            self.warehouse.refreshed_at = False  # or a second run within the second writes nothing
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            self.warehouse._refresh_batch()
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertGreater(len(drafts), 2)
        self.assertEqual(counts[1], counts[2], "the first run fills caches")

    # -- checking

    def test_check_agrees(self):
        self.warehouse.action_check()
        self.assertFalse(self.warehouse.difference_ids)

    def test_check_lists_what_differs(self):
        line = self.orders[0].order_line[0]
        self.env.cr.execute(SQL(
            "UPDATE sales_fact SET price_subtotal = price_subtotal + 5000000 WHERE id = %s", line.id))
        self.env.cr.execute(SQL("DELETE FROM sales_fact WHERE order_id = %s", self.orders[3].id))
        self.warehouse.action_check()
        self.assertRecordValues(
            self.warehouse.difference_ids.filtered(lambda d: d.order_id == self.orders[0]),
            [{'measure': 'price_subtotal', 'product_id': line.product_id.id, 'difference': 5, 'source': 'report'}])
        self.assertIn(self.orders[3], self.warehouse.difference_ids.order_id)

    def test_a_large_warehouse_is_checked_in_the_background(self):
        self.env.cr.execute(SQL("DELETE FROM sales_fact WHERE order_id = %s", self.orders[3].id))
        with patch('odoo.addons.sms_addon.models.sales_warehouse.CHECK_LINES', -1):
            self.warehouse.action_check()
        self.env.invalidate_all()
        self.assertEqual(self.warehouse.state, 'checking')
        self.assertFalse(self.warehouse.difference_ids)
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_warehouse').method_direct_trigger()
        self.assertFalse(self.warehouse.check_requested)
        self.assertIn(self.orders[3], self.warehouse.difference_ids.order_id)

    def test_a_check_that_waits_can_be_stopped(self):
        with patch('odoo.addons.sms_addon.models.sales_warehouse.CHECK_LINES', -1):
            self.warehouse.action_check()
        self.warehouse.action_stop()
        self.assertFalse(self.warehouse.check_requested)

    def test_check_finds_a_roll_up_that_drifted(self):
        self.env.cr.execute(SQL(
            "UPDATE sales_cube_team SET price_subtotal = price_subtotal + 1000000 WHERE state = 'sale'"))
        self.warehouse.action_check()
        self.assertEqual(set(self.warehouse.difference_ids.mapped('table')), {'sales_cube_team'})
        self.assertEqual(set(self.warehouse.difference_ids.mapped('measure')), {'price_subtotal'})
        self.assertTrue(self.warehouse.difference_ids[0].measure_label)

    def test_a_rebuild_after_an_upgrade_cannot_be_stopped_for_good(self):
        parameters = self.env['ir.config_parameter']
        parameters.set_param('sms_addon.warehouse_stale', 'empty')
        self.warehouse.action_rebuild()
        self.warehouse.action_stop()
        self.assertEqual(self.warehouse._is_stale(), 'empty')
        parameters.set_param('sms_addon.warehouse_stale', 'requested')
        self.warehouse.action_stop()
        self.assertFalse(self.warehouse._is_stale())

    def test_a_request_that_does_not_see_the_new_table_is_tried_again(self):
        invisible = SQL("SELECT 4")  # of the five tables, as for a transaction older than the swap
        reader = type(self.analysis)
        execute = type(self.env).execute_query

        def execute_query(env, query):
            return execute(env, invisible if 'pg_class' in query.code else query)

        with patch.object(type(self.env), 'execute_query', execute_query), self.assertRaises(ConcurrencyError):
            reader._read_group(self.analysis, [], ['state'], ['nbr:sum'])

    def test_without_its_cron_orders_are_saved(self):
        self.env.ref('sms_addon.ir_cron_sales_warehouse').unlink()
        self.env.cr.precommit.clear()
        self.orders[1].client_order_ref = "still saved"
        self.env.cr.precommit.run()
        self.assertEqual(self.orders[1].client_order_ref, "still saved")

    def test_time_zone_of_the_company_is_that_of_its_people(self):
        self.manager.tz = self.all_leads.tz = 'Asia/Shanghai'
        (self.company.user_ids - self.manager - self.all_leads).tz = False
        self.company.partner_id.tz = False
        self.env['res.company']._guess_sales_timezones()
        self.assertEqual(self.company.sales_timezone, 'Asia/Shanghai')

    def test_a_stopped_rebuild_leaves_the_check_that_waits(self):
        with patch('odoo.addons.sms_addon.models.sales_warehouse.CHECK_LINES', -1):
            self.warehouse.action_check()
        self.env['ir.config_parameter'].set_param('sms_addon.warehouse_stale', 'requested')
        for method, stopped in (('_rebuild', (True, True)), ('_refresh_batch', (False, True)),
                                ('_run_check', (False, False))):
            self.warehouse.rebuild_stopped = False
            with (
                self.subTest(method), patch.object(type(self.warehouse), method, side_effect=QueryCanceled),
                self.enter_registry_test_mode(),
            ):
                self.env.ref('sms_addon.ir_cron_sales_warehouse').method_direct_trigger()
                self.env.invalidate_all()
                self.assertEqual((self.warehouse.rebuild_stopped, self.warehouse.check_requested), stopped)
            self.env['ir.config_parameter'].set_param('sms_addon.warehouse_stale', False)

    # -- rights

    def test_a_salesperson_reads_how_fresh_the_figures_are(self):
        self.env.cr.execute(SQL("DELETE FROM sales_fact WHERE order_id = %s", self.orders[3].id))
        self.warehouse.action_check()
        [values] = self.warehouse.with_user(self.salesman).read()
        self.assertGreater(values['difference_count'], 0)
        self.assertNotIn('difference_ids', values, "the differences speak of orders of others")

    def test_a_salesperson_refreshes_but_does_not_rebuild(self):
        self.orders[1].order_line[0].product_uom_qty = 11
        warehouse = self.warehouse.with_user(self.salesman)
        warehouse.action_refresh()
        self.assertEqual(warehouse.state, 'fresh')
        self.env['ir.config_parameter'].set_param('sms_addon.warehouse_stale', 'requested')
        rebuilt_at = warehouse.rebuilt_at
        warehouse.action_refresh()
        self.assertEqual((warehouse._is_stale(), warehouse.rebuilt_at), ('requested', rebuilt_at))
        self.env['ir.config_parameter'].set_param('sms_addon.warehouse_stale', False)
        for action in ('action_rebuild', 'action_stop', 'action_check'):
            with self.assertRaises(AccessError):
                getattr(warehouse, action)()
        with self.assertRaises(AccessError):
            self.warehouse.with_user(self.portal).action_refresh()

    # -- leaving

    def test_uninstallation_takes_the_triggers_off(self):
        def triggers():
            return self.env.execute_query(SQL("SELECT tgname FROM pg_trigger WHERE tgname LIKE %s", 'sales_touch%'))
        self.assertTrue(triggers())
        uninstall_hook(self.env)
        self.assertFalse(triggers())
        self.orders[1].order_line[0].product_uom_qty = 9
        self.env.flush_all()
        self.assertFalse(self.env['sales.touch'].search_count([]))
