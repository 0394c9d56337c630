import base64
import json
import os
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import kombu
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.sms_addon.tools import broker as kombu_broker

from .common import LedgerCommon

VARIABLE = 'SMS_TEST_AMQP_URL'


class BrokerCommon(LedgerCommon):
    """A broker record that leads to the real RabbitMQ, with an exchange and queues of this class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.amqp_url = os.environ.get(VARIABLE)
        if not cls.amqp_url:
            raise AssertionError(f"These tests need a RabbitMQ: {VARIABLE} is not set. `make test` starts one.")
        cls.admin = new_test_user(cls.env, 'engine', 'sms_addon.sms_addon_group_admin', name="Engine")
        cls.shop_user = new_test_user(
            cls.env, 'webshop', 'sales_team.group_sale_salesman,base.group_partner_manager', name="Webshop")
        cls.products[0].default_code, cls.products[1].default_code = 'CHAIR', 'TABLE'
        cls.products[1].barcode = '4006381333931'
        cls.customers[0].write({'ref': 'K1', 'email': 'alpha@example.com'})
        cls.number = 0

    def setUp(self):
        super().setUp()
        type(self).number += 1
        self.names = f'sms.test.{os.getpid()}.{type(self).__name__}.{self.number}'
        self.broker = self.make_broker()
        # without confirms, a message is counted as waiting only some time after it was sent
        self.connection = self.enterContext(
            kombu.Connection(self.amqp_url, transport_options={'confirm_publish': True}))
        self.channel = self.connection.channel()
        self.addCleanup(self.remove)

    def remove(self):
        channel = self.connection.channel()
        for queue in ('out', 'in', 'other'):
            channel.queue_delete(f'{self.names}.{queue}')
        channel.exchange_delete(f'{self.names}.exchange')

    def make_broker(self, **values):
        return self.env['sales.broker'].create({
            'name': "Test", 'url': self.amqp_url, 'direction': 'both', 'event_types': 'order, line',
            'exchange': f'{self.names}.exchange', 'queue': f'{self.names}.in', 'user_id': self.shop_user.id,
            'company_id': self.company.id, **values})

    def bind(self, pattern='#', name='out', **arguments):
        """Bind a queue to the exchange, as another system does."""
        exchange = kombu.Exchange(f'{self.names}.exchange', 'topic', durable=True)
        queue = kombu.Queue(f'{self.names}.{name}', exchange, routing_key=pattern, durable=True, **arguments)
        queue(self.channel).declare()
        return queue(self.channel)

    def read(self, queue):
        """Return all messages of a queue, and leave it empty."""
        messages = []
        while message := queue.get():
            message.ack()
            messages.append(message)
        return messages

    def send(self, *bodies):
        """Put messages into the incoming queue, as a storefront does."""
        queue = kombu.Queue(f'{self.names}.in', durable=True)(self.channel)
        queue.declare()
        for body in bodies:
            self.channel.basic_publish(
                self.channel.prepare_message(body if isinstance(body, bytes) else json.dumps(body).encode()),
                routing_key=queue.name)

    def receive(self):
        """Do what the scheduled action does."""
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_broker_receive').method_direct_trigger()
        self.env.invalidate_all()

    def dispatch(self, consumers=None):
        super().dispatch(consumers)
        self.env.invalidate_all()  # the lag is counted anew, as for each request

    def sent_events(self, order):
        return self.events(order_id=order.id).filtered(lambda event: event.type.startswith(('order.', 'line.')))

    def waiting(self, queue='in'):
        return self.channel.queue_declare(f'{self.names}.{queue}', passive=True).message_count

    def order_message(self, id_='1', lines=(('CHAIR', 2),), **data):
        return {
            'specversion': '1.0', 'id': id_, 'source': 'https://shop.example.com', 'type': 'order.create',
            'data': {
                'customer': {'ref': 'K1'},
                'lines': [{'code': code, 'quantity': count} for code, count in lines],
                **data,
            },
        }


@tagged('post_install', '-at_install')
class TestSalesBrokerSending(BrokerCommon):

    def setUp(self):
        super().setUp()
        self.queue = self.bind()
        self.dispatch(self.broker.consumer_id)  # what the records of the test have caused so far
        self.read(self.queue)

    def events_of(self, messages):
        return [json.loads(message.body) for message in messages]

    def test_events_arrive_as_cloudevents(self):
        order = self.order([(self.products[0], 2, 50)], client_order_ref='W-1')
        self.dispatch(self.broker.consumer_id)
        messages = self.read(self.queue)
        confirmed = next(message for message in messages if message.delivery_info['routing_key'].endswith('confirmed'))
        self.assertEqual(confirmed.delivery_info['routing_key'], 'sales.order.confirmed')
        self.assertEqual(confirmed.content_type, 'application/cloudevents+json')
        self.assertEqual(confirmed.headers['cloudEvents:type'], 'odoo.sales.order.confirmed')
        event = json.loads(confirmed.body)
        ledger = self.events(order_id=order.id, type='order.confirmed')
        uuid = self.env['ir.config_parameter'].get_param('database.uuid')
        self.assertEqual(event['id'], f'{uuid}-{ledger.id}')
        self.assertEqual(event['id'], confirmed.properties['message_id'])
        self.assertEqual(event['type'], 'odoo.sales.order.confirmed')
        self.assertEqual(event['source'], f'urn:uuid:{uuid}')
        self.assertEqual(event['subject'], f'sale.order/{order.id}')
        self.assertEqual(event['data']['order'], {'id': order.id, 'name': order.name, 'reference': 'W-1'})
        self.assertEqual(event['data']['customer'], {'id': self.customers[0].id, 'name': "Alpha", 'ref': 'K1'})
        self.assertEqual(event['data']['details'], ledger.payload)

    def test_messages_are_persistent(self):
        self.order([(self.products[0], 2, 50)])
        self.dispatch(self.broker.consumer_id)
        self.assertEqual({message.properties['delivery_mode'] for message in self.read(self.queue)}, {2})

    def test_order_within_a_document_is_kept(self):
        orders = [self.order([(self.products[n % 2], 1, 10)], state='draft') for n in range(5)]
        for _round in range(10):
            for order in orders:
                order.order_line.product_uom_qty += 1
                self.env.cr.flush()
        self.dispatch(self.broker.consumer_id)
        received = {}
        for event in self.events_of(self.read(self.queue)):
            received.setdefault(event['subject'], []).append(event['data']['event'])
        self.assertEqual(len(received), 5)
        for order in orders:
            ids = received[f'sale.order/{order.id}']
            self.assertEqual(ids, self.sent_events(order).ids)
            self.assertGreaterEqual(len(ids), 10)

    def test_only_events_asked_for_are_sent(self):
        self.broker.event_types = 'order.confirmed, invoice'
        self.order([(self.products[0], 2, 50)])
        self.dispatch(self.broker.consumer_id)
        self.assertEqual(
            {event['type'] for event in self.events_of(self.read(self.queue))}, {'odoo.sales.order.confirmed'})
        self.assertFalse(self.broker.lag)

    def test_events_of_other_companies_and_of_history_are_not_sent(self):
        other = self.env['res.company'].create({'name': "Other"})
        event = self.env['sales.event']
        for values, wanted in (
            ({'company_id': self.company.id}, True),
            ({'company_id': False}, True),
            ({'company_id': other.id}, False),
            ({'company_id': self.company.id, 'history': True}, False),
        ):
            self.assertEqual(self.broker._wants(event.new({'type': 'order.confirmed', **values})), wanted)
        self.broker.write({'company_id': False, 'direction': 'out'})
        self.assertTrue(self.broker._wants(event.new({'type': 'order.confirmed', 'company_id': other.id})))

    def test_unconfirmed_events_are_sent_again(self):
        """The broker refuses because the queue is full: nothing counts as sent until it has all."""
        full = self.bind(name='other', queue_arguments={'x-max-length': 1, 'x-overflow': 'reject-publish'})
        order = self.order([(self.products[0], 2, 50)])
        with mute_logger('odoo.addons.sms_addon.models.sales_consumer'):
            self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'failing')
        self.assertIn("refuses", self.broker.last_error)
        self.assertTrue(self.broker.lag)
        self.channel.queue_delete(full.name)
        self.broker.consumer_id.action_retry()
        self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'running')
        received = {event['data']['event'] for event in self.events_of(self.read(self.queue))}
        self.assertLessEqual(set(self.sent_events(order).ids), received)

    def test_events_wait_for_a_queue_if_they_shall(self):
        self.broker.require_queue = True
        self.channel.queue_delete(self.queue.name)
        self.order([(self.products[0], 2, 50)])
        with mute_logger('odoo.addons.sms_addon.models.sales_consumer'):
            self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'failing')
        self.assertIn("No queue", self.broker.last_error)
        self.bind()
        self.broker.action_resume()
        self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'running')
        self.assertTrue(self.read(self.queue))

    def test_a_paused_broker_gets_it_all_later(self):
        self.broker.action_pause()
        self.order([(self.products[0], 2, 50)])
        self.dispatch(self.broker.consumer_id)
        self.assertEqual((self.broker.state, self.waiting('out')), ('paused', 0))
        self.broker.action_resume()
        self.dispatch(self.broker.consumer_id)
        self.assertTrue(self.read(self.queue))

    def test_more_than_are_let_unconfirmed(self):
        settings_ = self.broker._get_settings()
        messages = (kombu_broker.Message(str(n).encode(), 'x', str(n), 't') for n in range(2500))
        self.assertEqual(kombu_broker.publish(settings_, self.broker.exchange, messages), 2500)
        self.assertEqual([int(message.body) for message in self.read(self.queue)], list(range(2500)))

    def test_a_broker_that_only_receives_has_no_place_in_the_ledger(self):
        consumer = self.broker.consumer_id
        self.assertTrue(consumer.cron_id)
        self.broker.direction = 'in'
        self.assertFalse(consumer.exists())
        self.broker.direction = 'out'
        self.assertTrue(self.broker.consumer_id)
        self.broker.active = False
        self.assertTrue(self.broker.consumer_id.paused)
        consumer, cron = self.broker.consumer_id, self.broker.consumer_id.cron_id
        self.broker.unlink()
        self.assertFalse(consumer.exists() or cron.exists())


@tagged('post_install', '-at_install')
class TestSalesBrokerOutage(BrokerCommon):

    def setUp(self):
        from scripts.project import rabbitmq

        super().setUp()
        self.node = self.enterContext(rabbitmq.running())

    def test_a_broker_that_was_down_gets_everything(self):
        """A broker of our own, for it is killed: what was sent is on its disk, the rest waits for it."""
        self.broker.url = self.node.url
        exchange = kombu.Exchange(f'{self.names}.exchange', 'topic', durable=True)
        queue = kombu.Queue(f'{self.names}.out', exchange, routing_key='#', durable=True)
        with kombu.Connection(self.node.url) as connection:
            queue(connection.channel()).declare()
        first = self.order([(self.products[0], 1, 10)])
        self.dispatch(self.broker.consumer_id)
        self.node.kill()
        second = self.order([(self.products[1], 1, 10)])
        with mute_logger('odoo.addons.sms_addon.models.sales_consumer'):
            self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'failing')
        self.assertIn("cannot be reached", self.broker.last_error)
        self.assertTrue(self.broker.retry_at)
        self.node.start()
        self.node.wait()
        self.broker.action_resume()
        self.dispatch(self.broker.consumer_id)
        self.assertEqual((self.broker.state, self.broker.lag), ('running', 0))
        with kombu.Connection(self.node.url) as connection:
            received = [json.loads(message.body) for message in self.read(queue(connection.channel()))]
        for order in first + second:
            ids = [event['data']['event'] for event in received if event['subject'] == f'sale.order/{order.id}']
            self.assertEqual(ids, self.sent_events(order).ids)

    def test_receiving_waits_for_a_broker_that_is_down(self):
        self.broker.url = self.node.url
        self.node.kill()
        self.receive()
        self.assertEqual(self.broker.state, 'failing')
        self.assertIn("cannot be reached", self.broker.receive_error)
        self.assertTrue(self.broker.receive_retry_at)
        self.node.start()
        self.node.wait()
        self.receive()
        self.assertTrue(self.broker.receive_error, "It is not yet time to try again")
        self.broker.action_receive()
        self.receive()
        self.assertFalse(self.broker.receive_error)


@tagged('post_install', '-at_install')
class TestSalesBrokerEncryption(BrokerCommon):

    def test_certificates_of_both_sides_are_checked(self):
        from scripts.project import rabbitmq

        ca, stranger = Certificate("Authority"), Certificate("Stranger")
        server, client = Certificate('localhost', ca), Certificate("Odoo", ca)
        node = self.enterContext(rabbitmq.running(
            {'ca': ca.pem, 'certificate': server.pem, 'key': server.key_pem}))
        self.broker.write({
            'url': node.tls_url, 'direction': 'out', 'tls_ca': base64.b64encode(ca.pem),
            'tls_certificate': base64.b64encode(client.pem), 'tls_key': base64.b64encode(client.key_pem)})
        self.assertEqual(self.try_it()['type'], 'success')
        self.order([(self.products[0], 1, 10)])
        self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'running')
        for values in (
            {'tls_ca': base64.b64encode(stranger.pem)},
            {'url': self.broker.url.replace('localhost', '127.0.0.1')},
            {'tls_certificate': False},
            {'tls_certificate': base64.b64encode(stranger.pem), 'tls_key': base64.b64encode(stranger.key_pem)},
            {'tls_ca': base64.b64encode(b'no certificate')},
        ):
            with self.subTest(values=list(values)), self.cr.savepoint() as savepoint:
                self.broker.write(values)
                answer = self.try_it()
                self.assertEqual(answer['type'], 'danger')
                self.assertIn("No secure connection", answer['message'])
                savepoint.rollback()
        self.broker.write({'tls_ca': base64.b64encode(stranger.pem), 'tls_verify': False})
        self.assertEqual(self.try_it()['type'], 'success')

    def try_it(self):
        self.env.invalidate_all()
        return self.broker.with_user(self.admin).action_test()['params']


class Certificate:
    """A certificate with its key, signed by itself or by another."""

    def __init__(self, name, issuer=None):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = issuer or self
        now = datetime.now(timezone.utc)
        self.pem = (
            x509.CertificateBuilder(issuer.name, self.name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=issuer is self, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name.lower())]), critical=False)
            .sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self.key_pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@tagged('post_install', '-at_install')
class TestSalesBrokerReceiving(BrokerCommon):

    def message(self):
        return self.env['sales.broker.message'].search([('broker_id', '=', self.broker.id)], limit=1)

    def refuse(self, body, *texts):
        """Send a message, expect no order but these texts in the reason, and return what is kept of it."""
        orders = self.env['sale.order'].search_count([])
        self.send(body)
        self.receive()
        message = self.message()
        self.assertEqual(message.state, 'failed')
        for text in texts:
            self.assertIn(text, message.reason)
        self.assertFalse(message.order_id)
        self.assertEqual(self.env['sale.order'].search_count([]), orders)
        self.assertFalse(self.waiting())
        return message

    def test_a_message_becomes_a_quotation(self):
        belgium = self.env.ref('base.be')
        body = self.order_message(
            reference='W-1', note="Ring <b>twice</b>\nhttp://evil.example.com", commitment_date='2026-12-24',
            shipping_address={'name': "Dock 4", 'street': "Rue 1", 'zip': '1000', 'city': "Brussels", 'country': 'BE'})
        body['data']['lines'].append({
            'barcode': '4006381333931', 'quantity': 1.5, 'price': 99.5, 'discount': 10, 'description': "As seen",
            'unit': "units"})
        self.send(body)
        self.receive()
        message = self.message()
        self.assertEqual((message.state, message.reason, message.reference), ('done', False, 'W-1'))
        order = message.order_id
        self.assertRecordValues(order, [{
            'state': 'draft', 'partner_id': self.customers[0].id, 'client_order_ref': 'W-1', 'origin': "Test",
            'company_id': self.company.id, 'create_uid': self.shop_user.id,
        }])
        self.assertEqual(str(order.commitment_date.date()), '2026-12-24')
        self.assertIn("&lt;b&gt;twice", order.note)
        self.assertNotIn("<a ", order.note)
        self.assertRecordValues(order.partner_shipping_id, [{
            'name': "Dock 4", 'parent_id': self.customers[0].id, 'type': 'delivery', 'country_id': belgium.id}])
        self.assertRecordValues(order.order_line, [
            {'product_id': self.products[0].id, 'product_uom_qty': 2, 'price_unit': 10, 'discount': 0},
            {'product_id': self.products[1].id, 'product_uom_qty': 1.5, 'price_unit': 99.5, 'discount': 10},
        ])
        self.assertEqual(order.order_line[1].name, "As seen")
        self.assertFalse(self.waiting())

    def test_the_same_message_twice_is_one_order(self):
        body = self.order_message(id_='twice')
        self.send(body, body)
        self.receive()
        self.send(body, {**body, 'time': '2026-11-24T10:00:00Z', 'subject': "sent again"})
        self.receive()
        message = self.env['sales.broker.message'].search([('broker_id', '=', self.broker.id)])
        self.assertEqual((len(message), message.state, message.attempt_count), (1, 'done', 1))
        self.assertEqual(self.env['sale.order'].search_count([('origin', '=', "Test")]), 1)
        self.assertFalse(self.waiting())

    def test_an_id_used_for_another_order_is_kept_and_reported(self):
        self.send(self.order_message(id_='5'))
        self.receive()
        message = self.refuse(self.order_message(id_='5', lines=(('TABLE', 1),)), "id: A message with this id")
        self.assertEqual(message.message_id, '5')

    def test_what_cannot_be_an_order_is_kept_with_the_reason(self):
        good = self.order_message()
        for number, (body, *texts) in enumerate((
            (b'{"specversion": ', "not valid JSON"),
            (b'\xff\xfe\x00', "cannot be read"),
            (b'', "not valid JSON"),
            ({**good, 'type': 'order.delete'}, "type: ", 'order.delete'),
            (self.order_message(lines=(('NOPE', 1),)), "data.lines[0].code: ", 'NOPE'),
            (self.order_message(lines=(('CHAIR', 1), ('CHAIR', -2))), "data.lines[1].quantity: ", '-2'),
            (self.order_message(customer={'ref': 'K9'}), "data.customer.ref: ", 'K9'),
            (self.order_message(customer={'id': 2**31 - 1}), "data.customer.id: ", '2147483647'),
            (self.order_message(currency='XXX'), "data.currency: ", 'XXX'),
            (self.order_message(user_id=1), "data: ", 'user_id'),
            (self.order_message(shipping_address={'street': 'a', 'city': 'b', 'country': 'ZZ'}),
             "data.shipping_address.country: ", 'ZZ'),
            ({**good, 'data': {**good['data'], 'lines': [{'code': 'CHAIR', 'quantity': 1, 'unit': "Days"}]}},
             "data.lines[0].unit: ", "Days"),
        )):
            with self.subTest(body=body):
                self.refuse(body if isinstance(body, bytes) else {**body, 'id': f'bad {number}'}, *texts)

    def test_what_no_customer_means_is_refused(self):
        line = {'code': 'CHAIR', 'quantity': 1}
        own = self.company.partner_id
        clerk = self.env['res.partner'].create({'name': "Own Clerk", 'parent_id': own.id, 'ref': 'OWN'})
        for number, (data, *texts) in enumerate((
            ({'lines': [line, {**line, 'quantity': 0.001}]}, "data.lines[1].quantity: ", '0.001', "Units"),
            ({'lines': [{**line, 'quantity': 1e9, 'price': 1e12}]}, "data.lines: ", "worth"),
            ({'lines': [{**line, 'quantity': 6000, 'price': 1e8, 'discount': 100}] * 2}, "data.lines: ", "worth"),
            ({'commitment_date': '1999-12-31'}, "data.commitment_date: ", '1999-12-31'),
            ({'commitment_date': '0001-01-01T00:00:00+01:00'}, "data.commitment_date: ", '0001-01-01'),
            ({'commitment_date': '2126-12-24T10:00:00Z'}, "data.commitment_date: ", '2126-12-24'),
            ({'customer': {'id': own.id}}, "data.customer.id: ", str(own.id), "own"),
            ({'customer': {'ref': clerk.ref}}, "data.customer.ref: ", 'OWN', "own"),
        )):
            with self.subTest(data=data):
                body = self.order_message(id_=f'absurd {number}')
                body['data'].update(data)
                self.refuse(body, *texts)

    def test_a_huge_message_is_not_kept_whole(self):
        message = self.refuse(b'{"a": "' + b'x' * 300_000 + b'"}', "too large")
        self.assertEqual((message.size, len(message.body)), (300_009, 2000))

    def test_what_could_not_be_read_is_not_tried_again(self):
        """What is kept of it is not what came: it must not become an order with other words in it."""
        body = json.dumps(self.order_message(reference='W-')).encode().replace(b'W-', b'W-\xff')
        message = self.refuse(body, "cannot be read")
        message.with_user(self.manager).action_retry()
        self.assertEqual((message.state, message.attempt_count), ('failed', 1))

    def test_one_bad_message_does_not_stop_the_others(self):
        self.send(*[
            self.order_message(id_=str(n), lines=(('NOPE' if n % 3 == 1 else 'CHAIR', 1),)) for n in range(9)], b'{')
        self.receive()
        counts = dict(self.env['sales.broker.message']._read_group(
            [('broker_id', '=', self.broker.id)], ['state'], ['__count']))
        self.assertEqual(counts, {'done': 6, 'failed': 4})
        self.assertEqual((self.broker.message_count, self.broker.failed_count), (10, 4))

    def test_a_failed_message_can_be_tried_again(self):
        message = self.refuse(self.order_message(lines=(('LATER', 1),)), 'LATER')
        message.with_user(self.manager).action_retry()
        self.assertEqual((message.state, message.attempt_count), ('failed', 2))
        self.products[2].default_code = 'LATER'
        message.with_user(self.manager).action_retry()
        self.assertEqual((message.state, message.attempt_count), ('done', 3))
        self.assertEqual(message.order_id.create_uid, self.shop_user)
        message.with_user(self.manager).action_retry()
        self.assertEqual(message.attempt_count, 3)

    def test_what_a_rule_stops_is_refused_with_its_reason(self):
        rule_set = self.env['sales.rule.set'].with_user(self.manager).create({
            'name': "Few", 'when': 'save', 'mode': 'stop', 'rule_ids': [Command.create({
                'name': "Many", 'domain': "[('order_line.product_uom_qty', '>', 100)]", 'decision': 'stop',
                'message': "Nobody orders so many for {partner_id.name}"})]})
        rule_set.action_publish()
        message = self.refuse(
            self.order_message(lines=(('CHAIR', 101),)), "cannot be saved", "Nobody orders so many for Alpha")
        rule_set.mode = 'warn'
        message.with_user(self.manager).action_retry()
        self.assertEqual(message.state, 'done')
        self.assertIn("Nobody orders so many", message.order_id.sudo().sales_rule_warning)

    def test_a_failed_message_can_be_set_aside(self):
        message = self.refuse(b'junk', "not valid JSON")
        message.with_user(self.manager).action_set_aside()
        self.assertEqual(message.state, 'aside')
        self.send(b'junk')
        self.receive()
        self.assertEqual((self.broker.message_count, message.state), (1, 'aside'))

    def test_the_rights_of_the_user_are_enough_or_it_fails(self):
        powerless = new_test_user(self.env, 'powerless', 'base.group_user', name="Powerless")
        self.broker.user_id = powerless
        message = self.refuse(self.order_message(), "not allowed to create")
        self.broker.user_id = self.shop_user
        message.with_user(self.manager).action_retry()
        self.assertEqual(message.state, 'done')

    def test_an_archived_user_creates_nothing(self):
        self.shop_user.active = False
        self.refuse(self.order_message(), "archived")

    def test_customers_are_found_by_what_is_surest(self):
        self.customers[1].write({'vat': 'BE0477472701', 'email': 'beta@example.com'})
        contact = self.env['res.partner'].create({'name': "Clerk", 'parent_id': self.customers[1].id, 'ref': 'CLERK'})
        for number, (asked, customer) in enumerate((
            ({'id': self.customers[2].id, 'ref': 'K1'}, self.customers[2]),
            ({'ref': 'unknown', 'vat': 'be 0477472701'}, self.customers[1]),
            ({'email': 'Beta@Example.com'}, self.customers[1]),
            ({'ref': 'CLERK'}, contact),
        )):
            self.send(self.order_message(id_=str(number), customer=asked))
            self.receive()
            self.assertEqual(self.message().order_id.partner_id, customer, asked)
        self.customers[2].ref = 'K1'
        self.refuse(self.order_message(id_='two'), "data.customer.ref: ", "Several")

    def test_customers_are_created_if_the_broker_may(self):
        asked = {
            'ref': 'NEW', 'name': "<script>New</script>", 'email': 'new@example.com', 'is_company': True,
            'address': {'street': "Main 1", 'city': "Springfield", 'country': 'US', 'state': 'IL', 'zip': '62701'}}
        body = self.order_message(customer=asked)
        message = self.refuse(body, "data.customer.ref: ", 'NEW')
        illinois = self.env['res.country.state'].search([('code', '=', 'IL'), ('country_id.code', '=', 'US')])
        self.broker.create_customers = True
        message.with_user(self.manager).action_retry()
        customer = message.order_id.partner_id
        self.assertRecordValues(customer, [{
            'name': "<script>New</script>", 'ref': 'NEW', 'email': 'new@example.com', 'is_company': True,
            'city': "Springfield", 'state_id': illinois.id, 'create_uid': self.shop_user.id}])
        self.send(self.order_message(id_='again', customer={'ref': 'NEW'}, shipping_address={
            **asked['address'], 'name': "<script>New</script>"}))
        self.receive()
        self.assertEqual(self.message().order_id.partner_shipping_id, customer)
        self.refuse(self.order_message(id_='nameless', customer={'ref': 'X'}), "needs a name")

    def test_a_currency_needs_a_price_list(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        currency = self.env.ref('base.GBP')
        currency.active = True
        pricelist = self.env['product.pricelist'].create({'name': "Pounds", 'currency_id': currency.id})
        self.send(self.order_message(currency='GBP'))
        self.receive()
        self.assertEqual(self.message().order_id.pricelist_id, pricelist)
        self.assertEqual(self.message().order_id.currency_id, currency)
        self.send(self.order_message(id_='own', currency=self.company.currency_id.name))
        self.receive()
        self.assertEqual(self.message().order_id.currency_id, self.company.currency_id)

    def test_defaults_of_the_broker(self):
        team = self.env['crm.team'].create({'name': "Web"})
        pricelist = self.env['product.pricelist'].create({'name': "Web", 'item_ids': [Command.create({
            'compute_price': 'percentage', 'percent_price': 50})]})
        self.broker.write({'team_id': team.id, 'pricelist_id': pricelist.id})
        self.send(self.order_message())
        self.receive()
        order = self.message().order_id
        self.assertEqual((order.team_id, order.pricelist_id), (team, pricelist))
        self.assertEqual(order.amount_untaxed, 10)

    def test_nothing_is_acknowledged_before_it_is_committed(self):
        self.send(self.order_message())
        with patch.object(type(self.env['ir.cron']), '_commit_progress', side_effect=KeyboardInterrupt), \
                self.assertRaises(KeyboardInterrupt):
            self.broker._receive(self.env['ir.cron']._commit_progress)
        self.assertEqual(self.waiting(), 1)

    def test_a_paused_broker_receives_nothing(self):
        self.send(self.order_message())
        self.broker.action_pause()
        self.receive()
        self.assertEqual(self.waiting(), 1)
        self.broker.action_resume()
        self.receive()
        self.assertEqual(self.waiting(), 0)

    @given(st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(['CHAIR', 'K1', '\x00', '\ud800', '<b>']),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(['customer', 'lines', 'code', 'quantity', 'ref', 'note', 'price']), inner, max_size=4),
        max_leaves=15))
    @settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
    def test_random_data_ends_as_an_order_or_with_a_reason(self, data):
        self.broker._take(json.dumps(self.order_message(id_=os.urandom(8).hex()) | {'data': data}).encode())
        message = self.message()
        self.assertIn(message.state, ('done', 'failed'))
        if message.state == 'failed':
            self.assertTrue(message.reason.startswith('data'), message.reason)


@tagged('post_install', '-at_install')
class TestSalesBrokerAccess(BrokerCommon):

    SECRETS = (
        'url', 'username', 'password', 'password_secret', 'tls_ca', 'tls_certificate', 'tls_key', 'tls_key_secret')

    def setUp(self):
        super().setUp()
        for user in self.manager + self.admin:
            user.group_ids += self.env.ref('base.group_allow_export')
        _url, self.username, self.password = kombu_broker.split_credentials(self.amqp_url)

    def test_credentials_are_taken_out_of_the_address(self):
        broker = self.broker.with_user(self.admin)
        self.assertNotIn('@', broker.url)
        self.assertEqual(broker.username, self.username)
        self.assertEqual(self.broker._get_settings().password, self.password)

    def test_nobody_reads_the_password_again(self):
        broker = self.broker.with_user(self.admin)
        broker.password = 'changed'
        self.assertFalse(broker.password)
        self.assertTrue(broker.has_password)
        self.assertEqual(self.broker._get_settings().password, 'changed')
        result = broker.web_save({'password': 'again'}, {'password': {}, 'name': {}})
        self.assertFalse(result[0]['password'])
        for name in ('password_secret', 'tls_key_secret'):
            with self.assertRaises(AccessError):
                broker.read([name])
            with self.assertRaises(AccessError):
                broker.search([(name, '!=', False)])
            with self.assertRaises(AccessError):
                broker.export_data([name])
        self.assertFalse(broker.copy().has_password)
        broker.action_forget_password()
        self.assertFalse(broker.has_password)

    def test_managers_see_a_broker_but_not_how_to_get_in(self):
        broker = self.broker.with_user(self.manager)
        self.assertEqual(broker.read(['name', 'state'])[0]['name'], "Test")
        for name in self.SECRETS:
            with self.assertRaises(AccessError):
                broker.read([name])
            with self.assertRaises(AccessError):
                broker.search([(name, '!=', False)])
            with self.assertRaises(AccessError):
                broker.export_data([name])
        self.assertFalse(set(self.SECRETS) & set(broker.fields_get()))
        for action in ('action_test', 'action_pause', 'action_resume', 'action_receive', 'action_forget_password'):
            with self.assertRaises(AccessError):
                getattr(broker, action)()

    def test_others_see_nothing(self):
        self.broker._take(b'junk')
        message = self.broker.message_ids
        for user in self.salesman + self.all_leads + self.portal + self.shop_user:
            for record in self.broker + self.env['sales.broker']:
                with self.assertRaises(AccessError):
                    record.with_user(user).search([])
            with self.assertRaises(AccessError):
                message.with_user(user).read(['reason'])
            for action in ('action_retry', 'action_set_aside'):
                with self.assertRaises(AccessError):
                    getattr(message.with_user(user), action)()
        self.assertTrue(message.with_user(self.manager).read(['reason', 'body', 'broker_id']))
        for user in self.manager + self.admin:
            for change in (lambda m: m.write({'body': '{}'}), lambda m: m.unlink(), lambda m: m.copy()):
                with self.assertRaises(AccessError):
                    change(message.with_user(user))

    def test_companies_are_apart(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.broker._take(b'junk')
        message = self.broker.message_ids
        self.manager.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        self.assertNotIn(self.broker, self.env['sales.broker'].with_user(self.manager).search([]))
        with self.assertRaises(AccessError):
            message.with_user(self.manager).action_retry()

    def test_errors_do_not_tell_the_password(self):
        self.broker.password = 'wrong-and-secret'
        answer = self.broker.with_user(self.admin).action_test()
        self.assertEqual(answer['params']['type'], 'danger')
        self.assertIn("user name and password", answer['params']['message'])
        with mute_logger('odoo.addons.sms_addon.models.sales_consumer'):
            self.order([(self.products[0], 1, 1)])
            self.dispatch(self.broker.consumer_id)
        self.assertEqual(self.broker.state, 'failing')
        for text in (answer['params']['message'], self.broker.last_error, repr(self.broker._get_settings())):
            self.assertNotIn('wrong-and-secret', text)

    def test_the_test_button_names_what_is_wrong(self):
        broker = self.broker.with_user(self.admin)
        answer = broker.action_test()['params']
        self.assertEqual(answer['type'], 'success', answer)
        self.assertIn('RabbitMQ', answer['message'])
        for url, text in (
            ('amqp://127.0.0.1:1//', "cannot be reached"),
            (broker.url.replace('amqp:', 'amqps:'), "No secure connection"),
            ('redis://127.0.0.1/', "Python package"),
        ):
            broker.url = url
            answer = broker.action_test()['params']
            self.assertEqual(answer['type'], 'danger')
            self.assertIn(text, answer['message'])

    def test_an_address_that_is_none_is_refused(self):
        for url in ('host', 'http://host/', 'filesystem://host/etc', 'amqp://', 'amqp://a;amqp://b', 'amqp://h?ssl=1',
                    'sqla+postgresql://host/db', 'odoo.tools:config://x', 'amqp://host:port/'):
            with self.subTest(url=url), self.assertRaises(ValidationError):
                self.broker.url = url

    def test_settings_that_do_not_fit_are_refused(self):
        root = self.env.ref('base.user_root')
        stranger = new_test_user(self.env, 'stranger', 'sales_team.group_sale_salesman', company_id=self.env[
            'res.company'].create({'name': "Far"}).id)
        for values in (
            {'user_id': False}, {'queue': False}, {'company_id': False}, {'exchange': False}, {'user_id': root.id},
            {'user_id': self.portal.id}, {'user_id': stranger.id}, {'event_types': 'order, nonsense'},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError), self.cr.savepoint():
                self.broker.write(values)

    def test_the_form_is_enough_to_attach_a_broker(self):
        with Form(self.env['sales.broker'].with_user(self.admin)) as form:
            form.name = "Mine"
            form.url = self.amqp_url
        broker = form.record
        self.assertEqual(broker.username, self.username)
        self.assertTrue(broker.consumer_id)
        with self.assertRaises(UserError):
            self.broker._take(b'junk')
            self.broker.unlink()
