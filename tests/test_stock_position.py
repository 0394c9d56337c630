from odoo.tests import tagged

from .stock_common import StockCommon


@tagged('post_install', '-at_install')
class TestStockPosition(StockCommon):

    def test_receipt_and_delivery(self):
        product = self.goods[0]
        self.receive(product, 10)
        self.ship(product, 3)
        self.ship(product, 4, done=False)
        self.receive(product, 5, done=False)
        self.follow()
        self.assertRecordValues(self.position(product), [{
            'qty_on_hand': 7, 'qty_reserved': 4, 'qty_free': 3, 'qty_incoming': 5, 'qty_outgoing': 4,
            'qty_forecast': 8, 'value': 70, 'company_id': self.company.id,
        }])
        self.assertEqualsHost()
