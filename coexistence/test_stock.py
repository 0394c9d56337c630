"""Stock positions with modules of the host that the addon does not depend on."""
from datetime import timedelta

from odoo import Command, fields
from odoo.tests import tagged

from odoo.addons.sms_addon.tests.stock_common import StockCommon


@tagged('post_install', '-at_install')
class TestStockBeside(StockCommon):

    def test_kit(self):
        kit, bolt, plate = self.goods
        self.env['mrp.bom'].create({
            'product_tmpl_id': kit.product_tmpl_id.id, 'type': 'phantom', 'bom_line_ids': [
                Command.create({'product_id': bolt.id, 'product_qty': 4}),
                Command.create({'product_id': plate.id, 'product_qty': 1})]})
        self.put(bolt, 10)
        self.put(plate, 10)
        order = self.order([(kit, 3, 100)], date=fields.Datetime.now())
        self.refresh()
        self.follow()
        self.positions._refresh_products(self.env['sales.stock.touch']._take(100))
        self.assertFalse(self.position(kit), "a kit has no position")
        self.assertEqualsHost(bolt + plate)
        self.assertRecordValues(self.position(bolt), [{
            'qty_outgoing': 12, 'qty_uncovered': 2, 'demand_recent': 12, 'customers_at_risk': 1, 'revenue_at_risk': 50,
        }])
        self.assertEqual(self.position(plate).demand_recent, 3)
        self.put(bolt, 2)
        order.picking_ids.action_assign()
        order.picking_ids.move_ids.picked = True
        order.picking_ids.button_validate()
        self.follow()
        self.assertEqualsHost(bolt + plate)
        self.assertEqual(self.position(bolt).qty_on_hand, 0)
        self.assertEqual(self.env['sales.stock.difference'].sudo()._check(self.company), 0)

    def test_lead_time_since_approval(self):
        product = self.goods[0]
        order = self.env['purchase.order'].create({
            'partner_id': self.customers[0].id,
            'order_line': [Command.create({'product_id': product.id, 'product_qty': 5, 'price_unit': 1})]})
        order.button_confirm()
        self.follow()
        self.assertEqual(self.position(product).qty_incoming, 5)
        order.date_approve = fields.Datetime.now() - timedelta(6)
        order.picking_ids.move_ids.picked = True
        order.picking_ids.button_validate()
        self.follow()
        self.assertRecordValues(self.position(product), [{'qty_on_hand': 5, 'lead_count': 1, 'lead_days': 6}])

    def test_lots_about_to_expire(self):
        product = self.goods[0]
        product.write({'tracking': 'lot', 'use_expiration_date': True})
        near, far = self.env['stock.lot'].create([
            {'name': f"LOT{days}", 'product_id': product.id, 'expiration_date': fields.Datetime.now() + timedelta(days)}
            for days in (10, 90)])
        self.put(product, 3, lot_id=near)
        self.put(product, 4, lot_id=far)
        self.follow()
        self.assertEqual(self.position(product).qty_expiring, 3)
        far.expiration_date = fields.Datetime.now() - timedelta(1)
        self.follow()
        self.assertEqual(self.position(product).qty_expiring, 7)
