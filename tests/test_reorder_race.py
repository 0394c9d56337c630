from contextlib import contextmanager

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import mute_logger


@tagged('post_install', '-at_install')
class TestReorderRace(BaseCase):
    """Two planners accept at once, and one accepts while another changes the order point.

    Each has a transaction of its own; what is committed here is taken away again.
    """

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            warehouse = env['stock.warehouse'].search([('company_id', '=', env.company.id)], limit=1)
            product = env['product.product'].create({'name': "Race", 'is_storable': True})
            orderpoint = env['stock.warehouse.orderpoint'].create({
                'product_id': product.id, 'warehouse_id': warehouse.id, 'product_min_qty': 1, 'product_max_qty': 2,
                'trigger': 'manual'})
            proposal = env['sales.reorder.proposal'].create({
                'product_id': product.id, 'warehouse_id': warehouse.id, 'company_id': env.company.id,
                'orderpoint_id': orderpoint.id, 'present_min': 1, 'present_max': 2, 'proposed_min': 5,
                'proposed_max': 9, 'service_target': 0.9, 'method': 'normal'})
            self.product, self.orderpoint, self.proposal = product.id, orderpoint.id, proposal.id
        self.addCleanup(self.forget)

    def forget(self):
        with self.transaction() as env:
            env['sales.reorder.proposal'].browse(self.proposal).unlink()
            env['stock.warehouse.orderpoint'].browse(self.orderpoint).exists().unlink()
            env['product.product'].browse(self.product).product_tmpl_id.unlink()
            env.flush_all()
            env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
            env.cr.execute("DELETE FROM sales_event WHERE product_id = %s", (self.product,))

    @contextmanager
    def transaction(self):
        with db_connect(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {'mail_notrack': True, 'tracking_disable': True})
            cr.commit()

    def accept(self, env):
        env['sales.reorder.proposal'].browse(self.proposal).action_accept()
        env.flush_all()

    def levels(self):
        with self.transaction() as env:
            orderpoint = env['stock.warehouse.orderpoint'].browse(self.orderpoint)
            return orderpoint.product_min_qty, orderpoint.product_max_qty

    def look_again(self, env):
        env.cr.rollback()
        env.transaction.reset()

    def test_two_accept_at_once(self):
        with self.transaction() as first, self.transaction() as second:
            second['sales.reorder.proposal'].browse(self.proposal).read(['state'])
            self.accept(first)
            with self.assertRaisesRegex(UserError, "at this moment"):
                self.accept(second)
            first.cr.commit()
            # the request that comes too late for its snapshot is made again by the server
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.accept(second)
            self.look_again(second)
            with self.assertRaisesRegex(UserError, "decided already"):
                self.accept(second)
            self.look_again(second)
        self.assertEqual(self.levels(), (5, 9))

    def test_one_accepts_while_another_changes_the_order_point(self):
        with self.transaction() as planner, self.transaction() as editor:
            planner['sales.reorder.proposal'].browse(self.proposal).read(['state'])
            editor['stock.warehouse.orderpoint'].browse(self.orderpoint).product_max_qty = 50
            editor.flush_all()
            with self.assertRaisesRegex(UserError, "at this moment"):
                self.accept(planner)
            editor.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.accept(planner)
            self.look_again(planner)
            self.accept(planner)
            proposal = planner['sales.reorder.proposal'].browse(self.proposal)
            self.assertEqual(proposal.state, 'stale')
        self.assertEqual(self.levels(), (1, 50))
