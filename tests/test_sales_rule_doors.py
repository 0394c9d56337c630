import base64
from contextlib import contextmanager
from datetime import timedelta
from xmlrpc.client import Fault

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_payment.tests.common import AccountPaymentCommon

from .rules_common import RulesCommon

BIG = [('amount_total', '>', 500)]
SIGNATURE = base64.b64encode(base64.b64decode(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==')).decode()


class DoorsCommon(RulesCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy_set = cls.rule_set((BIG, 'stop', "Too big"))

    def big(self, **values):
        return self.quotation((self.products[0], 6, 100), **values)

    @contextmanager
    def assertClosed(self, order):
        with self.assertRaisesRegex(UserError, "cannot be confirmed. Too big"), self.env.cr.savepoint():
            yield
        order.invalidate_recordset()
        self.assertIn(order.state, ('draft', 'sent'))


@tagged('post_install', '-at_install')
class TestDoors(DoorsCommon):
    """Whatever way leads to a confirmed order, the rules are asked."""

    def test_button_and_many_at_once(self):
        order, small = self.big(), self.quotation()
        with self.assertClosed(order):
            order.with_context(sales_confirm_interactive=True).action_confirm()
        with self.assertClosed(order):
            (small + order).action_confirm()
        self.assertEqual(small.state, 'draft', "the host confirms all or none")

    def test_bare_write(self):
        order = self.big()
        with self.assertClosed(order):
            order.write({'state': 'sale'})
        with self.assertClosed(order):
            order.sudo().write({'state': 'sale'})
        small = self.quotation()
        small.write({'state': 'sale'})
        self.assertEqual(small.state, 'sale')

    def test_no_context_opens_the_door(self):
        order = self.big()
        for key in ('sales_import_history', 'sales_confirm_accepted', 'sales_confirm_interactive', 'import_file'):
            with self.assertClosed(order):
                order.with_context(**{key: True}).write({'state': 'sale'})

    def test_bare_create(self):
        values = {
            'partner_id': self.customers[0].id, 'state': 'sale',
            'order_line': [Command.create(
                {'product_id': self.products[0].id, 'product_uom_qty': 6, 'price_unit': 100})],
        }
        with self.assertRaisesRegex(UserError, "Too big"):
            self.env['sale.order'].with_user(self.salesman).create(values)
        values['order_line'] = [Command.create({'product_id': self.products[0].id, 'price_unit': 100})]
        self.assertEqual(self.env['sale.order'].with_user(self.salesman).create(values).state, 'sale')

    def test_cancelled_order(self):
        order = self.big()
        order._action_cancel()
        with self.assertRaisesRegex(UserError, "Too big"):
            order.write({'state': 'sale'})

    def test_import_of_a_file(self):
        result = self.env['sale.order'].with_user(self.salesman).load(
            ['partner_id', 'state', 'order_line/product_id/.id', 'order_line/product_uom_qty', 'order_line/price_unit'],
            [["Alpha", 'Sales Order', str(self.products[0].id), '6', '100']])
        self.assertFalse(result['ids'])
        self.assertIn("Too big", result['messages'][0]['message'])

    def test_duplicate(self):
        self.policy_set.mode = 'off'
        order = self.big()
        order.action_confirm()
        self.policy_set.mode = 'stop'
        copy = order.copy()
        with self.assertClosed(copy):
            copy.action_confirm()

    def test_raised_after_it_was_looked_at(self):
        order = self.quotation()
        with order._open_door() as door:
            self.assertFalse(order._get_verdict(door).message)
        order.order_line.price_unit = 600
        with self.assertClosed(order):
            order.action_confirm()

    def test_query_count_of_many_orders(self):
        self.rule_set(*(
            ([('amount_total', '>', 1000 + n), ('partner_id.name', '=', "Nobody")], 'stop') for n in range(9)))
        counts = []
        for size in (1, 2, 12):
            orders = self.env['sale.order'].concat(*(self.quotation() for _n in range(size)))
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.env['sales.rule.engine']._judge(orders)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])


@tagged('post_install', '-at_install')
class TestRemoteDoors(HttpCase, DoorsCommon):

    def call(self, order, method, *args):
        return self.xmlrpc_object.execute_kw(
            self.env.cr.dbname, self.salesman.id, 'own' + 5 * 'x', 'sale.order', method, [order.ids, *args])

    def test_xmlrpc(self):
        order = self.big()
        self.env.flush_all()
        with self.assertRaisesRegex(Fault, "Too big"), mute_logger('odoo.sql_db'):
            self.call(order, 'action_confirm')
        with self.assertRaisesRegex(Fault, "Too big"):
            self.call(order, 'write', {'state': 'sale'})
        order.invalidate_recordset()
        self.assertEqual(order.state, 'draft')
        # the log outlives the transaction that failed for what it says
        self.assertEqual(self.decisions(order, effect='stopped').mapped('user_id'), self.salesman)

    @mute_logger('odoo.http')
    def test_json2(self):
        order = self.big()
        key = self.env['res.users.apikeys'].with_user(self.salesman)._generate(
            'rpc', "test", fields.Datetime.now() + timedelta(days=1))
        self.env.flush_all()
        response = self.url_open(
            '/json/2/sale.order/action_confirm', json={'ids': order.ids},
            headers={'Authorization': f'bearer {key}'})
        self.assertEqual(response.status_code, 422)
        self.assertIn("Too big", response.json()['message'])
        order.invalidate_recordset()
        self.assertEqual(order.state, 'draft')

    def test_portal_signature_stays(self):
        order = self.big(require_signature=True, require_payment=False)
        order.sudo().action_quotation_sent()
        token = order.sudo()._portal_ensure_token()
        self.env.flush_all()
        result = self.make_jsonrpc_request(f'/my/orders/{order.id}/accept', {
            'access_token': token, 'name': "Al Pha", 'signature': SIGNATURE})
        self.assertTrue(result['force_refresh'], result)
        order.invalidate_recordset()
        self.assertEqual(order.state, 'sent')
        self.assertEqual(order.signed_by, "Al Pha")
        self.assertIn("Accepted by the customer", order.activity_ids.summary)
        self.assertEqual(order.activity_ids.user_id, self.salesman)
        page = self.url_open(f'/my/orders/{order.id}?access_token={token}').text
        self.assertNotIn("Too big", page, "a policy is none of the customer's business")


@tagged('post_install', '-at_install')
class TestPaymentDoor(AccountPaymentCommon, DoorsCommon):

    def test_payment_stays(self):
        order = self.big(require_payment=True)
        order.sudo().action_quotation_sent()
        self.amount, self.currency, self.partner = order.amount_total, order.currency_id, order.partner_id
        payment = self._create_transaction(flow='redirect', sale_order_ids=order.ids, state='done')
        with mute_logger('odoo.addons.sale.models.payment_transaction'):
            payment._post_process()
        self.assertEqual(order.state, 'sent')
        self.assertEqual(payment.state, 'done')
        self.assertTrue(payment.is_post_processed)
        self.assertIn("Accepted by the customer", order.activity_ids.summary)
        small = self.quotation((self.products[0], 1, 100), require_payment=True)
        self.amount = small.amount_total
        self._create_transaction(
            flow='redirect', sale_order_ids=small.ids, state='done', reference="small")._post_process()
        self.assertEqual(small.state, 'sale')
