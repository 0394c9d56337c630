from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from odoo.addons.sms_addon.models.sales_worklist import CAUSES, SENTENCES, WEIGHTS

from .tracking_common import NOW, TrackingCommon


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestSalesWorklist(TrackingCommon):
    """What needs somebody today, in a sentence, the most urgent first."""

    def assertTask(self, order, cause, sentence=None):
        task = self.task(order)
        self.assertEqual(task.cause, cause)
        if sentence:
            # the amounts are written with the currency of whichever company the tests have
            self.assertEqual(task.sentence.replace('\xa0', ' '), sentence)
        return task

    def money(self, amount):
        return self.company.currency_id.format(amount).replace('\xa0', ' ').replace('.00', '')

    def test_late_and_waiting_for_goods(self):
        order = self.confirmed(12, commitment_date='2027-04-29 12:00:00')
        self.assertTask(order, 'late', "Promised for Apr 29, 4 days late: 2 of 12 units wait for goods")

    def test_late_and_ready(self):
        order = self.confirmed(commitment_date='2027-05-02 12:00:00')
        self.assertTask(order, 'late', "Promised for May 2, 1 day late: 2 units are ready but not shipped")

    def test_late_and_partially_shipped(self):
        order = self.confirmed(5, commitment_date='2027-05-01 12:00:00')
        self.deliver(order, 2)
        self.assertTask(order, 'late', "Promised for May 1, 2 days late: 2 of 5 units shipped, the rest is ready")
        self.deliver(order)
        self.assertFalse(self.task(order), "what is done goes by itself")

    def test_late_without_a_delivery(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00')
        order.picking_ids.action_cancel()
        self.assertTask(order, 'late', "Promised for May 1, 2 days late: no delivery is planned")

    def test_at_risk(self):
        waiting = self.confirmed(12, commitment_date='2027-05-05 12:00:00')
        self.assertTask(waiting, 'at_risk', "Promised for May 5: 2 of 12 units wait for goods")
        waiting.commitment_date = '2027-05-03 18:00:00'
        self.assertTask(waiting, 'at_risk', "Promised for today: 2 of 12 units wait for goods")
        postponed = self.confirmed(1, self.service, commitment_date='2027-05-20 12:00:00')
        self.assertFalse(self.task(postponed))

    def test_expected_after_the_promise(self):
        order = self.confirmed(commitment_date='2027-05-06 12:00:00')
        self.assertFalse(self.task(order))
        order.picking_ids.scheduled_date = '2027-05-08 12:00:00'
        self.assertTask(order, 'at_risk', "Promised for May 6, but expected on May 8")

    def test_to_ship_today(self):
        order = self.confirmed(commitment_date='2027-05-03 18:00:00')
        self.assertTask(order, 'due', "Promised for today: 2 units are ready but not shipped")

    def test_quotations(self):
        with freeze_time('2027-04-24 12:00:00'):
            order = self.quotation(12)
            order.action_quotation_sent()
            self.env.cr.flush()
        order.validity_date = '2027-05-30'
        self.assertTask(order, 'no_answer', f"Quotation of {self.money(1200)} without answer for 9 days")
        order.validity_date = '2027-05-04'
        self.assertTask(order, 'expiring', f"Quotation of {self.money(1200)} without answer, expires tomorrow")
        with freeze_time('2027-05-04 12:00:00'):
            self.assertTask(order, 'expiring', f"Quotation of {self.money(1200)} without answer, expires today")
        with freeze_time('2027-05-06 12:00:00'):
            self.assertTask(order, 'expired', f"Quotation of {self.money(1200)} expired 2 days ago")
        with freeze_time('2027-08-06 12:00:00'):
            self.assertFalse(self.task(order), "what nobody prolonged in two months is no work of today")
        order.validity_date = '2027-05-30'
        order.action_confirm()
        self.assertNotIn(self.task(order).cause, ('no_answer', 'expired'))

    def test_not_invoiced(self):
        order = self.confirmed(8)
        self.deliver(order)
        self.assertFalse(self.task(order), "there is a day for it")
        with freeze_time('2027-05-09 12:00:00'):
            self.assertTask(order, 'not_invoiced', f"Delivered 6 days ago, {self.money(800)} not invoiced")
            order._create_invoices()
            self.assertTask(
                order, 'draft_invoice', f"Delivered 6 days ago, the invoice of {self.money(800)} is not posted")

    def test_services_are_invoiced_when_confirmed(self):
        order = self.confirmed(2, self.service)
        self.dispatch()
        with freeze_time('2027-05-05 12:00:00'):
            self.assertTask(order, 'not_invoiced', f"Confirmed 2 days ago, {self.money(100)} not invoiced")

    def test_overdue_payment(self):
        order = self.confirmed(3)
        self.deliver(order)
        invoice = self.invoice(order, due='2027-05-10')
        self.assertFalse(self.task(order))
        with freeze_time('2027-05-22 12:00:00'):
            self.assertTask(order, 'overdue', f"Invoice 12 days overdue, {self.money(300)} open")
            self.pay(invoice, 100)
            self.assertTask(order, 'overdue', f"Invoice 12 days overdue, {self.money(200)} open")
            self.pay(invoice)
            self.assertFalse(self.task(order))

    def test_not_credited(self):
        order = self.confirmed()
        picking = self.deliver(order)
        self.invoice(order, due='2027-07-01')
        self.bring_back(picking, 2)
        self.dispatch()
        with freeze_time('2027-05-05 12:00:00'):
            self.assertTask(order, 'not_credited', "Returned 2 days ago, not credited")

    def test_overdue_activity(self):
        order = self.confirmed(commitment_date='2027-06-01 12:00:00')
        activity = order.activity_schedule('mail.mail_activity_data_todo', self.day('2027-05-01'), "Call")
        self.assertTask(order, 'activity', "Activity 'Call' is 2 days overdue")
        activity.date_deadline = '2027-05-03'
        self.assertFalse(self.task(order), "without any event")
        activity.date_deadline = '2027-05-02'
        self.assertTask(order, 'activity', "Activity 'Call' is 1 day overdue")
        activity.action_feedback()
        self.assertFalse(self.task(order))

    def test_history_and_cancelled_orders_need_nobody(self):
        history, cancelled = (self.confirmed(commitment_date='2027-01-01 12:00:00') for _n in range(2))
        history.sales_history = True
        history.user_id = self.salesman
        cancelled._action_cancel()
        self.assertFalse(self.task(history + cancelled))

    def task(self, orders):
        self.dispatch()
        self.env.invalidate_all()
        return self.worklist.search([('order_id', 'in', orders.ids)])

    def test_every_cause_has_its_sentence_and_its_rank(self):
        self.assertEqual(set(self.worklist._select_causes(SQL("CURRENT_DATE"))), {name for name, _label in CAUSES})
        self.assertEqual(set(WEIGHTS), {name for name, _label in CAUSES})
        for reason in ('goods', 'operation', 'no_delivery', 'service', 'not_invoiced', 'preparing', 'ready', 'partial'):
            self.assertIn(f'late_{reason}', SENTENCES)
            self.assertIn(f'due_{reason}', SENTENCES)
        order = self.confirmed(12, commitment_date='2027-04-29 12:00:00')
        task = self.task(order)
        # weight 10, 4 days, 1,200
        self.assertAlmostEqual(task.priority, 10 * 1.4 * 3.0828, places=2)
        self.assertIn("weight 10 × 1.4 for 4 days × 3.1 for", task.priority_text)

    def test_urgent_and_valuable_first(self):
        little = self.confirmed(1, commitment_date='2027-05-01 12:00:00')
        much = self.confirmed(3, commitment_date='2027-05-01 12:00:00')
        long_ago = self.confirmed(1, commitment_date='2027-04-10 12:00:00')
        silent = self.quotation(50)
        with freeze_time('2027-04-24 12:00:00'):
            silent.action_quotation_sent()
            self.env.cr.flush()
        silent.validity_date = False
        tasks = self.task(little + much + long_ago + silent)
        self.assertEqual(tasks.order_id.ids, (long_ago + much + little + silent).ids)

    # -- snoozing

    def test_snoozed_for_a_day_or_a_week_it_comes_back(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00', user_id=self.salesman.id)
        own = self.task(order).with_user(self.salesman)
        for method, back in (
            (own.action_snooze_day, '2027-05-04 00:00:00'), (own.action_snooze_week, '2027-05-10 00:00:00'),
        ):
            method()
            self.env.invalidate_all()
            self.assertTrue(own.is_snoozed)
            self.assertFalse(own.search([('is_snoozed', '=', False), ('order_id', '=', order.id)]))
            self.assertFalse(self.task(order).is_snoozed, "only for whoever does it")
            with freeze_time(back):
                self.env.invalidate_all()
                self.assertFalse(own.is_snoozed)
        own.action_wake()
        self.env.invalidate_all()
        self.assertFalse(own.is_snoozed)
        self.assertFalse(self.env['sales.order.snooze'].search([('order_id', '=', order.id)]))

    def test_nobody_snoozes_what_they_may_not_see(self):
        order = self.confirmed(commitment_date='2027-05-01 12:00:00', user_id=self.manager.id)
        task = self.task(order)
        with self.assertRaises(AccessError):
            task.with_user(self.salesman).action_snooze_day()
        task.with_user(self.manager).action_snooze_day()
        self.assertFalse(self.env['sales.order.snooze'].with_user(self.salesman).search([]))
        with self.assertRaises(AccessError):
            self.env['sales.order.snooze'].with_user(self.salesman).create({
                'user_id': self.salesman.id, 'order_id': order.id, 'until': '2027-06-01'})

    def test_a_snoozed_order_can_be_deleted(self):
        order = self.quotation(validity_date='2027-05-03')
        self.task(order).action_snooze_week()
        order.unlink()
        self.assertFalse(self.task(order))

    def test_queries_do_not_grow_with_the_rows(self):
        orders = self.env['sale.order'].union(*[
            self.confirmed(1, commitment_date='2027-05-01 12:00:00') for _n in range(8)])
        for order in orders:
            order.activity_schedule('mail.mail_activity_data_todo', self.day('2027-04-01'), "Call")
        counts = []
        for some in (orders[:1], orders[:1], orders):
            self.task(some)
            before = self.env.cr.sql_log_count
            tasks = self.worklist.search([('order_id', 'in', some.ids)])
            tasks.mapped(lambda task: (task.sentence, task.priority_text))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_the_overview_counts_ones_own(self):
        before = self.env['sales.overview'].with_user(self.salesman)._get_cards(self.day(NOW[:10]), self.day(NOW[:10]))
        self.confirmed(1, commitment_date='2027-05-01 12:00:00', user_id=self.salesman.id)
        self.dispatch()
        cards = self.env['sales.overview'].with_user(self.salesman)._get_cards(self.day(NOW[:10]), self.day(NOW[:10]))
        self.assertEqual(cards['worklist']['value'], before['worklist']['value'] + 1)
