from unittest.mock import patch

import psycopg2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged
from odoo.tools import SQL, mute_logger

from .common import LedgerCommon


@tagged('post_install', '-at_install')
class TestSalesEvent(LedgerCommon):
    """What happens is in the ledger, once, with the change itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stock = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1).lot_stock_id
        cls.goods = cls.env['product.product'].create({
            'name': "Goods", 'is_storable': True, 'list_price': 100, 'invoice_policy': 'delivery',
            'taxes_id': [Command.clear()]})
        cls.env['stock.quant']._update_available_quantity(cls.goods, cls.stock, 100)

    def quotation(self, quantity=2, **values):
        return self.env['sale.order'].create({
            'partner_id': self.customers[0].id,
            'order_line': [Command.create({'product_id': self.goods.id, 'product_uom_qty': quantity})],
            **values,
        })

    def deliver(self, picking, quantity=None):
        for move in picking.move_ids:
            move.quantity = move.product_uom_qty if quantity is None else quantity
            move.picked = True
        picking.with_context(skip_backorder=True, skip_sms=True).button_validate()

    def test_the_story_of_an_order(self):
        order = self.quotation()
        self.assertEqual(self.event_types(order_id=order.id), ['order.created'])
        order.action_quotation_sent()
        self.env.cr.flush()
        order.action_confirm()
        self.env.cr.flush()
        self.deliver(order.picking_ids)
        invoice = order._create_invoices()
        invoice.action_post()
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids).create({})._create_payments()
        types = self.event_types(order_id=order.id)
        milestones = [kind for kind in types if not kind.startswith(('move.', 'line.'))]
        self.assertEqual(
            [kind for kind in milestones if kind.startswith('order.')],
            ['order.created', 'order.sent', 'order.confirmed', 'order.delivered', 'order.invoiced'])
        self.assertEqual(
            [kind for kind in milestones if kind.startswith('delivery.')],
            ['delivery.planned', 'delivery.ready', 'delivery.shipped'])
        self.assertEqual(
            [kind for kind in milestones if kind.startswith('invoice.')],
            ['invoice.created', 'invoice.posted', 'invoice.paid'])
        self.assertIn('move.done', types)
        self.assertIn('payment.created', self.event_types(partner_id=self.customers[0].id))

    def test_an_event_says_what_changed_and_who_did_it(self):
        order = self.quotation(user_id=self.salesman.id)
        self.env.cr.flush()
        order.with_user(self.salesman).action_confirm()
        [event] = self.events(type='order.confirmed')
        self.assertEqual(event.payload['state'], ['draft', 'sale'])
        self.assertEqual(event.payload['amount_total'], 200)
        self.assertEqual(event.payload['currency'], self.company.currency_id.name)
        self.assertEqual((event.user_id, event.company_id), (self.salesman, self.company))
        self.assertEqual((event.model, event.res_id, event.partner_id), ('sale.order', order.id, self.customers[0]))

    def test_a_return_and_its_credit_note(self):
        order = self.quotation()
        order.action_confirm()
        self.deliver(order.picking_ids)
        wizard = Form(self.env['stock.return.picking'].with_context(
            active_id=order.picking_ids.id, active_ids=order.picking_ids.ids, active_model='stock.picking')).save()
        wizard.product_return_moves.quantity = 2
        back = self.env['stock.picking'].browse(wizard.action_create_returns()['res_id'])
        self.deliver(back)
        self.assertIn('delivery.returned', self.event_types(order_id=order.id))

    def test_a_cancelled_order(self):
        order = self.quotation()
        order.action_confirm()
        order._action_cancel()
        self.assertIn('order.cancelled', self.event_types(order_id=order.id))
        self.assertIn('delivery.cancelled', self.event_types(order_id=order.id))
        order.action_draft()
        self.assertIn('order.reset', self.event_types(order_id=order.id))

    def test_picked_packed_and_shipped(self):
        warehouse = self.env['stock.warehouse'].search([('company_id', '=', self.company.id)], limit=1)
        warehouse.delivery_steps = 'pick_pack_ship'
        order = self.quotation()
        order.action_confirm()
        while waiting := order.picking_ids.filtered(lambda picking: picking.state == 'assigned'):
            self.deliver(waiting[0])
        self.assertEqual(
            [kind for kind in self.event_types(order_id=order.id) if kind in (
                'delivery.picked', 'delivery.packed', 'delivery.shipped')],
            ['delivery.picked', 'delivery.packed', 'delivery.shipped'])

    def test_changes_of_lines(self):
        order = self.quotation()
        self.env.cr.flush()
        order.order_line.product_uom_qty = 5
        order.order_line.price_unit = 80
        self.assertEqual(self.event_types(order_id=order.id), ['order.created', 'line.changed'])
        event = self.events(type='line.changed')
        self.assertEqual(event.payload['product_uom_qty'], [2, 5])
        self.assertEqual(event.payload['price_unit'], [100, 80])
        order.order_line = [Command.create({'product_id': self.goods.id}), Command.create({
            'display_type': 'line_section', 'name': "Only a title"})]
        self.env.cr.flush()
        order.order_line[0].unlink()
        self.assertEqual(self.event_types(order_id=order.id)[2:], ['line.added', 'line.removed'])

    def test_the_promised_date_and_the_salesperson(self):
        order = self.quotation()
        self.env.cr.flush()
        order.write({'commitment_date': '2027-01-05 10:00:00', 'user_id': self.salesman.id})
        event = self.events(type='order.changed')
        self.assertEqual(event.payload['commitment_date'], [False, '2027-01-05 10:00:00'])
        self.assertEqual(event.payload['user_id'][1], {'id': self.salesman.id, 'name': "Own Documents"})

    def test_what_is_set_to_the_same_value_is_no_event(self):
        order = self.quotation()
        self.env.cr.flush()
        before = self.last_event_id()
        order.write({'user_id': order.user_id.id, 'note': "Call first"})
        order.order_line.product_uom_qty = order.order_line.product_uom_qty
        self.customers[0].name = self.customers[0].name
        self.env.cr.flush()
        self.assertEqual(self.last_event_id(), before)

    def test_a_deleted_order_leaves_its_story(self):
        order = self.quotation(name='GONE/1')
        self.env.cr.flush()
        order_id = order.id
        order.unlink()
        self.assertEqual(self.event_types(order_id=order_id), ['order.created', 'order.deleted'])
        event = self.events(type='order.deleted')
        self.assertEqual(event.payload['name'], 'GONE/1')
        event.read()  # a dangling reference is nothing to fail on

    def test_screens_read_events_of_what_is_deleted(self):
        order = self.quotation()
        self.env.cr.flush()
        order.unlink()
        kept = self.quotation()
        self.env.cr.flush()
        ledger = self.env['sales.event'].with_user(self.manager)
        domain = [('id', '>', self.start), ('type', '=', 'order.created')]
        rows = ledger.web_search_read(domain, {
            name: {'fields': {'display_name': {}}} for name in ('order_id', 'partner_id', 'product_id', 'user_id')})
        self.assertEqual(
            [row['order_id'] and row['order_id']['id'] for row in rows['records']], [kept.id, False])
        groups = ledger.formatted_read_group(domain, ['order_id'], ['__count'])
        self.assertEqual({group['order_id'] and group['order_id'][0]: group['__count'] for group in groups},
                         {kept.id: 1, False: 1})
        self.manager.group_ids += self.env.ref('base.group_allow_export')
        self.env.invalidate_all()
        self.assertEqual(len(ledger.search(domain).export_data(['order_id/name', 'type'])['datas']), 2)

    def test_what_came_and_went_within_a_flush_never_was(self):
        order = self.quotation()
        order_id = order.id
        order.unlink()
        self.assertFalse(self.events(order_id=order_id))

    def test_lines_that_go_with_their_order_are_nothing_to_fail_on(self):
        order = self.quotation()
        self.env.cr.flush()
        order.order_line.product_uom_qty = 7
        order.unlink()
        self.assertNotIn('line.changed', self.event_types())

    def test_leads(self):
        lead = self.env['crm.lead'].create({
            'name': "Big one", 'type': 'opportunity', 'partner_id': self.customers[1].id})
        self.env.cr.flush()
        stage = self.env['crm.stage'].search([('is_won', '=', False), ('id', '!=', lead.stage_id.id)], limit=1)
        lead.stage_id = stage
        self.env.cr.flush()
        lead.action_set_lost()
        self.env.cr.flush()
        lead.action_unarchive()
        self.env.cr.flush()
        lead.action_set_won()
        kinds = self.event_types(lead_id=lead.id)
        self.assertEqual(
            [kind for kind in kinds if kind != 'lead.stage'],
            ['lead.created', 'lead.lost', 'lead.restored', 'lead.won'])
        self.assertIn('lead.stage', kinds)

    def test_customers_prices_meetings_and_activities(self):
        partner = self.env['res.partner'].create({'name': "New Customer"})
        self.env.cr.flush()
        partner.email = 'new@example.com'
        self.goods.list_price = 120
        self.goods.standard_price = 60
        order = self.quotation()
        self.env['calendar.event'].create({
            'name': "Visit", 'start': '2027-01-01 10:00:00', 'stop': '2027-01-01 11:00:00',
            'partner_ids': [Command.link(partner.id)]})
        activity = order.activity_schedule('mail.mail_activity_data_todo', summary="Call")
        self.env.cr.flush()
        activity.action_feedback()
        kinds = self.event_types()
        for kind in ('customer.created', 'customer.changed', 'product.price', 'product.cost', 'meeting.planned',
                     'activity.planned', 'activity.done'):
            self.assertIn(kind, kinds)
        self.assertEqual(self.events(type='product.cost').payload['standard_price'], [0, 60])
        self.assertEqual(self.events(type='activity.done').order_id, order)

    # -- the transaction

    def test_one_insert_whatever_the_number_of_events(self):
        statements = []
        execute = type(self.env.cr).execute

        def counting(cr, query, params=None, log_exceptions=True):
            code = query.code if isinstance(query, SQL) else query
            if 'INSERT INTO sales_event' in code:
                statements.append(code)
            return execute(cr, query, params, log_exceptions)

        with patch.object(type(self.env.cr), 'execute', counting):
            for _n in range(20):
                self.quotation()
            self.env.cr.flush()
        self.assertEqual(len(statements), 1)
        self.assertEqual(len(self.events(type='order.created')), 20)

    def test_a_rolled_back_savepoint_leaves_none(self):
        order = self.quotation()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            order.action_confirm()
            self.env.cr.flush()
            order.order_line.product_uom_qty = 9
            1 / 0  # noqa: B018
        self.env.cr.flush()
        self.assertEqual(self.event_types(order_id=order.id), ['order.created'])

    def test_the_readers_are_woken_once_and_again_after_a_rollback(self):
        cron = self.env.ref('sms_addon.ir_cron_sales_consumer')
        self.env.cr.postcommit.data.clear()

        def triggers():
            self.env.cr.flush()
            return self.env['ir.cron.trigger'].search_count([('cron_id', '=', cron.id)])
        before = triggers()
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.quotation()
            self.assertEqual(triggers(), before + 1)
            1 / 0  # noqa: B018
        self.assertEqual(triggers(), before)
        self.quotation()
        self.quotation()
        self.assertEqual(triggers(), before + 1)

    def test_without_their_cron_documents_are_saved(self):
        self.env.ref('sms_addon.ir_cron_sales_consumer').unlink()
        self.env.cr.postcommit.data.clear()
        self.assertEqual(self.event_types(order_id=self.quotation().id), ['order.created'])

    @settings(
        max_examples=25, deadline=None, database=None, derandomize=True,
        suppress_health_check=[HealthCheck.differing_executors])
    @given(steps=st.lists(st.tuples(st.sampled_from(['price', 'quantity', 'flush', 'savepoint']), st.integers(1, 9)),
                          min_size=1, max_size=12))
    def test_the_ledger_adds_up_to_what_the_line_says(self, steps):
        """Whatever is changed, flushed and rolled back, first value and last value of the events chain up."""
        order = self.quotation()
        self.env.cr.flush()
        line, start = order.order_line, self.last_event_id()
        state = {'price_unit': line.price_unit, 'product_uom_qty': line.product_uom_qty}
        for kind, number in steps:
            if kind == 'flush':
                self.env.cr.flush()
            elif kind == 'savepoint':
                with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
                    line.write({'price_unit': number * 1000, 'product_uom_qty': number * 100})
                    1 / 0  # noqa: B018
            else:
                line[{'price': 'price_unit', 'quantity': 'product_uom_qty'}[kind]] = number
        self.env.cr.flush()
        for event in self.env['sales.event'].search([('id', '>', start), ('type', '=', 'line.changed')], order='id'):
            for name in state:
                if name in event.payload:
                    self.assertEqual(event.payload[name][0], state[name])
                    state[name] = event.payload[name][1]
        self.assertEqual(state, {'price_unit': line.price_unit, 'product_uom_qty': line.product_uom_qty})

    # -- append-only

    def test_nobody_changes_the_ledger(self):
        self.quotation()
        event = self.events()[0].sudo()
        for attempt in (
            lambda: event.write({'type': 'order.paid'}), event.unlink,
            lambda: self.env['sales.event'].sudo().create({'type': 'x', 'model': 'y', 'res_id': 1}),
        ):
            with self.assertRaises(UserError):
                attempt()
        for statement in ("UPDATE sales_event SET type = 'x'", "DELETE FROM sales_event", "TRUNCATE sales_event"):
            with (
                self.assertRaises(psycopg2.errors.RaiseException), mute_logger('odoo.sql_db'),
                self.env.cr.savepoint(flush=False),
            ):
                self.env.cr.execute(statement)

    def test_retention_keeps_what_a_reader_has_not_read(self):
        self.env['ir.config_parameter'].set_param('sms_addon.event_retention_days', '30')
        for days in (60, 50, 10):
            self.env['sales.event']._insert([{
                'type': 'order.created', 'model': 'sale.order', 'res_id': days,
                'date': fields.Datetime.to_string(fields.Datetime.subtract(fields.Datetime.now(), days=days))}])
        self.dispatch()
        slow = self.env['sales.consumer'].search([], limit=1)
        second = self.events(res_id=50)
        self.env.cr.execute(
            "UPDATE sales_consumer SET offset_id = %s, offset_xid = (SELECT xid FROM sales_event WHERE id = %s)"
            " WHERE id = %s", [second.id - 1, second.id, slow.id])
        self.env['sales.event']._gc_events()
        self.assertEqual(self.events().mapped('res_id'), [50, 10], "the slow reader still needs the second")
        self.env.invalidate_all()
        self.dispatch(slow)
        self.env['sales.event']._gc_events()
        self.assertEqual(self.events().mapped('res_id'), [10], "younger than the retention")
        self.env['ir.config_parameter'].set_param('sms_addon.event_retention_days', '0')
        self.env['sales.event']._gc_events()
        self.assertEqual(self.events().mapped('res_id'), [10])

    # -- rights

    def test_events_are_seen_by_whoever_sees_the_document(self):
        own, other = self.quotation(user_id=self.salesman.id), self.quotation(user_id=self.manager.id)
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        self.env.cr.flush()
        self.env['sales.event']._insert([{
            'type': 'order.created', 'model': 'sale.order', 'res_id': 1, 'company_id': elsewhere.id}])
        self.customers[0].city = "Ghent"

        def seen(user):
            self.env.cr.flush()
            return self.env['sales.event'].with_user(user).search([('id', '>', self.start)])
        self.assertEqual(seen(self.salesman).order_id, own)
        self.assertIn('customer.changed', seen(self.salesman).mapped('type'))
        self.assertEqual(seen(self.all_leads).order_id, own + other)
        self.assertNotIn(elsewhere, seen(self.manager).company_id)
        with self.assertRaises(AccessError):
            seen(self.portal)

    # -- imported and earlier history

    def test_an_imported_order_is_history(self):
        order = self.env['sale.order'].with_context(sales_import_history=True).create({
            'partner_id': self.customers[0].id, 'company_id': self.company.id, 'pricelist_id': False,
            'currency_id': self.company.currency_id.id, 'date_order': '2024-02-03 12:00:00'})
        event = self.events(order_id=order.id)
        self.assertTrue(event.history)
        self.assertEqual(event.date, fields.Datetime.to_datetime('2024-02-03 12:00:00'))

    def test_the_history_is_that_of_the_records_and_read_once(self):
        order = self.quotation()
        order.action_confirm()
        self.deliver(order.picking_ids)
        order._create_invoices().action_post()
        self.env.cr.flush()
        live = self.events(order_id=order.id)
        lived = {event.type for event in live if event.type not in (
            'delivery.ready', 'move.waiting', 'move.reserved')}
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
        self.env.cr.execute(SQL("DELETE FROM sales_event WHERE id > %s", self.start))
        self.env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'off'")
        self.env['sales.event.history']._read_all()
        told = self.events(order_id=order.id)
        self.assertEqual(set(told.mapped('type')), lived)
        self.assertTrue(all(told.mapped('history')))
        self.assertEqual(self.env['sales.event.history']._read_all(), 0, "a second time adds nothing")

    def test_history_that_was_asked_for_is_read_by_the_scheduled_action(self):
        self.env['sales.consumer'].action_read_history()
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_event_history').method_direct_trigger()
        self.assertFalse(self.env['ir.config_parameter'].get_param('sms_addon.ledger_history'))
        with self.assertRaises(AccessError):
            self.env['sales.consumer'].with_user(self.manager).action_read_history()
