from contextlib import contextmanager

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, Command, api
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import SQL, mute_logger


@tagged('post_install', '-at_install')
class TestStockAlertRace(BaseCase):
    """Two sessions that look at one position at once, each in a transaction of its own.

    What is committed here is taken away again.
    """

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            product = env['product.product'].create({'name': "Race", 'is_storable': True})
            warehouse = env['stock.warehouse'].search([], limit=1)
            position = env['sales.stock.position'].create({
                'product_id': product.id, 'product_tmpl_id': product.product_tmpl_id.id, 'qty_on_hand': -5,
                'warehouse_id': warehouse.id, 'company_id': warehouse.company_id.id})
            rule_set = env['sales.rule.set'].create({
                'name': "Race", 'model': 'sales.stock.position', 'when': 'event',
                'rule_ids': [Command.create({
                    'name': "Race", 'domain': f"[('product_id', '=', {product.id}), ('qty_on_hand', '<', 0)]",
                    'decision': 'note', 'action_ids': [Command.create({
                        'kind': 'alert', 'alert_activity': False, 'alert_notify': False, 'alert_publish': False})]})]})
            rule_set.with_user(env.ref('base.user_admin')).action_publish()
            rule_set.with_company(warehouse.company_id).mode = 'stop'
            self.product, self.position, self.rule_set = product.id, position.id, rule_set.id
        env.registry.clear_cache()
        self.addCleanup(self.forget)

    def forget(self):
        with self.transaction() as env:
            for table, column, value in (
                ('sales_stock_alert', 'set_id', self.rule_set), ('sales_rule_decision', 'set_id', self.rule_set),
                ('sales_stock_position', 'product_id', self.product),
            ):
                env.cr.execute(SQL(
                    "DELETE FROM %s WHERE %s = %s", SQL.identifier(table), SQL.identifier(column), value))
            env.cr.execute("UPDATE sales_rule_set SET published_id = NULL WHERE id = %s", [self.rule_set])
            env.cr.execute("DELETE FROM sales_rule_version WHERE set_id = %s", [self.rule_set])
            env.cr.execute("DELETE FROM sales_rule WHERE set_id = %s", [self.rule_set])
            env.invalidate_all()
            env['sales.rule.set'].browse(self.rule_set).unlink()
            env['product.product'].browse(self.product).product_tmpl_id.unlink()
        env.registry.clear_cache()

    @contextmanager
    def transaction(self):
        with db_connect(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {'mail_notrack': True})
            cr.commit()

    def ask(self, env):
        return env['sales.stock.alert']._evaluate([self.position])

    def states(self):
        with self.transaction() as env:
            return env['sales.stock.alert'].search([('set_id', '=', self.rule_set)], order='id').mapped('state')

    def set_stock(self, env, quantity):
        env.cr.execute("UPDATE sales_stock_position SET qty_on_hand = %s WHERE id = %s", [quantity, self.position])
        env.invalidate_all()

    def test_two_sessions_open_one_alert(self):
        with self.transaction() as first, self.transaction() as second:
            first.cr.execute("SELECT 1")
            second.cr.execute("SELECT COUNT(*) FROM sales_stock_alert")  # its view of the database begins here
            self.ask(first)
            first.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.ask(second)
            second.cr.rollback()
            second.transaction.reset()
            self.assertEqual([len(each) for each in self.ask(second)], [0, 0])
        self.assertEqual(self.states(), ['open'])

    def test_an_old_view_does_not_open_what_has_ended(self):
        with self.transaction() as env:
            self.ask(env)
        with self.transaction() as late, self.transaction() as mover:
            late.cr.execute("SELECT COUNT(*) FROM sales_stock_alert")
            self.set_stock(mover, 7)
            self.ask(mover)
            mover.cr.commit()
            self.assertEqual(self.states(), ['closed'])
            # to the late one the alert is open and the rule holds: there is nothing to do
            self.assertEqual([len(each) for each in self.ask(late)], [0, 0])
        self.assertEqual(self.states(), ['closed'])

    def test_an_old_view_does_not_close_what_goes_on(self):
        with self.transaction() as env:
            self.set_stock(env, 7)
        with self.transaction() as late, self.transaction() as mover:
            late.cr.execute("SELECT COUNT(*) FROM sales_stock_alert")
            self.set_stock(mover, -1)
            self.ask(mover)
            mover.cr.commit()
            self.ask(late)
        self.assertEqual(self.states(), ['open'])

    def test_an_old_view_does_not_open_without_the_cause(self):
        with self.transaction() as late, self.transaction() as mover:
            late.cr.execute("SELECT COUNT(*) FROM sales_stock_alert")
            self.set_stock(mover, 7)
            mover.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.ask(late)
            late.cr.rollback()
            late.transaction.reset()
            self.ask(late)
        self.assertEqual(self.states(), [])
