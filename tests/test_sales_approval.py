from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, freeze_time, new_test_user, tagged, warmup
from odoo.tools import mute_logger

from .approval_common import ApprovalCommon

VOTES = 'odoo.addons.sms_addon.models.sales_order_hold_votes'


@tagged('post_install', '-at_install')
class TestSalesApproval(ApprovalCommon):
    """Asking for approval, and what comes of it."""

    def test_a_held_order_asks_its_approver(self):
        order = self.held_order(discount=30)
        hold = self.request(order)
        self.assertRecordValues(hold, [{
            'state': 'waiting', 'order_id': order.id, 'reason': "The discount is above 20 %.", 'revision': 1,
            'asked_ids': self.first.ids, 'approver_ids': self.first.ids, 'requested_by_id': self.salesman.id,
            'salesman_id': self.salesman.id, 'amount': 70, 'rule_ids': self.rules[0].ids, 'accepted': False,
        }])
        self.assertEqual(hold.figures, {
            'customer': order.partner_id.id, 'total': 70, 'discount': 30, 'margin': 94.29, 'credit': 0,
            'payment_days': 0})
        self.assertEqual(self.activities(hold).user_id, self.first)
        self.assertEqual(self.activities(hold).activity_type_id.category, 'sales_approval')
        self.assertIn("Approver 1", self.said(order))
        self.assertIn("The discount is above 20 %.", self.said(order))
        self.assertEqual(order.sales_hold_state, 'waiting')
        self.assertEqual(hold.decision_ids.told, "Approver 1")

    def test_an_approval_releases_the_rules_it_was_given_for(self):
        order = self.held_order()
        hold = self.request(order)
        self.assertEqual(self.released(order), {})
        self.approve(hold, self.first)
        self.assertEqual(hold.state, 'approved')
        self.assertEqual(self.released(order), {order.id: set(self.rules[0].ids)})
        self.assertFalse(self.activities(hold))
        self.assertEqual(order.sales_hold_state, 'approved')
        self.assertIn("Approved by Approver 1", self.said(order))
        told = order.message_ids.filtered(lambda message: self.salesman.partner_id in message.notified_partner_ids)
        self.assertIn("can be confirmed now", told.body)

    def test_a_release_ends_when_a_figure_gets_worse(self):
        order = self.held_order()
        self.approve(self.request(order), self.first)
        order.order_line.price_unit = 90
        self.assertEqual(self.released(order), {}, "the total fell, but so did the margin")

    def test_a_release_ends_with_each_figure(self):
        for change in (
            self.double,
            lambda order: order.order_line.write({'discount': 1}),
            lambda order: order.order_line.write({'purchase_price': 50}),
            lambda order: order.order_line.write({'purchase_price': 0}),
            lambda order: order.write({'payment_term_id': self.env.ref('account.account_payment_term_30days').id}),
        ):
            order = self.held_order()
            self.approve(self.request(order), self.first)
            self.assertIn(order.id, self.released(order))
            change(order)
            self.assertNotIn(order.id, self.released(order))

    def test_credit_used_is_a_figure(self):
        order = self.held_order()
        self.approve(self.request(order), self.first)
        self.assertIn(order.id, self.released(order))
        self.order([(self.products[0], 1, 100)])
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.released(order), {}, "the customer owes more by another order")

    def test_a_release_is_for_its_customer(self):
        order = self.held_order()
        hold = self.request(order)
        order.partner_id = self.customers[1]
        with self.assertRaisesRegex(UserError, "the customer changed from Alpha to Beta"):
            self.approve(hold, self.first)
        warning = hold._prepare_figures()
        self.assertTrue(warning['warning'])
        self.assertEqual(warning['rows'][0], {'label': "Customer", 'mark': "changed", 'before': "Alpha", 'now': "Beta"})
        self.request(order)
        self.assertEqual(hold.revision, 2)
        self.approve(hold, self.first)
        self.assertIn(order.id, self.released(order))
        order.partner_id = self.customers[0]
        self.assertEqual(self.released(order), {})
        contact = self.env['res.partner'].create({'name': "Contact", 'parent_id': self.customers[1].id})
        order.partner_id = contact
        self.assertIn(order.id, self.released(order), "a contact of the customer")

    def publish(self):
        self.rules.set_id.with_user(self.env.ref('base.user_admin')).action_publish()
        return self.rules.set_id.published_id.id

    def test_a_release_is_for_what_the_rule_said(self):
        changes = (
            ({'domain': "[('amount_total', '>', 1)]"}, False),
            ({'approval_policy_id': self.make_policy("Other", self.second).id}, False),
            ({'message': "Better said"}, True),
            ({'name': "Better named"}, True),
        )
        for change, stays in changes:
            order = self.held_order()
            self.approve(self.request(order, version_id=self.publish()), self.first)
            saved = {name: self.rules[0][name] for name in change}
            self.rules[0].write(change)
            self.assertIn(order.id, self.released(order), "what is not published decides nothing")
            self.publish()
            self.assertEqual(order.id in self.released(order), stays, change)
            self.rules[0].write({name: getattr(value, 'id', value) for name, value in saved.items()})
            self.publish()
            self.assertIn(order.id, self.released(order))

    def test_a_changed_rule_makes_a_new_request(self):
        order = self.held_order()
        hold = self.request(order, version_id=self.publish())
        self.request(order, version_id=self.publish())
        self.assertEqual(hold.revision, 1)
        self.rules[0].domain = "[('amount_total', '>', 1)]"
        self.request(order, version_id=self.publish())
        self.assertEqual(hold.revision, 2)

    def test_an_archived_rule_is_released_as_long_as_it_decides(self):
        order = self.held_order()
        version = self.publish()
        self.rules[0].active = False
        hold = self.request(order, version_id=version)
        self.approve(hold, self.first)
        self.assertEqual(self.released(order), {order.id: set(self.rules[0].ids)})

    def test_better_figures_need_no_second_approval(self):
        order = self.held_order(discount=30)
        self.approve(self.request(order), self.first)
        order.order_line.write({'price_unit': 80, 'discount': 20})
        order.order_line.purchase_price = 1
        self.assertIn(order.id, self.released(order))

    def test_the_same_request_is_left_alone(self):
        order = self.held_order()
        hold = self.request(order)
        messages = len(order.message_ids)
        activity = self.activities(hold)
        self.assertEqual(self.request(order), hold)
        self.assertEqual((hold.revision, len(order.message_ids)), (1, messages))
        self.assertEqual(self.activities(hold), activity)
        self.assertEqual(len(hold.decision_ids), 2)

    def test_the_customers_acceptance_is_not_lost_on_an_open_request(self):
        order = self.held_order()
        hold = self.request(order)
        self.assertEqual(self.request(order, accepted=True), hold)
        self.assertTrue(hold.accepted)
        self.request(order, self.rules)
        self.assertEqual((hold.revision, hold.accepted), (2, True), "more rules, but what was accepted")
        self.assertNotIn("is not confirmed by itself", self.said(order))

    def test_the_customers_acceptance_ends_with_worse_figures(self):
        order = self.held_order()
        hold = self.request(order, accepted=True)
        self.double(order)
        self.request(order)
        self.assertEqual((hold.revision, hold.accepted), (2, False))
        self.assertIn("is not confirmed by itself", self.said(order))
        self.approve(hold, self.first)
        self.assertEqual(order.state, 'draft')
        self.assertIn("can be confirmed now", self.said(order))

    def test_an_old_acceptance_does_not_confirm_on_another_approval(self):
        other = self.make_policy("Credit", self.second)
        order = self.held_order()
        hold = self.request(order, accepted=True)
        with patch.object(type(order), '_validate_order', lambda order: None):
            self.approve(hold, self.first)
        self.assertTrue(hold.accepted)
        self.double(order)
        self.rules[1].approval_policy_id = other
        self.approve(self.request(order, self.rules[1]), self.second)
        self.assertEqual(order.state, 'draft')

    def test_the_customers_acceptance_ends_with_cancelling(self):
        for leave in (
            lambda order: order._action_cancel(),
            lambda order: order.action_quotation_sent(),
        ):
            order = self.held_order()
            hold = self.request(order, accepted=True)
            with patch.object(type(order), '_validate_order', lambda order: None):
                self.approve(hold, self.first)
            leave(order)
            order.action_draft()
            self.assertFalse(hold.accepted)
            self.rules[1].approval_policy_id = self.make_policy("Credit", self.second)
            self.approve(self.request(order, self.rules[1]), self.second)
            self.assertEqual(order.state, 'draft')

    def test_worse_figures_or_more_rules_make_a_new_request(self):
        self.policy.level_ids.write({'user_ids': [Command.link(self.second.id)], 'quorum': 2})
        order = self.held_order()
        hold = self.request(order)
        self.approve(hold, self.first)
        activity = self.activities(hold)
        self.double(order)
        self.assertEqual(self.request(order), hold)
        self.assertEqual((hold.revision, hold.amount, hold.approval_count), (2, 200, 0))
        self.assertFalse(self.activities(hold) & activity, "the old activity was about something else")
        self.assertEqual(hold.approver_ids, self.first + self.second)
        self.request(order, self.rules)
        self.assertEqual((hold.revision, hold.rule_ids), (3, self.rules))
        self.assertEqual(len(hold.vote_ids), 1, "votes stay in the history")

    def test_an_approval_is_superseded_by_a_new_request(self):
        order = self.held_order()
        hold = self.request(order)
        self.approve(hold, self.first)
        self.double(order)
        new = self.request(order)
        self.assertNotEqual(new, hold)
        self.assertEqual((hold.state, new.state), ('superseded', 'waiting'))
        self.assertIn("the total rose from", self.said(hold))
        order.order_line.write({'product_uom_qty': 1, 'price_unit': 100})
        self.assertEqual(self.released(order), {}, "what was replaced releases nothing")

    def test_an_approval_for_other_rules_stays(self):
        order = self.held_order()
        hold = self.request(order)
        self.approve(hold, self.first)
        new = self.request(order, self.rules[1])
        self.assertEqual((hold.state, new.state), ('approved', 'waiting'))
        self.approve(new, self.first)
        self.assertEqual(self.released(order), {order.id: set(self.rules.ids)})

    def test_a_refusal_says_why(self):
        order = self.held_order()
        hold = self.request(order)
        with self.assertRaisesRegex(UserError, "Say why"):
            self.refuse(hold, self.first, " ")
        self.refuse(hold, self.first, "No budget")
        self.assertEqual((hold.state, order.sales_hold_state), ('refused', 'refused'))
        self.assertEqual(order.with_user(self.salesman).sales_hold_note, "Refused by Approver 1. No budget")
        told = order.message_ids.filtered(lambda message: self.salesman.partner_id in message.notified_partner_ids)
        self.assertIn("Refused by Approver 1. No budget", told.body)
        self.assertEqual(self.released(order), {})
        self.assertFalse(self.activities(hold))

    def test_asking_again_after_a_refusal_says_so(self):
        order = self.held_order()
        hold = self.request(order)
        self.refuse(hold, self.first, "No budget")
        self.assertEqual(self.request(order), hold)
        self.assertEqual((hold.state, hold.revision), ('waiting', 2))
        self.assertIn("refused before by Approver 1: No budget", hold.reason)
        self.approve(hold, self.first)
        self.assertEqual(hold.state, 'approved')

    def test_the_policy_is_the_published_one(self):
        other = self.make_policy("Other", self.second)
        self.rules.set_id.with_user(self.env.ref('base.user_admin')).action_publish()
        self.rules[0].approval_policy_id = other
        order = self.held_order()
        hold = self.request(order, version_id=self.rules.set_id.published_id.id)
        self.assertEqual(hold.policy_id, self.policy)

    def test_two_policies_ask_apart(self):
        self.rules[1].approval_policy_id = self.make_policy("Credit", self.second)
        order = self.held_order()
        holds = self.request(order, self.rules)
        self.assertEqual(len(holds), 2)
        self.assertEqual(holds.mapped('approver_ids'), self.first + self.second)
        self.approve(holds[0], self.first)
        self.assertIn("still waits for: Credit", self.said(order))
        self.assertEqual(self.released(order), {order.id: set(self.rules[0].ids)})
        self.assertEqual(order.sales_hold_state, 'waiting')

    def test_a_cancelled_order_withdraws(self):
        order = self.held_order()
        hold = self.request(order)
        order._action_cancel()
        self.assertEqual(hold.state, 'withdrawn')
        self.assertFalse(self.activities(hold))
        order.action_draft()
        self.assertEqual(self.request(order), hold)
        self.assertEqual((hold.state, hold.revision), ('waiting', 2))

    def test_a_confirmed_order_withdraws(self):
        order = self.held_order()
        hold = self.request(order)
        order.action_confirm()
        self.assertEqual(hold.state, 'withdrawn')

    def test_a_deleted_order_leaves_nothing(self):
        order = self.held_order()
        hold = self.request(order)
        activity = self.activities(hold)
        order.unlink()
        self.assertFalse(hold.exists() or activity.exists())

    def test_a_copy_is_not_released(self):
        order = self.held_order()
        self.approve(self.request(order), self.first)
        copy = order.copy()
        self.assertFalse(copy.sales_hold_ids)
        self.assertEqual(self.released(copy), {})

    def test_withdrawing(self):
        hold = self.request(self.held_order())
        with self.assertRaises(AccessError):
            hold.with_user(self.first).action_withdraw()
        hold.with_user(self.salesman).action_withdraw()
        self.assertEqual(hold.state, 'withdrawn')
        self.assertFalse(hold.approver_ids)

    def test_in_the_currency_of_the_company(self):
        euro = self.env.ref('base.EUR')
        euro.active = True
        self.env['res.currency.rate'].create({
            'currency_id': euro.id, 'name': '2020-01-01', 'rate': 0.5, 'company_id': self.company.id})
        pricelist = self.env['product.pricelist'].create({'name': "Euro", 'currency_id': euro.id})
        order = self.held_order(pricelist_id=pricelist.id)
        total = order.company_id.currency_id.round(100 / order.currency_rate)
        self.assertEqual(self.request(order).figures['total'], total)
        self.assertNotEqual(order.currency_rate, 1)

    def test_days_to_pay_do_not_follow_the_calendar(self):
        for delay_type, days_next_month, expected in (
            ('days_after', '10', 10), ('days_after_end_of_month', '10', 40),
            ('days_after_end_of_next_month', '10', 71), ('days_end_of_month_on_the', '15', 55),
        ):
            term = self.env['account.payment.term'].create({'name': "Term", 'line_ids': [
                Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 10, 'delay_type': delay_type,
                                'days_next_month': days_next_month})]})
            order = self.held_order(payment_term_id=term.id)
            for day in ('2026-01-01', '2026-01-31'):
                with freeze_time(day):
                    figures = self.env['sales.order.hold']._read_figures(order)[order]
                self.assertEqual(figures['payment_days'], expected)

    def test_an_order_without_costs_has_no_margin(self):
        order = self.held_order()
        order.order_line.purchase_price = 0
        hold = self.request(order)
        self.assertIsNone(hold.figures['margin'])
        order.order_line.purchase_price = 200
        self.approve(hold, self.first)
        self.assertEqual(hold.released_figures['margin'], -100)
        order.order_line.purchase_price = 0
        self.assertEqual(self.released(order), {})

    def test_given_away_is_no_margin_of_zero(self):
        order = self.held_order()
        order.order_line.discount = 100
        self.assertIsNone(self.env['sales.order.hold']._read_figures(order)[order]['margin'])

    # -- accepted by the customer

    def test_an_accepted_order_is_confirmed_when_released(self):
        order = self.held_order()
        hold = self.request(order, accepted=True)
        self.approve(hold, self.first)
        self.assertEqual(order.state, 'sale')
        self.assertEqual(hold.state, 'approved')

    def test_an_accepted_order_waits_for_all_its_approvals(self):
        self.rules[1].approval_policy_id = self.make_policy("Credit", self.second)
        order = self.held_order()
        holds = self.request(order, self.rules, accepted=True)
        self.approve(holds[0], self.first)
        self.assertEqual(order.state, 'draft')
        self.approve(holds[1], self.second)
        self.assertEqual(order.state, 'sale')

    @mute_logger(VOTES)
    def test_a_failed_confirmation_is_told(self):
        order = self.held_order()
        hold = self.request(order, accepted=True)

        def confirm(order):
            order.client_order_ref = "half done"
            raise UserError("The warehouse is on fire")
        with patch.object(type(order), '_validate_order', confirm):
            self.approve(hold, self.first)
        self.assertEqual((hold.state, order.state), ('approved', 'draft'))
        self.assertFalse(order.client_order_ref)
        told = order.message_ids.filtered(lambda message: self.salesman.partner_id in message.notified_partner_ids)
        self.assertIn("The warehouse is on fire", told[0].body)

    def test_an_order_that_is_not_confirmed_is_told(self):
        order = self.held_order()
        hold = self.request(order, accepted=True)
        with patch.object(type(order), '_validate_order', lambda order: None):
            self.approve(hold, self.first)
        self.assertIn("could not be confirmed: Confirm it by hand to see what it waits for.", self.said(order))
        self.assertNotIn("held again", self.said(order), "it may be another module")

    # -- the fields of the order

    def test_orders_are_found_by_their_approval(self):
        waiting, approved, refused, none = (self.held_order() for _n in range(4))
        self.request(waiting)
        self.approve(self.request(approved), self.first)
        self.refuse(self.request(refused), self.first)
        orders = waiting + approved + refused + none
        for state, order in (('waiting', waiting), ('approved', approved), ('refused', refused), (False, none)):
            self.assertEqual(order.sales_hold_state, state)
            found = self.env['sale.order'].with_user(self.salesman).search([
                ('id', 'in', orders.ids), ('sales_hold_state', '=', state)])
            self.assertEqual(found, order)
        found = self.env['sale.order'].search([('id', 'in', orders.ids), ('sales_hold_state', '!=', False)])
        self.assertEqual(found, (waiting + approved + refused).sorted())

    def test_the_banner_shows_what_the_user_may_decide(self):
        self.rules[1].approval_policy_id = self.make_policy("Credit", self.manager)
        order = self.held_order()
        holds = self.request(order, self.rules)
        for user, decides, hold in ((self.manager, True, holds[1]), (self.salesman, False, None)):
            form = order.with_user(user)
            self.assertEqual(form.sales_hold_may_decide, decides)
            if hold:
                self.assertEqual(form.sales_hold_id.id, hold.id)
        order.with_user(self.manager).with_context(hold_revision=1).action_sales_hold_approve()
        self.assertEqual(holds[1].state, 'approved')
        with self.assertRaises(AccessError):
            order.with_user(self.salesman).action_sales_hold_approve()
        Form(order.with_user(self.salesman))

    def test_the_banner_decides_on_what_it_showed(self):
        self.rules[1].approval_policy_id = self.make_policy("Credit", self.manager)
        self.policy.level_ids.user_ids = self.manager + self.first
        order = self.held_order()
        holds = self.request(order, self.rules)
        shown = order.with_user(self.manager).sales_hold_id
        other = holds - shown.sudo().with_user(self.env.user)
        shown.sudo()._withdraw("Gone")
        self.assertEqual(order.with_user(self.manager).sales_hold_id.id, other.id)
        with self.assertRaisesRegex(UserError, "nothing to decide"):
            order.with_user(self.manager).with_context(
                hold_id=shown.id, hold_revision=1).action_sales_hold_approve()
        self.assertEqual(other.state, 'waiting')

    def test_all_approvals_of_an_order(self):
        order = self.held_order()
        hold = self.request(order)
        self.assertEqual(order.action_open_sales_holds()['res_id'], hold.id)
        self.assertEqual(order.sales_hold_count, 1)

    @warmup
    def test_query_counts(self):
        order = self.held_order()
        few = self.request(order)
        many = few.browse(few.ids + [self.request(self.held_order()).id for _n in range(8)])
        counts = []
        for holds in (few, few, many):
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            holds.with_user(self.first).web_read({
                'display_name': {}, 'reason': {}, 'amount': {}, 'state': {}, 'may_decide': {}, 'requested_at': {},
                'order_id': {'fields': {'display_name': {}}}, 'partner_id': {'fields': {'display_name': {}}},
                'approver_ids': {'fields': {'display_name': {}}}, 'salesman_id': {'fields': {'display_name': {}}},
                'policy_id': {'fields': {'display_name': {}}},
            })
            counts.append(self.cr.sql_log_count - start)
        self.assertEqual(counts[1], counts[2])
        counts = []
        for orders in (order, order, order.browse(many.order_id.ids)):
            self.env.flush_all()
            self.env.invalidate_all()
            start = self.cr.sql_log_count
            orders.with_user(self.salesman).mapped('sales_hold_state')
            counts.append(self.cr.sql_log_count - start)
        self.assertEqual(counts[1], counts[2])

    def test_releases_cost_one_query_where_nothing_was_held(self):
        orders = self.held_order() + self.held_order()
        self.env.flush_all()
        with self.assertQueryCount(1):
            self.released(orders)


@tagged('post_install', '-at_install')
class TestSalesApprovers(ApprovalCommon):
    """Who is asked, and whose voice counts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.boss = new_test_user(cls.env, 'hr boss', 'base.group_user', name="HR Boss")
        boss, employee = cls.env['hr.employee'].create([
            {'name': "Boss", 'user_id': cls.boss.id}, {'name': "Seller", 'user_id': cls.salesman.id}])
        employee.parent_id = boss

    def level(self, **values):
        self.policy.level_ids.write({'user_ids': [Command.clear()], 'approver': 'users', **values})
        return self.policy.level_ids

    def test_a_group(self):
        group = self.env['res.groups'].create({'name': "Board", 'user_ids': [Command.set(self.second.ids)]})
        self.level(approver='group', group_id=group.id)
        self.assertEqual(self.request(self.held_order()).asked_ids, self.second)

    def test_the_manager_in_hr(self):
        self.level(approver='manager')
        self.assertEqual(self.request(self.held_order()).asked_ids, self.boss)

    def test_the_team_leader(self):
        team = self.env['crm.team'].create({'name': "Team", 'user_id': self.second.id})
        self.level(approver='team_leader')
        self.assertEqual(self.request(self.held_order(team_id=team.id)).asked_ids, self.second)

    def test_without_a_manager_the_sales_managers_are_asked(self):
        self.level(approver='manager')
        order = self.held_order()
        order.user_id = new_test_user(self.env, 'lonely', 'sales_team.group_sale_salesman')
        hold = self.request(order)
        self.assertIn(self.manager, hold.asked_ids)
        self.assertIn("so the sales managers are asked", hold.note)
        self.assertIn("so the sales managers are asked", self.said(order))

    def test_nobody_is_left(self):
        self.env.ref('sales_team.group_sale_manager').all_user_ids.active = False
        self.policy.level_ids.user_ids = self.salesman
        hold = self.request(self.held_order())
        self.assertFalse(hold.asked_ids)
        self.assertIn("Nobody may approve", hold.note)

    def test_a_policy_without_levels_asks_the_sales_managers(self):
        self.policy.level_ids.unlink()
        hold = self.request(self.held_order())
        self.assertIn(self.manager, hold.asked_ids)
        self.approve(hold, self.manager)
        self.assertEqual(hold.state, 'approved')

    def test_only_those_who_see_the_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.second.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        self.level(user_ids=[Command.set((self.first + self.second).ids)])
        self.assertEqual(self.request(self.held_order()).asked_ids, self.first)

    def test_no_salesperson_approves_their_own_order(self):
        for order, user in (
            (self.held_order(), self.salesman),
            (self.env['sale.order'].with_user(self.manager).create(
                {'partner_id': self.customers[0].id, 'user_id': self.salesman.id}), self.manager),
        ):
            self.policy.level_ids.user_ids = self.first + user
            hold = self.request(order)
            self.assertEqual(hold.approver_ids, self.first)
            for vote in ('approve', 'refuse'):
                with self.assertRaisesRegex(AccessError, "your own order"):
                    hold.with_user(user)._decide(vote, "Mine")
                with self.assertRaisesRegex(AccessError, "your own order"):
                    hold.with_user(user).sudo()._decide(vote, "Mine")

    def test_who_asks_does_not_approve(self):
        self.policy.level_ids.user_ids = self.first + self.manager
        hold = self.request(self.held_order(), user=self.manager)
        self.assertEqual(hold.approver_ids, self.first)
        with self.assertRaisesRegex(AccessError, "your own order"):
            self.approve(hold, self.manager)

    def test_the_administrator_is_no_exception(self):
        admin = self.env.ref('base.user_admin')
        self.policy.level_ids.user_ids = self.first + admin
        order = self.held_order()
        order.user_id = admin
        with self.assertRaisesRegex(AccessError, "your own order"):
            self.approve(self.request(order), admin)

    def test_own_orders_if_the_policy_says_so(self):
        self.policy.write({'own_orders': True})
        self.policy.level_ids.user_ids = self.salesman
        hold = self.request(self.held_order())
        self.approve(hold, self.salesman)
        self.assertEqual(hold.state, 'approved')

    def test_who_is_not_asked_decides_nothing(self):
        hold = self.request(self.held_order())
        for user in (self.second, self.manager, self.env.ref('base.user_root')):
            with self.assertRaises(AccessError):
                self.approve(hold, user)
        self.assertEqual(hold.state, 'waiting')

    def test_levels_come_one_after_the_other(self):
        policy = self.make_policy("Two levels", self.first, self.second)
        self.rules[0].approval_policy_id = policy
        hold = self.request(self.held_order())
        self.assertEqual(hold.approver_ids, self.first)
        with self.assertRaises(AccessError):
            self.approve(hold, self.second)
        self.approve(hold, self.first)
        self.assertEqual((hold.state, hold.level_id, hold.approver_ids), ('waiting', policy.level_ids[1], self.second))
        self.assertEqual(self.activities(hold).user_id, self.second)
        self.approve(hold, self.second)
        self.assertEqual(hold.state, 'approved')

    def test_one_may_be_asked_at_two_levels(self):
        policy = self.make_policy("Twice", self.first, self.first)
        self.rules[0].approval_policy_id = policy
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        self.approve(hold, self.first)
        self.assertEqual(hold.state, 'approved')

    def test_a_level_that_was_used_is_archived(self):
        policy = self.make_policy("Two levels", self.first, self.second)
        self.rules[0].approval_policy_id = policy
        hold = self.request(self.held_order())
        level = policy.level_ids[0]
        level.unlink()
        self.assertFalse(level.active)
        self.approve(hold, self.first)
        self.assertEqual(hold.approver_ids, self.second)

    def test_a_quorum_needs_different_users(self):
        self.level(user_ids=[Command.set((self.first + self.second + self.third).ids)], quorum=2)
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        self.assertEqual((hold.state, hold.approval_count), ('waiting', 1))
        self.assertEqual(hold.approver_ids, self.second + self.third)
        with self.assertRaisesRegex(UserError, "already"):
            self.approve(hold, self.first)
        self.approve(hold, self.third)
        self.assertEqual(hold.state, 'approved')

    def test_a_quorum_is_never_more_than_there_are(self):
        self.level(user_ids=[Command.set((self.first + self.second).ids)], quorum=5)
        hold = self.request(self.held_order())
        self.assertEqual(hold.quorum, 2)

    def test_one_refusal_is_enough(self):
        self.level(user_ids=[Command.set((self.first + self.second).ids)], quorum=2)
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        self.refuse(hold, self.second)
        self.assertEqual(hold.state, 'refused')

    def test_settings_that_lead_nowhere(self):
        for values in (
            {'approver': 'group', 'group_id': False}, {'approver': 'users', 'user_ids': [Command.clear()]},
            {'escalate_hours': 1, 'escalate_to': False}, {'escalate_hours': 1, 'escalate_to': 'users'},
        ):
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self.policy.level_ids.write(values)

    # -- delegates

    def test_a_delegate_decides_on_behalf_of_the_absent(self):
        self.first.with_user(self.first).write({
            'sales_delegate_id': self.second.id, 'sales_delegate_from': '2026-05-01',
            'sales_delegate_until': '2026-05-10'})
        with freeze_time('2026-05-11'):
            hold = self.request(self.held_order())
            with self.assertRaises(AccessError):
                self.approve(hold, self.second)
        with freeze_time('2026-05-05'):
            hold._refresh_approvers()
            self.assertEqual(hold.approver_ids, self.first + self.second)
            self.approve(hold, self.second)
        self.assertEqual(hold.vote_ids.on_behalf_of_id, self.first)
        self.assertIn("Approved by Approver 2 on behalf of Approver 1", self.said(hold.order_id))
        self.assertEqual(hold.state, 'approved')

    def test_choosing_a_delegate_tells_him_at_once(self):
        hold = self.request(self.held_order())
        self.first.with_user(self.first).write({
            'sales_delegate_id': self.second.id, 'sales_delegate_from': '2020-01-01'})
        self.assertEqual(hold.approver_ids, self.first + self.second)
        self.assertEqual(self.activities(hold).user_id, self.first + self.second)
        self.first.with_user(self.first).sales_delegate_id = False
        self.assertEqual(self.activities(hold).user_id, self.first)

    def test_absent_in_hr(self):
        first, boss = self.env['hr.employee'].create([
            {'name': "First", 'user_id': self.first.id}, {'name': "His boss", 'user_id': self.third.id}])
        first.parent_id = boss
        # whether leaves are kept or not in this database
        with patch.object(type(self.env['res.users']), '_get_absent_in_hr', lambda users: users & self.first):
            hold = self.request(self.held_order())
            self.assertEqual(hold.approver_ids, self.first + self.third, "the manager in HR stands in")
            self.first.sales_delegate_id = self.second
            self.assertEqual(hold.approver_ids, self.first + self.second, "but for the approver's own choice")
            self.approve(hold, self.second)
        self.assertEqual(hold.vote_ids.on_behalf_of_id, self.first)

    def test_nobody_is_absent_without_leaves(self):
        self.first.sales_delegate_id = self.second
        self.assertEqual(self.request(self.held_order()).approver_ids, self.first)

    def test_a_salesperson_is_no_delegate_for_their_own_order(self):
        self.first.write({'sales_delegate_id': self.salesman.id, 'sales_delegate_from': '2020-01-01'})
        hold = self.request(self.held_order())
        self.assertEqual(hold.approver_ids, self.first)
        with self.assertRaisesRegex(AccessError, "your own order"):
            self.approve(hold, self.salesman)

    def test_a_voice_counts_once(self):
        self.level(user_ids=[Command.set((self.first + self.third).ids)], quorum=2)
        self.first.write({'sales_delegate_id': self.second.id, 'sales_delegate_from': '2020-01-01'})
        hold = self.request(self.held_order())
        self.approve(hold, self.second)
        with self.assertRaisesRegex(UserError, "on your behalf"):
            self.approve(hold, self.first)
        self.assertEqual(hold.approver_ids, self.third)

    def test_a_delegate_who_is_asked_himself_has_one_voice(self):
        self.level(user_ids=[Command.set((self.first + self.second).ids)], quorum=2)
        self.first.write({'sales_delegate_id': self.second.id, 'sales_delegate_from': '2020-01-01'})
        hold = self.request(self.held_order())
        self.approve(hold, self.second)
        self.assertFalse(hold.vote_ids.on_behalf_of_id)
        with self.assertRaises(UserError):
            self.approve(hold, self.second)
        self.assertEqual(hold.state, 'waiting')

    def test_delegations_that_make_no_sense(self):
        for values in (
            {'sales_delegate_id': self.first.id},
            {'sales_delegate_id': self.portal.id},
            {'sales_delegate_from': '2026-02-02', 'sales_delegate_until': '2026-01-01'},
        ):
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self.first.write(values)

    # -- escalation

    def escalate(self, hold, hours):
        with freeze_time(hold.requested_at + timedelta(hours=hours)), self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_approval').method_direct_trigger()
        self.env.invalidate_all()

    def test_silence_escalates_once(self):
        self.level(
            user_ids=[Command.set(self.first.ids)], escalate_hours=24, escalate_to='users',
            escalate_user_ids=[Command.set(self.third.ids)])
        hold = self.request(self.held_order())
        self.escalate(hold, 23)
        self.assertEqual(hold.approver_ids, self.first)
        self.escalate(hold, 25)
        self.assertEqual(hold.approver_ids, self.first + self.third)
        self.assertIn("Nobody decided within 24 hours, so these approvers were added: Approver 3", self.said(hold))
        self.assertIn("Approver 3", self.said(hold.order_id))
        self.assertEqual(self.activities(hold).user_id, self.first + self.third)
        messages = len(hold.message_ids)
        self.escalate(hold, 50)
        self.assertEqual(len(hold.message_ids), messages)
        self.approve(hold, self.third)
        self.assertEqual(hold.state, 'approved')

    def test_escalation_to_the_next_level(self):
        policy = self.make_policy("Two levels", self.first, self.second)
        policy.level_ids.write({'escalate_hours': 1, 'escalate_to': 'next_level'})
        self.rules[0].approval_policy_id = policy
        hold = self.request(self.held_order())
        self.escalate(hold, 2)
        self.assertEqual(hold.asked_ids, self.first + self.second)
        self.approve(hold, self.second)
        self.assertEqual((hold.level_id, hold.approver_ids), (policy.level_ids[1], self.second))
        self.escalate(hold, 4)
        self.assertIn(self.manager, hold.asked_ids, "after the last level come the sales managers")

    def test_escalation_to_the_managers(self):
        first, boss = self.env['hr.employee'].create([
            {'name': "First", 'user_id': self.first.id}, {'name': "His boss", 'user_id': self.third.id}])
        first.parent_id = boss
        self.level(user_ids=[Command.set(self.first.ids)], escalate_hours=1, escalate_to='managers')
        hold = self.request(self.held_order())
        self.escalate(hold, 2)
        self.assertEqual(hold.asked_ids, self.first + self.third)

    def test_where_nobody_is_left_others_are_asked(self):
        hold = self.request(self.held_order())
        self.first.active = False
        self.assertFalse(hold.approver_ids)
        self.escalate(hold, 1)
        self.assertIn(self.manager, hold.approver_ids)
        self.assertIn("so the sales managers are asked", hold.note)

    def test_who_becomes_the_salesperson_is_not_asked_any_more(self):
        self.level(user_ids=[Command.set((self.first + self.manager).ids)])
        hold = self.request(self.held_order())
        hold.order_id.user_id = self.manager
        self.escalate(hold, 1)
        self.assertEqual(hold.approver_ids, self.first)

    def test_a_quorum_that_cannot_be_reached_any_more(self):
        self.level(user_ids=[Command.set((self.first + self.second).ids)], quorum=2)
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        self.second.active = False
        self.escalate(hold, 1)
        self.assertEqual((hold.quorum, hold.state), (1, 'approved'))

    def test_escalation_to_nobody_is_said(self):
        self.level(user_ids=[Command.set(self.first.ids)], escalate_hours=1, escalate_to='managers')
        hold = self.request(self.held_order())
        self.escalate(hold, 2)
        self.assertIn("nobody to be added", self.said(hold))


@tagged('post_install', '-at_install')
class TestSalesApprovalSafety(ApprovalCommon):
    """What cannot be done."""

    def test_an_order_that_got_worse_is_not_approved(self):
        order = self.held_order()
        hold = self.request(order)
        self.double(order)
        with self.assertRaisesRegex(
            UserError, rf"{order.name} .*the total rose from .*100.00.* to .*200.00.*must ask again",
        ):
            self.approve(hold, self.first)
        self.assertEqual((hold.state, hold.revision), ('waiting', 1))
        self.refuse(hold, self.first)
        self.assertEqual(hold.state, 'refused', "a refusal is possible all the same")

    def test_what_was_shown_is_what_is_approved(self):
        order = self.held_order()
        hold = self.request(order)
        self.double(order)
        self.request(order)
        with self.assertRaisesRegex(UserError, "since you opened it"):
            self.approve(hold, self.first, hold_revision=1)
        self.approve(hold, self.first, hold_revision=2)
        self.assertEqual(hold.state, 'approved')

    def test_no_revision_is_none_that_was_shown(self):
        hold = self.request(self.held_order())
        for revision in (0, False):
            with self.assertRaisesRegex(UserError, "since you opened it"):
                self.approve(hold, self.first, hold_revision=revision)
            with self.assertRaisesRegex(UserError, "since you opened it"):
                self.wizard(hold, self.first, 'approve', hold_revision=revision).action_decide()
        self.assertTrue(hold.with_user(self.first).action_approve())

    def test_the_wizard_remembers_what_it_showed(self):
        order = self.held_order()
        hold = self.request(order)
        wizard = self.wizard(hold, self.first, 'refuse', "No")
        self.double(order)
        self.request(order)
        with self.assertRaisesRegex(UserError, "since you opened it"):
            wizard.action_decide()
        with self.assertRaisesRegex(UserError, "since you opened it"):
            self.wizard(hold, self.first, 'refuse', "No", hold_revision=1).action_decide()

    def test_nothing_is_decided_twice(self):
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        with self.assertRaisesRegex(UserError, "nothing to decide"):
            self.approve(hold, self.first)
        with self.assertRaisesRegex(UserError, "nothing to decide"):
            self.refuse(hold, self.first)

    def test_in_bulk(self):
        good, bad, foreign = (self.held_order() for _n in range(3))
        holds = self.request(good) + self.request(bad)
        self.double(bad)
        action = self.wizard(holds, self.first, 'approve').action_decide()
        self.assertEqual(holds.mapped('state'), ['approved', 'waiting'])
        self.assertIn(bad.name, action['params']['message'])
        hold = self.request(foreign)
        more = hold + self.request(self.held_order())
        action = self.wizard(more, self.first, 'refuse', "No").action_decide()
        self.assertEqual(action['type'], 'ir.actions.act_window_close')
        self.assertEqual(set(more.mapped('state')), {'refused'})

    def test_bulk_buttons_open_the_wizard(self):
        for open_wizard, state in (('action_open_approve', 'approved'), ('action_refuse', 'refused')):
            holds = self.request(self.held_order()) + self.request(self.held_order())
            action = getattr(holds, open_wizard)()
            form = Form(self.env['sales.order.hold.decide'].with_user(self.first).with_context(**action['context']))
            form.reason = "So be it"
            form.save().action_decide()
            self.assertEqual(set(holds.mapped('state')), {state})

    def test_nobody_writes_holds_and_votes(self):
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        for user in (self.first, self.salesman, self.manager):
            for record, values in (
                (hold, {'state': 'approved'}), (hold, {'released_figures': {}}), (hold.vote_ids, {'vote': 'refuse'}),
            ):
                with self.assertRaises(UserError):
                    record.with_user(user).write(values)
                with self.assertRaises(AccessError):
                    record.with_user(user).unlink()
            with self.assertRaises(AccessError):
                self.env['sales.order.hold'].with_user(user).create({'order_id': hold.order_id.id})
            with self.assertRaises(UserError):
                self.env['sales.order.vote'].with_user(user).create(
                    {'hold_id': hold.id, 'user_id': user.id, 'vote': 'approve', 'revision': 1})
            with self.assertRaises(AccessError):
                hold.order_id.with_user(user).write({
                    'sales_hold_ids': [Command.update(hold.id, {'state': 'approved'})]})
        with self.assertRaises(UserError):
            hold.vote_ids.sudo().write({'vote': 'refuse'})

    def test_votes_are_written_by_the_system_only(self):
        hold = self.request(self.held_order())
        with self.assertRaises(UserError):
            self.env['sales.order.vote'].with_user(self.first).create(
                {'hold_id': hold.id, 'user_id': self.first.id, 'vote': 'approve', 'revision': 1})

    def test_who_reads_holds(self):
        hold = self.request(self.held_order())
        self.approve(self.request(hold.order_id.copy({'user_id': self.salesman.id})), self.first)
        other = new_test_user(self.env, 'stranger', 'sales_team.group_sale_salesman')
        for user, sees in (
            (self.first, True), (self.salesman, True), (self.all_leads, True), (self.manager, True),
            (self.second, False), (other, False), (self.portal, False),
        ):
            self.assertEqual(hold.with_user(user).has_access('read'), sees, user.name)
        self.assertEqual(len(self.env['sales.order.hold'].with_user(self.first).search([])), 2)
        self.assertEqual(len(self.env['sales.order.vote'].with_user(self.first).search([])), 1)
        self.assertFalse(self.env['sales.order.vote'].with_user(other).search([('hold_id', '=', hold.id)]))
        self.assertFalse(hold.order_id.with_user(self.first).has_access('read'))
        self.assertEqual(hold.with_user(self.first).display_name, f"{hold.order_id.name}: Discounts")

    def test_a_past_approver_still_reads_what_he_decided(self):
        self.rules[0].approval_policy_id = self.make_policy("Two levels", self.first, self.second)
        hold = self.request(self.held_order())
        self.approve(hold, self.first)
        self.env.invalidate_all()
        self.assertTrue(hold.with_user(self.first).has_access('read'))
        self.assertFalse(hold.with_user(self.first).may_decide)

    def test_holds_of_another_company_are_not_seen(self):
        other = self.env['res.company'].create({'name': "Other"})
        hold = self.request(self.held_order())
        self.manager.company_ids += other
        holds = self.env['sales.order.hold'].with_user(self.manager).with_context(allowed_company_ids=other.ids)
        found = holds.search([])
        self.assertNotIn(hold, found)

    def test_only_managers_edit_policies(self):
        with self.assertRaises(AccessError):
            self.policy.with_user(self.salesman).name = "Mine"
        with self.assertRaises(AccessError):
            self.policy.level_ids.with_user(self.salesman).user_ids = self.salesman
        self.policy.with_user(self.manager).level_ids.quorum = 2
        self.assertEqual(self.policy.with_user(self.salesman).level_ids.display_name, "Approver 1")
        Form(self.policy.with_user(self.manager)).save()
        self.assertEqual(len(self.policy.copy().level_ids), 1)

    def test_who_changed_a_policy_is_seen(self):
        self.cr.flush()  # what is new is not tracked
        policy = self.policy.with_user(self.manager).with_context(tracking_disable=False, mail_notrack=False)
        policy.own_orders = True
        policy.level_ids.write({'user_ids': [Command.set((self.first + self.manager).ids)], 'quorum': 2})
        policy.write({'level_ids': [Command.create({'approver': 'team_leader', 'sequence': 20, 'escalate_hours': 5})]})
        policy.level_ids[-1].unlink()
        self.cr.flush()
        said = self.said(policy)
        for text in (
            "Level changed from: 0. These users (Approver 1), approvals needed: 1.",
            "To: 0. These users (Approver 1, Manager), approvals needed: 2.",
            "Level added: 20. The leader of the sales team, approvals needed: 1, after 5 hours",
            "Level removed: 20.",
        ):
            self.assertIn(text, said)
        self.assertEqual(
            self.policy.sudo().message_ids.tracking_value_ids.field_id.mapped('name'), ['own_orders'])
        self.assertEqual(self.policy.message_ids[:4].author_id, self.manager.partner_id)
        count = len(policy.message_ids)
        policy.level_ids[0].quorum = 2
        self.assertEqual(len(policy.message_ids), count, "nothing has changed")

    def test_waiting_holds_of_a_policy(self):
        self.request(self.held_order())
        self.assertEqual(self.policy.hold_count, 1)
        self.assertEqual(self.policy.action_open_holds()['domain'], [('policy_id', '=', self.policy.id)])

    # -- the activity and the mail

    def test_from_the_activity(self):
        hold = self.request(self.held_order())
        activity = self.activities(hold)
        with self.assertRaises(UserError):
            activity.with_user(self.manager).action_sales_approve()
        activity.with_user(self.first).action_sales_approve()
        self.assertEqual(hold.state, 'approved')
        with self.assertRaisesRegex(UserError, "decided, withdrawn or asked for again"):
            activity.with_user(self.first).action_sales_approve()
        hold = self.request(self.held_order())
        action = self.activities(hold).with_user(self.first).action_sales_refuse()
        self.assertEqual(action['context']['hold_revision'], 1)
        self.assertEqual(action['res_model'], 'sales.order.hold.decide')

    def test_done_is_not_approved(self):
        for end in ('action_done', 'unlink'):
            hold = self.request(self.held_order())
            getattr(self.activities(hold).with_user(self.first), end)()
            self.assertEqual(hold.state, 'waiting')
            self.assertFalse(hold.vote_ids)
            self.approve(hold, self.first)

    def test_the_mail(self):
        self.env['res.lang']._activate_lang('zh_CN')
        template = self.env.ref('sms_addon.mail_template_sales_approval')
        template.with_context(lang='zh_CN').subject = "批准: {{ object.display_name }}"
        self.second.lang = 'zh_CN'
        self.policy.level_ids.user_ids = self.first + self.second
        hold = self.request(self.held_order(discount=30))
        mails = self.env['mail.mail'].search([('subject', 'like', hold.display_name)])
        by_reader = {mail.recipient_ids: mail for mail in mails}
        mail = by_reader[self.first.partner_id]
        self.assertIn(f'/sales/approval/{hold.id}', mail.body_html)
        self.assertIn("The discount is above 20 %.", mail.body_html)
        self.assertIn("30.00 %", mail.body_html)
        self.assertEqual(by_reader[self.second.partner_id].subject, f"批准: {hold.display_name}")

    def test_reasons_are_not_markup(self):
        hold = self.request(self.held_order(), message="<b>x</b> <script>alert(1)</script>")
        self.assertNotIn('<script', self.said(hold.order_id))
        self.assertNotIn('<script', str(self.activities(hold).note))
        self.assertNotIn('<script', self.env['mail.mail'].search([('subject', 'like', hold.display_name)]).body_html)

    def test_fields_of_the_user_are_their_own(self):
        self.assertTrue(self.first.with_user(self.first).read(['sales_delegate_id', 'sales_delegate_from']))
        with self.assertRaises(AccessError):
            self.first.with_user(self.second).sales_delegate_id = self.second
        self.first.tz = 'UTC'
        with Form(self.first.with_user(self.first), 'base.view_users_form_simple_modif') as form:
            form.sales_delegate_id = self.second
            form.sales_delegate_from = fields.Date.to_date('2026-01-01')
        self.assertEqual(self.first.sales_delegate_id, self.second)
