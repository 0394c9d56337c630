from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import db_connect
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .common import LedgerCommon

READER = 'sales.reader.warehouse'
LOGGER = 'odoo.addons.sms_addon.models.sales_consumer'


@tagged('post_install', '-at_install')
class TestSalesConsumer(LedgerCommon):
    """A reader gets every event, in order, at least once, whatever happens to it or to others."""

    def setUp(self):
        super().setUp()
        self.consumer = self.env['sales.consumer'].search([('reader', '=', READER)])
        self.dispatch(self.consumer)
        self.got = []
        self.original_consume = type(self.env[READER])._consume
        self.poison = set()
        test, reader = self, type(self.env[READER])

        def _consume(self, events):
            test.got += events.ids
            if bad := test.poison & set(events.mapped('res_id')):
                raise ValueError(f"cannot read {min(bad)}")
        self.patch(reader, '_consume', _consume)
        self.patch(reader, '_reader_types', None)

    def emit(self, *numbers, **values):
        self.env['sales.event']._insert([
            {'type': 'order.created', 'model': 'sale.order', 'res_id': number, **values} for number in numbers])
        return self.env['sales.event'].search([('id', '>', self.last_event_id() - len(numbers))], order='id')

    def test_every_reader_has_its_place(self):
        self.assertTrue(self.consumer)
        self.assertEqual(self.consumer.name, "Sales warehouse")
        before = self.env['sales.consumer'].search_count([])
        self.env['sales.consumer']._create_missing()
        self.assertEqual(self.env['sales.consumer'].search_count([]), before)

    def test_events_come_once_and_in_order(self):
        events = self.emit(*range(10))
        self.patch(type(self.env[READER]), '_reader_batch', 4)
        self.assertEqual(self.consumer.lag, 10)
        self.dispatch(self.consumer)
        self.assertEqual(self.got, events.ids)
        self.dispatch(self.consumer)
        self.assertEqual(self.got, events.ids)
        self.env.invalidate_all()
        self.assertEqual((self.consumer.lag, self.consumer.state, self.consumer.offset_id),
                         (0, 'running', events[-1].id))

    def test_transactions_are_in_the_order_of_their_numbers(self):
        second, first = self.emit(1, 2)
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        # as texts they would sort the other way round
        for event, xid in ((first, '9000000000000009'), (second, '10000000000000000')):
            self.env.cr.execute(SQL("UPDATE sales_event SET xid = %s::xid8 WHERE id = %s", xid, event.id))
        self.dispatch(self.consumer)
        self.assertEqual(self.got, [first.id, second.id])

    def test_an_event_that_commits_late_is_not_skipped(self):
        late, early = self.emit(1, 2)
        # as if the first had been written by a transaction that is still running
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        self.env.cr.execute(SQL("UPDATE sales_event SET xid = '9000000000000000'::xid8 WHERE id = %s", late.id))
        horizon = SQL("'9000000000000000'::xid8")
        with patch.object(type(self.consumer), '_horizon', lambda self: horizon):
            self.dispatch(self.consumer)
        self.assertEqual(self.got, [early.id])
        self.dispatch(self.consumer)
        self.assertEqual(self.got, [early.id, late.id])

    def test_what_is_not_committed_is_below_no_horizon(self):
        self.emit(1)
        self.env.cr.execute("SELECT pg_current_xact_id()::text::bigint")
        [own] = self.env.cr.fetchone()
        with db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            [horizon] = cr.fetchone()
        self.assertLessEqual(horizon, own)

    @mute_logger(LOGGER)
    def test_a_failing_reader_keeps_its_place_and_backs_off(self):
        events = self.emit(1, 2, 3)
        self.poison = {2}
        with patch.object(fields.Datetime, 'now', lambda: fields.Datetime.to_datetime('2026-05-01 10:00:00')):
            self.dispatch(self.consumer)
            self.assertEqual(self.consumer.offset_id, events[0].id, "all before the failing one is done")
            self.assertEqual(self.consumer.failed_event_id, events[1].id)
            self.assertIn("cannot read 2", self.consumer.last_error)
            self.assertEqual(self.consumer.retry_at, fields.Datetime.to_datetime('2026-05-01 10:00:05'))
            got = len(self.got)
            self.dispatch(self.consumer)
            self.assertEqual(len(self.got), got, "it is not tried before its time")
            for delay in (10, 20, 40):
                self.consumer.retry_at = False
                self.dispatch(self.consumer)
                self.assertEqual(self.consumer.retry_at - fields.Datetime.now(), timedelta(seconds=delay))
        self.assertEqual(self.consumer.state, 'failing')
        self.poison = set()
        self.consumer.action_retry()
        self.dispatch(self.consumer)
        self.assertEqual(self.got[-2:], events[1:].ids)
        self.assertFalse(self.consumer.last_error or self.consumer.failure_count or self.consumer.retry_at)

    @mute_logger(LOGGER)
    def test_what_a_failing_reader_did_is_undone(self):
        self.emit(1)
        partner = self.customers[0]

        def _consume(self, events):
            partner.city = "Half done"
            raise ValueError("stop")
        with patch.object(type(self.env[READER]), '_consume', _consume):
            self.dispatch(self.consumer)
        self.env.invalidate_all()
        self.assertNotEqual(partner.city, "Half done")
        self.assertEqual(self.consumer.failure_count, 1)

    @mute_logger(LOGGER)
    def test_a_failing_reader_delays_no_other(self):
        other = self.env['sales.consumer'].create({'reader': READER, 'reader_res_id': 1})
        self.emit(1)
        self.poison = {1}
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_consumer').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((self.consumer.state, self.consumer.failure_count), ('failing', 1))
        self.assertEqual(other.failure_count, 1, "it was asked, too")
        rest = self.env['sales.consumer'].search([('id', 'not in', [self.consumer.id, other.id])])
        self.assertEqual(set(rest.mapped('lag')) - {0}, set())

    @mute_logger(LOGGER)
    def test_a_reader_that_cannot_even_be_asked_delays_no_other(self):
        gone = self.env['sales.consumer'].create({'reader': 'x.gone', 'sequence': 1})
        events = self.emit(1)
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_consumer').method_direct_trigger()
        self.assertEqual(self.got, events.ids)
        self.env['sales.consumer']._create_missing()
        self.assertFalse(gone.active, "the addon of the reader is gone, and it holds nothing back")

    @mute_logger(LOGGER)
    def test_an_event_is_set_aside_with_a_reason(self):
        events = self.emit(1, 2)
        self.poison = {1}
        self.dispatch(self.consumer)
        action = self.consumer.action_set_aside()
        admin = new_test_user(self.env, 'engine admin', 'sms_addon.sms_addon_group_admin')
        exclusion = self.env['sales.consumer.exclusion'].with_user(admin).with_context(**action['context']).create(
            {'reason': "Made by a broken import", 'error': "What a client says"})
        self.assertEqual(exclusion.event_id, events[0].id)
        self.assertIn("cannot read 1", exclusion.error)
        self.got.clear()
        self.dispatch(self.consumer)
        self.assertEqual(self.got, [events[1].id])
        with self.assertRaises(UserError):
            self.consumer.action_set_aside()

    def test_paused_and_resumed(self):
        self.consumer.action_pause()
        event = self.emit(1)
        self.dispatch(self.consumer)
        self.assertFalse(self.got)
        self.assertEqual(self.consumer.state, 'paused')
        self.consumer.action_resume()
        self.dispatch(self.consumer)
        self.assertEqual(self.got, event.ids)

    def test_a_reader_gets_the_types_it_wants_and_no_history(self):
        self.patch(type(self.env[READER]), '_reader_types', ('invoice.',))
        self.emit(1)
        self.emit(2, type='invoice.posted', history=True)
        wanted = self.emit(3, type='invoice.posted')
        self.dispatch(self.consumer)
        self.assertEqual(self.got, wanted.ids)
        self.patch(type(self.env[READER]), '_reader_history', True)
        wanted = self.emit(4, type='invoice.posted', history=True)
        self.dispatch(self.consumer)
        self.assertEqual(self.got[-1:], wanted.ids)

    def test_two_workers_do_not_meet(self):
        self.emit(1)
        self.consumer.lock_for_update()
        with db_connect(self.env.cr.dbname).cursor() as cr:
            other = self.consumer.with_env(self.env(cr=cr))
            self.assertEqual(other._dispatch_batch(), 0)

    def test_a_new_reader_is_told_only_what_is_new(self):
        new = self.env['sales.consumer']._create_for(self.env[READER].browse(7))
        [(news,)] = self.env.execute_query(SQL(
            "SELECT offset_xid = pg_snapshot_xmin(pg_current_snapshot()) FROM sales_consumer WHERE id = %s", new.id))
        self.assertTrue(news, "what is committed by now is not news to it, and nothing else is left out")

    def test_a_ledger_from_another_server_goes_on_being_read(self):
        read = self.emit(1)
        self.dispatch(self.consumer)
        unread = self.emit(2)
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        self.env.cr.execute("UPDATE sales_event SET xid = '7000000000000000'::xid8")
        self.env.cr.execute("UPDATE sales_consumer SET offset_xid = '7000000000000000'::xid8")
        self.got.clear()
        first = self.emit(4)  # written on the new server before anybody reads
        with self.assertLogs('odoo.addons.sms_addon.models.sales_event', 'WARNING'):
            self.env['sales.event']._adopt_moved()
        after = self.emit(3)
        self.dispatch(self.consumer)
        self.assertEqual(self.got, (unread + first + after).ids)
        self.assertNotIn(read.id, self.got)

    def test_what_is_written_first_on_another_server_is_read(self):
        self.emit(1)
        self.dispatch(self.consumer)
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        self.env.cr.execute("UPDATE sales_event SET xid = '7000000000000000'::xid8")
        self.env.cr.execute("UPDATE sales_consumer SET offset_xid = '7000000000000000'::xid8")
        self.got.clear()
        first = self.emit(2)
        with mute_logger('odoo.addons.sms_addon.models.sales_event'):
            self.env['sales.event']._adopt_moved()
        self.dispatch(self.consumer)
        self.assertEqual(self.got, first.ids)

    def test_queries_of_a_batch_do_not_grow_with_the_events(self):
        counts = []
        for number in (1, 1, 200):
            self.emit(*range(number))
            before = self.env.cr.sql_log_count
            self.consumer._dispatch_batch()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_rights(self):
        consumer = self.consumer.with_user(self.manager)
        self.assertTrue(consumer.name)
        for action in ('action_retry', 'action_pause', 'action_resume'):
            with self.assertRaises(AccessError):
                getattr(consumer, action)()
        with self.assertRaises(AccessError):
            self.consumer.with_user(self.salesman).read(['last_error'])
        with self.assertRaises(UserError):
            self.consumer.unlink()

    def test_the_reports_follow_the_ledger(self):
        self.patch(type(self.env[READER]), '_consume', self.original_consume)
        order = self.order([(self.products[0], 3, 50.0)])
        self.dispatch(self.consumer)
        self.assertEqual(
            self.analysis._read_group([('order_id', '=', order.id)], [], ['price_subtotal:sum']), [(150.0,)])
