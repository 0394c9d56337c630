import random
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.errors import SerializationFailure

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

from .tracking_common import NOW, TrackingCommon


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestSalesTracking(TrackingCommon):
    """Where an order is, since when, and why it is no further."""

    # -- stages and reasons

    def test_from_quotation_to_payment(self):
        order = self.quotation()
        self.assertTracked(order, 'quotation', 'not_sent', next_step='send', is_open=True)
        order.action_quotation_sent()
        self.assertTracked(order, 'sent', 'no_answer', next_step='follow_up')
        order.action_confirm()
        self.assertTracked(
            order, 'ready', 'ready', next_step='prepare', value=200, qty_ordered=2, qty_open=2, qty_waiting=0)
        self.deliver(order)
        self.assertTracked(
            order, 'delivered', 'not_invoiced', next_step='invoice', qty_delivered=2, amount_to_invoice=200,
            delivered_date=self.day('2027-05-03'))
        invoice = order._create_invoices()
        self.assertTracked(order, 'delivered', 'draft_invoice', next_step='post')
        invoice.action_post()
        self.assertTracked(order, 'invoiced', 'unpaid', next_step='collect', amount_open=200)
        self.pay(invoice)
        self.assertTracked(order, 'paid', False, next_step=False, is_open=False, amount_open=0)

    def test_waiting_for_goods(self):
        order = self.confirmed(12)
        self.assertTracked(order, 'confirmed', 'goods', next_step='procure', qty_open=12, qty_waiting=2)
        self.env['stock.quant']._update_available_quantity(self.goods, self.stock.lot_stock_id, 5)
        order.picking_ids.action_assign()
        self.assertTracked(order, 'ready', 'ready', qty_waiting=0)

    def test_waiting_for_another_operation(self):
        self.stock.delivery_steps = 'pick_pack_ship'
        order = self.confirmed()
        self.assertTracked(order, 'ready', 'ready', qty_open=2, qty_waiting=0)
        self.deliver(order)
        self.assertTracked(order, 'picking', 'preparing', next_step='ship')
        self.deliver(order)
        self.assertTracked(order, 'picking', 'preparing')
        self.deliver(order)
        self.assertTracked(order, 'delivered', 'not_invoiced')

    def test_what_waits_for_a_purchase_waits_for_another_operation(self):
        order = self.confirmed()
        move = order.picking_ids.move_ids
        move._do_unreserve()
        move.write({'procure_method': 'make_to_order', 'state': 'waiting'})
        self.assertTracked(order, 'confirmed', 'operation', qty_waiting=2)

    def test_partially_shipped(self):
        order = self.confirmed(5)
        self.deliver(order, 2)
        self.assertTracked(
            order, 'partial', 'partial', next_step='ship_rest', qty_delivered=2, qty_open=3, qty_waiting=0)
        order.picking_ids.filtered(lambda picking: picking.state == 'assigned').do_unreserve()
        self.assertTracked(order, 'partial', 'goods', qty_waiting=3)
        self.deliver(order)
        self.assertTracked(order, 'delivered', 'not_invoiced', qty_delivered=5)

    def test_delivered_short_without_a_backorder_is_delivered(self):
        order = self.confirmed(5)
        self.deliver(order, 2)
        order.picking_ids.filtered(lambda picking: picking.state == 'assigned').action_cancel()
        self.assertTracked(order, 'delivered', 'not_invoiced', qty_delivered=2)

    def test_without_any_delivery(self):
        order = self.confirmed()
        order.picking_ids.action_cancel()
        self.assertTracked(order, 'confirmed', 'no_delivery', next_step='plan')

    def test_a_return(self):
        order = self.confirmed(4)
        picking = self.deliver(order)
        self.bring_back(picking, 1)
        self.assertTracked(order, 'delivered', 'not_invoiced')
        self.bring_back(picking, 3)
        self.assertTracked(order, 'returned', False, is_open=False)

    def test_a_return_of_what_was_invoiced_wants_a_credit_note(self):
        order = self.confirmed()
        picking = self.deliver(order)
        self.invoice(order)
        self.bring_back(picking, 2)
        self.assertTracked(order, 'returned', 'not_credited', next_step='credit')
        refund = order._create_invoices(final=True)
        refund.action_post()
        self.assertTracked(order, 'returned', False)

    def test_cancelled_and_reset(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00')
        order._action_cancel()
        self.assertTracked(order, 'cancelled', False, is_late=False, days_late=0, is_open=False)
        order.action_draft()
        self.assertTracked(order, 'quotation', 'not_sent')

    def test_services(self):
        order = self.confirmed(3, self.service)
        self.assertTracked(order, 'confirmed', 'not_invoiced', promised_date=False, is_late=False, at_risk=False)
        invoice = self.invoice(order)
        self.assertTracked(order, 'invoiced', 'unpaid')
        self.pay(invoice)
        self.assertTracked(order, 'paid')

    def test_services_that_were_promised(self):
        self.service.invoice_policy = 'delivery'
        order = self.confirmed(3, self.service, commitment_date='2027-05-01 12:00:00')
        self.assertTracked(order, 'confirmed', 'service', is_late=True, days_late=2)
        order.order_line.qty_delivered = 3
        self.assertTracked(order, 'delivered', 'not_invoiced', is_late=False, next_step='invoice')

    def test_paid_in_advance_is_not_delivered_yet(self):
        self.goods.invoice_policy = 'order'
        order = self.confirmed()
        self.pay(self.invoice(order))
        self.assertTracked(order, 'ready', 'ready')
        self.deliver(order)
        self.assertTracked(order, 'paid')

    def test_history_is_settled(self):
        order = self.confirmed(commitment_date='2027-01-01 12:00:00')
        order.sales_history = True
        order.user_id = self.salesman
        self.assertTracked(order, 'history', False, is_late=False, days_late=0, at_risk=False, is_open=False)

    def test_imported_orders_are_read(self):
        order = self.env['sale.order'].with_context(sales_import_history=True).create({
            'partner_id': self.customers[0].id, 'company_id': self.company.id, 'pricelist_id': False,
            'sales_history': True, 'currency_id': self.company.currency_id.id,
            'date_order': '2024-02-03 12:00:00', 'state': 'sale'})
        self.assertTracked(order, 'history', stage_day=self.day('2024-02-03'))

    def test_a_deleted_order_is_gone(self):
        order = self.quotation()
        row = self.row(order)
        self.assertTrue(row.exists())
        order.unlink()
        self.dispatch()
        self.assertFalse(row.exists())

    # -- dates

    def test_the_promise(self):
        order = self.confirmed()
        self.assertTracked(order, 'ready', 'ready', promised_date=self.day('2027-05-03'))
        order.order_line.customer_lead = 4
        self.assertTracked(order, 'ready', 'ready', promised_date=self.day('2027-05-07'))
        order.order_line = [Command.create({'product_id': self.others.id, 'customer_lead': 9})]
        self.assertTracked(order, 'confirmed', 'goods', promised_date=self.day('2027-05-12'))
        order.commitment_date = '2027-05-20 08:00:00'
        self.assertTracked(order, 'confirmed', 'goods', promised_date=self.day('2027-05-20'))

    def test_the_promise_is_a_day_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        order = self.confirmed(commitment_date='2027-05-01 17:00:00')  # 1 a.m. of the 2nd there
        self.assertTracked(order, 'ready', 'ready', promised_date=self.day('2027-05-02'), is_late=True, days_late=1)
        with freeze_time('2027-05-02 15:59:59'):
            self.assertTracked(order, 'ready', 'ready', is_late=False, days_late=0)
        with freeze_time('2027-05-02 16:00:00'):
            self.assertTracked(order, 'ready', 'ready', is_late=True, days_late=1)

    def test_companies_have_their_own_day(self):
        other = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'Pacific/Auckland'})
        with freeze_time('2027-05-03 13:00:00'):  # 1 a.m. of the 4th there
            order = self.confirmed(commitment_date='2027-05-03 10:00:00')
            abroad = self.quotation(commitment_date='2027-05-03 10:00:00', company_id=other.id, user_id=False)
            abroad.action_confirm()
            self.assertTracked(order, 'ready', 'ready', is_late=False)
            self.assertTrue(self.row(abroad).is_late)

    def test_late_turns_with_the_day_without_any_event(self):
        order = self.confirmed(12, commitment_date='2027-05-04 12:00:00')
        self.assertTracked(order, 'confirmed', 'goods', is_late=False, at_risk=True, timing='at_risk')
        with freeze_time('2027-05-04 23:59:00'):
            self.assertTracked(order, 'confirmed', 'goods', is_late=False, at_risk=True)
        with freeze_time('2027-05-08 00:00:00'):
            self.assertTracked(order, 'confirmed', 'goods', is_late=True, days_late=4, at_risk=False, timing='late',
                               days_in_stage=5)
            self.assertIn(order, self.tracking.search([('is_late', '=', True)]).order_id)
            self.assertIn(order, self.tracking.search([('is_open', '=', True), ('days_in_stage', '>=', 5)]).order_id)
            self.assertNotIn(order, self.tracking.search([('days_in_stage', '>=', 6)]).order_id)

    def test_delivered_late_stays_told(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00')
        self.deliver(order)
        self.assertTracked(order, 'delivered', 'not_invoiced', is_late=False, days_late=2)
        with freeze_time('2027-06-01'):
            self.assertTracked(order, 'delivered', 'not_invoiced', is_late=False, days_late=2)

    def test_expected_after_the_promise_is_at_risk(self):
        order = self.confirmed(commitment_date='2027-05-20 12:00:00')
        self.assertTracked(order, 'ready', 'ready', at_risk=False)
        order.picking_ids.scheduled_date = '2027-05-25 12:00:00'
        self.assertTracked(order, 'ready', 'ready', at_risk=True, expected_date=self.day('2027-05-25'))

    def test_the_stage_began_when_the_ledger_says(self):
        with freeze_time('2027-04-20 10:00:00'):
            order = self.quotation()
            self.env.cr.flush()
        with freeze_time('2027-04-22 10:00:00'):
            order.action_quotation_sent()
            self.env.cr.flush()
        self.assertTracked(order, 'sent', 'no_answer', stage_day=self.day('2027-04-22'), days_in_stage=11)
        with freeze_time('2027-04-25 10:00:00'):
            order.action_confirm()
            self.env.cr.flush()
        self.assertTracked(order, 'ready', 'ready', days_in_stage=8)
        with freeze_time('2027-04-28 10:00:00'):
            self.deliver(order)
            self.env.cr.flush()
        self.assertTracked(order, 'delivered', 'not_invoiced', days_in_stage=5, delivered_date=self.day('2027-04-28'))

    def test_expired_and_overdue_come_with_the_day(self):
        order = self.quotation(validity_date='2027-05-03')
        self.assertTracked(order, 'quotation', 'not_sent')
        delivered = self.confirmed()
        self.deliver(delivered)
        self.invoice(delivered, due='2027-05-10')
        self.assertTracked(delivered, 'invoiced', 'unpaid', due_date=self.day('2027-05-10'))
        with freeze_time('2027-05-11'):
            self.assertTracked(order, 'quotation', 'expired')
            self.assertTracked(delivered, 'invoiced', 'overdue')

    # -- amounts

    def test_the_value_is_in_the_currency_of_the_company(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create({
            'currency_id': euro.id, 'name': '2027-01-01', 'rate': 0.5, 'company_id': self.company.id})
        pricelist = self.env['product.pricelist'].create({'name': "Euro", 'currency_id': euro.id})
        order = self.quotation(pricelist_id=pricelist.id)
        order.order_line.price_unit = 40
        self.assertTracked(order, 'quotation', 'not_sent', value=160, currency_id=self.company.currency_id.id)

    def test_each_instalment_is_read(self):
        order = self.confirmed()
        self.deliver(order)
        invoice = self.invoice(order)
        self.pay(invoice, 50)
        self.assertTracked(order, 'invoiced', 'unpaid', amount_open=150)
        self.pay(invoice, 50)
        self.assertTracked(order, 'invoiced', 'unpaid', amount_open=100)

    def test_an_invoice_of_several_orders_is_shared_among_them(self):
        orders = self.confirmed(1) + self.confirmed(3)
        for order in orders:
            self.deliver(order)
        self.invoice(orders)
        self.assertEqual([self.row(order).amount_open for order in orders], [100, 300])

    # -- reader and rebuild

    def snapshot(self):
        self.env.flush_all()
        return {
            table._table: sorted(self.env.execute_query(SQL(
                "SELECT %s FROM %s",
                SQL(", ").join(map(SQL.identifier, table._columns())), SQL.identifier(table._table))), key=repr)
            for table in self.tracking._tables()
        }

    def assertReaderEqualsRebuild(self):
        self.dispatch()
        read = self.snapshot()
        self.tracking._read_all()
        for table, rows in self.snapshot().items():
            self.assertEqual(read[table], rows, table)

    def edits(self):
        """Return ways to change an order: name -> function of a random generator."""
        return {
            'new': lambda rng: self.orders.append(self.quotation(
                rng.randint(1, 6), rng.choice([self.goods, self.others, self.service]),
                user_id=rng.choice([self.salesman.id, False]))),
            'send': lambda rng: self.some(rng, 'draft').action_quotation_sent(),
            'confirm': lambda rng: self.some(rng, 'draft', 'sent').action_confirm(),
            'cancel': lambda rng: self.some(rng, 'sent', 'sale')._action_cancel(),
            'delete': lambda rng: self.some(rng, 'cancel').unlink(),
            'quantity': lambda rng: self.some(rng, 'draft').order_line.write({'product_uom_qty': rng.randint(1, 9)}),
            'price': lambda rng: self.some(rng, 'draft').order_line.write({'price_unit': rng.randint(1, 900) / 7}),
            'new line': lambda rng: self.some(rng, 'draft', 'sale').write({'order_line': [Command.create({
                'product_id': self.goods.id, 'product_uom_qty': 2})]}),
            'promise': lambda rng: self.some(rng, 'draft', 'sale').write({
                'commitment_date': f'2027-05-{rng.randint(1, 28):02} 10:00:00'}),
            'salesperson': lambda rng: self.some(rng, 'draft', 'sale').write({'user_id': self.manager.id}),
            'customer': lambda rng: self.customers[1].write({
                'parent_id': rng.choice([False, self.customers[2].id]), 'is_company': False}),
            'stock': lambda rng: self.env['stock.quant']._update_available_quantity(
                rng.choice([self.goods, self.others]), self.stock.lot_stock_id, 5),
            'ship': lambda rng: self.ship(rng),
            'reschedule': lambda rng: self.some(rng, 'sale').picking_ids.filtered(
                lambda picking: picking.state not in ('done', 'cancel')).write({
                    'scheduled_date': '2027-05-22 10:00:00'}),
            'return': lambda rng: self.give_back(rng),
            'invoice': lambda rng: self.bill(rng),
            'pay': lambda rng: self.settle(rng),
            'work': lambda rng: self.some(rng, 'sale').order_line.filtered(
                lambda line: line.product_id == self.service).write({'qty_delivered': rng.randint(0, 6)}),
        }

    def some(self, rng, *states):
        orders = [order for order in self.orders if order.exists() and order.state in states]
        return rng.choice(orders) if orders else self.env['sale.order']

    def ship(self, rng):
        order = self.some(rng, 'sale')
        open_picking = order.picking_ids.filtered(lambda picking: picking.state not in ('done', 'cancel'))
        if open_picking and open_picking[0].picking_type_code == 'outgoing':
            self.deliver(order, rng.choice([None, 1]))

    def give_back(self, rng):
        done = self.some(rng, 'sale').picking_ids.filtered(
            lambda picking: picking.state == 'done' and picking.picking_type_code == 'outgoing'
            and not picking.return_ids and len(picking.move_ids) == 1)
        if done:
            self.bring_back(done[0], rng.randint(1, int(done[0].move_ids.quantity)))

    def bill(self, rng):
        order = self.some(rng, 'sale')
        if order and order.invoice_status == 'to invoice':
            invoice = order._create_invoices(final=True)
            if rng.random() < 0.7:
                invoice.action_post()

    def settle(self, rng):
        due = self.some(rng, 'sale').invoice_ids.filtered(
            lambda invoice: invoice.state == 'posted' and invoice.move_type == 'out_invoice'
            and invoice.amount_residual)
        if due:
            self.pay(due[0], rng.choice([None, due[0].amount_residual / 2]))

    @settings(
        max_examples=12, deadline=None, database=None, derandomize=True,
        suppress_health_check=[HealthCheck.differing_executors])
    @given(seed=st.integers(0, 2**32), count=st.integers(5, 25))
    def test_after_any_edits_the_reader_has_what_a_rebuild_has(self, seed, count):
        rng = random.Random(seed)
        self.orders = [self.quotation(3), self.confirmed(4, partner_id=self.customers[1].id)]
        edits = self.edits()
        for _edit in range(count):
            edits[rng.choice(sorted(edits))](rng)
            if rng.random() < 0.3:
                self.dispatch()
        self.assertReaderEqualsRebuild()

    def test_a_rebuild_puts_right_what_the_ledger_does_not_tell(self):
        orders = self.confirmed() + self.confirmed()
        self.dispatch()
        self.env.cr.execute(SQL("UPDATE sales_order_tracking SET stage = 'paid' WHERE id = %s", orders[0].id))
        self.env.cr.execute(SQL("DELETE FROM sales_order_tracking WHERE id = %s", orders[1].id))
        self.env.cr.execute("INSERT INTO sales_order_tracking (id, order_id) VALUES (2147483647, 2147483647)")
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_order_tracking').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(set(self.tracking.browse(orders.ids).mapped('stage')), {'ready'})
        self.assertFalse(self.tracking.browse(2147483647).exists())
        self.assertEqual(self.tracking._rebuild(), 0, "what is right is left alone")

    def test_a_check_that_meets_the_reader_is_made_again(self):
        cron = self.env.ref('sms_addon.ir_cron_sales_order_tracking')
        triggers = self.env['ir.cron.trigger']
        model, consumer = type(self.tracking), type(self.env['sales.consumer'])
        for case, patched in (
            ("they write the same rows", patch.object(model, '_read_all', side_effect=SerializationFailure)),
            ("the reader is at work", patch.object(consumer, 'try_lock_for_update', lambda self, **_options: self[:0])),
        ):
            with self.subTest(case), freeze_time(NOW):
                triggers.search([('cron_id', '=', cron.id)]).unlink()
                with patched, self.enter_registry_test_mode():
                    self.assertIs(cron.method_direct_trigger(), True)
                self.assertTrue(triggers.search([('cron_id', '=', cron.id)]))

    def test_queries_do_not_grow_with_the_orders(self):
        counts = []
        for number in (1, 1, 8):
            orders = self.env['sale.order'].union(*[self.quotation() for _n in range(number)])
            self.env.cr.flush()
            events = self.env['sales.event'].sudo().search([('order_id', 'in', orders.ids)], order='id')
            before = self.env.cr.sql_log_count
            self.env['sales.reader.tracking']._consume(events)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_a_new_reader_does_not_begin_with_the_history(self):
        consumers = self.env['sales.consumer']
        place = consumers.search([('reader', '=', 'sales.reader.tracking')])
        self.env.cr.execute(SQL("DELETE FROM sales_consumer WHERE id = %s", place.id))
        self.env.invalidate_all()
        consumers._create_missing()
        [(xid,)] = self.env.execute_query(SQL(
            "SELECT offset_xid::text::bigint FROM sales_consumer WHERE reader = 'sales.reader.tracking'"))
        self.assertGreater(xid, 0)

    # -- views and rights

    def test_stages_come_in_their_order(self):
        orders = [self.quotation(), self.confirmed(), self.confirmed(12)]
        self.deliver(orders[1])
        self.dispatch()
        domain = [('order_id', 'in', [order.id for order in orders])]
        for groups in (
            self.tracking._read_group(domain, ['stage'], ['__count']),
            self.tracking._read_group(domain, ['stage'], ['__count'], order='stage'),
        ):
            self.assertEqual([stage for stage, _count in groups], ['quotation', 'confirmed', 'delivered'])
        self.assertEqual(
            self.tracking.search(domain, order='stage desc').mapped('stage'), ['delivered', 'confirmed', 'quotation'])

    def test_an_order_is_seen_by_whoever_the_host_shows_it_to(self):
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        mine = self.confirmed(12, user_id=self.salesman.id, commitment_date='2027-05-01 12:00:00')
        nobodys = self.confirmed(1, user_id=False, commitment_date='2027-05-01 12:00:00')
        others = self.confirmed(1, user_id=self.manager.id, commitment_date='2027-05-01 12:00:00')
        abroad = self.quotation(company_id=elsewhere.id, user_id=self.salesman.id)
        orders = mine + nobodys + others + abroad
        self.dispatch()
        for model in ('sales.order.tracking', 'sales.worklist', 'sales.delivery.performance'):
            for user in (self.salesman, self.all_leads, self.manager):
                seen = self.as_user(model, user).search([('order_id', 'in', orders.ids)]).order_id
                allowed = self.as_user('sale.order', user).search([('id', 'in', (mine + nobodys + others).ids)])
                self.assertEqual(set(seen.ids), set(allowed.ids), (model, user.login))
            stranger = self.env['res.users'].search([('login', '=', 'stranger')]) or new_test_user(
                self.env, 'stranger', 'base.group_user')
            for user in (self.portal, stranger):
                with self.assertRaises(AccessError):
                    self.as_user(model, user).search([])
            for method in (lambda rows: rows.write({'stage': 'paid'}), lambda rows: rows.unlink()):
                with self.assertRaises(AccessError):
                    method(self.as_user(model, self.manager).search([], limit=1))
        with self.assertRaises(AccessError):
            self.as_user('sales.order.tracking', self.salesman).browse(others.id).read(['stage'])

    def as_user(self, model, user):
        self.env.invalidate_all()
        return self.env[model].with_user(user)

    def test_only_an_admin_has_all_read_again(self):
        with self.assertRaises(AccessError):
            self.tracking.with_user(self.manager).action_rebuild()
        self.tracking.action_rebuild()

    def test_a_row_opens_its_order(self):
        order = self.confirmed()
        for model in ('sales.order.tracking', 'sales.worklist'):
            row = self.row(order) if model == 'sales.order.tracking' else self.task(order)
            self.assertEqual(row.action_open_order()['res_id'], order.id)
