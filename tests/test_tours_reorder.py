from odoo.tests import HttpCase, tagged

from .reorder_common import ReorderCommon


@tagged('post_install', '-at_install')
class TestReorderTours(HttpCase, ReorderCommon):
    """A planner looks at proposals, changes one, accepts under a budget and takes back, in a browser."""

    def setUp(self):
        super().setUp()
        self.planner.write({'password': 'planner-password', 'lang': 'en_US'})

    def test_from_the_list_to_the_order_point(self):
        positions = self.env['sales.stock.position'].union(
            self.known("Tour Lumpy", self.lumpy()), self.known("Tour Steady"), self.known("Tour Calm"))
        self.proposals.search([('state', '=', 'draft')]).unlink()
        proposals = self.propose(positions)
        self.start_tour(
            '/odoo/action-sms_addon.sales_reorder_proposal_action', 'sales_reorder_tour', login=self.planner.login)
        self.env.invalidate_all()
        states = {proposal.product_id.name: proposal.state for proposal in proposals}
        self.assertEqual(states.pop("Tour Lumpy"), 'undone')
        self.assertEqual(sorted(states.values()), ['accepted', 'accepted'])
        orderpoints = self.orderpoints.search([('product_id', 'in', positions.product_id.ids)])
        self.assertEqual(orderpoints.mapped('trigger'), ['manual', 'manual'])
        parts = proposals.filtered('accepted_part')
        self.assertTrue(parts)
        for proposal in parts:
            self.assertLess(proposal.accepted_part, proposal.order_qty)
            self.assertEqual(proposal.orderpoint_id.qty_to_order_manual, proposal.accepted_part)
