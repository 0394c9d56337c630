import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .alerts_common import AlertsCommon
from .test_sales_broker import BrokerCommon


class Listener(HTTPServer):
    """A system outside that takes what webhooks post."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.received = []
        self.url = f'http://127.0.0.1:{self.server_port}/alerts'
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.server.received.append((self.path, json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass  # the test says what came


class MovingCommon(AlertsCommon):

    def ship_too_much(self):
        """Ship four of a product of which there is nothing, and have all readers follow."""
        goods = self.env['product.product'].create({
            'name': "Moved", 'default_code': 'MOV', 'is_storable': True, 'standard_price': 3,
            'responsible_id': self.planner.id})
        move = self.env['stock.move'].create({
            'product_id': goods.id, 'product_uom_qty': 4, 'location_id': self.stock.lot_stock_id.id,
            'location_dest_id': self.env.ref('stock.stock_location_customers').id})
        move._action_confirm()
        move.quantity = 4
        move.picked = True
        move._action_done()
        self.dispatch(self.env['sales.consumer'].search([('reader', '=', 'sales.reader.stock')]))
        return goods

    def expected(self, **values):
        return {
            'state': 'open', 'kind': 'negative', 'severity': '3',
            'product': "[MOV] Moved", 'product_code': 'MOV', 'warehouse': self.stock.name, 'value_at_risk': 12.0,
            'currency': self.company.currency_id.name, 'owner': 'planner', **values}


@tagged('post_install', '-at_install')
class TestStockAlertWebhook(MovingCommon):
    """A rule posts its alerts to another system by a webhook action of the host."""

    def setUp(self):
        super().setUp()
        self.listener = Listener()
        self.addCleanup(self.listener.stop)
        names = self.env['ir.model.fields'].search([
            ('model', '=', 'sales.stock.alert'), ('name', 'in', ('details', 'severity'))])
        self.webhook = self.env['ir.actions.server'].create({
            'name': "Tell the Planning System", 'state': 'webhook', 'webhook_url': self.listener.url,
            'model_id': self.env['ir.model']._get_id('sales.stock.alert'),
            'webhook_field_ids': [Command.set(names.ids)]})
        self.dispatch()  # what the records of the test have caused so far

    def publish(self):
        return self.alert_set(([('qty_on_hand', '<', 0)], {
            'alert_kind': 'negative', 'alert_severity': '3', 'server_action_id': self.webhook.id}))

    def test_from_a_move_of_goods_to_the_other_system(self):
        self.assertFalse(self.webhook.warning)
        self.publish()
        goods = self.ship_too_much()
        alert = self.alerts.search([('product_id', '=', goods.id)])
        self.assertEqual(self.listener.received, [], "nothing is sent before it is certain")
        self.env.cr.postcommit.run()
        [(path, body)] = self.listener.received
        self.assertEqual(path, '/alerts')
        self.assertEqual((body['_model'], body['_id'], body['severity']), ('sales.stock.alert', alert.id, '3'))
        details = body['details']
        self.assertEqual(details['alert'], "[MOV] Moved: -4 on hand")
        self.assertEqual({name: details[name] for name in self.expected()}, self.expected())
        self.assertEqual(details['figures']['qty_on_hand'], -4)

    def test_an_alert_that_goes_on_is_not_sent_again(self):
        self.publish()
        self.ship_too_much()
        self.alerts._evaluate()
        self.env.cr.postcommit.run()
        self.assertEqual(len(self.listener.received), 1)

    def test_whoever_may_not_run_the_webhook_does_not_publish_it(self):
        self.webhook.group_ids = self.env.ref('base.group_system')
        with self.assertRaises(AccessError):
            self.publish()


@tagged('post_install', '-at_install')
class TestStockAlertBroker(MovingCommon, BrokerCommon):
    """Alerts go to RabbitMQ as messages: when they open, and when they close."""

    def test_opening_and_closing_are_messages(self):
        self.broker.event_types = 'alert'
        queue = self.bind('sales.alert.#')
        self.dispatch()
        self.read(queue)
        self.alert_set(([('qty_on_hand', '<', 0)], {'alert_kind': 'negative', 'alert_severity': '3'}))
        goods = self.ship_too_much()
        self.dispatch(self.broker.consumer_id)
        [opened] = self.read(queue)
        alert = self.alerts.search([('product_id', '=', goods.id)])
        self.assertEqual(opened.delivery_info['routing_key'], 'sales.alert.opened')
        event = json.loads(opened.body)
        self.assertEqual((event['type'], event['subject']), (
            'odoo.sales.alert.opened', f'sales.stock.alert/{alert.id}'))
        details = event['data']['details']
        self.assertEqual({name: details[name] for name in self.expected()}, self.expected())
        self.env['stock.quant']._update_available_quantity(goods, self.stock.lot_stock_id, 9)
        self.dispatch(self.env['sales.consumer'].search([('reader', '=', 'sales.reader.stock')]))
        self.dispatch(self.broker.consumer_id)
        [closed] = self.read(queue)
        details = json.loads(closed.body)['data']['details']
        self.assertEqual((details['state'], details['reason']), ('closed', 'cause'))
