from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

from .stock_common import StockCommon


@tagged('post_install', '-at_install')
class TestStockScreenTours(HttpCase, StockCommon):
    """What a planner does around the board: check it, look at a product, settle how much is to be in stock."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        new_test_user(cls.env, 'chief', 'stock.group_stock_manager', lang='en_US')
        cls.product = cls.goods[0]
        cls.product.name = "Checked Goods"

    def setUp(self):
        super().setUp()
        self.receive(self.product, 10)
        self.follow()

    def test_check_and_repair(self):
        self.env.cr.execute(SQL(
            "UPDATE sales_stock_position SET qty_on_hand = 99 WHERE id = %s", self.position(self.product).id))
        self.start_tour('/odoo/stock-board', 'sms_addon_stock_check', login='chief')
        self.env.invalidate_all()
        self.assertEqual(self.position(self.product).qty_on_hand, 10)

    def test_from_a_product(self):
        self.start_tour(
            f'/odoo/action-stock.stock_product_normal_action/{self.product.id}', 'sms_addon_stock_product',
            login='chief')

    def test_service_levels(self):
        self.env.ref('base.user_admin').lang = 'en_US'
        self.start_tour('/odoo/sales-management-settings', 'sms_addon_replenishment_settings', login='admin')
        company = self.env.ref('base.user_admin').company_id
        self.assertEqual((company.sales_service_a, company.sales_cover_days), (0.97, 45))
