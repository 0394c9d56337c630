from unittest.mock import patch

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.bus.models.bus import channel_with_db, dispatch, hashable
from odoo.addons.bus.websocket import WebsocketConnectionHandler
from odoo.addons.sms_addon.models.sales_stock_position_live import CHANNEL

from .stock_common import StockCommon


@tagged('post_install', '-at_install')
class TestStockBoardTours(HttpCase, StockCommon):
    """The board, its chart and the order line, as planners and salespeople use them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        new_test_user(cls.env, 'planner', 'stock.group_stock_user', lang='en_US')
        cls.salesman.lang = 'en_US'
        cls.goods[0].name, cls.goods[1].name = "Live Goods", "Other Goods"

    def setUp(self):
        super().setUp()
        self.receive(self.goods[0], 10)
        self.receive(self.goods[1], 5)
        self.follow()

    def plan_delivery(self):
        picking = self.env['stock.picking'].create({
            'picking_type_id': self.main.out_type_id.id, 'location_id': self.main.lot_stock_id.id,
            'location_dest_id': self.customer_location.id, 'origin': 'LIVE',
            'move_ids': [Command.create({
                'product_id': self.goods[0].id, 'product_uom_qty': 4,
                'location_id': self.main.lot_stock_id.id, 'location_dest_id': self.customer_location.id})]})
        picking.action_confirm()
        picking.move_ids.write({'quantity': 4, 'picked': True})
        self.follow()

    def start_live_tour(self, name):
        """Run a tour with a websocket, as outside of tests: what is written reaches the page by it alone.

        The readers run when a transfer is done, and the page is told of it: in a test nothing is ever committed, so no
        cron is woken and no message is sent.
        """
        asked = set()
        model = type(self.env['stock.picking'])
        validate, subscribe = model.button_validate, type(dispatch).subscribe
        channel = hashable(channel_with_db(self.registry.db_name, (self.company, CHANNEL)))

        def button_validate(picking):
            result = validate(picking.with_context(skip_sms=True))
            picking.env.cr.flush()
            reader = picking.env['sales.consumer'].sudo().search([('reader', '=', 'sales.reader.stock')])
            while reader._dispatch_batch():
                pass
            # a page that asks only after this finds the message waiting
            for websocket in dispatch._channels_to_ws.get(channel, ()):
                websocket.trigger_notification_dispatching()
            return result

        def note_subscription(bus, channels, last, db, websocket):
            asked.update(hashable(channel_with_db(db, each)) for each in channels)
            return subscribe(bus, channels, last, db, websocket)

        with patch.object(WebsocketConnectionHandler, 'websocket_allowed', return_value=True):
            self.patch(model, 'button_validate', button_validate)
            self.patch(type(dispatch), 'subscribe', note_subscription)
            self.start_tour('/odoo/stock-board', name, login='planner')
        self.assertIn(channel, asked, "the page had asked to be told")
        self.assertEqual(self.position(self.goods[0]).qty_on_hand, 6)

    def test_the_list_follows_a_delivery(self):
        self.plan_delivery()
        self.start_live_tour('sms_addon_stock_board_live')

    def test_the_cards_follow_a_delivery(self):
        self.plan_delivery()
        self.start_live_tour('sms_addon_stock_board_live_kanban')

    def test_chart_map_and_movements(self):
        self.start_tour('/odoo/stock-board', 'sms_addon_stock_position', login='planner')

    def test_the_order_line_says_when(self):
        order = self.env['sale.order'].create({
            'partner_id': self.customers[0].id, 'user_id': self.salesman.id, 'warehouse_id': self.main.id,
            'order_line': [Command.create({'product_id': self.goods[0].id, 'product_uom_qty': 3})]})
        self.start_tour(f'/odoo/orders/{order.id}', 'sms_addon_stock_promise', login='own')
