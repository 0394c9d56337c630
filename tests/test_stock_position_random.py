import logging
import os
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.tests import tagged
from odoo.tools import SQL

from .stock_common import StockCommon

_logger = logging.getLogger(__name__)

#: more of them find more; see also the log for how often each step was taken
EXAMPLES, STEPS = int(os.environ.get('SMS_STOCK_EXAMPLES', 40)), 50
PRODUCT, PLACE, QUANTITY = st.integers(0, 3), st.integers(0, 4), st.integers(1, 12)
NAMES = (
    'plan', 'plan', 'plan', 'receive', 'receive', 'ship', 'ship', 'transfer', 'transfer', 'count', 'confirm', 'do',
    'do', 'part', 'unreserve', 'reserve', 'cancel', 'change', 'unit', 'redirect', 'delay', 'scrap', 'return', 'sell',
    'validate', 'validate', 'give_back', 'send', 'arrive', 'consign', 'correct', 'archive', 'drop')


def histories(*more):
    """Return a strategy of what happens to stock: a name, a product, two places, a quantity, and which move."""
    step = st.tuples(st.sampled_from((*NAMES, *more)), PRODUCT, PLACE, PLACE, QUANTITY, st.integers(0, 20))
    return st.lists(step, min_size=STEPS, max_size=STEPS)


#: a shorter history takes minutes to find
PROFILE = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


class RandomStockCommon(StockCommon):
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
        cls.transit = cls.company.internal_transit_location_id
        cls.owner = cls.env['res.partner'].create({'name': "Consignor"})
        #: how often each step found something to do, in how many histories
        cls.taken, cls.lived = Counter(), 0

    def live(self, steps):
        """Take the steps, and look at every tenth whether the positions are those of the host; then undo it all."""
        type(self).lived += 1
        with self.env.cr.savepoint() as savepoint:
            self.moves = self.env['stock.move']
            self.orders = self.env['sale.order']
            self.sent = self.env['stock.picking']
            for number, (name, product, source, target, quantity, which) in enumerate(steps):
                move = self.moves[which % len(self.moves)] if self.moves else self.moves
                done = self.take(
                    name, self.goods[product], self.places[source], self.places[target], quantity, move)
                self.taken[name] += done is not False
                if number % 10 == 9:
                    self.look()
            self.look()
            followed = self.rows()
            self.positions._refresh_products(self.goods.ids)
            self.assertEqual(followed, self.rows(), "a change that no event told of")
            self.env.flush_all()
            savepoint.close(rollback=True)
        self.env.invalidate_all()

    def take(self, name, *details):
        return getattr(self, f'step_{name}')(*details)

    def assertTaken(self, names):
        """See to it that each kind of step found something to do, many of them often."""
        _logger.info("Steps taken: %s in all, %s", self.taken.total(), dict(self.taken))
        self.assertFalse([name for name in names if not self.taken[name]])
        self.assertGreater(self.taken.total(), self.lived * STEPS / 2)

    def look(self):
        self.follow()
        self.assertEqualsHost()
        self.assertReserved()
        self.assertOwned()

    def get_compared(self):
        return self.goods

    def rows(self):
        return self.env.execute_query(SQL(
            "SELECT to_jsonb(p) - 'refreshed_at' FROM sales_stock_position p ORDER BY product_id, warehouse_id"))

    def assertReserved(self):
        for warehouse in self.main + self.branch:
            for product in self.get_compared():
                quants = self.env['stock.quant'].search([
                    ('product_id', '=', product.id), ('location_id', 'child_of', warehouse.view_location_id.id)])
                self.assertAlmostEqual(
                    self.position(product, warehouse).qty_reserved, sum(quants.mapped('reserved_quantity')))

    def assertOwned(self):
        """Compare the value with that of the quants that are the company's own."""
        for warehouse in self.main + self.branch:
            for product in self.get_compared():
                quants = self.env['stock.quant'].search([
                    ('product_id', '=', product.id), ('location_id', 'child_of', warehouse.view_location_id.id),
                    ('owner_id', '=', False)])
                self.assertAlmostEqual(
                    self.position(product, warehouse).value, sum(quants.mapped('quantity')) * product.standard_price)

    # -- what happens to stock; a step returns False where there was nothing for it

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
        """Return the move if it is open, else the first one that is."""
        return (move | self.moves).exists().filtered(lambda each: each.state not in ('done', 'cancel', 'draft'))[:1]

    def step_do(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        return self.finish(move)

    def step_part(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        return self.finish(move, min(quantity, move.product_uom_qty))

    def step_unreserve(self, product, source, target, quantity, move):
        return self.open(move)._do_unreserve() if self.open(move) else False

    def step_reserve(self, product, source, target, quantity, move):
        return self.open(move)._action_assign() if self.open(move) else False

    def step_cancel(self, product, source, target, quantity, move):
        # what the host cancels is not for us to say
        return bool(self.open(move)) and bool(self.open(move)._action_cancel())

    def step_drop(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        move._action_cancel()
        self.moves -= move
        return move.unlink()

    def step_change(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        move.product_uom_qty = quantity
        return True

    def step_unit(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        move._do_unreserve()
        move.product_uom = self.dozen if move.product_uom == self.unit else self.unit
        return True

    def step_redirect(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        move._do_unreserve()
        move.location_dest_id = target
        move.location_final_id = (self.branch.lot_stock_id.id, False)[quantity % 2]
        return True

    def step_delay(self, product, source, target, quantity, move):
        if not (move := self.open(move)):
            return False
        move.date = f'2030-01-{quantity:02}'
        return True

    def step_scrap(self, product, source, target, quantity, move):
        scrap = self.env['stock.scrap'].create({
            'product_id': product.id, 'location_id': source.id, 'scrap_qty': quantity,
            'lot_id': self.lots[0].id if product == self.lotted else False})
        scrap.do_scrap()

    def step_return(self, product, source, target, quantity, move):
        if not move.exists() or move.state != 'done':
            return False
        return self.at_once(
            move.product_id, move.location_dest_id, move.location_id, quantity, origin_returned_move_id=move.id)

    def step_correct(self, product, source, target, quantity, move):
        """Put right what was done: how much it was, or on which day."""
        if not move.exists() or move.state != 'done' or not move.move_line_ids:
            return False
        if quantity % 2:
            move.move_line_ids[0].date = f'2026-01-{quantity:02}'
        else:
            move.move_line_ids[0].quantity = quantity
        return True

    def step_consign(self, product, source, target, quantity, move):
        """Goods of somebody else come."""
        lot = self.lots[0] if product == self.lotted else self.lots.browse()
        self.env['stock.quant']._update_available_quantity(
            product, source, quantity, lot_id=lot, owner_id=self.owner)

    def step_archive(self, product, source, target, quantity, move):
        product.active = not product.active

    # -- orders, and what is sent from warehouse to warehouse

    def step_sell(self, product, source, target, quantity, move):
        order = self.env['sale.order'].create({
            'partner_id': self.customers[quantity % 3].id,
            'order_line': [Command.create({'product_id': product.id, 'product_uom_qty': quantity,
                                           'product_uom_id': (self.dozen if quantity % 4 == 0 else self.unit).id})]})
        order.action_confirm()
        self.orders += order
        self.read_orders()

    def read_orders(self):
        self.refresh()
        self.positions._refresh_products(self.env['sales.stock.touch']._take(1000))

    def step_validate(self, product, source, target, quantity, move):
        pickings = self.orders.picking_ids.filtered(lambda each: each.state in ('assigned', 'confirmed'))
        if not pickings:
            return False
        line = pickings[0].move_ids[:1]
        return self.finish(line, min(quantity, line.product_uom_qty))

    def step_give_back(self, product, source, target, quantity, move):
        """A customer returns some of what was delivered, by the wizard of the host."""
        pickings = self.orders.picking_ids.filtered(
            lambda each: each.state == 'done' and each.picking_type_code == 'outgoing')
        if not pickings:
            return False
        wizard = self.env['stock.return.picking'].with_context(
            active_id=pickings[-1].id, active_model='stock.picking').create({'picking_id': pickings[-1].id})
        wizard.product_return_moves.quantity = 1
        for line in wizard._create_return().move_ids.filtered('product_uom_qty'):
            self.finish(line)
        return True

    def step_send(self, product, source, target, quantity, move):
        """Goods leave for the other warehouse, by the transit of the company."""
        self.sent += self.env['stock.picking'].create({
            'picking_type_id': self.main.int_type_id.id, 'location_id': self.main.lot_stock_id.id,
            'location_dest_id': self.transit.id, 'move_ids': [Command.create({
                'product_id': product.id, 'product_uom_qty': quantity, 'location_id': self.main.lot_stock_id.id,
                'location_dest_id': self.transit.id, 'location_final_id': self.branch.lot_stock_id.id})]})
        self.sent[-1].action_confirm()

    def step_arrive(self, product, source, target, quantity, move):
        """What was sent leaves, or what left arrives."""
        moves = self.sent.move_ids.filtered(lambda each: each.state not in ('done', 'cancel'))
        if moves:
            self.finish(moves[0])
            return True
        moves = self.sent.move_ids.filtered(lambda each: each.state == 'done')
        if not moves:
            return False
        self.sent = self.sent.browse()
        return self.at_once(moves[0].product_id, self.transit, self.branch.lot_stock_id, moves[0].quantity)


@tagged('post_install', '-at_install')
class TestStockPositionRandom(RandomStockCommon):
    """Random histories of plain products and of one in lots."""

    @PROFILE
    @given(histories())
    def play(self, steps):
        self.live(steps)

    def test_positions_are_those_of_the_host(self):
        self.play()
        self.assertTaken(NAMES)
