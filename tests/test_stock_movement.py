import random

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .stock_common import StockCommon


@tagged('post_install', '-at_install')
class TestStockMovement(StockCommon):
    """What came and left, with what was there afterwards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.movements = cls.env['sales.stock.movement']
        cls.product = cls.goods[0]
        cls.planner = new_test_user(cls.env, 'planner', 'stock.group_stock_user')

    def find(self, product=None, warehouse=None, user=None):
        self.env.flush_all()
        self.env.invalidate_all()
        domain = [('product_id', '=', (product or self.product).id)]
        if warehouse:
            domain.append(('warehouse_id', '=', warehouse.id))
        return self.movements.with_user(user or self.env.user).search(domain, order='date, id')

    def deliver(self, quantity=2, **values):
        order = self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'warehouse_id': self.main.id, **values,
            'order_line': [Command.create({'product_id': self.product.id, 'product_uom_qty': quantity})]})
        order.action_confirm()
        picking = order.picking_ids
        picking.move_ids.write({'quantity': quantity, 'picked': True})
        picking.with_context(skip_sms=True).button_validate()
        return order

    def test_in_out_and_inside(self):
        shelf = self.env['stock.location'].create({
            'name': "Shelf", 'location_id': self.main.lot_stock_id.id, 'usage': 'internal'})
        self.receive(self.product, 10)
        self.move(self.product, 4, self.main.lot_stock_id, shelf)
        self.ship(self.product, 3)
        self.assertRecordValues(self.find(), [
            {'direction': 'in', 'kind': 'receipt', 'quantity': 10, 'quantity_moved': 10, 'balance': 10},
            {'direction': 'internal', 'kind': 'transfer', 'quantity': 0, 'quantity_moved': 4, 'balance': 10},
            {'direction': 'out', 'kind': 'delivery', 'quantity': -3, 'quantity_moved': 3, 'balance': 7},
        ])

    def test_a_transfer_between_warehouses_is_two_movements(self):
        self.receive(self.product, 10)
        self.move(self.product, 4, self.main.lot_stock_id, self.branch.lot_stock_id)
        self.assertRecordValues(self.find(warehouse=self.main)[1:], [
            {'direction': 'out', 'kind': 'transfer', 'quantity': -4, 'balance': 6}])
        self.assertRecordValues(self.find(warehouse=self.branch), [
            {'direction': 'in', 'kind': 'transfer', 'quantity': 4, 'balance': 4}])

    def test_kinds(self):
        loss = self.env['stock.location'].search([
            ('usage', '=', 'inventory'), ('company_id', 'in', [self.company.id, False])], limit=1)
        self.receive(self.product, 10)
        self.move(self.product, 1, self.main.lot_stock_id, loss)
        self.move(self.product, 1, self.main.lot_stock_id, self.supplier_location)
        self.move(self.product, 1, self.customer_location, self.main.lot_stock_id)
        self.assertEqual(self.find().mapped('kind'), ['receipt', 'adjustment', 'vendor_return', 'customer_return'])

    def test_document_customer_and_value(self):
        self.receive(self.product, 10)
        order = self.deliver(2)
        self.assertRecordValues(self.find()[-1], [{
            'reference': order.picking_ids.name, 'origin': order.name, 'order_id': order.id,
            'partner_id': self.customers[0].id, 'picking_id': order.picking_ids.id,
            'quantity': -2, 'value': -20, 'company_id': self.company.id}])

    def test_a_move_in_another_unit_is_in_that_of_the_product(self):
        self.receive(self.product, 2, product_uom=self.env.ref('uom.product_uom_dozen').id)
        self.assertRecordValues(self.find(), [{'quantity': 24, 'balance': 24, 'value': 240}])

    def test_lots_are_shown_each(self):
        self.product.tracking = 'lot'
        lots = self.env['stock.lot'].create([{'name': name, 'product_id': self.product.id} for name in ('L1', 'L2')])
        move = self.receive(self.product, 5, done=False)
        move.move_line_ids.unlink()
        move.move_line_ids = [
            Command.create({
                'product_id': self.product.id, 'lot_id': lot.id, 'quantity': quantity,
                'location_id': move.location_id.id, 'location_dest_id': move.location_dest_id.id})
            for lot, quantity in zip(lots, (2, 3), strict=True)]
        move.picked = True
        move._action_done()
        rows = self.find()
        self.assertRecordValues(rows, [
            {'lot_id': lots[0].id, 'quantity': 2, 'value': 20, 'balance': 2},
            {'lot_id': lots[1].id, 'quantity': 3, 'value': 30, 'balance': 5}])
        action = rows[0].with_user(self.planner).action_traceability()
        self.assertEqual(
            (action['tag'], action['context']['active_model'], action['context']['active_id']),
            ('stock_report_generic', 'stock.lot', lots[0].id))
        lines = self.env['stock.traceability.report'].with_user(self.planner).get_lines(
            model_name='stock.lot', model_id=lots[0].id, level=1)
        self.assertTrue(lines, "the host's report has something to say of it")

    def test_what_is_not_kept_or_not_done_is_no_movement(self):
        plain = self.env['product.product'].create({'name': "Plain", 'type': 'consu'})
        self.receive(plain, 5)
        self.receive(self.product, 5, done=False)
        self.assertFalse(self.find(plain))
        self.assertFalse(self.find())

    def test_the_balance_is_the_stock(self):
        rng = random.Random(20270503)
        places = [self.main.lot_stock_id, self.branch.lot_stock_id, self.supplier_location, self.customer_location]
        for product in self.goods:
            self.receive(product, 50)
            self.receive(product, 50, self.branch)
        for _move in range(25):
            source, target = rng.sample(places, 2)
            self.move(rng.choice(self.goods), rng.randint(1, 5), source, target)
        self.follow()
        for product in self.goods:
            for warehouse in self.main + self.branch:
                rows = self.find(product, warehouse)
                self.assertEqual(rows[-1].balance, self.position(product, warehouse).qty_on_hand)
                self.assertAlmostEqual(sum(rows.mapped('quantity')), rows[-1].balance)

    def test_the_balance_counts_what_the_user_may_not_see(self):
        self.receive(self.product, 10)
        self.deliver(2, user_id=self.manager.id)
        self.deliver(3, user_id=self.salesman.id)
        rows = self.find(user=self.salesman)
        self.assertEqual(rows.mapped('quantity'), [10, -3])
        self.assertEqual(rows.mapped('balance'), [10, 5])

    def test_pivot(self):
        self.receive(self.product, 10)
        self.ship(self.product, 4)
        self.env.flush_all()
        self.assertEqual(
            self.movements._read_group(
                [('product_id', '=', self.product.id)], ['warehouse_id'],
                ['quantity:sum', 'quantity_in:sum', 'quantity_out:sum']),
            [(self.main, 6, 10, 4)])

    def test_documents_open(self):
        self.receive(self.product, 10)
        order = self.deliver(2)
        receipt, delivery = self.find()
        self.assertEqual(
            (delivery.action_open_document()['res_model'], delivery.action_open_document()['res_id']),
            ('stock.picking', order.picking_ids.id))
        self.assertEqual(receipt.action_open_document()['res_model'], 'stock.move.line')
        with self.assertRaises(UserError):
            receipt.action_traceability()
        with self.assertRaises(AccessError):
            delivery.with_user(self.salesman).action_traceability()

    def test_rights(self):
        self.receive(self.product, 10)
        self.deliver(1, user_id=self.salesman.id)
        self.deliver(2, user_id=self.manager.id)
        self.deliver(3, user_id=False)
        for user, quantities in (
            (self.salesman, [10, -1, -3]),
            (self.all_leads, [10, -1, -2, -3]),
            (self.manager, [10, -1, -2, -3]),
            (self.planner, [10, -1, -2, -3]),
        ):
            with self.subTest(user.login):
                rows = self.find(user=user)
                self.assertEqual(rows.mapped('quantity'), quantities)
                rows.read()
        stranger = new_test_user(self.env, 'stranger', 'base.group_user')
        for user in (self.portal, stranger):
            with self.assertRaises(AccessError):
                self.find(user=user)
        with self.assertRaises(AccessError):
            self.find(user=self.planner).write({'quantity': 1})

    def test_other_companies(self):
        self.receive(self.product, 10)
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        stock = self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)], limit=1).lot_stock_id
        self.move(self.product, 6, self.supplier_location, stock, company_id=elsewhere.id)
        self.assertEqual(self.find(user=self.planner).mapped('quantity'), [10])
        self.assertEqual(self.find().mapped('quantity'), [10, 6])

    def test_from_the_product_and_the_position(self):
        self.receive(self.product, 10)
        self.receive(self.product, 5, self.branch)
        self.follow()
        for record, count in (
            (self.product, 2), (self.product.product_tmpl_id, 2), (self.position(self.product), 1),
        ):
            action = (record.action_open_movements if record._name == 'sales.stock.position'
                      else record.action_open_stock_movements)()
            self.assertEqual(self.movements.search_count(action['domain']), count)
        action = self.product.product_tmpl_id.action_open_stock_positions()
        self.assertEqual(self.positions.search_count(action['domain']), 2)

    def test_queries_do_not_grow_with_the_page(self):
        counts = []
        for number in (1, 1, 9):
            for _move in range(number):
                self.receive(self.product, 1)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.movements.web_search_read(
                [('product_id', '=', self.product.id)],
                {'date': {}, 'quantity': {}, 'balance': {}, 'product_id': {'fields': {'display_name': {}}}})
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])
