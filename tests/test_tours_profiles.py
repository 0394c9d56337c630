from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, tagged

from .common import WarehouseCommon


@tagged('post_install', '-at_install')
class TestProfileTours(HttpCase, WarehouseCommon):
    """The customers to call, as a salesperson works them off."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.users'].search([]).lang = 'en_US'
        cls.silent, cls.small = cls.env['res.partner'].create([
            {'name': name, 'is_company': True, 'user_id': cls.salesman.id}
            for name in ("Silent Customer", "Small Customer")])
        for customer, price in ((cls.silent, 50_000), (cls.small, 10)):
            for age in (25, 35, 45):
                cls.order([(cls.products[0], 1, price)], partner_id=customer.id,
                          date=fields.Datetime.now() - timedelta(days=age))
        cls.refresh()
        cls.env['sales.customer.profile']._refresh_customers((cls.silent + cls.small).ids)

    def test_call_today(self):
        self.start_tour('/odoo/call-today', 'sms_addon_call_today', login='own')
        self.assertEqual(self.silent.activity_ids.user_id, self.salesman)
        self.assertFalse(self.small.activity_ids)
