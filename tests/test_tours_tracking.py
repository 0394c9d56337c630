from datetime import timedelta

from odoo import Command, fields
from odoo.tests import HttpCase, tagged

from .common import LedgerCommon


@tagged('post_install', '-at_install')
class TestTrackingTours(HttpCase, LedgerCommon):
    """The three screens of order tracking, as a salesperson uses them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.users'].search([]).lang = 'en_US'
        cls.stock = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1).lot_stock_id

    def setUp(self):
        super().setUp()
        goods = self.env['product.product'].create({'name': "Goods", 'is_storable': True, 'list_price': 100})
        self.env['stock.quant']._update_available_quantity(goods, self.stock, 11)
        now = fields.Datetime.now()
        for name, quantity, days in (('TRACK2', 1, 9), ('TRACK1', 12, -4)):
            order = self.env['sale.order'].create({
                'name': name, 'partner_id': self.customers[0].id, 'user_id': self.salesman.id,
                'commitment_date': now + timedelta(days=days),
                'order_line': [Command.create({'product_id': goods.id, 'product_uom_qty': quantity})]})
            order.action_confirm()
        self.dispatch()

    def test_order_tracking(self):
        self.start_tour('/odoo/order-tracking', 'sms_addon_order_tracking', login='own')

    def test_on_time_in_full(self):
        self.start_tour('/odoo/on-time-in-full', 'sms_addon_on_time_in_full', login='own')

    def test_needs_you_today(self):
        self.start_tour('/odoo/needs-you-today', 'sms_addon_worklist', login='own')
        self.assertFalse(self.env['sales.order.snooze'].search([('user_id', '=', self.salesman.id)]))
