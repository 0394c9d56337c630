from odoo.tests import HttpCase, tagged

from .approval_common import ApprovalCommon


@tagged('post_install', '-at_install')
class TestApprovalTours(HttpCase, ApprovalCommon):
    """Deciding on the screens: the list, the order, the activity."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.users'].search([]).lang = 'en_US'

    def setUp(self):
        super().setUp()
        self.policy.level_ids.user_ids = self.manager + self.first
        self.orders = self.env['sale.order']
        for name in ('HELD1', 'HELD2', 'HELD3', 'HELD4'):
            self.orders += self.held_order(discount=30, name=name)
        self.holds = self.env['sales.order.hold'].union(*map(self.request, self.orders)).sorted('id')

    def test_list(self):
        self.start_tour('/odoo/sales-approvals', 'sms_addon_approvals', login='boss')
        self.assertEqual(self.holds.mapped('state'), ['approved', 'refused', 'approved', 'approved'])
        self.assertEqual(self.holds[1].vote_ids.reason, "No budget")

    def test_order(self):
        self.start_tour(f'/odoo/orders/{self.orders[0].id}', 'sms_addon_approval_banner', login='boss')
        self.assertEqual(self.holds[0].state, 'refused')
        self.assertEqual(self.orders[0].message_ids[0].author_id, self.manager.partner_id)

    def test_activity(self):
        self.start_tour(f'/odoo/sales-approvals/{self.holds[0].id}', 'sms_addon_approval_activity', login='approver1')
        self.assertEqual(self.holds[0].vote_ids.user_id, self.first)
        self.assertEqual(self.holds[0].state, 'approved')

    def test_activity_in_a_list(self):
        self.start_tour('/odoo/sales-approvals', 'sms_addon_approval_popover', login='boss')
        self.assertEqual(self.holds[2].state, 'approved')

    def test_refusal_from_the_activity(self):
        path = f'/odoo/sales-approvals/{self.holds[1].id}'
        self.start_tour(path, 'sms_addon_approval_activity_refuse', login='approver1')
        self.assertEqual(self.holds[1].vote_ids.reason, "Ask me again next year")
