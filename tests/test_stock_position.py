from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

from .stock_common import StockCommon


@tagged('post_install', '-at_install')
class TestStockPosition(StockCommon):
    """What is there and what is planned, as the host has it, whatever changed it."""

    def test_receipt_and_delivery(self):
        product = self.goods[0]
        self.receive(product, 10)
        self.ship(product, 3)
        self.ship(product, 4, done=False)
        self.receive(product, 5, done=False)
        self.follow()
        self.assertRecordValues(self.position(product), [{
            'qty_on_hand': 7, 'qty_reserved': 4, 'qty_free': 3, 'qty_incoming': 5, 'qty_outgoing': 4,
            'qty_forecast': 8, 'value': 70, 'company_id': self.company.id, 'qty_uncovered': 0,
            'last_in_date': fields.Date.today(), 'last_out_date': fields.Date.today(),
        }])
        self.assertEqualsHost()

    def test_only_what_moved_is_read(self):
        self.put(self.goods[0], 5)
        self.put(self.goods[1], 5)
        self.follow()
        with patch.object(type(self.positions), '_notify_changed', autospec=True) as told:
            self.put(self.goods[1], 1)
            self.follow()
        [call] = told.call_args_list
        self.assertEqual(call.args[1], self.position(self.goods[1]).ids)

    def test_nothing_is_told_when_nothing_changed(self):
        self.put(self.goods[0], 5)
        self.follow()
        with patch.object(type(self.positions), '_notify_changed', autospec=True) as told:
            self.assertEqual(self.positions._refresh_products(self.goods.ids), [])
        self.assertFalse(told.called)

    def test_each_change_of_a_move_is_followed(self):
        product, shelf = self.goods[0], self.env['stock.location'].create({
            'name': "Shelf", 'location_id': self.main.lot_stock_id.id})
        self.put(product, 5)
        move = self.ship(product, 8, done=False)
        self.follow()
        self.assertEqual(self.position(product).qty_reserved, 5)
        changes = [
            lambda: move._do_unreserve(),
            lambda: move.write({'product_uom_qty': 2}),
            lambda: move.write({'product_uom': self.env.ref('uom.product_uom_dozen').id}),
            lambda: move.write({'location_dest_id': shelf.id, 'location_final_id': False}),
            lambda: move.write({'location_dest_id': self.branch.lot_stock_id.id}),
            lambda: move.write({'location_final_id': self.customer_location.id}),
            lambda: move._action_cancel(),
            lambda: move.unlink(),
        ]
        for number, change in enumerate(changes):
            with self.subTest(number):
                change()
                self.follow()
                self.assertEqualsHost()
                self.assertEqual(self.positions._rebuild_all(), 0)

    def test_date_of_a_receipt(self):
        move = self.receive(self.goods[0], 5, done=False)
        move.date = fields.Datetime.now() + timedelta(9)
        self.follow()
        self.assertEqual(self.position(self.goods[0]).next_incoming_date, fields.Date.today() + timedelta(9))
        move.date = fields.Datetime.now() - timedelta(9)
        self.follow()
        self.assertEqual(self.position(self.goods[0]).next_incoming_date, fields.Date.today())

    def test_transfer_between_warehouses_and_transit(self):
        product = self.goods[0]
        self.put(product, 10)
        self.move(product, 4, self.main.lot_stock_id, self.branch.lot_stock_id, done=False)
        self.move(product, 3, self.main.lot_stock_id, self.env.company.internal_transit_location_id,
                  location_final_id=self.branch.lot_stock_id.id)
        self.follow()
        self.assertEqual(self.position(product, self.branch).qty_incoming, 4)
        self.assertEqualsHost()

    def test_what_has_a_position(self):
        product, service = self.goods[0], self.products[0]
        self.positions._refresh_products((product + service).ids)
        self.assertFalse(self.positions.search([('product_id', 'in', (product + service).ids)]))
        point = self.env['stock.warehouse.orderpoint'].create({
            'product_id': product.id, 'warehouse_id': self.main.id, 'location_id': self.main.lot_stock_id.id})
        self.follow()
        self.assertEqual(self.position(product).status, 'out')
        self.assertFalse(self.position(product, self.branch))
        point.unlink()
        self.follow()
        self.assertFalse(self.position(product))

    def test_product_no_longer_stored(self):
        self.ship(self.goods[0], 1, done=False)
        self.follow()
        self.assertTrue(self.position(self.goods[0]))
        self.goods[0].is_storable = False
        self.follow()
        self.assertFalse(self.position(self.goods[0]))

    def test_an_archived_product(self):
        kept, gone = self.goods[:2]
        for product in kept + gone:
            self.receive(product, 4)
        self.ship(gone, 4)
        self.follow()
        (kept + gone).action_archive()
        self.follow()
        self.assertEqual(self.position(kept).qty_on_hand, 4)
        self.assertFalse(self.position(gone), "nobody wants to hear that it is out of stock")
        self.assertEqual(self.positions._rebuild_all(), 0)
        gone.action_unarchive()
        self.follow()
        self.assertTrue(self.position(gone))

    def test_stock_that_is_moved_while_history_is_imported(self):
        move = self.receive(self.goods[0], 4, done=False)
        self.follow()
        move = move.with_context(sales_import_history=True)
        move.quantity, move.picked = 4, True
        move._action_done()
        self.follow()
        self.assertEqual(self.position(self.goods[0]).qty_on_hand, 4)

    def test_an_edited_day_of_a_move(self):
        move = self.receive(self.goods[0], 4)
        self.follow()
        day = fields.Date.today() - timedelta(9)
        move.move_line_ids.date = day
        self.follow()
        self.assertEqual(self.position(self.goods[0]).last_in_date, day)
        move.date = day - timedelta(1)
        self.follow()
        self.assertEqual(self.position(self.goods[0]).last_in_date, day - timedelta(1))

    def test_another_time_zone_of_the_company(self):
        with freeze_time('2027-05-03 20:00:00'):
            self.receive(self.goods[0], 4)
            self.follow()
            self.assertEqual(self.position(self.goods[0]).last_in_date, fields.Date.to_date('2027-05-03'))
            cron = self.env.ref('sms_addon.ir_cron_sales_stock_rebuild')
            triggers = self.env['ir.cron.trigger']
            before = triggers.search_count([('cron_id', '=', cron.id)])
            self.company.sales_timezone = self.company.sales_timezone
            self.assertEqual(triggers.search_count([('cron_id', '=', cron.id)]), before)
            self.company.sales_timezone = 'Asia/Shanghai'
            self.assertEqual(triggers.search_count([('cron_id', '=', cron.id)]), before + 1)
            self.positions._cron_rebuild()
            self.positions._refresh_products(self.env['sales.stock.touch']._take(100000))
            self.assertEqual(self.position(self.goods[0]).last_in_date, fields.Date.to_date('2027-05-04'))

    def test_cost_category_and_responsible(self):
        product = self.goods[0]
        self.put(product, 5)
        user = new_test_user(self.env, 'planner', 'stock.group_stock_user')
        product.standard_price = 7
        product.categ_id = self.categories[1]
        product.responsible_id = user
        self.follow()
        self.assertRecordValues(self.position(product), [{
            'value': 35, 'categ_id': self.categories[1].id, 'user_id': user.id}])

    def test_delivery_order(self):
        product = self.goods[0]
        self.put(product, 5)
        order = self.order([(product, 8, 20)])
        self.follow()
        self.assertRecordValues(self.position(product), [{
            'qty_reserved': 5, 'qty_outgoing': 8, 'qty_uncovered': 3, 'revenue_at_risk': 60, 'customers_at_risk': 1}])
        receipt = self.receive(product, 3, done=False)
        self.follow()
        self.assertEqual(self.position(product).qty_uncovered, 0, "due today covers what is due today")
        receipt.date = order.picking_ids.scheduled_date + timedelta(5)
        self.follow()
        self.assertEqual(self.position(product).qty_uncovered, 3, "the receipt comes too late")
        picking = order.picking_ids
        picking.move_ids.quantity = 5
        picking.with_context(skip_backorder=True, picking_ids_not_to_backorder=[]).button_validate()
        self.follow()
        self.assertEqual(self.position(product).qty_uncovered, 3)
        self.assertEqualsHost()

    def test_queries_do_not_grow(self):
        def count(products):
            self.env.flush_all()
            start = self.env.cr.sql_log_count
            self.positions._refresh_products(products.ids)
            return self.env.cr.sql_log_count - start

        for product in self.goods:
            self.put(product, 5)
        self.env.cr.flush()
        count(self.goods)
        self.assertEqual(count(self.goods[0]), count(self.goods))

    # -- check

    def test_check_and_repair(self):
        manager = new_test_user(self.env, 'inventory boss', 'stock.group_stock_manager')
        positions, product = self.positions.with_user(manager), self.goods[0]
        self.put(product, 5)
        self.put(self.goods[1], 5)
        self.follow()
        self.positions._rebuild_all()
        self.assertEqual(positions.action_check()['tag'], 'display_notification')
        self.env.cr.execute(SQL("UPDATE sales_stock_position SET qty_on_hand = 6 WHERE product_id = %s", product.id))
        self.env.cr.execute(SQL("DELETE FROM sales_stock_position WHERE product_id = %s", self.goods[1].id))
        self.positions.invalidate_model()
        self.assertEqual(positions.action_check()['res_model'], 'sales.stock.difference')
        differences = self.env['sales.stock.difference'].with_user(manager).search([])
        self.assertEqual(
            set(differences.filtered(lambda line: line.product_id == product).mapped('measure')), {'qty_on_hand'})
        self.assertEqual(differences.product_id, self.goods[:2])
        self.assertEqual(differences.filtered(lambda line: line.product_id == product).difference, 1)
        self.assertEqual(differences.action_repair()['tag'], 'display_notification')
        self.assertEqual(self.position(self.goods[1]).qty_on_hand, 5)
        self.assertFalse(self.env['sales.stock.difference'].search([]))

    def test_a_large_check_runs_in_the_background(self):
        manager = new_test_user(self.env, 'inventory boss', 'stock.group_stock_manager')
        positions, told = self.positions.with_user(manager), []
        self.put(self.goods[0], 5)
        self.put(self.goods[1], 5)
        self.follow()
        self.positions._rebuild_all()
        self.env.cr.execute(SQL(
            "UPDATE sales_stock_position SET qty_on_hand = 6 WHERE product_id = %s", self.goods[0].id))
        self.positions.invalidate_model()
        self.patch(type(self.env['res.users']), '_bus_send', lambda user, kind, message, **more: told.append(
            (user, message['type'])))
        with patch('odoo.addons.sms_addon.models.sales_stock_check.AT_ONCE', 0), \
                patch('odoo.addons.sms_addon.models.sales_stock_check.BATCH', 2):
            self.assertEqual(positions.action_check()['params']['type'], 'info')
            parts = self.env['sales.stock.check'].search([('company_id', '=', self.company.id)])
            self.assertGreater(len(parts), 2)
            self.assertEqual(parts.user_id, manager)
            self.assertIn(str(len(parts)), positions.action_check()['params']['message'], "it is not begun again")
            with self.enter_registry_test_mode():
                self.env.ref('sms_addon.ir_cron_sales_stock_check').method_direct_trigger()
        self.env.invalidate_all()
        self.assertFalse(parts.exists())
        self.assertEqual(told, [(manager, 'warning')])
        difference = self.env['sales.stock.difference'].with_user(manager).search([])
        self.assertEqual((difference.product_id, difference.measure), (self.goods[0], 'qty_on_hand'))

    def test_what_waits_for_the_reader_is_no_difference(self):
        differences = self.env['sales.stock.difference']
        self.put(self.goods[0], 5)
        self.follow()
        self.positions._rebuild_all()
        self.put(self.goods[0], 1)
        self.env.cr.flush()
        self.assertEqual(differences._check(self.company), 0)
        self.reader.paused = True
        self.assertEqual(differences._check(self.company), 3, "nobody will read it: on hand, free, forecast")
        self.reader.paused = False
        self.follow()
        self.assertEqual(differences._check(self.company), 0)

    def test_who_may_check(self):
        user = new_test_user(self.env, 'planner', 'stock.group_stock_user')
        for someone in (user, self.manager):
            with self.assertRaises(AccessError):
                self.positions.with_user(someone).action_check()
            with self.assertRaises(AccessError):
                self.env['sales.stock.difference'].with_user(someone).action_repair()

    # -- rights

    def test_who_reads_positions(self):
        company = self.env['res.company'].create({'name': "Elsewhere"})
        other = self.env['stock.warehouse'].search([('company_id', '=', company.id)])
        self.put(self.goods[0], 5)
        self.put(self.goods[0], 5, warehouse=other)
        self.follow()
        planner = new_test_user(self.env, 'planner', 'stock.group_stock_user')
        for user in (planner, self.salesman, self.manager):
            found = self.positions.with_user(user).search([('product_id', '=', self.goods[0].id)])
            self.assertEqual(found.warehouse_id, self.main, user.name)
            found.read()
            with self.assertRaises(AccessError):
                found.write({'qty_on_hand': 3})
            with self.assertRaises(AccessError):
                found.unlink()
        with self.assertRaises(AccessError):
            self.positions.with_user(self.portal).search([])

    def test_where_a_position_leads(self):
        self.put(self.goods[0], 5)
        self.follow()
        position = self.position(self.goods[0]).with_user(new_test_user(self.env, 'planner', 'stock.group_stock_user'))
        self.assertEqual(position.action_open_product()['res_id'], self.goods[0].id)
        self.assertEqual(position.action_forecasted()['context']['warehouse_id'], self.main.id)


@tagged('post_install', '-at_install')
class TestStockPositionFigures(StockCommon):
    """Demand, standing and what follows from them."""

    def setUp(self):
        super().setUp()
        self.today = fields.Date.today()
        self.product = self.goods[0]
        self.last_fact = 2_000_000_000

    def sell(self, days_ago, quantity, product=None, price=20, margin=5):
        """Write an order line of some days ago into the facts."""
        self.last_fact += 1
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_fact (id, order_id, date, company_id, state, product_id, warehouse_id, product_uom_qty,
                                    price_subtotal, margin)
            VALUES (%s, %s, %s, %s, 'sale', %s, %s, %s, %s, %s)
            """, self.last_fact, self.last_fact, self.today - timedelta(days_ago), self.company.id,
            (product or self.product).id, self.main.id, quantity * 10 ** 6, quantity * price * 10 ** 6,
            quantity * margin * 10 ** 6))

    def dated(self, move, days_ago, created_days_ago=None):
        """Have a move been done some days ago."""
        move.date = move.move_line_ids.date = fields.Datetime.now() - timedelta(days_ago)
        if created_days_ago is not None:
            self.env.flush_all()
            self.env.cr.execute(SQL(
                "UPDATE stock_move SET create_date = date - %s * interval '1 day' WHERE id = %s",
                created_days_ago - days_ago, move.id))
        return move

    def read(self, product=None):
        self.env.flush_all()
        self.positions._refresh_products(self.goods.ids)
        return self.position(product or self.product)

    def test_days_without_stock_do_not_count(self):
        self.dated(self.receive(self.product, 40), 100)
        self.dated(self.ship(self.product, 40), 61)
        self.dated(self.receive(self.product, 60), 31)
        for day in range(101):
            if not 31 < day < 61:
                self.sell(day, 2)
        position = self.read()
        self.assertEqual(position.stockout_days, 29)
        self.assertEqual(position.demand_days, 101 - 29)
        self.assertAlmostEqual(position.daily_demand, 2)
        self.assertEqual(position.demand_spread, 0)
        self.assertEqual(position.demand_recent, 14)
        self.assertEqual(position.demand_surprise, 0)
        self.assertAlmostEqual(position.days_of_cover, 30)
        self.assertEqual(position.stockout_date, self.today + timedelta(29))
        # 40 until it was sold out, nothing for 30 days, 60 since
        self.assertAlmostEqual(position.turnover, round(40 / ((40 * 39 + 60 * 32) / 101), 2), 2)

    def test_without_any_stock_all_days_count(self):
        for day in range(0, 100, 2):
            self.sell(day, 3)
        position = self.read()
        self.assertEqual(position.demand_days, 99)
        self.assertAlmostEqual(position.daily_demand, round(150 / 99, 4))
        self.assertEqual(position.status, 'out')

    def test_sudden_demand(self):
        self.put(self.product, 1000)
        for day in range(7, 100):
            self.sell(day, 1 + day % 3)
        self.sell(3, 60)
        position = self.read()
        self.assertGreater(position.demand_surprise, 3)
        self.sell(2, -60)
        self.assertLess(self.read().demand_surprise, 0)

    def test_few_orders_are_no_surprise(self):
        self.put(self.product, 1000)
        for day in (30, 60, 90):
            self.sell(day, 1)
        self.sell(3, 60)
        self.assertEqual(self.read().demand_surprise, 0)
        self.sell(45, 1)
        self.assertGreater(self.read().demand_surprise, 3)

    def test_days_of_a_promotion_are_no_demand(self):
        self.put(self.product, 1000)
        for day in range(100):
            self.sell(day, 2 if day >= 20 or day < 3 else 30)
        self.sell(100, 0.5)
        before = self.read()
        self.assertGreater(before.daily_demand, 6)
        mark = self.env['sales.forecast.exclusion'].create({
            'kind': 'promotion', 'product_id': self.product.id, 'date_from': self.today - timedelta(19),
            'date_to': self.today - timedelta(3), 'reason': "Fair", 'company_id': self.company.id})
        touched = self.env['sales.stock.touch']._take(100)
        self.assertIn(self.product.id, touched)
        self.positions._refresh_products(touched)
        position = self.position(self.product)
        self.assertEqual(position.demand_days, 101 - 17)
        self.assertAlmostEqual(position.daily_demand, round((83 * 2 + 0.5) / 84, 4))
        self.assertEqual(position.demand_recent, 6, "three of the last days count")
        self.assertLess(position.demand_spread, 0.5)
        # revenue is what it was
        self.assertEqual(position.revenue_12, before.revenue_12)
        mark.warehouse_id = self.branch
        self.positions._refresh_products(self.env['sales.stock.touch']._take(100))
        self.assertEqual(self.position(self.product).daily_demand, before.daily_demand)
        mark.unlink()
        self.assertIn(self.product.id, self.env['sales.stock.touch']._take(100))

    def test_an_order_that_comes_once_is_no_demand(self):
        self.put(self.product, 1000)
        for day in range(8, 100):
            self.sell(day, 2)
        order = self.order([(self.product, 500, 20)], date=fields.Datetime.now() - timedelta(2))
        self.refresh()
        before = self.read()
        self.assertGreater(before.demand_surprise, 3)
        mark = self.env['sales.forecast.exclusion'].create({
            'order_id': order.id, 'reason': "Once", 'state': 'proposed'})
        self.assertEqual(self.read().daily_demand, before.daily_demand, "nobody has confirmed it")
        self.env['sales.stock.touch']._take(100)
        mark.action_confirm()
        self.positions._refresh_products(self.env['sales.stock.touch']._take(100))
        position = self.position(self.product)
        self.assertEqual(position.demand_recent, 0)
        self.assertLessEqual(position.demand_surprise, 0)
        self.assertAlmostEqual(position.daily_demand, round(184 / position.demand_days, 4))
        self.assertEqual((position.revenue_12, position.status), (before.revenue_12, before.status))
        mark.action_reject()
        self.positions._refresh_products(self.env['sales.stock.touch']._take(100))
        self.assertEqual(self.position(self.product).daily_demand, before.daily_demand)

    def test_planned_moves_move_the_stockout(self):
        self.put(self.product, 20)
        for day in range(60):
            self.sell(day, 2)
        self.assertEqual(self.read().stockout_date, self.today + timedelta(9))
        self.assertEqual(self.position(self.product).status, 'ok')
        self.receive(self.product, 10, done=False).date = fields.Datetime.now() + timedelta(5)
        self.assertEqual(self.read().stockout_date, self.today + timedelta(14))
        self.ship(self.product, 18, done=False)
        position = self.read()
        self.assertEqual(position.stockout_date, self.today)
        self.assertEqual(position.status, 'risk')

    def test_statuses(self):
        self.put(self.goods[0], -3)
        self.assertEqual(self.read().status, 'negative')
        for age, status in ((400, 'dead'), (120, 'slow'), (10, 'ok')):
            product = self.env['product.product'].create({'name': status, 'is_storable': True})
            self.dated(self.receive(product, 9), age)
            self.env.flush_all()
            self.positions._refresh_products(product.ids)
            self.assertEqual(self.position(product).status, status)
        self.dated(self.receive(self.goods[1], 1000), 200)
        self.sell(5, 10, self.goods[1])
        position = self.read(self.goods[1])
        self.assertEqual(position.status, 'over')
        self.assertAlmostEqual(position.qty_overstock, 1000 - 182 * round(10 / 180, 6), 1)
        self.assertEqual(position.overstock_value, round(position.qty_overstock * 11, 2))

    def test_classes(self):
        for product, quantity in zip(self.goods, (80, 15, 5), strict=True):
            self.sell(30, quantity, product)
        self.env['sales.stock.scale']._measure()
        self.read()
        self.assertEqual([self.position(product).abc_revenue for product in self.goods], ['a', 'b', 'c'])
        self.assertEqual([self.position(product).revenue_12 for product in self.goods], [1600, 300, 100])
        self.assertEqual([self.position(product).margin_12 for product in self.goods], [400, 75, 25])

    def test_variability(self):
        for month in range(12):
            self.sell(30 * month + 5, 10, self.goods[0])
            self.sell(30 * month + 5, 10 + 8 * (-1) ** month, self.goods[1])
        self.sell(20, 100, self.goods[2])
        self.sell(359, 1, self.goods[2])
        self.read()
        self.assertEqual([self.position(product).xyz for product in self.goods], ['x', 'y', 'z'])
        self.assertEqual(self.position(self.goods[0]).demand_variation, 0)

    def test_lead_time(self):
        for done, took in ((100, 10), (80, 12), (60, 14), (40, 20), (20, 21)):
            self.dated(self.receive(self.product, 5), done, done + took)
        position = self.read()
        self.assertEqual(position.lead_count, 5)
        self.assertAlmostEqual(position.lead_days, 15.4)
        self.assertAlmostEqual(position.lead_recent, 18.3)
        self.assertAlmostEqual(position.lead_spread, 4.9)

    def test_what_a_vendor_sends_again_has_no_lead_time(self):
        first = self.receive(self.product, 5)
        self.dated(first, 20, 30)
        back = self.move(self.product, 5, self.main.lot_stock_id, self.supplier_location,
                         origin_returned_move_id=first.id)
        self.dated(self.receive(self.product, 5, origin_returned_move_id=back.id), 1, 100)
        self.assertRecordValues(self.read(), [{'lead_count': 1, 'lead_days': 10}])

    def test_service_level(self):
        self.put(self.product, 100)
        for quantity, late in ((30, 0), (10, 2)):
            move = self.ship(self.product, quantity)
            move.date_deadline = move.date - timedelta(late)
        position = self.read()
        self.assertEqual(position.service_count, 2)
        self.assertAlmostEqual(position.service_level, 0.75)

    def test_an_order_touches_demand(self):
        self.positions._refresh_products(self.goods.ids)
        order = self.order([(self.product, 6, 20)], date=fields.Datetime.now())
        self.refresh()
        touch = self.env['sales.stock.touch']
        self.positions._refresh_products(touch._take(100))
        self.assertEqual(self.position(self.product).demand_recent, 6)
        order.with_context(disable_cancel_warning=True).action_cancel()
        self.refresh()
        self.positions._refresh_products(touch._take(100))
        self.assertEqual(self.position(self.product).demand_recent, 0)
        self.assertEqual(touch._count(), 0)

    def test_nightly(self):
        self.put(self.product, 5)
        self.env.cr.flush()
        with patch.object(type(self.env['ir.cron']), '_commit_progress', lambda *args, **kwargs: 100):
            self.positions._cron_rebuild()
            self.positions._cron_refresh()
        self.assertEqual(self.position(self.product).qty_on_hand, 5)
        self.assertEqual(self.positions._rebuild_all(), 0)

    def test_facts_that_are_to_be_made_anew_are_waited_for(self):
        self.put(self.product, 5)
        self.env.cr.flush()
        touch = self.env['sales.stock.touch']
        touch._touch(self.product.ids)
        with patch.object(type(self.warehouse), '_is_stale', lambda warehouse: 'empty'):
            self.positions._cron_rebuild()
            self.positions._cron_refresh()
        self.assertFalse(self.position(self.product))
        self.assertEqual(touch._count(), 1)

    def test_reading_again_is_no_change(self):
        self.dated(self.receive(self.product, 40), 100)
        self.dated(self.ship(self.product, 7, product_uom=self.env.ref('uom.product_uom_dozen').id), 61)
        for day in range(0, 200, 7):
            self.sell(day, 1.37)
        self.order([(self.product, 6, 19.99)], order_line=[Command.create({
            'product_id': self.goods[1].id, 'product_uom_qty': 3})])
        self.positions._rebuild_all()
        self.assertEqual(self.positions._rebuild_all(), 0)
        self.assertEqual(self.positions._refresh_products(self.goods.ids), [])


@tagged('post_install', '-at_install')
class TestStockCheckFails(StockCommon):
    """What cannot be compared keeps nobody waiting."""

    def test_a_part_that_fails_ends_the_check_of_its_company_alone(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        there = self.env['stock.warehouse'].create({'name': "There", 'code': 'THE', 'company_id': elsewhere.id})
        checks, told = self.env['sales.stock.check'], []
        checks.create([
            {'warehouse_id': warehouse.id, 'company_id': warehouse.company_id.id, 'first_product_id': 1,
             'last_product_id': 2} for warehouse in (self.main, self.branch, there)])

        def check_part(_differences, warehouse, _scope):
            if warehouse.company_id == self.company:
                raise ValueError("out of order")

        self.env.flush_all()
        self.patch(type(self.env['sales.stock.difference']), '_check_part', check_part)
        self.patch(type(self.env['ir.cron']), '_commit_progress', lambda *_args, **_values: 60)
        self.patch(self.env.cr, 'rollback', lambda: None)
        self.patch(type(self.env.user), '_bus_send', lambda _user, _kind, message: told.append(message['message']))
        with self.assertLogs('odoo.addons.sms_addon.models.sales_stock_check', 'ERROR') as logged:
            checks._cron_check()
        self.assertEqual(len(logged.output), 1, "the other part of the company is not compared either")
        self.assertFalse(checks.search([('id', '>', 0)]))
        self.assertEqual(len(told), 2)
        self.assertIn("out of order", told[0])
        self.assertIn("Elsewhere", told[1])

    def test_alerts_of_one_company_that_fail_keep_no_other_from_theirs(self):
        elsewhere, asked = self.env['res.company'].create({'name': "Elsewhere"}), []

        def evaluate(_alerts, moments=None, company=None):
            asked.append(company)
            if company == self.company:
                raise ValueError("out of order")

        self.env.flush_all()
        alerts = self.env['sales.stock.alert']
        self.patch(type(alerts), '_evaluate', evaluate)
        self.patch(type(self.env['ir.cron']), '_commit_progress', lambda *_args, **_values: 60)
        self.patch(self.env.cr, 'rollback', lambda: None)
        with self.assertLogs('odoo.addons.sms_addon.models.sales_stock_alert_schedule', 'ERROR'), \
                self.assertRaisesRegex(ValueError, "out of order"):
            alerts._cron_evaluate()
        self.assertIn(elsewhere, asked)
        self.assertIn(self.company, asked)
