from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .stock_common import StockCommon

EXAMPLES, STEPS = 40, 50
PRODUCT, PLACE, QUANTITY = st.integers(0, 3), st.integers(0, 4), st.integers(1, 12)
STEP = st.tuples(
    st.sampled_from([
        'receive', 'receive', 'ship', 'ship', 'transfer', 'transfer', 'count', 'plan', 'plan', 'plan', 'confirm', 'do',
        'do', 'part', 'unreserve', 'reserve', 'cancel', 'change', 'unit', 'redirect', 'delay', 'scrap', 'return',
        'sell', 'validate', 'drop']),
    PRODUCT, PLACE, PLACE, QUANTITY, st.integers(0, 20))


@tagged('post_install', '-at_install')
class TestStockPositionRandom(StockCommon):
    """Whatever the stock went through, the positions that follow the ledger are those of the host.

    Each history is rolled back before the next one.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lotted = cls.env['product.product'].create({
            'name': "In Lots", 'is_storable': True, 'tracking': 'lot', 'list_price': 20, 'standard_price': 3,
            'taxes_id': [Command.clear()]})
        cls.goods += cls.lotted
        cls.lots = cls.env['stock.lot'].create([{'name': f"LOT{n}", 'product_id': cls.lotted.id} for n in range(2)])
        cls.shelf = cls.env['stock.location'].create({'name': "Shelf", 'location_id': cls.main.lot_stock_id.id})
        cls.places = (
            cls.main.lot_stock_id + cls.shelf + cls.branch.lot_stock_id + cls.main.wh_output_stock_loc_id
            + cls.company.internal_transit_location_id)
        cls.unit, cls.dozen = cls.env.ref('uom.product_uom_unit'), cls.env.ref('uom.product_uom_dozen')
        cls.steps_taken = 0

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate],  # a shorter one takes minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(st.lists(STEP, min_size=STEPS, max_size=STEPS))
    def play(self, steps):
        with self.env.cr.savepoint() as savepoint:
            self.moves = self.env['stock.move']
            self.orders = self.env['sale.order']
            for number, (name, product, source, target, quantity, which) in enumerate(steps):
                move = self.moves[which % len(self.moves)] if self.moves else self.moves
                getattr(self, f'step_{name}')(
                    self.goods[product], self.places[source], self.places[target], quantity, move)
                type(self).steps_taken += 1
                if number % 10 == 9:
                    self.follow()
            self.follow()
            self.assertEqualsHost()
            self.assertReserved()
            followed = self.rows()
            self.positions._refresh_products(self.goods.ids)
            self.assertEqual(followed, self.rows(), "a change that no event told of")
            self.env.flush_all()
            savepoint.close(rollback=True)
        self.env.invalidate_all()

    def test_positions_are_those_of_the_host(self):
        self.play()
        self.assertGreaterEqual(self.steps_taken, EXAMPLES * STEPS)

    def rows(self):
        return self.env.execute_query(SQL(
            "SELECT to_jsonb(p) - 'refreshed_at' FROM sales_stock_position p ORDER BY product_id, warehouse_id"))

    def assertReserved(self):
        for warehouse in self.main + self.branch:
            for product in self.goods:
                quants = self.env['stock.quant'].search([
                    ('product_id', '=', product.id), ('location_id', 'child_of', warehouse.view_location_id.id)])
                self.assertAlmostEqual(
                    self.position(product, warehouse).qty_reserved, sum(quants.mapped('reserved_quantity')))

    # -- what happens to stock

    def make(self, product, source, target, quantity, **values):
        move = self.env['stock.move'].create({
            'product_id': product.id, 'product_uom_qty': quantity, 'location_id': source.id,
            'location_dest_id': target.id, **values})
        self.moves += move
        return move

    def finish(self, move, quantity=None):
        """Have a move done, with a lot where the product needs one."""
        quantity = quantity or move.product_uom_qty
        if move.product_id == self.lotted:
            move.move_line_ids.unlink()
            move.move_line_ids = [Command.create({
                'product_id': self.lotted.id, 'lot_id': self.lots[int(quantity) % 2].id, 'quantity': quantity,
                'product_uom_id': move.product_uom.id, 'location_id': move.location_id.id,
                'location_dest_id': move.location_dest_id.id})]
        else:
            move.quantity = quantity
        move.picked = True
        self.moves |= move._action_done().exists()

    def at_once(self, product, source, target, quantity, **values):
        move = self.make(product, source, target, quantity, **values)
        move._action_confirm(merge=False)
        self.finish(move)

    def step_receive(self, product, source, target, quantity, move):
        self.at_once(product, self.supplier_location, target, quantity)

    def step_ship(self, product, source, target, quantity, move):
        self.at_once(product, source, self.customer_location, quantity)

    def step_transfer(self, product, source, target, quantity, move):
        self.at_once(product, source, target, quantity, location_final_id=self.branch.lot_stock_id.id)

    def step_count(self, product, source, target, quantity, move):
        lot = self.lots[0] if product == self.lotted else self.lots.browse()
        quant = self.env['stock.quant'].with_context(inventory_mode=True).create({
            'product_id': product.id, 'location_id': source.id, 'lot_id': lot.id, 'inventory_quantity': quantity})
        quant.action_apply_inventory()

    def step_plan(self, product, source, target, quantity, move):
        ends = ((source, self.customer_location), (self.supplier_location, target), (source, target))[quantity % 3]
        planned = self.make(
            product, *ends, quantity, product_uom=(self.dozen if quantity % 5 == 0 else self.unit).id)
        planned._action_confirm(merge=False)
        planned._action_assign()

    def step_confirm(self, product, source, target, quantity, move):
        self.make(product, source, self.customer_location, quantity)._action_confirm(merge=False)

    def open(self, move):
        return move.exists().filtered(lambda each: each.state not in ('done', 'cancel', 'draft'))

    def step_do(self, product, source, target, quantity, move):
        if move := self.open(move):
            self.finish(move)

    def step_part(self, product, source, target, quantity, move):
        if move := self.open(move):
            self.finish(move, min(quantity, move.product_uom_qty))

    def step_unreserve(self, product, source, target, quantity, move):
        self.open(move)._do_unreserve()

    def step_reserve(self, product, source, target, quantity, move):
        self.open(move)._action_assign()

    def step_cancel(self, product, source, target, quantity, move):
        if move := self.open(move):
            move._action_cancel()

    def step_drop(self, product, source, target, quantity, move):
        if move := self.open(move):
            move._action_cancel()
            self.moves -= move
            move.unlink()

    def step_change(self, product, source, target, quantity, move):
        if move := self.open(move):
            move.product_uom_qty = quantity

    def step_unit(self, product, source, target, quantity, move):
        if move := self.open(move):
            move._do_unreserve()
            move.product_uom = self.dozen if move.product_uom == self.unit else self.unit

    def step_redirect(self, product, source, target, quantity, move):
        if move := self.open(move):
            move._do_unreserve()
            move.location_dest_id = target
            move.location_final_id = (self.branch.lot_stock_id.id, False)[quantity % 2]

    def step_delay(self, product, source, target, quantity, move):
        if move := self.open(move):
            move.date = f'2030-01-{quantity:02}'

    def step_scrap(self, product, source, target, quantity, move):
        scrap = self.env['stock.scrap'].create({
            'product_id': product.id, 'location_id': source.id, 'scrap_qty': quantity,
            'lot_id': self.lots[0].id if product == self.lotted else False})
        scrap.do_scrap()

    def step_return(self, product, source, target, quantity, move):
        if move.exists() and move.state == 'done':
            self.at_once(
                move.product_id, move.location_dest_id, move.location_id, quantity, origin_returned_move_id=move.id)

    def step_sell(self, product, source, target, quantity, move):
        order = self.env['sale.order'].create({
            'partner_id': self.customers[quantity % 3].id,
            'order_line': [Command.create({'product_id': product.id, 'product_uom_qty': quantity,
                                           'product_uom_id': (self.dozen if quantity % 4 == 0 else self.unit).id})]})
        order.action_confirm()
        self.orders += order
        self.refresh()
        self.positions._refresh_products(self.env['sales.stock.touch']._take(1000))

    def step_validate(self, product, source, target, quantity, move):
        for picking in self.orders.picking_ids.filtered(lambda each: each.state in ('assigned', 'confirmed'))[:1]:
            line = picking.move_ids[:1]
            self.finish(line, min(quantity, line.product_uom_qty))
