from contextlib import contextmanager

from psycopg2.errors import SerializationFailure

from odoo import SUPERUSER_ID, Command, api
from odoo.exceptions import UserError
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from odoo.tools import mute_logger


@tagged('post_install', '-at_install')
class TestSalesApprovalRace(BaseCase):
    """Two approvers at once, and an approval while the order changes, each in a transaction of its own.

    What is committed here is taken away again.
    """

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            users = env['res.users'].with_context(no_reset_password=True).create([
                {'name': f"Racer {n}", 'login': f'racer{n}', 'group_ids': [Command.link(env.ref('base.group_user').id)]}
                for n in (1, 2)
            ])
            self.users = users.ids
            policy = env['sales.approval.policy'].create({'name': "Race", 'level_ids': [
                Command.create({'approver': 'users', 'user_ids': self.users, 'quorum': 2})]})
            rule_set = env['sales.rule.set'].create({'name': "Race", 'rule_ids': [
                Command.create({'name': "Race", 'decision': 'hold', 'approval_policy_id': policy.id})]})
            partner = env['res.partner'].create({'name': "Race"})
            product = env['product.product'].create({
                'name': "Race", 'type': 'service', 'list_price': 100, 'taxes_id': False})
            order = env['sale.order'].create({
                'partner_id': partner.id,
                'order_line': [Command.create({'product_id': product.id, 'price_unit': 100})]})
            hold = env['sales.order.hold']._request(env['sales.rule.decision'].create({
                'set_id': rule_set.id, 'rule_id': rule_set.rule_ids.id, 'model': 'sale.order', 'res_id': order.id,
                'order_id': order.id, 'effect': 'held', 'message': "Race"}))
            self.hold, self.order = hold.id, order.id
            records = (order, rule_set, policy, product.product_tmpl_id, partner, users)
            self.records = [(record._name, record.ids) for record in records]
            self.partners = users.partner_id.ids
        self.addCleanup(self.forget)

    def forget(self):
        with self.transaction() as env:
            for model, ids in self.records:
                env[model].browse(ids).unlink()
            env['res.partner'].browse(self.partners).unlink()
            env.flush_all()
            env.cr.execute("SET LOCAL sms_addon.ledger_maintenance = 'on'")
            env.cr.execute("DELETE FROM sales_event WHERE order_id = %s", (self.order,))

    @contextmanager
    def transaction(self, user=None):
        with db_connect(get_db_name()).cursor() as cr:
            yield api.Environment(cr, user or SUPERUSER_ID, {'mail_notrack': True})
            cr.commit()

    def approve(self, env):
        env['sales.order.hold'].browse(self.hold).action_approve()

    def look(self):
        with self.transaction() as env:
            hold = env['sales.order.hold'].browse(self.hold)
            return hold.state, hold.vote_ids.user_id.ids

    def test_two_approvers_at_once(self):
        one, other = self.users
        with self.transaction(one) as first, self.transaction(other) as second:
            first['sales.order.hold'].browse(self.hold).read(['state'])
            second['sales.order.hold'].browse(self.hold).read(['state'])
            self.approve(first)
            with self.assertRaisesRegex(UserError, "at this moment"):
                self.approve(second)
            first.cr.commit()
            # the request that comes too late for its snapshot is made again by the server
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.approve(second)
            second.cr.rollback()
            second.transaction.reset()
            self.assertEqual(self.look(), ('waiting', [one]))
            self.approve(second)
        state, voters = self.look()
        self.assertEqual((state, set(voters)), ('approved', set(self.users)))

    def test_two_clicks_of_one_approver(self):
        one = self.users[0]
        with self.transaction(one) as first, self.transaction(one) as second:
            second['sales.order.hold'].browse(self.hold).read(['state'])
            self.approve(first)
            first.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.approve(second)
            second.cr.rollback()
            second.transaction.reset()
            with self.assertRaisesRegex(UserError, "already"):
                self.approve(second)
        self.assertEqual(self.look(), ('waiting', [one]))

    def test_approval_while_the_order_changes(self):
        with self.transaction() as editor, self.transaction(self.users[0]) as approver:
            approver['sales.order.hold'].browse(self.hold).read(['figures'])
            editor['sale.order'].browse(self.order).order_line.price_unit = 200
            editor.flush_all()
            with self.assertRaisesRegex(UserError, "at this moment"):
                self.approve(approver)
            editor.cr.commit()
            with mute_logger('odoo.sql_db'), self.assertRaises(SerializationFailure):
                self.approve(approver)
            approver.cr.rollback()
            approver.transaction.reset()
            with self.assertRaisesRegex(UserError, "the total rose from"):
                self.approve(approver)
        self.assertEqual(self.look(), ('waiting', []))

    def test_an_order_changed_after_the_last_look_is_not_released(self):
        with self.transaction(self.users[0]) as first:
            self.approve(first)
        with self.transaction(self.users[1]) as approver, self.transaction() as editor:
            editor['sale.order'].browse(self.order).read(['amount_total'])
            self.approve(approver)
            approver.cr.commit()
            order = editor['sale.order'].browse(self.order)
            order.order_line.price_unit = 200
            editor.cr.commit()
            editor.transaction.reset()
            self.assertEqual(order.sales_hold_state, 'approved')
            self.assertEqual(editor['sales.order.hold']._get_released(order), {})
