from unittest.mock import Mock, patch

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, freeze_time, new_test_user, tagged

from odoo.addons.sms_addon.controllers.portal import SalesTimelinePortal

from .common import LedgerCommon


class TimelineCommon(LedgerCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.goods = cls.env['product.product'].create({
            'name': "Goods", 'is_storable': True, 'list_price': 100, 'invoice_policy': 'order',
            'taxes_id': [Command.clear()]})
        cls.stock = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1).lot_stock_id

    def confirmed(self, **values):
        order = self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'user_id': self.salesman.id,
            'order_line': [Command.create({'product_id': self.goods.id, 'product_uom_qty': 2})], **values})
        self.env.cr.flush()
        order.action_confirm()
        self.env.cr.flush()
        return order

    def deliver(self, order):
        self.env['stock.quant']._update_available_quantity(self.goods, self.stock, 10)
        picking = order.picking_ids.filtered(lambda picking: picking.state not in ('done', 'cancel'))
        picking.move_ids.quantity = 2
        picking.move_ids.picked = True
        picking.with_context(skip_sms=True).button_validate()
        self.env.cr.flush()


@tagged('post_install', '-at_install')
class TestSalesOrderTimeline(TimelineCommon):

    def labels(self, timeline):
        return [step['type'] for step in timeline['steps'] if step['milestone']]

    def test_steps_with_who_when_and_how_long(self):
        with freeze_time('2026-05-04 08:00:00'):
            order = self.env['sale.order'].with_user(self.salesman).create({
                'partner_id': self.customers[0].id,
                'order_line': [Command.create({'product_id': self.goods.id, 'product_uom_qty': 2})]})
            self.env.cr.flush()
        with freeze_time('2026-05-06 09:00:00'):
            order.with_user(self.manager).action_confirm()
            self.env.cr.flush()
        steps = [step for step in order.get_timeline()['steps'] if step['milestone']]
        self.assertEqual([step['type'] for step in steps[:2]], ['order.created', 'order.confirmed'])
        self.assertEqual([step['user_name'] for step in steps[:2]], ["Own Documents", "Manager"])
        self.assertEqual(steps[1]['seconds'], (2 * 24 + 1) * 3600)
        self.assertIn("200", steps[1]['text'])

    @freeze_time('2026-05-10 12:00:00')
    def test_what_is_late_against_the_promised_date(self):
        order = self.confirmed(commitment_date='2026-05-07 10:00:00')
        timeline = order.get_timeline()
        self.assertEqual(timeline['late_days'], 3)
        [ship] = [step for step in timeline['next'] if step['icon'] == 'fa-truck']
        self.assertTrue(ship['late'])
        self.assertEqual(ship['text'], "waits for goods")
        self.deliver(order)
        timeline = order.get_timeline()
        self.assertEqual(timeline['late_days'], 0, "it is no longer awaited")
        self.assertEqual(
            [step['late_days'] for step in timeline['steps'] if step['type'] == 'delivery.shipped'], [3])

    def test_the_promised_day_is_that_of_the_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        with freeze_time('2026-05-07 17:00:00'):  # the 8th in Shanghai
            order = self.confirmed(commitment_date='2026-05-07 10:00:00')
            self.assertEqual(order.get_timeline()['late_days'], 1)

    def test_what_comes_next(self):
        quotation = self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'validity_date': fields.Date.today()})
        [answer] = quotation.get_timeline()['next']
        self.assertFalse(answer['late'])
        quotation.validity_date = fields.Date.subtract(fields.Date.today(), days=1)
        self.assertTrue(quotation.get_timeline()['next'][0]['late'])
        order = self.confirmed()
        self.assertEqual([step['icon'] for step in order.get_timeline()['next']], ['fa-truck', 'fa-file-text-o'])
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual([step['icon'] for step in order.get_timeline()['next']], ['fa-truck', 'fa-money'])
        order._action_cancel()
        self.assertFalse(order.get_timeline()['next'])

    def test_changes_are_told_in_words(self):
        order = self.confirmed()
        order.write({'user_id': self.manager.id})
        order.order_line.price_unit = 90
        self.env.cr.flush()
        texts = {step['type']: step['text'] for step in order.get_timeline()['steps']}
        self.assertIn("Own Documents → Manager", texts['order.changed'])
        self.assertIn("Goods", texts['line.changed'])
        self.assertIn("100.0 → 90.0", texts['line.changed'])

    def test_only_whoever_may_read_the_order_reads_its_timeline(self):
        order = self.confirmed(user_id=self.manager.id)
        self.assertTrue(order.with_user(self.all_leads).get_timeline()['steps'])
        for user in (self.salesman, self.portal):
            with self.assertRaises(AccessError):
                order.with_user(user).get_timeline()

    def test_a_long_timeline_takes_three_queries_more(self):
        order = self.confirmed()
        self.env['sales.event']._insert([
            {'type': 'order.changed', 'model': 'sale.order', 'res_id': order.id, 'order_id': order.id,
             'company_id': self.company.id, 'user_id': self.manager.id,
             'payload': {'commitment_date': [False, '2027-01-01 00:00:00']}}
            for _event in range(200)])
        order = order.with_user(self.salesman)
        form = self.env['sale.order'].with_user(self.salesman).get_view(
            self.env.ref('sale.view_order_form').id)['arch']
        self.assertIn('sales_order_timeline', form)
        # what the form itself reads
        specification = {name: {} for name in (
            'state', 'commitment_date', 'expected_date', 'delivery_status', 'invoice_status', 'validity_date',
            'picking_ids', 'invoice_ids', 'company_id', 'sales_history')}
        specification['currency_id'] = {'fields': {'display_name': {}}}
        order.get_timeline()
        self.env.invalidate_all()
        self.assertTrue(order.env.user.has_group('sales_team.group_sale_salesman'))
        order.web_read(specification)
        order.env.user.tz, order.company_id.sales_timezone, order.picking_ids.mapped('scheduled_date')
        with self.assertQueryCount(3):
            timeline = order.get_timeline()
        self.assertGreater(len(timeline['steps']), 200)

    def test_no_milestone_of_a_large_order_is_left_out(self):
        order = self.confirmed()
        self.env['sales.event']._insert([
            {'type': 'move.done', 'model': 'stock.move', 'res_id': n, 'order_id': order.id,
             'company_id': self.company.id}
            for n in range(20)])
        with patch('odoo.addons.sms_addon.models.sales_order_timeline.LIMIT', 5):
            steps = order.get_timeline()['steps']
        self.assertEqual(self.labels({'steps': steps})[:2], ['order.created', 'order.confirmed'])
        self.assertEqual(len([step for step in steps if not step['milestone']]), 5)

    def test_a_customer_is_not_told_what_was_taken_back(self):
        order = self.confirmed()
        order._action_cancel()
        self.env.cr.flush()
        order.action_draft()
        self.env.cr.flush()
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self.env.cr.flush()
        told = [step['label'] for step in order.get_customer_timeline()['steps']]
        self.assertNotIn("The order was cancelled", told)
        self.assertIn("We issued the invoice", told)
        invoice.button_draft()
        invoice.button_cancel()
        self.env.cr.flush()
        self.assertNotIn("We issued the invoice", [step['label'] for step in order.get_customer_timeline()['steps']])

    # -- live

    def test_an_event_is_told_on_the_channel_of_its_order(self):
        order = self.confirmed()
        before = self.env['bus.bus'].sudo().search_count([])
        self.dispatch(self.env['sales.consumer'].search([('reader', '=', 'sales.reader.screen')]))
        self.env.cr.flush()
        messages = self.env['bus.bus'].sudo().search([], order='id')[before:]
        channel = f'"sale.order",{order.id},"timeline"'
        mine = messages.filtered(lambda message: channel in message.channel.replace(' ', ''))
        self.assertEqual(len(mine), 1)
        self.assertNotIn("Alpha", mine.message, "the message says only that there is something to read")

    def test_channels_of_orders_that_may_not_be_read_are_dropped(self):
        own, other = self.confirmed(), self.confirmed(user_id=self.manager.id)
        websocket = self.env['ir.websocket'].with_user(self.salesman)
        wanted = [f'sales_order_timeline_{order_id}' for order_id in (own.id, other.id, 999999999)]
        with self.mock_request():
            channels = websocket._build_bus_channel_list([*wanted, 'sales_order_timeline_x'])
        timelines = [channel for channel in channels if isinstance(channel, tuple) and channel[1] == 'timeline']
        self.assertEqual(timelines, [(own.with_user(self.salesman), 'timeline')])
        self.assertFalse(set(wanted) & {channel for channel in channels if isinstance(channel, str)})

    def mock_request(self):
        return patch('odoo.addons.bus.models.ir_websocket.wsrequest', Mock(session=Mock(uid=1)))


@tagged('post_install', '-at_install')
class TestPortalTimeline(HttpCase, TimelineCommon):

    def test_the_customer_sees_plain_words(self):
        order = self.confirmed(commitment_date='2030-05-07 10:00:00')
        self.deliver(order)
        page = self.url_open(order.get_portal_url()).text
        self.assertIn("Where your order is", page)
        self.assertIn("Your order is confirmed", page)
        self.assertIn("Everything has been delivered", page)
        start = page.index("Where your order is")
        told = page[start:page.index('</ol>', start)]
        for secret in ("Own Documents", order.picking_ids.name, "Goods reserved", "move"):
            self.assertNotIn(secret, told)

    def ask(self, order_id, **params):
        return self.make_jsonrpc_request(f'/my/orders/{order_id}/timeline', params)

    def test_only_with_the_token_of_the_order(self):
        order, other = self.confirmed(), self.confirmed()
        token, other_token = order._portal_ensure_token(), other._portal_ensure_token()
        self.assertIn("Your order is confirmed", self.ask(order.id, access_token=token))
        for guess in (None, '', other_token, token[:-1], {'a': 1}, True, token.upper()):
            self.assertIs(self.ask(order.id, access_token=guess), False)
        self.assertIs(self.ask(999999999, access_token=token), False, "as if it were another customer's")

    def test_a_portal_user_sees_own_orders_only(self):
        user = new_test_user(self.env, 'portal timeline', 'base.group_portal', password='portal timeline')
        own, other = self.confirmed(partner_id=user.partner_id.id), self.confirmed()
        own.message_subscribe(user.partner_id.ids)
        self.authenticate('portal timeline', 'portal timeline')
        self.assertIn("Your order is confirmed", self.ask(own.id))
        self.assertIs(self.ask(other.id), False)

    def test_the_route_needs_no_more_than_the_hosts_page(self):
        self.assertTrue(SalesTimelinePortal.portal_order_timeline.original_routing['readonly'])

    def test_the_customer_timeline_cannot_be_called_by_rpc(self):
        order = self.confirmed()
        self.authenticate('admin', 'admin')
        with self.assertRaisesRegex(Exception, "private|AccessError|Odoo Server Error"):
            self.make_jsonrpc_request('/web/dataset/call_kw', {
                'model': 'sale.order', 'method': 'get_customer_timeline', 'args': [order.ids], 'kwargs': {}})

    def test_tour(self):
        order = self.confirmed(name='TIMELINE/1', commitment_date='2020-01-01 10:00:00')
        self.start_tour(f'/odoo/sales/{order.id}', 'sms_addon_order_timeline', login='admin')
