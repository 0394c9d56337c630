import threading

from odoo.tests import HttpCase, tagged

from odoo.addons.bus.models.bus import dispatch
from odoo.addons.bus.websocket import WebsocketConnectionHandler

from .alerts_common import AlertsCommon


@tagged('post_install', '-at_install')
class TestStockAlertTours(HttpCase, AlertsCommon):
    """The alerts as a planner uses them who has nothing to do with sales."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        (cls.planner + cls.chief + cls.salesman).lang = 'en_US'
        cls.rule_set = cls.alert_set(
            ([('qty_on_hand', '<', 0)], {
                'alert_kind': 'negative', 'alert_severity': '3', 'alert_user_id': cls.planner.id}),
            ([('status', '=', 'dead')], {'alert_kind': 'dead', 'alert_severity': '0'},
             ), name="Tour Alerts")
        cls.rule_set.rule_ids[1].message = "Nobody wants {product_id}, worth {value}"
        cls.rule_set.action_publish()
        cls.negative = cls.make_position(qty_on_hand=-4, value=-16)
        cls.dead = cls.make_position(cls.products[1], status='dead', qty_on_hand=9, value=45)
        cls.alerts._evaluate((cls.negative + cls.dead).ids)

    def test_alerts(self):
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts', login='planner')
        self.assertEqual(self.alerts_of(self.negative).mapped('state'), ['closed'])
        self.assertEqual(self.alerts_of(self.negative).closed_by_id, self.planner)
        self.assertEqual(self.alerts_of(self.dead).mapped('state'), ['snoozed'])

    def test_snooze_with_a_reason(self):
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts_snooze', login='planner')
        [alert] = self.alerts_of(self.negative)
        self.assertEqual((alert.state, alert.snoozed_until), ('open', False))

    def test_a_salesperson_looks(self):
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts_sales', login='own')

    def test_rules(self):
        self.start_tour('/odoo/stock-alert-rules', 'sms_addon_stock_alert_rules', login='chief')
        rule = self.env['sales.rule'].search([('name', '=', "Much of it")])
        self.assertEqual(rule.action_ids.alert_severity, '2')
        self.assertEqual(rule.set_id.published_id.user_id, self.chief)

    def test_live(self):
        """What somebody else has seen to goes from the list by itself."""
        bus = type(self.env['bus.bus'])
        send = bus._sendone

        def send_and_dispatch(records, *message):
            send(records, *message)
            # tests commit nothing, so that nobody is notified: the sockets are told to look when the request is over
            timer = threading.Timer(2, self.dispatch_to_sockets)
            timer.start()
            self.addCleanup(timer.join)

        self.patch(bus, '_sendone', send_and_dispatch)
        self.patch(WebsocketConnectionHandler, 'websocket_allowed', classmethod(lambda handler, request: True))
        self.start_tour('/odoo/stock-alerts', 'sms_addon_stock_alerts_live', login='planner')
        self.assertEqual(self.alerts_of(self.dead).mapped('state'), ['closed'])

    def dispatch_to_sockets(self):
        for sockets in list(dispatch._channels_to_ws.values()):
            for socket in list(sockets):
                socket.trigger_notification_dispatching()
