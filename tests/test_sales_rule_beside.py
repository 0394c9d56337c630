from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from odoo.addons.sale_management.models.sale_order import SaleOrder as Below

from ..models.sale_order_rules import INTERACTIVE, RELAYED
from .test_sales_rule_doors import BIG, DoorsCommon

QUESTION = {'type': 'ir.actions.act_window', 'res_model': 'some.wizard', 'context': {'active_id': 1}}


@tagged('post_install', '-at_install')
class TestConfirmationOfOthers(DoorsCommon):
    """Another module has its own part in the confirmation; those there are come in `coexistence/`."""

    def other(self, do):
        """Have another module do something before it hands the confirmation on, or answer instead."""
        confirm = Below.action_confirm
        self.startPatcher(patch.object(Below, 'action_confirm', lambda self: do(self) or confirm(self)))

    def press(self, orders):
        return orders.with_context(**{INTERACTIVE: True}).action_confirm()

    def make_big(self, orders):
        orders.sudo().order_line.price_unit = 600

    def test_what_it_changes_is_decided_on(self):
        self.other(self.make_big)
        order = self.quotation()
        with self.assertClosed(order):
            self.press(order)
        order._validate_order()
        self.assertEqual(order.state, 'draft')
        self.assertIn("Too big", order.activity_ids.note)
        self.assertEqual(order.amount_total, 100)
        self.assertIn("600.00", self.decisions(order, effect='stopped', current=True).inputs['Total'])

    def test_what_it_changes_is_undone_where_an_order_waits(self):
        self.policy_set.mode = 'off'
        self.rule_set((BIG, 'hold', "Ask first"))
        self.other(lambda orders: orders.sudo().write({'note': "changed"}) and None)
        order, small = self.big(), self.quotation()
        action = self.press(order + small)
        self.assertIn("Ask first", action['params']['message'])
        self.assertEqual((order + small).mapped('state'), ['draft', 'sale'])
        self.assertFalse(order.note)
        self.assertIn("changed", small.note)
        self.assertEqual(self.decisions(order, effect='held').mapped('message'), ["Ask first."])

    def test_its_question_reaches_the_client(self):
        self.other(lambda orders: dict(QUESTION))
        order = self.big()
        action = self.press(order)
        self.assertEqual(action['res_model'], 'some.wizard')
        self.assertEqual(action['context'], {'active_id': 1, INTERACTIVE: RELAYED})
        self.assertEqual(order.action_confirm(), QUESTION, "a program gets what it got without ours")
        self.assertFalse(self.decisions(order, effect='stopped'), "ours has not been asked")

    def test_its_question_to_a_customer(self):
        self.other(lambda orders: dict(QUESTION))
        order = self.quotation()
        order._validate_order()
        self.assertEqual(order.state, 'draft')
        self.assertEqual(order.activity_ids.summary, "Accepted by the customer, not confirmed")

    def test_its_error(self):
        def fail(orders):
            raise UserError("Not today")
        self.other(fail)
        order = self.big()
        for confirm in (self.press, type(order).action_confirm, type(order)._validate_order):
            with self.assertRaisesRegex(UserError, "Not today"):
                confirm(order)
        self.assertFalse(self.decisions(order, effect='stopped'))
