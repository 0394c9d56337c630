from psycopg2.errors import CheckViolation

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import mute_logger

from .common import LedgerCommon


@tagged('post_install', '-at_install')
class TestSalesNeed(LedgerCommon):

    def need(self, **values):
        return self.env['sales.need'].create({
            'name': "Chairs", 'partner_id': self.customers[0].id, 'categ_id': self.categories[0].id,
            'user_id': self.salesman.id, **values})

    def read_ledger(self):
        self.env.cr.flush()
        self.dispatch(self.env['sales.consumer'].search([('reader', '=', 'sales.reader.needs')]))

    # -- the state follows the order lines

    def test_a_quotation_quotes_and_its_confirmation_wins(self):
        need = self.need(product_ids=[Command.set(self.products[0].ids)])
        self.assertEqual(need.state, 'open')
        order = self.env['sale.order'].browse(need.action_new_quotation()['res_id'])
        self.assertEqual(order.order_line.product_id, self.products[0])
        self.assertEqual((order.partner_id, order.user_id), (self.customers[0], self.salesman))
        self.assertEqual((need.state, need.order_count), ('quoted', 1))
        order.action_confirm()
        self.assertEqual(need.state, 'won')
        order._action_cancel()
        self.assertEqual(need.state, 'open')

    def test_a_removed_line_answers_nothing(self):
        need = self.need(product_ids=[Command.set(self.products[0].ids)])
        order = self.env['sale.order'].browse(need.action_new_quotation()['res_id'])
        order.order_line.unlink()
        self.assertEqual(need.state, 'open')

    def test_a_decision_by_hand_comes_first_until_it_is_taken_back(self):
        need = self.need(product_ids=[Command.set(self.products[0].ids)])
        order = self.env['sale.order'].browse(need.action_new_quotation()['res_id'])
        need.action_lost()
        self.assertEqual(need.state, 'lost')
        with self.assertRaises(UserError):
            need.action_new_quotation()
        need.action_reopen()
        self.assertEqual(need.state, 'quoted')
        order.action_confirm()
        self.assertEqual(need.state, 'won')

    def test_orders_entered_anywhere_answer_a_need(self):
        of_category, of_product = self.need(), self.need(
            name="Thing 2", product_ids=[Command.set(self.products[2].ids)])
        elsewhere = self.need(partner_id=self.customers[1].id)
        child = self.env['res.partner'].create({'name': "Anna", 'parent_id': self.customers[0].id})
        order = self.order(
            [(self.products[0], 1, 10), (self.products[2], 1, 10), (self.products[1], 1, 10)],
            partner_id=child.id, state='draft')
        self.read_ledger()
        self.assertEqual(of_category.order_line_ids, order.order_line[0], "chairs are its category")
        self.assertEqual(of_product.order_line_ids, order.order_line[1], "the product comes before its category")
        self.assertFalse(order.order_line[2].sales_need_id)
        self.assertEqual((of_category + of_product + elsewhere).mapped('state'), ['quoted', 'quoted', 'open'])

    def test_orders_from_before_a_need_do_not_answer_it(self):
        order = self.order([(self.products[0], 1, 10)], state='draft')
        need = self.need()
        self.env.cr.execute(
            "UPDATE sale_order SET create_date = create_date - interval '1 day' WHERE id = %s", [order.id])
        self.env.invalidate_all()
        order.action_confirm()
        self.read_ledger()
        self.assertEqual(need.state, 'open')

    def test_reading_the_same_events_again_changes_nothing(self):
        need = self.need()
        order = self.order([(self.products[0], 1, 10)], state='draft')
        self.read_ledger()
        self.env['sales.reader.needs']._link(order.ids)
        self.assertEqual(need.order_line_ids, order.order_line)

    # -- opportunities, meetings, customers

    def test_an_opportunity_is_made_once(self):
        need = self.need(expected_revenue=900, evidence_text="They move in spring")
        lead = self.env['crm.lead'].browse(need.action_create_lead()['res_id'])
        self.assertEqual(
            (lead.partner_id, lead.expected_revenue, lead.user_id), (self.customers[0], 900, self.salesman))
        self.assertIn("spring", str(lead.description))
        self.assertEqual(need.action_create_lead()['res_id'], lead.id)
        self.assertEqual(lead.sales_need_count, 1)
        self.assertEqual(lead.action_open_sales_needs()['domain'], [('lead_id', '=', lead.id)])

    def test_a_need_heard_of_in_a_meeting_links_it(self):
        meeting = self.env['calendar.event'].create({
            'name': "Visit", 'start': '2026-06-20 09:00:00', 'stop': '2026-06-20 10:00:00',
            'description': "<p>Wants desks</p>", 'partner_ids': [Command.link(self.customers[1].id)]})
        action = meeting.action_open_sales_needs()
        self.assertEqual(action['view_mode'], 'form', "there is none yet")
        form = Form(self.env['sales.need'].with_context(**action['context']))
        form.name = "Desks"
        need = form.save()
        self.assertEqual(
            (need.evidence, need.evidence_ref, need.partner_id), ('meeting', meeting, self.customers[1]))
        self.assertTrue(need.evidence_text.startswith("Wants desks"))
        meetings = meeting + meeting.copy()
        self.assertEqual(meetings.mapped('sales_need_count'), [1, 0])
        self.assertEqual(need.action_open_evidence()['res_id'], meeting.id)
        meeting.unlink()
        with self.assertRaises(UserError):
            need.action_open_evidence()

    def test_a_message_opens_where_it_was_written(self):
        message = self.customers[0].message_post(body="They want chairs", message_type='comment')
        need = self.need(evidence_ref=f'mail.message,{message.id}')
        action = need.action_open_evidence()
        self.assertEqual((action['res_model'], action['res_id']), ('res.partner', self.customers[0].id))

    def test_a_note_becomes_the_evidence_of_a_need(self):
        lead = self.env['crm.lead'].create({'name': "Idea", 'partner_id': self.customers[1].id, 'type': 'opportunity'})
        message = lead.message_post(body="They want desks", message_type='comment')
        action = message.with_user(self.manager).action_note_sales_need()
        form = Form(self.env['sales.need'].with_context(**action['context']))
        form.name = "Desks"
        need = form.save()
        self.assertEqual(
            (need.partner_id, need.lead_id, need.evidence_ref, need.evidence_text),
            (self.customers[1], lead, message, "They want desks"))
        self.assertEqual(need.action_open_evidence()['res_model'], 'crm.lead')
        elsewhere = self.products[0].message_post(body="Nice", message_type='comment')
        with self.assertRaises(UserError):
            elsewhere.action_note_sales_need()
        lead.user_id = self.manager
        with self.assertRaises(AccessError):
            message.with_user(self.salesman).action_note_sales_need()

    def test_open_needs_are_counted_on_the_customer_and_its_contacts(self):
        child = self.env['res.partner'].create({'name': "Anna", 'parent_id': self.customers[0].id})
        self.need()
        self.need(partner_id=child.id)
        self.need().action_lost()
        self.assertEqual((self.customers[0] + child + self.customers[1]).mapped('sales_need_count'), [2, 2, 0])

    def test_probability_is_bounded_and_weighs(self):
        need = self.need(expected_revenue=333.33, probability=50)
        self.assertEqual(need.weighted_revenue, 166.67)
        with mute_logger('odoo.sql_db'), self.assertRaises(CheckViolation), self.env.cr.savepoint():
            need.probability = 120
            need.flush_recordset()

    # -- predictions

    def row(self, customer=0, category=0, **values):
        return {
            'name': "Chairs next", 'partner_id': self.customers[customer].id, 'company_id': self.company.id,
            'categ_id': self.categories[category].id, 'probability': 40, 'expected_revenue': 100, **values}

    def test_predictions_follow_the_study(self):
        self.customers[0].user_id = self.salesman
        needs = self.env['sales.need']
        first = needs._propose([self.row(), self.row(1), self.row(1)])
        self.assertEqual(len(first), 2, "one for a customer and category")
        mine = first.filtered(lambda need: need.partner_id == self.customers[0])
        self.assertEqual((mine.evidence, mine.user_id), ('prediction', self.salesman))
        second = needs._propose([self.row(probability=70), self.row(2)])
        self.assertIn(mine, second)
        self.assertEqual(mine.probability, 70)
        gone = first - mine
        self.assertFalse(gone.active, "no longer predicted")
        needs._propose([], companies=self.company)
        self.assertFalse(needs.search([('evidence', '=', 'prediction')]))

    def test_a_customer_without_a_salesperson_is_that_of_the_last_order(self):
        first = self.env['sales.need']._propose([self.row()])
        self.assertFalse(first.user_id)
        self.order([(self.products[0], 1, 10)], user_id=self.salesman.id)
        self.refresh()
        self.env['sales.customer.profile']._rebuild_all()
        self.assertEqual(self.env['sales.need']._propose([self.row()]), first)
        self.assertEqual(first.user_id, self.salesman)

    def test_what_somebody_noted_or_worked_on_is_not_predicted_nor_given_up(self):
        needs = self.env['sales.need']
        noted = self.need()
        lost = self.need(partner_id=self.customers[1].id)
        lost.action_lost()
        self.assertFalse(needs._propose([self.row(), self.row(1)]))
        [worked_on] = needs._propose([self.row(category=1)])
        worked_on.activity_schedule('mail.mail_activity_data_call', summary="Ask")
        needs._propose([], companies=self.company)
        self.assertTrue(worked_on.active)
        self.assertTrue(noted.active)

    def test_a_lost_need_is_predicted_again_after_a_while(self):
        lost = self.need()
        lost.action_lost()
        lost.flush_recordset()
        self.env.cr.execute(
            "UPDATE sales_need SET write_date = write_date - interval '200 days' WHERE id = %s", [lost.id])
        self.env.invalidate_all()
        self.assertEqual(len(self.env['sales.need']._propose([self.row()])), 1)

    def test_predictions_take_no_queries_by_customer(self):
        partners = self.env['res.partner'].create([{'name': f"Customer {n}"} for n in range(60)])
        needs = self.env['sales.need']
        needs._propose([self.row()])

        def count(partners):
            rows = [self.row() | {'partner_id': partner.id} for partner in partners]
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            needs._propose(rows, companies=self.env['res.company'])
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        few, many = count(partners[:10]), count(partners[10:])
        self.assertLessEqual(many, few + 2)

    # -- rights

    def test_own_needs_or_all(self):
        mine, nobodys, other = self.need(), self.need(user_id=False), self.need(user_id=self.manager.id)
        search = self.env['sales.need'].with_user(self.salesman).search
        self.assertEqual(search([('id', 'in', (mine + nobodys + other).ids)]), mine + nobodys)
        with self.assertRaises(AccessError):
            other.with_user(self.salesman).action_won()
        self.assertEqual(other.with_user(self.all_leads).name, "Chairs")
        with self.assertRaises(AccessError):
            mine.with_user(self.salesman).unlink()
        with self.assertRaises(AccessError):
            mine.with_user(self.portal).read(['name'])

    def test_a_need_noted_of_the_customer_of_somebody_else_can_be_saved(self):
        self.customers[0].user_id = self.manager
        for user, owner in ((self.salesman, self.salesman), (self.all_leads, self.manager)):
            action = self.customers[0].with_user(user).action_open_sales_needs()
            need = self.env['sales.need'].with_user(user).with_context(action['context']).create({'name': "Desks"})
            self.assertEqual(need.user_id, owner)
            need.sudo().unlink()

    def test_needs_of_another_company_are_not_seen(self):
        company = self.env['res.company'].create({'name': "Other"})
        need = self.env['sales.need'].create({
            'name': "There", 'partner_id': self.customers[0].id, 'company_id': company.id})
        self.assertNotIn(need, self.env['sales.need'].with_user(self.manager).search([]))
        order = self.order([(self.products[0], 1, 10)], state='draft')
        need.categ_id = self.categories[0]
        self.env['sales.reader.needs']._link(order.ids)
        self.assertFalse(order.order_line.sales_need_id)

    @freeze_time('2026-06-15')
    def test_the_state_is_seen_by_whoever_may_not_open_the_order(self):
        need = self.need(product_ids=[Command.set(self.products[0].ids)])
        order = self.env['sale.order'].browse(need.action_new_quotation()['res_id'])
        order.user_id = self.manager
        need.invalidate_recordset()
        seen = need.with_user(self.salesman)
        self.assertEqual((seen.state, seen.order_count), ('quoted', 1))
