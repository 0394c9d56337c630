from odoo.tests import HttpCase, tagged

from .common import WarehouseCommon


@tagged('post_install', '-at_install')
class TestRuleToReleaseTour(HttpCase, WarehouseCommon):
    """From a rule that is written in the client to the order that is released from it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.users'].search([]).lang = 'en_US'
        cls.env['sales.approval.policy'].create({'name': "Tour Approval"})
        cls.quotation = cls.order(
            [(cls.products[0], 6, 100)], state='draft', name='TOUR-RELEASE', user_id=cls.salesman.id)

    def test_rule_to_release(self):
        self.start_tour('/odoo/sales-rules?debug=1', 'sms_addon_rule_to_release', login='admin')
        rule_set = self.env['sales.rule.set'].search([('name', '=', "Big orders")])
        self.assertEqual((rule_set.mode, rule_set.edited), ('stop', False))
        self.assertEqual(rule_set.rule_ids.domain, '[("amount_untaxed", ">", 500)]')
        hold = self.quotation.sales_hold_ids
        self.assertEqual((self.quotation.state, hold.state), ('draft', 'waiting'))
        self.start_tour('/odoo', 'sms_addon_rule_to_release_decide', login='boss')
        self.assertEqual((self.quotation.state, hold.state), ('sale', 'approved'))
        self.assertEqual(hold.vote_ids.user_id, self.manager)
