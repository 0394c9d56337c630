from odoo import Command
from odoo.tests import freeze_time, tagged

from .tracking_common import NOW, TrackingCommon


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestSalesDeliveryPerformance(TrackingCommon):
    """On time in full, line by line and order by order."""

    def line(self, order):
        self.dispatch()
        self.env.invalidate_all()
        return self.performance.search([('order_id', '=', order.id)])

    def assertMeasured(self, order, **values):
        self.assertRecordValues(self.line(order), [values])

    def test_on_time_in_full(self):
        order = self.confirmed(commitment_date='2027-05-03 18:00:00')
        self.assertFalse(self.line(order), "it is not due yet")
        self.deliver(order)
        self.assertMeasured(
            order, on_time=True, in_full=True, otif=True, order_otif=True, days_late=0, qty_ordered=2, qty_delivered=2,
            qty_on_time=2, value=200, promised_date=self.day('2027-05-03'), delivered_date=self.day('2027-05-03'))

    def test_delivered_early_it_counts_when_it_is_due(self):
        order = self.confirmed(commitment_date='2027-05-05 18:00:00')
        self.deliver(order)
        self.assertFalse(self.line(order))
        with freeze_time('2027-05-05 00:00:00'):
            self.assertMeasured(order, otif=True)

    def test_undelivered_it_is_missed_after_the_day(self):
        order = self.confirmed(commitment_date='2027-05-03 18:00:00')
        with freeze_time('2027-05-03 23:59:59'):
            self.assertFalse(self.line(order))
        with freeze_time('2027-05-05 00:00:00'):
            self.assertMeasured(order, on_time=False, in_full=False, otif=False, days_late=2, delivered_date=False)

    def test_the_day_is_that_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        order = self.confirmed(commitment_date='2027-05-03 15:59:00')  # 23:59 there
        with freeze_time('2027-05-03 16:00:00'):
            self.deliver(order)
            self.assertMeasured(order, on_time=False, in_full=True, otif=False, days_late=1,
                                delivered_date=self.day('2027-05-04'))

    def test_late_but_in_full(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00')
        self.deliver(order)
        self.assertMeasured(order, on_time=False, in_full=True, otif=False, days_late=2, qty_on_time=0)

    def test_on_time_but_short(self):
        order = self.confirmed(5, commitment_date='2027-05-03 12:00:00')
        self.deliver(order, 2)
        with freeze_time('2027-05-06 12:00:00'):
            self.assertMeasured(order, on_time=True, in_full=False, otif=False, days_late=3, qty_on_time=2)
            self.deliver(order)
            self.assertMeasured(order, on_time=False, in_full=True, otif=False, days_late=3, qty_on_time=2,
                                delivered_date=self.day('2027-05-06'))

    def test_complete_in_time_what_comes_on_top_later_does_not_spoil_it(self):
        order = self.confirmed(2, commitment_date='2027-05-03 12:00:00')
        self.deliver(order)
        with freeze_time('2027-05-07 12:00:00'):
            extra = order.picking_ids.copy()
            extra.action_confirm()
            extra.move_ids.write({'quantity': 1, 'picked': True, 'sale_line_id': order.order_line.id})
            extra.with_context(skip_backorder=True).button_validate()
            self.assertMeasured(order, otif=True, qty_delivered=3, delivered_date=self.day('2027-05-03'))

    def test_what_came_back_was_delivered(self):
        order = self.confirmed(2, commitment_date='2027-05-03 12:00:00')
        self.bring_back(self.deliver(order), 2)
        self.assertMeasured(order, otif=True, qty_delivered=2)

    def test_another_unit(self):
        self.env['stock.quant']._update_available_quantity(self.goods, self.stock.lot_stock_id, 50)
        order = self.quotation(commitment_date='2027-05-03 12:00:00')
        order.order_line.write({'product_uom_id': self.uom_dozen.id, 'product_uom_qty': 2})
        order.action_confirm()
        self.deliver(order)
        self.assertMeasured(order, otif=True, qty_ordered=24, qty_delivered=24)

    def test_each_line_has_its_lead_time(self):
        order = self.quotation()
        order.order_line = [Command.create({'product_id': self.others.id, 'product_uom_qty': 1, 'customer_lead': 5})]
        order.action_confirm()
        with freeze_time('2027-05-06 12:00:00'):
            self.assertEqual(self.line(order).product_id, self.goods)
        with freeze_time('2027-05-09 12:00:00'):
            self.assertEqual(self.line(order).product_id, self.goods + self.others)

    def test_services_quotations_cancelled_orders_and_history_are_left_out(self):
        old = {'commitment_date': '2027-04-01 12:00:00'}
        orders = (
            self.confirmed(1, self.service, **old), self.quotation(**old), self.confirmed(**old), self.confirmed(**old))
        orders[2]._action_cancel()
        orders[3].write({'sales_history': True, 'user_id': self.salesman.id})
        for order in orders:
            self.assertFalse(self.line(order))

    def test_an_order_is_what_all_its_lines_are(self):
        """Two lines, one of them late, beside an order of one good line: 2 of 3 lines, 1 of 2 orders."""
        mixed = self.quotation(2, commitment_date='2027-05-02 12:00:00')
        mixed.order_line = [Command.create({'product_id': self.others.id, 'product_uom_qty': 1})]
        good = self.quotation(1, commitment_date='2027-05-02 12:00:00', partner_id=self.customers[1].id)
        with freeze_time('2027-05-01 12:00:00'):
            for order in mixed + good:
                order.action_confirm()
                self.ship_goods(order)
        self.dispatch()
        domain = [('order_id', 'in', (mixed + good).ids)]
        measures = ['line_count:sum', 'otif_rate:avg', 'order_count:sum', 'order_otif_rate:avg', 'quantity_rate:avg']
        [(lines, rate, orders, order_rate, quantity)] = self.performance._read_group(domain, [], measures)
        self.assertEqual((lines, orders), (3, 2))
        self.assertAlmostEqual(rate, 2 / 3)
        self.assertAlmostEqual(order_rate, 1 / 2)
        self.assertAlmostEqual(quantity, 3 / 4)
        by_product = {
            product: order_rate for product, order_rate in self.performance._read_group(
                domain, ['product_id'], ['order_otif_rate:avg'])}
        self.assertEqual(by_product, {self.goods: 1 / 2, self.others: 0}, "an order is judged by all its lines")

    def ship_goods(self, order):
        """Ship what there is of an order of two products, of which one is not there."""
        picking = order.picking_ids
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty if move.product_id == self.goods else 0
            move.picked = move.product_id == self.goods
        picking.with_context(skip_backorder=True, skip_sms=True).button_validate()

    def test_an_order_with_a_line_not_due_is_no_order_yet(self):
        order = self.quotation(2)
        order.order_line = [Command.create({'product_id': self.others.id, 'customer_lead': 20})]
        order.action_confirm()
        self.dispatch()
        with freeze_time('2027-05-06 12:00:00'):
            [(lines, orders, rate)] = self.performance._read_group(
                [('order_id', '=', order.id)], [], ['line_count:sum', 'order_count:sum', 'order_otif_rate:avg'])
        self.assertEqual((lines, orders, rate), (1, 0, False), "nothing to say, not zero")

    def test_by_month(self):
        for date in ('2027-03-10 12:00:00', '2027-04-10 12:00:00'):
            with freeze_time(date):
                order = self.confirmed(1, commitment_date=date)
                if date.startswith('2027-03'):
                    self.deliver(order)
                self.env.cr.flush()
        self.dispatch()
        groups = self.performance._read_group(
            [('commercial_partner_id', '=', self.customers[0].id)], ['promised_date:month'], ['otif_rate:avg'])
        self.assertEqual(groups, [(self.day('2027-03-01'), 1), (self.day('2027-04-01'), 0)])

    def test_a_line_opens_its_order(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00')
        self.assertEqual(self.line(order).action_open_order()['res_id'], order.id)
