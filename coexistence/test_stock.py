"""Stock positions with modules of the host that the addon does not depend on."""
from datetime import timedelta

from hypothesis import given, settings

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.sms_addon.tests.stock_common import StockCommon
from odoo.addons.sms_addon.tests.test_stock_position_random import (
    EXAMPLES,
    PROFILE,
    RandomStockCommon,
    histories,
)


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

    def make_kit(self, kit, *components, **values):
        return self.env['mrp.bom'].create({
            'product_tmpl_id': kit.product_tmpl_id.id, 'type': 'phantom', **values, 'bom_line_ids': [
                Command.create({'product_id': component.id, 'product_qty': 2}) for component in components]})

    def test_what_becomes_a_kit_loses_its_position_at_once(self):
        kit, part, _other = self.goods
        self.put(kit, 3)
        self.follow()
        self.assertTrue(self.position(kit))
        bom = self.make_kit(kit, part)
        self.env.flush_all()
        self.follow()
        self.assertFalse(self.position(kit))
        for change in (
            lambda: bom.write({'type': 'normal'}), lambda: bom.write({'type': 'phantom'}), lambda: bom.action_archive(),
            lambda: bom.action_unarchive(), lambda: bom.unlink(),
        ):
            before = bool(self.position(kit))
            change()
            self.env.flush_all()
            self.follow()
            self.assertNotEqual(bool(self.position(kit)), before)
        self.assertEqualsHost()

    def test_a_kit_of_one_company_is_none_of_another(self):
        kit, part, _other = self.goods
        elsewhere = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'UTC'})
        stock = self.env['stock.warehouse'].search([('company_id', '=', elsewhere.id)], limit=1)
        self.make_kit(kit, part, company_id=elsewhere.id)
        self.env.flush_all()
        self.put(kit, 3)
        self.put(kit, 4, stock)
        self.follow()
        self.assertEqual(self.position(kit).qty_on_hand, 3)
        self.assertFalse(self.position(kit, stock))
        for company in self.company + elsewhere:
            differences = self.env['sales.stock.difference'].sudo().with_company(company)
            self.assertEqual(differences._check(company), 0)

    def test_demand_of_components_that_are_picked_first(self):
        kit, part, _other = self.goods
        self.main.delivery_steps = 'pick_ship'
        self.make_kit(kit, part)
        self.put(part, 20)
        order = self.order([(kit, 3, 100)], date=fields.Datetime.now())
        for _step in range(3):
            self.refresh()
            self.follow()
            self.positions._refresh_products(self.env['sales.stock.touch']._take(100))
            self.assertEqual(self.position(part).demand_recent, 6)
            for picking in order.picking_ids.filtered(lambda each: each.state == 'assigned'):
                picking.move_ids.picked = True
                picking.button_validate()
            self.env.flush_all()
            self.positions._refresh_products(part.ids)
        self.assertEqual(set(order.picking_ids.mapped('state')), {'done'})
        self.assertEqual(len(order.picking_ids), 2)
        self.assertEqual(self.position(part).demand_recent, 6)

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


@tagged('post_install', '-at_install')
class TestStockRandomBeside(RandomStockCommon):
    """Random histories with kits: sold, delivered in part, given back; and products become kits and cease to be."""

    KITS = ('sell_kit', 'sell_kit', 'sell_kit', 'become_kit')

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kit = cls.env['product.product'].create({
            'name': "Kit", 'is_storable': True, 'list_price': 90, 'taxes_id': [Command.clear()]})
        cls.env['mrp.bom'].create({
            'product_tmpl_id': cls.kit.product_tmpl_id.id, 'type': 'phantom', 'bom_line_ids': [
                Command.create({'product_id': cls.goods[0].id, 'product_qty': 2}),
                Command.create({'product_id': cls.goods[1].id, 'product_qty': 1, 'product_uom_id': cls.dozen.id})]})
        cls.bom = cls.env['mrp.bom'].create({
            'product_tmpl_id': cls.goods[2].product_tmpl_id.id, 'type': 'normal', 'bom_line_ids': [
                Command.create({'product_id': cls.goods[1].id, 'product_qty': 3})]})
        cls.env.flush_all()

    @settings(PROFILE, max_examples=max(EXAMPLES // 4, 1))
    @given(histories(*KITS))
    def play(self, steps):
        self.live(steps)

    def test_positions_are_those_of_the_host(self):
        self.play()
        self.assertTaken((*self.KITS, 'validate', 'give_back'))

    def assertEqualsHost(self, products=None, warehouses=None):
        products = products or self.goods
        if self.bom.type == 'phantom':
            products -= self.goods[2]
            self.assertFalse(self.position(self.goods[2]))
        self.assertFalse(self.position(self.kit))
        return super().assertEqualsHost(products, warehouses)

    def get_compared(self):
        return self.goods - self.goods[2] if self.bom.type == 'phantom' else self.goods

    def step_sell_kit(self, product, source, target, quantity, move):
        order = self.env['sale.order'].create({
            'partner_id': self.customers[quantity % 3].id,
            'order_line': [Command.create({'product_id': self.kit.id, 'product_uom_qty': quantity})]})
        order.action_confirm()
        self.orders += order
        self.read_orders()

    def take(self, name, product, *details):
        if self.bom.type != 'phantom':
            return super().take(name, product, *details)
        if product == self.goods[2] and name not in ('sell', 'sell_kit', 'archive'):
            return False  # there is no moving or counting what is a kit
        try:
            with self.env.cr.savepoint():
                return super().take(name, product, *details)
        except UserError as error:
            self.assertIn("kit", str(error))
            return False  # what was planned before it became one, the host refuses

    def step_become_kit(self, product, source, target, quantity, move):
        self.bom.type = 'normal' if self.bom.type == 'phantom' else 'phantom'
        self.env.flush_all()
