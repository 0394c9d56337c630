from xmlrpc.client import Fault

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_payment.tests.common import AccountPaymentCommon

from .test_sales_rule_doors import BIG, SIGNATURE, DoorsCommon


class ReleaseCommon(DoorsCommon):
    """A published rule that holds orders, for the approval of the sales managers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy_set.mode = 'off'
        cls.rule_set((BIG, 'hold', "Too big"))

    def confirm(self, order):
        order.with_context(sales_confirm_interactive=True).action_confirm()
        order.invalidate_recordset()

    def holds(self, order):
        return self.env['sales.order.hold'].search([('order_id', '=', order.id)], order='id')

    def approve(self, order):
        self.env.flush_all()
        self.env.invalidate_all()
        self.holds(order).filtered(lambda hold: hold.state == 'waiting').with_user(self.manager).action_approve()
        self.env.invalidate_all()


@tagged('post_install', '-at_install')
class TestRelease(ReleaseCommon):
    """What a release is good for."""

    def released(self, **values):
        order = self.big(**values)
        self.confirm(order)
        self.assertEqual((order.state, self.holds(order).state), ('draft', 'waiting'))
        self.approve(order)
        return order

    def set_quantity(self, order, quantity):
        order.order_line.write({'product_uom_qty': quantity, 'price_unit': 100})

    def test_released_order_is_confirmed(self):
        order = self.released()
        self.assertEqual(order.state, 'draft', "the customer has not accepted it")
        self.confirm(order)
        self.assertEqual(order.state, 'sale')
        self.assertEqual(self.decisions(order, current=True, when='confirm').mapped('effect'), ['let_through'])

    def test_duplicate_is_held_again(self):
        order = self.released()
        self.confirm(order)
        copy = order.copy()
        self.confirm(copy)
        self.assertEqual((copy.state, self.holds(copy).state), ('draft', 'waiting'))
        self.assertEqual(self.holds(order).state, 'approved')

    def test_raised_after_the_release_is_held_again(self):
        order = self.released()
        self.set_quantity(order, 7)
        self.confirm(order)
        self.assertEqual(order.state, 'draft')
        self.assertEqual(self.holds(order).mapped('state'), ['superseded', 'waiting'])
        self.approve(order)
        self.confirm(order)
        self.assertEqual(order.state, 'sale')

    def test_lowered_after_the_release_passes(self):
        order = self.released()
        self.set_quantity(order, 5.5)
        self.assertGreater(order.amount_total, 500)
        self.confirm(order)
        self.assertEqual(order.state, 'sale')
        self.assertEqual(self.holds(order).state, 'approved')

    def test_for_another_customer_is_held_again(self):
        order = self.released()
        order.partner_id = self.customers[1]
        self.confirm(order)
        self.assertEqual(order.state, 'draft')
        self.assertEqual(self.holds(order).mapped('state'), ['superseded', 'waiting'])

    def test_a_rule_that_was_published_anew_holds_again(self):
        # of another customer: that one's order uses up no credit of this one
        order, same = self.released(), self.released(partner_id=self.customers[1].id)
        rule = self.holds(order).rule_ids.with_user(self.author)
        rule.message = "Too big by far"
        rule.set_id.action_publish()
        self.confirm(same)
        self.assertEqual(same.state, 'sale', "it says the same in other words")
        rule.domain = "[('amount_total', '>', 400)]"
        rule.set_id.action_publish()
        self.confirm(order)
        self.assertEqual(order.state, 'draft')
        self.assertEqual(self.holds(order).mapped('state'), ['superseded', 'waiting'])
        self.assertIn("Approval is asked for again.", str(self.holds(order)[0].message_ids[0].body))


@tagged('post_install', '-at_install')
class TestRemoteRelease(HttpCase, ReleaseCommon):

    def call(self, user, records, method):
        return self.xmlrpc_object.execute_kw(
            self.env.cr.dbname, user.id, user.login.ljust(8, 'x'), records._name, method, [records.ids])

    def test_xmlrpc(self):
        order = self.big()
        self.env.flush_all()
        with self.assertRaisesRegex(Fault, "waits for approval. Too big"), mute_logger('odoo.sql_db'):
            self.call(self.salesman, order, 'action_confirm')
        self.env.invalidate_all()
        hold = self.holds(order)
        self.assertEqual((order.state, hold.state), ('draft', 'waiting'), "it outlives what failed for it")
        self.assertEqual(hold.requested_by_id, self.salesman)
        with self.assertRaisesRegex(Fault, "your own order"):
            self.call(self.salesman, hold, 'action_approve')
        self.assertTrue(self.call(self.manager, hold, 'action_approve'))
        self.env.invalidate_all()
        self.assertEqual((order.state, hold.state), ('draft', 'approved'))
        self.assertTrue(self.call(self.salesman, order, 'action_confirm'))
        self.env.invalidate_all()
        self.assertEqual((order.state, self.holds(order)), ('sale', hold))

    def test_xmlrpc_withdrawing(self):
        order = self.big()
        self.confirm(order)
        self.env.flush_all()
        self.assertTrue(self.call(self.salesman, self.holds(order), 'action_withdraw'))
        self.env.invalidate_all()
        self.assertEqual(self.holds(order).state, 'withdrawn')

    def sign(self, order):
        """Sign a quotation as its customer does in the portal."""
        order.sudo().action_quotation_sent()
        token = order.sudo()._portal_ensure_token()
        self.env.flush_all()
        result = self.make_jsonrpc_request(f'/my/orders/{order.id}/accept', {
            'access_token': token, 'name': "Al Pha", 'signature': SIGNATURE})
        self.assertTrue(result['force_refresh'], result)
        self.env.invalidate_all()

    def test_portal_signature(self):
        order = self.big(require_signature=True, require_payment=False)
        self.sign(order)
        self.assertEqual((order.state, self.holds(order).state), ('sent', 'waiting'))
        self.assertTrue(self.holds(order).accepted)
        self.approve(order)
        self.assertEqual((order.state, order.signed_by), ('sale', "Al Pha"))
        self.assertTrue(order.signature)

    def test_portal_signature_is_for_what_was_signed(self):
        order = self.big(require_signature=True, require_payment=False)
        self.sign(order)
        order.order_line.write({'product_uom_qty': 60, 'price_unit': 100})
        self.confirm(order)
        self.assertEqual((self.holds(order).revision, self.holds(order).accepted), (2, False))
        self.approve(order)
        self.assertEqual((order.state, self.holds(order).state), ('sent', 'approved'))


@tagged('post_install', '-at_install')
class TestPaymentRelease(AccountPaymentCommon, ReleaseCommon):

    def test_payment(self):
        order = self.big(require_payment=True)
        order.sudo().action_quotation_sent()
        self.amount, self.currency, self.partner = order.amount_total, order.currency_id, order.partner_id
        payment = self._create_transaction(flow='redirect', sale_order_ids=order.ids, state='done')
        with mute_logger('odoo.addons.sale.models.payment_transaction'):
            payment._post_process()
        self.assertEqual((order.state, payment.state), ('sent', 'done'))
        self.assertEqual((self.holds(order).state, self.holds(order).accepted), ('waiting', True))
        self.approve(order)
        self.assertEqual((order.state, payment.state), ('sale', 'done'))
        self.assertEqual(order.sudo().transaction_ids, payment)
