from contextlib import contextmanager

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import SQL, mute_logger


@tagged('post_install', '-at_install')
class TestStockPositionRace(BaseCase):
    """Deliveries and refreshes at once, each in a transaction of its own.

    What is committed here is taken away again.
    """

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            products = env['product.product'].create([
                {'name': f"Race {n}", 'is_storable': True, 'standard_price': 2} for n in range(2)])
            self.products = products.ids
            self.warehouse = env['stock.warehouse'].search([], order='id', limit=1).id
            self.put(env, 0, 20)
            self.put(env, 1, 20)
            env.flush_all()
            env['sales.stock.position']._refresh_products(self.products)
        self.addCleanup(self.forget)

    def forget(self):
        with self.transaction() as env:
            for table in ('sales_stock_position', 'stock_move_line', 'stock_move', 'stock_quant'):
                env.cr.execute(SQL("DELETE FROM %s WHERE product_id = ANY(%s)", SQL.identifier(table), self.products))
            env['product.product'].browse(self.products).product_tmpl_id.unlink()
            env.flush_all()
            env.cr.flush()
            env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
            env.cr.execute("DELETE FROM sales_event WHERE product_id = ANY(%s)", (self.products,))

    @contextmanager
    def transaction(self):
        with db_connect(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {'mail_notrack': True})
            cr.commit()

    def put(self, env, number, quantity):
        env['stock.quant']._update_available_quantity(
            env['product.product'].browse(self.products[number]),
            env['stock.warehouse'].browse(self.warehouse).lot_stock_id, quantity)

    def ship(self, env, number, quantity):
        move = env['stock.move'].create({
            'product_id': self.products[number], 'product_uom_qty': quantity,
            'location_id': env['stock.warehouse'].browse(self.warehouse).lot_stock_id.id,
            'location_dest_id': env.ref('stock.stock_location_customers').id})
        move._action_confirm()
        move._action_assign()
        move.quantity = quantity
        move.picked = True
        move._action_done()

    def refresh(self, env):
        env.flush_all()
        return env['sales.stock.position']._refresh_products(self.products)

    def again(self, env):
        """Begin anew, as the server does with a request that came too late for its snapshot."""
        env.cr.rollback()
        env.transaction.reset()

    def follow(self):
        with self.transaction() as env:
            consumer = env['sales.consumer'].search([('reader', '=', 'sales.reader.stock')])
            while consumer._dispatch_batch():
                env.cr.commit()

    def on_hand(self):
        """Return the quantities of the positions, after a look at whether they are those of the host."""
        with self.transaction() as env:
            positions = env['sales.stock.position'].search([('product_id', 'in', self.products)], order='product_id')
            products = env['product.product'].with_context(warehouse_id=self.warehouse).browse(self.products)
            self.assertEqual(positions.mapped('qty_on_hand'), products.mapped('qty_available'))
            self.assertEqual(positions.mapped('qty_forecast'), products.mapped('virtual_available'))
            return positions.mapped('qty_on_hand')

    def test_two_deliveries_at_once(self):
        with self.transaction() as first, self.transaction() as second:
            self.ship(first, 0, 3)
            self.ship(second, 1, 4)
            second.cr.commit()
            # the first one may yet write, so its events are not overtaken
            first.cr.commit()
        with self.transaction() as first, self.transaction() as second:
            self.ship(first, 0, 1)
            first.cr.commit()
            self.ship(second, 0, 2)
            second.cr.commit()
        self.follow()
        self.assertEqual(self.on_hand(), [14, 16])

    def test_an_older_view_does_not_overwrite(self):
        with self.transaction() as late, self.transaction() as early:
            late['sales.stock.position'].search([('product_id', 'in', self.products)]).read(['qty_on_hand'])
            self.put(early, 0, -5)
            self.refresh(early)
            early.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.refresh(late)
            self.again(late)
            self.assertEqual(self.refresh(late), [], "nothing is left to do")
        self.assertEqual(self.on_hand(), [15, 20])

    def test_an_older_view_does_not_undo_what_needed_no_change(self):
        with self.transaction() as first:
            self.put(first, 0, -5)
        with self.transaction() as late, self.transaction() as early:
            late['product.product'].browse(self.products).mapped('qty_available')
            self.put(early, 0, 5)
            early.cr.commit()
            # right as it is, so nothing differs, but that is newer than what the other one sees
            self.assertEqual(self.refresh(early), [])
            early.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.refresh(late)
            self.again(late)
            self.refresh(late)
        self.assertEqual(self.on_hand(), [20, 20])

    def test_two_sessions_make_the_first_position(self):
        with self.transaction() as env:
            env.cr.execute("DELETE FROM sales_stock_position WHERE product_id = ANY(%s)", [self.products])
        with self.transaction() as late, self.transaction() as early:
            late['product.product'].browse(self.products).mapped('qty_available')
            self.put(early, 0, 1)
            self.refresh(early)
            early.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.refresh(late)
            self.again(late)
        self.assertEqual(self.on_hand(), [21, 20])

    def test_a_rolled_back_delivery_is_not_told(self):
        with self.transaction() as env:
            self.ship(env, 0, 3)
            env.flush_all()
            env.cr.flush()
            env.cr.rollback()
        self.follow()
        self.assertEqual(self.on_hand(), [20, 20])
