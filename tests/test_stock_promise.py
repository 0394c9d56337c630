import itertools
import random
from datetime import date, timedelta
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.sms_addon.tools.stock_promise import earliest_day

from .stock_common import StockCommon

TODAY = date(2027, 5, 3)
MOVES = st.lists(st.tuples(st.integers(-4, 30), st.integers(-20, 20)), max_size=8)


class TestEarliestDay(TestCase):
    """When a quantity can leave, by trying every day."""

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(quantity=st.integers(0, 30), on_hand=st.integers(-10, 30), moves=MOVES)
    def test_it_is_the_first_day_that_leaves_enough_for_all(self, quantity, on_hand, moves):
        moves = [(TODAY + timedelta(days=ahead), moved) for ahead, moved in moves]
        found = earliest_day(quantity, on_hand, moves, TODAY)

        def stock(ahead):
            return on_hand + sum(
                moved for day, moved in moves
                if (max((day - TODAY).days, 0) if moved < 0 or day >= TODAY else 1) <= ahead)

        possible = [
            ahead for ahead in range(32)
            if all(stock(later) >= quantity for later in range(ahead, 32))]
        self.assertEqual(found, TODAY + timedelta(days=possible[0]) if possible else None)

    def test_an_overdue_receipt_is_not_there_yet(self):
        self.assertEqual(earliest_day(5, 0, [(TODAY - timedelta(days=9), 5)], TODAY), TODAY + timedelta(days=1))


@tagged('post_install', '-at_install')
@freeze_time('2027-05-03 12:00:00')
class TestStockPromise(StockCommon):
    """What the order line says of all warehouses."""

    def setUp(self):
        super().setUp()
        self.product = self.goods[0]
        self.put(self.product, 10)

    def quotation(self, *quantities, product=None, **values):
        return self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'warehouse_id': self.main.id,
            'order_line': [
                Command.create({'product_id': (product or self.product).id, 'product_uom_qty': quantity})
                for quantity in quantities],
            **values,
        })

    def promise(self, line, warehouse=None):
        self.env.invalidate_all()
        rows = line.get_stock_promise()[line.id]['warehouses']
        return next(row for row in rows if row['id'] == (warehouse or self.main).id)

    def assertPromised(self, line, day, source, **values):
        found = self.promise(line)
        self.assertEqual(
            {name: found[name] for name in ('date', 'source', *values)}, {'date': day, 'source': source, **values})

    def test_what_is_free_can_leave_after_the_lead_time(self):
        line = self.quotation(4).order_line
        self.assertPromised(line, '2027-05-03', 'stock', on_hand=10, free=10, forecast=10)
        line.customer_lead = 2
        self.assertPromised(line, '2027-05-05', 'stock')

    def test_what_others_were_promised_is_not_promised_again(self):
        self.quotation(8).action_confirm()
        self.assertPromised(self.quotation(2).order_line, '2027-05-03', 'stock', free=2)
        self.assertPromised(self.quotation(3).order_line, False, 'unknown', free=2)

    def test_a_later_promise_counts_too(self):
        # eight leave in two weeks, twenty come in four
        self.quotation(8, commitment_date='2027-05-17 12:00:00').action_confirm()
        self.receive(self.product, 20, done=False, date='2027-05-31 12:00:00')
        self.assertPromised(self.quotation(2).order_line, '2027-05-03', 'stock')
        self.assertPromised(self.quotation(3).order_line, '2027-05-31', 'receipt')
        self.assertPromised(self.quotation(30).order_line, False, 'unknown')

    def test_the_first_receipt_that_covers(self):
        for day, quantity in (('2027-05-10', 5), ('2027-05-20', 30)):
            self.receive(self.product, quantity, done=False, date=f'{day} 12:00:00')
        self.assertPromised(self.quotation(15).order_line, '2027-05-10', 'receipt', forecast=45)
        self.assertPromised(self.quotation(16).order_line, '2027-05-20', 'receipt')

    def test_else_it_is_ordered_today(self):
        line = self.quotation(50).order_line
        self.assertPromised(line, False, 'unknown')
        self.env['product.supplierinfo'].create({
            'partner_id': self.customers[1].id, 'product_tmpl_id': self.product.product_tmpl_id.id, 'delay': 6})
        self.assertPromised(line, '2027-05-09', 'lead')
        self.follow()
        position = self.position(self.product)
        position.sudo().write({'lead_days': 8.4, 'lead_count': 3})
        self.assertPromised(line, '2027-05-12', 'lead')

    def test_lines_above_are_served_first(self):
        order = self.quotation(6, 4, 1)
        self.assertEqual([self.promise(line)['source'] for line in order.order_line], ['stock', 'stock', 'unknown'])

    def test_an_order_is_not_in_its_own_way(self):
        order = self.quotation(10)
        order.action_confirm()
        self.assertPromised(order.order_line, '2027-05-03', 'stock', free=0)

    def test_quantities_are_in_the_unit_of_the_line(self):
        line = self.quotation(1).order_line
        line.product_uom_id = self.env.ref('uom.product_uom_dozen')
        self.assertPromised(line, False, 'unknown')
        self.assertAlmostEqual(self.promise(line)['free'], 10 / 12)
        self.put(self.product, 2)
        self.assertPromised(line, '2027-05-03', 'stock')

    def test_all_warehouses_of_the_company_that_of_the_line_first(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        self.put(self.product, 3, self.branch)
        rows = self.quotation(12, product=self.product).order_line.get_stock_promise().popitem()[1]['warehouses']
        self.assertEqual((rows[0]['id'], rows[0]['chosen']), (self.main.id, True))
        self.assertEqual({row['id']: row['free'] for row in rows}[self.branch.id], 3)
        others = self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)])
        self.assertFalse(set(others.ids) & {row['id'] for row in rows})

    def test_the_screen_asks_for_lines_that_are_not_saved(self):
        request = {
            'line_id': False, 'product_id': self.product.id, 'uom_id': self.product.uom_id.id, 'quantity': 11,
            'lead': 1, 'warehouse_id': self.branch.id, 'company_id': self.company.id}
        lines = self.env['sale.order.line'].with_user(self.salesman)
        [promise] = lines.get_stock_promises([request])
        self.assertEqual(promise['warehouses'][0]['id'], self.branch.id)
        self.assertEqual({row['source'] for row in promise['warehouses']}, {'unknown'})
        self.assertEqual(lines.get_stock_promises([]), [])

    def test_rights(self):
        others = self.quotation(1, user_id=self.manager.id)
        mine = self.quotation(1, user_id=self.salesman.id)
        lines = self.env['sale.order.line'].with_user(self.salesman)
        self.env.invalidate_all()
        self.assertTrue(lines.browse(mine.order_line.id).get_stock_promise())
        with self.assertRaises(AccessError):
            lines.browse(others.order_line.id).get_stock_promise()
        stranger = new_test_user(self.env, 'stranger', 'base.group_user')
        for user in (stranger, self.portal):
            with self.assertRaises(AccessError):
                self.env['sale.order.line'].with_user(user).get_stock_promises([])

    def test_another_company_is_not_asked(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        [promise] = self.env['sale.order.line'].with_user(self.salesman).get_stock_promises([{
            'product_id': self.product.id, 'uom_id': self.product.uom_id.id, 'quantity': 1,
            'company_id': elsewhere.id}])
        self.assertIn(self.main.id, [row['id'] for row in promise['warehouses']])

    def test_queries_do_not_grow_with_the_lines(self):
        counts = []
        for number in (1, 1, 12):
            rng = random.Random(number)
            order = self.quotation(*(rng.randint(1, 30) for _n in range(number)))
            order.order_line.flush_recordset()
            self.env.invalidate_all()
            order.order_line.mapped('product_id.uom_id.name')
            before = self.env.cr.sql_log_count
            order.order_line.get_stock_promise()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_random_plans_never_break_a_promise(self):
        """Promises that are kept one after the other: what is promised is always there on its day."""
        rng = random.Random(6)
        for days, quantity in ((4, 6), (9, 12), (15, 5)):
            self.receive(self.product, quantity, done=False, date=fields.Datetime.now() + timedelta(days=days))
        total = 33
        for _order in itertools.count():
            quantity = rng.randint(1, 7)
            order = self.quotation(quantity)
            found = self.promise(order.order_line)
            if found['source'] == 'unknown':
                self.assertGreater(quantity, total)
                break
            order.commitment_date = f"{found['date']} 12:00:00"
            order.action_confirm()
            total -= quantity
        self.follow()
        self.assertEqual(self.position(self.product).qty_uncovered, 0)
