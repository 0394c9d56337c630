from unittest.mock import patch
from xmlrpc.client import Fault

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.account_payment.tests.common import AccountPaymentCommon
from odoo.addons.sms_addon.models.sale_order_rules import INTERACTIVE, RELAYED
from odoo.addons.sms_addon.tests.test_sales_rule_doors import SIGNATURE, DoorsCommon

from coexistence.checks import answer, is_wizard

EXCEPTION, RISK = 'sale.exception.confirm', 'partner.risk.exceeded.wiz'
THEIRS = ('base_exception', 'sale_exception', 'account_financial_risk', 'sale_financial_risk')
#: what both extend, each handing on to the next
SHARED = {'create', 'write', 'unlink', 'action_confirm', '_post_process'}


class BesideCommon(DoorsCommon):
    """Orders over 500 are stopped by a rule of ours; "odd" ones are an exception; Beta's risk is exceeded."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.exception = cls.env['exception.rule'].sudo().create({
            'name': "Odd reference", 'model': 'sale.order', 'exception_type': 'by_domain',
            'domain': "[('client_order_ref', '=', 'odd')]",
        })
        cls.customers[1].risk_sale_order_limit = 50
        cls.odd = {'client_order_ref': "odd"}
        cls.risky = {'partner_id': cls.customers[1].id}
        cls.hold = {'name': "Needs a yes", 'message': "Ask first"}

    def press(self, orders):
        """Press the button on the form of an order."""
        return orders.with_context(**{INTERACTIVE: True}).action_confirm()

    def assertAsks(self, wizard, action, order):
        """Another module asks; ours has not been asked for that."""
        self.assertEqual(action['res_model'], wizard)
        self.assertEqual(action['type'], 'ir.actions.act_window')
        self.assertEqual(order.state, 'draft')
        self.assertFalse(self.met(order), "what another module asks comes first")

    def met(self, order):
        """Return what of the log came of a confirmation, not what is foreseen of it."""
        return self.decisions(order, when='confirm').filtered(lambda decision: decision.effect != 'foreseen')

    def on_hold(self):
        """Have orders over 500 wait instead."""
        self.policy_set.mode = 'off'
        self.rule_set(([('amount_total', '>', 500)], 'hold', self.hold))

    def answer(self, order, action, interactive=True):
        """Go on in a wizard; the web client hands the context of the button on to it."""
        context = {INTERACTIVE: True} if interactive else {}
        action = action if interactive else {**action, 'context': {
            name: value for name, value in action.get('context', {}).items() if name != INTERACTIVE}}
        return answer(order.with_context(**context).env, action)

    @classmethod
    def release(cls, order):
        """Have the holds of an order be released."""
        hold = type(cls.env['sales.order.hold'])
        rules = set(cls.env['sales.rule'].search([('decision', '=', 'hold')]).ids)
        return patch.object(hold, '_get_released', lambda self, orders: {order.id: rules}, create=True)


@tagged('post_install', '-at_install')
class TestSaleException(BesideCommon):

    def test_ours_stops_after_the_exception_is_ignored(self):
        order = self.big(**self.odd)
        action = self.press(order)
        self.assertAsks(EXCEPTION, action, order)
        self.assertEqual(action['context']['active_id'], order.id)
        with self.assertClosed(order):
            self.answer(order, action)
        order.sudo().action_ignore_exceptions()
        with self.assertClosed(order):
            self.press(order)
        with self.assertClosed(order):
            order.action_confirm()

    def test_ignored_and_nothing_of_ours(self):
        order = self.quotation(**self.odd)
        action = self.press(order)
        self.assertAsks(EXCEPTION, action, order)
        self.answer(order, action)
        self.assertEqual(order.state, 'sale')
        self.assertFalse(self.met(order))

    def test_exception_of_a_line(self):
        self.exception.write({'model': 'sale.order.line', 'domain': "[('product_uom_qty', '=', 6)]"})
        order = self.big()
        self.assertAsks(EXCEPTION, self.press(order), order)
        self.assertEqual(order.order_line.exception_ids, self.exception)
        order.sudo().action_ignore_exceptions()
        with self.assertClosed(order):
            self.press(order)

    def test_exception_that_cannot_be_ignored(self):
        self.exception.is_blocking = True
        order = self.big(**self.odd)
        action = self.press(order)
        with self.assertRaisesRegex(UserError, "can not be ignored"), self.env.cr.savepoint():
            self.answer(order, action)
        self.assertEqual(order.state, 'draft')
        self.assertFalse(self.met(order))

    def test_without_a_wizard(self):
        self.env.company.sale_exception_show_popup = False
        order = self.big(**self.odd)
        self.assertFalse(self.press(order))
        self.assertEqual(order.state, 'draft')
        self.assertFalse(self.met(order))

    def test_hold_is_asked_for_after_the_exception(self):
        self.on_hold()
        order = self.big(**self.odd)
        action = self.press(order)
        self.assertAsks(EXCEPTION, action, order)
        self.assertEqual(action['context'][INTERACTIVE], RELAYED)
        with patch.object(type(self.env.user), '_bus_send', autospec=True) as sent:
            self.answer(order, action)
        messages = [call.args[2] for call in sent.call_args_list if call.args[1] == 'simple_notification']
        self.assertIn("Ask first", messages[0]['message'], "the wizard closes without what ours returned")
        self.assertEqual(order.state, 'draft')
        self.assertTrue(order.ignore_exception)
        self.assertEqual(self.met(order).mapped('effect'), ['held'])
        with self.release(order):
            self.assertIs(self.press(order), True)
        self.assertEqual(order.state, 'sale')
        self.assertEqual(self.met(order).filtered('current').mapped('effect'), ['let_through'])

    def test_hold_without_exception(self):
        self.on_hold()
        order, small = self.big(), self.quotation()
        action = self.press(order + small)
        self.assertEqual(action['tag'], 'display_notification')
        self.assertEqual((order + small).mapped('state'), ['draft', 'sale'])
        self.assertEqual(self.met(order).mapped('effect'), ['held'])

    def test_called_by_a_program(self):
        self.on_hold()
        order = self.big(**self.odd)
        self.assertAsks(EXCEPTION, order.action_confirm(), order)
        order.sudo().action_ignore_exceptions()
        with self.assertRaisesRegex(UserError, "waits for approval. Ask first"), self.env.cr.savepoint():
            order.action_confirm()
        self.assertEqual(order.state, 'draft')

    def test_bare_write(self):
        small, big, both = self.quotation(**self.odd), self.big(), self.big(**self.odd)
        with self.assertRaisesRegex(ValidationError, "Odd reference"), self.env.cr.savepoint():
            small.write({'state': 'sale'})
        self.assertEqual(small.state, 'draft')
        with self.assertClosed(big):
            big.write({'state': 'sale'})
        # theirs looks once it is written
        with self.assertClosed(both):
            both.write({'state': 'sale'})
        small.sudo().action_ignore_exceptions()
        small.write({'state': 'sale'})
        self.assertEqual(small.state, 'sale')

    def test_several_at_once(self):
        odd, big, small = self.quotation(**self.odd), self.big(), self.quotation()
        action = (odd + big + small).action_confirm()
        self.assertEqual(action['res_model'], EXCEPTION)
        odd.client_order_ref = False
        with self.assertClosed(big):
            (odd + big + small).action_confirm()
        self.assertEqual((odd + small).mapped('state'), ['draft', 'draft'])
        (odd + small).action_confirm()
        self.assertEqual((odd + small).mapped('state'), ['sale', 'sale'])

    def test_cancelled_and_again(self):
        order = self.quotation(**self.odd)
        self.answer(order, self.press(order))
        order._action_cancel()
        order.action_draft()
        self.assertFalse(order.ignore_exception)
        self.assertAsks(EXCEPTION, self.press(order), order)


@tagged('post_install', '-at_install')
class TestFinancialRisk(BesideCommon):

    def test_continue(self):
        order = self.quotation(**self.risky)
        action = self.press(order)
        self.assertAsks(RISK, action, order)
        self.answer(order, action)
        self.assertEqual(order.state, 'sale')
        self.assertFalse(self.met(order))
        self.assertEqual(self.customers[1].risk_sale_order, 100)

    def test_ours_stops_after_continue(self):
        order = self.big(**self.risky)
        for interactive in (True, False):
            action = self.press(order) if interactive else order.action_confirm()
            self.assertAsks(RISK, action, order)
            with self.assertClosed(order):
                self.answer(order, action, interactive)

    def test_hold_after_continue(self):
        self.on_hold()
        order = self.big(**self.risky)
        action = self.press(order)
        self.assertAsks(RISK, action, order)
        with patch.object(type(self.env.user), '_bus_send', autospec=True) as sent:
            self.assertEqual(self.answer(order, action)['type'], 'ir.actions.act_window_close')
        self.assertTrue([call for call in sent.call_args_list if call.args[1] == 'simple_notification'])
        self.assertEqual(order.state, 'draft')
        self.assertEqual(self.met(order).mapped('effect'), ['held'])
        with self.release(order):
            action = self.press(order)
            self.assertEqual(action['res_model'], RISK, "a release of ours is none of theirs")
            self.answer(order, action)
        self.assertEqual(order.state, 'sale')

    def test_no_risk_and_a_bare_write(self):
        self.env.company.allow_overrisk_sale_confirmation = True
        order = self.big(**self.risky)
        with self.assertClosed(order):
            self.press(order)
        with self.assertClosed(order):
            order.write({'state': 'sale'})
        with self.assertClosed(order):
            order.with_context(bypass_risk=True).action_confirm()

    def test_each_asks(self):
        self.on_hold()
        order = self.big(**self.odd, **self.risky)
        asked, action = [], self.press(order)
        for _turn in range(4):
            if is_wizard(action):
                self.assertFalse(self.met(order))
                asked.append(action['res_model'])
                action = self.answer(order, action)
            elif not self.met(order):
                action = self.press(order)
        self.assertEqual(set(asked), {EXCEPTION, RISK})
        self.assertEqual(order.state, 'draft')
        self.assertEqual(self.met(order).mapped('effect'), ['held'])


@tagged('post_install', '-at_install')
class TestCustomers(HttpCase, BesideCommon):

    def call(self, order, method, *args):
        return self.xmlrpc_object.execute_kw(
            self.env.cr.dbname, self.salesman.id, 'own' + 5 * 'x', 'sale.order', method, [order.ids, *args])

    def sign(self, order):
        order.sudo().action_quotation_sent()
        token = order.sudo()._portal_ensure_token()
        self.env.flush_all()
        result = self.make_jsonrpc_request(f'/my/orders/{order.id}/accept', {
            'access_token': token, 'name': "Al Pha", 'signature': SIGNATURE})
        order.invalidate_recordset()
        self.assertTrue(result['force_refresh'], result)
        self.assertEqual(order.signed_by, "Al Pha")

    def quote(self, **values):
        return self.quotation(require_signature=True, require_payment=False, **values)

    def test_xmlrpc(self):
        big, odd = self.big(), self.big(**self.odd)
        self.env.flush_all()
        with self.assertRaisesRegex(Fault, "Too big"), mute_logger('odoo.sql_db'):
            self.call(big, 'action_confirm')
        with self.assertRaisesRegex(Fault, "Too big"):
            self.call(odd, 'write', {'state': 'sale'})
        self.assertEqual(self.call(odd, 'action_confirm')['res_model'], EXCEPTION)
        (big + odd).invalidate_recordset()
        self.assertEqual((big + odd).mapped('state'), ['draft', 'draft'])
        self.assertEqual(self.met(big).mapped('effect'), ['stopped'])
        self.assertEqual(self.met(odd).mapped('effect'), ['stopped'], "that of the write")

    def test_signature(self):
        order = self.quote()
        self.sign(order)
        self.assertEqual(order.state, 'sale')

    def test_signature_stays(self):
        order = self.big(require_signature=True, require_payment=False)
        self.sign(order)
        self.assertEqual(order.state, 'sent')
        self.assertIn("Too big", order.activity_ids.note)
        self.assertEqual(self.met(order).mapped('effect'), ['stopped'])

    def test_signature_on_what_another_module_asks_about(self):
        for values in (self.odd, self.risky):
            order = self.quote(**values)
            self.sign(order)
            self.assertEqual(order.state, 'sent')
            self.assertIn("Accepted by the customer", order.activity_ids.summary)
            self.assertEqual(order.activity_ids.user_id, self.salesman)
            self.answer(order, self.press(order))
            self.assertEqual(order.state, 'sale')


@tagged('post_install', '-at_install')
class TestPayments(AccountPaymentCommon, BesideCommon):

    def pay(self, order):
        order.sudo().action_quotation_sent()
        self.amount, self.currency, self.partner = order.amount_total, order.currency_id, order.partner_id
        payment = self._create_transaction(
            flow='redirect', sale_order_ids=order.ids, state='done', reference=order.name)
        with mute_logger('odoo.addons.sale.models.payment_transaction'):
            payment._post_process()
        self.assertEqual(payment.state, 'done')
        self.assertTrue(payment.is_post_processed)
        self.assertEqual(order.amount_paid, order.amount_total)

    def test_payment(self):
        order = self.quotation(require_payment=True, **self.risky)
        self.pay(order)
        self.assertEqual(order.state, 'sale', "who has paid is no risk")

    def test_payment_stays(self):
        for values in ({}, self.risky):
            order = self.big(require_payment=True, **values)
            self.pay(order)
            self.assertEqual(order.state, 'sent')
            self.assertIn("Too big", order.activity_ids.note)
            self.assertEqual(self.met(order).mapped('effect'), ['stopped'])

    def test_payment_of_what_another_module_asks_about(self):
        order = self.big(require_payment=True, **self.odd)
        self.pay(order)
        self.assertEqual(order.state, 'sent')
        self.assertIn("Accepted by the customer", order.activity_ids.summary)
        self.assertFalse(self.met(order))
        with self.assertClosed(order):
            self.answer(order, self.press(order))


@tagged('post_install', '-at_install')
class TestTogether(BesideCommon):

    def test_no_name_means_two_things(self):
        for model in (
            'sale.order', 'sale.order.line', 'res.partner', 'payment.transaction', 'res.company', 'account.move',
        ):
            names = {'ours': set(), 'theirs': set()}
            for base in type(self.env[model]).__mro__:
                module = base.__module__.split('.')[2] if base.__module__.startswith('odoo.addons.') else None
                if module == 'sms_addon' or module in THEIRS:
                    own = {name for name in vars(base) if not name.startswith('__')}
                    names['ours' if module == 'sms_addon' else 'theirs'] |= own
            both = names['ours'] & names['theirs'] - SHARED
            self.assertFalse({name for name in both if not hasattr(type(self.env['base']), name)}, model)

    def test_form(self):
        for user in self.salesman, self.manager:
            arch = self.env['sale.order'].with_user(user).get_view(
                self.env.ref('sale.view_order_form').id, 'form')['arch']
            self.assertIn('exceptions_summary', arch)
            self.assertIn('sales_rule_warning', arch)
            self.assertIn(INTERACTIVE, arch)

    def test_rule_of_ours_on_fields_of_theirs(self):
        self.rule_set(
            ([('partner_id.risk_exception', '=', True)], 'stop', "Risky"),
            ([('main_exception_id', '!=', False)], 'stop', "Not settled"))
        self.quotation(**self.risky).with_context(bypass_risk=True).action_confirm()
        order, odd = self.quotation(**self.risky), self.quotation(**self.odd)
        action = self.press(order)
        self.assertAsks(RISK, action, order)
        with self.assertRaisesRegex(UserError, "Risky"), self.env.cr.savepoint():
            self.answer(order, action)
        action = self.press(odd)
        self.assertAsks(EXCEPTION, action, odd)
        # the rule sees what their answer has made of it
        self.answer(odd, action)
        self.assertEqual(odd.state, 'sale')

    def test_order_confirmed_when_made(self):
        values = {'partner_id': self.customers[0].id, 'state': 'sale', 'order_line': [
            Command.create({'product_id': self.products[0].id, 'product_uom_qty': 6, 'price_unit': 100})]}
        with self.assertRaisesRegex(UserError, "Too big"), self.env.cr.savepoint():
            self.env['sale.order'].with_user(self.salesman).create(values)
