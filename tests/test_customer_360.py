from markupsafe import Markup

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, freeze_time, tagged

from .common import LedgerCommon

NOW = '2026-06-15 12:00:00'


class Customer360Common(LedgerCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.customers[0]
        cls.customer.user_id = cls.manager
        cls.contact = cls.env['res.partner'].create({
            'name': "Anna", 'parent_id': cls.customer.id, 'email': 'anna@example.com', 'phone': '+32 2 290 34 90'})

    @classmethod
    def refresh(cls):
        super().refresh()
        cls.env['sales.customer.profile']._rebuild_all()

    def add_history(self):
        """Two orders of this year, one of last year, one of another salesperson, one of another customer."""
        self.order([(self.products[0], 2, 50)], date='2026-05-04 10:00:00', user_id=self.salesman.id)
        self.order([(self.products[1], 1, 30)], date='2026-03-04 10:00:00', user_id=self.salesman.id,
                   partner_id=self.contact.id)
        self.order([(self.products[1], 1, 40)], date='2025-03-10 10:00:00', user_id=self.salesman.id)
        self.order([(self.products[1], 1, 500)], date='2026-05-04 10:00:00', user_id=self.manager.id)
        self.order([(self.products[1], 1, 9000)], date='2026-05-04 10:00:00', partner_id=self.customers[1].id)
        self.refresh()
        self.env.cr.flush()


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestCustomer360(Customer360Common):

    def page(self, user=None, partner=None):
        return (partner or self.customer).with_user(user or self.manager).get_customer_360()

    def test_a_contact_shows_its_company(self):
        self.add_history()
        mine, its = self.page(partner=self.contact), self.page()
        self.assertEqual(mine['partner_id'], self.customer.id)
        self.assertEqual(mine, its)

    def test_revenue_by_month_beside_the_year_before(self):
        self.add_history()
        periods = self.page()['periods']
        self.assertEqual(periods['unit'], 'month')
        by_start = {row['start']: row for row in periods['rows']}
        self.assertEqual(len(by_start), 12)
        self.assertEqual(max(by_start), '2026-06-01')
        self.assertEqual(by_start['2026-05-01']['value'], 600)
        self.assertEqual((by_start['2026-03-01']['value'], by_start['2026-03-01']['before']), (30, 40))

    def test_who_has_not_bought_for_two_years_gets_years(self):
        self.order([(self.products[0], 1, 70)], date='2022-05-04 10:00:00')
        self.order([(self.products[0], 1, 20)], date='2023-05-04 10:00:00')
        self.refresh()
        periods = self.page()['periods']
        self.assertEqual(periods['unit'], 'year')
        self.assertEqual([row['value'] for row in periods['rows']], [70, 20, 0, 0, 0])

    def test_categories_largest_first(self):
        self.add_history()
        categories = self.page()['categories']
        self.assertEqual([row['label'] for row in categories], ["Tables", "Chairs"])
        self.assertEqual([row['value'] for row in categories], [570, 100])

    def test_a_customer_without_orders_has_no_charts(self):
        page = self.page(partner=self.customers[2])
        self.assertEqual((page['periods']['rows'], page['categories']), ([], []))
        self.assertEqual(page['sales'], {'revenue': 0, 'order_count': 0, 'is_whole': False})

    def test_what_is_open(self):
        quotation = self.order([(self.products[0], 1, 80)], state='draft', user_id=self.salesman.id,
                               validity_date='2026-06-01')
        self.order([(self.products[0], 1, 80)], state='cancel')
        self.contact.activity_schedule(
            'mail.mail_activity_data_call', '2026-06-14', "Call Anna", user_id=self.salesman.id)
        self.env['calendar.event'].create([
            {'name': "Visit", 'start': '2026-06-20 09:00:00', 'stop': '2026-06-20 10:00:00',
             'partner_ids': [Command.link(self.contact.id)]},
            {'name': "Past", 'start': '2026-06-02 09:00:00', 'stop': '2026-06-02 10:00:00',
             'partner_ids': [Command.link(self.contact.id)]},
        ])
        page = self.page(self.salesman)
        [row] = page['quotations']['rows']
        self.assertEqual((row['id'], row['amount'], row['is_late']), (quotation.id, 80, True))
        [row] = page['activities']['rows']
        self.assertEqual((row['name'], row['is_late'], row['user_name']), ("Call Anna", True, "Own Documents"))
        self.assertEqual([row['name'] for row in page['meetings']['rows']], ["Visit"])

    def test_a_private_meeting_keeps_its_name(self):
        self.env['calendar.event'].with_user(self.all_leads).create({
            'name': "Secret", 'privacy': 'private', 'start': '2026-06-20 09:00:00', 'stop': '2026-06-20 10:00:00',
            'user_id': self.all_leads.id,
            'partner_ids': [Command.set([self.customer.id, self.all_leads.partner_id.id])]})
        names = [row['name'] for row in self.page(self.salesman)['meetings']['rows']]
        self.assertEqual(len(names), 1)
        self.assertNotIn("Secret", names)

    # -- rights

    def test_documents_of_others_are_not_shown(self):
        self.add_history()
        self.order([(self.products[0], 1, 80)], state='draft', user_id=self.manager.id)
        self.refresh()
        page = self.page(self.salesman)
        self.assertFalse(page['quotations']['rows'])
        self.assertEqual(page['sales'], {'revenue': 170, 'order_count': 3, 'is_whole': False})
        self.assertFalse(page['profile'])
        self.assertEqual(self.page(self.all_leads)['sales'], {'revenue': 670, 'order_count': 4, 'is_whole': True})
        orders = {entry['record']['id'] for entry in page['timeline']['entries'] if entry['record']}
        self.assertEqual(
            self.env['sale.order'].browse(orders).user_id, self.salesman)

    def test_whose_customer_it_is_sees_the_sums_of_all_its_orders(self):
        self.add_history()
        self.customer.user_id = self.salesman
        self.env['sales.customer.profile']._rebuild_all()
        page = self.page(self.salesman)
        self.assertEqual(page['sales'], {'revenue': 670, 'order_count': 4, 'is_whole': True})
        self.assertEqual(page['profile']['order_count'], 4)
        orders = {entry['record']['id'] for entry in page['timeline']['entries'] if entry['record']}
        self.assertEqual(self.env['sale.order'].browse(orders).user_id, self.salesman, "but not the orders themselves")

    def test_the_profile_says_what_it_rests_on(self):
        for day in ('2026-01-05', '2026-02-04', '2026-03-06', '2026-04-05'):
            self.order([(self.products[0], 1, 100)], date=f'{day} 10:00:00')
        self.refresh()
        profile = self.page()['profile']
        self.assertEqual(profile['order_count'], 4)
        self.assertEqual((profile['first_order_date'], profile['last_order_date']), ('2026-01-05', '2026-04-05'))
        self.assertEqual((profile['rhythm_days'], profile['rhythm_basis']), (30, 'own'))
        self.assertEqual((profile['expected_date'], profile['days_to_expected']), ('2026-05-05', -41))
        self.assertIn("30 days", profile['reason'])
        self.assertEqual(profile['lifecycle_label'], "At Risk")

    def test_one_order_tells_no_rhythm(self):
        self.order([(self.products[0], 1, 100)], date='2026-05-05 10:00:00')
        self.refresh()
        profile = self.page()['profile']
        self.assertEqual(
            (profile['rhythm_basis'], profile['lifecycle'], profile['expected_date']), ('none', False, False))
        self.assertFalse(profile['outlook_horizon'])

    def test_a_call_is_planned_once(self):
        self.add_history()
        contact = self.contact.with_user(self.manager)
        contact.action_sales_plan_call()
        contact.action_sales_plan_call()
        self.assertEqual(self.page()['activities']['count'], 1)
        self.assertEqual(self.customer.activity_ids.user_id, self.manager)

    def test_a_suggestion_is_added_to_the_open_quotation_or_a_new_one(self):
        self.customer.property_product_pricelist = self.env['product.pricelist'].create({
            'name': "Half", 'item_ids': [Command.create({'compute_price': 'percentage', 'percent_price': 50})]})
        contact = self.contact.with_user(self.salesman)
        order = self.env['sale.order'].browse(contact.add_customer_suggestion(self.products[0].id)['id'])
        self.assertEqual((order.partner_id, order.user_id), (self.contact, self.salesman))
        self.assertEqual(order.order_line.price_subtotal, 5, "at the customer's pricelist")
        self.assertEqual(contact.add_customer_suggestion(self.products[1].id)['id'], order.id)
        self.assertEqual(order.order_line.product_id, self.products[:2])
        other = self.customers[1].with_user(self.salesman)
        self.assertNotEqual(other.add_customer_suggestion(self.products[1].id)['id'], order.id)
        self.products[3].sale_ok = False
        with self.assertRaises(UserError):
            contact.add_customer_suggestion(self.products[3].id)
        with self.assertRaises(AccessError):
            self.contact.with_user(self.portal).add_customer_suggestion(self.products[0].id)

    def test_suggestions_are_noted_as_shown_on_the_page_and_as_taken(self):
        def suggest(recommender, partner, n=10, exclude=(), order=None):
            self.assertEqual(partner, self.customer)
            return [{'product_id': self.products[2].id, 'score': 0.9, 'kind': 'repeat', 'reason': "Due since 3 Mar"}]

        self.patch(type(self.env['sales.recommender']), '_suggest', suggest)
        contact = self.contact.with_user(self.manager)
        [shown] = contact.get_customer_suggestions()
        self.assertEqual((shown['product_id'], shown['reason'], shown['price']), (
            self.products[2].id, "Due since 3 Mar", 12))
        noted = self.env['sales.suggestion'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual((noted.place, noted.user_id, noted.state), ('customer', self.manager, 'shown'))
        contact.add_customer_suggestion(self.products[2].id)
        self.assertEqual(noted.state, 'added')
        with self.assertRaises(AccessError):
            self.contact.with_user(self.salesman).get_customer_suggestions()

    def test_needs_and_segments_are_on_the_page(self):
        self.add_history()
        self.env['sales.need'].create({
            'name': "Desks", 'partner_id': self.contact.id, 'expected_revenue': 300, 'evidence_text': "They move"})
        [row] = self.page()['needs']['rows']
        self.assertEqual((row['name'], row['amount'], row['text']), ("Desks", 300, "They move"))
        self.assertFalse(self.page()['segments']['rows'])
        profile = self.customer.with_user(self.manager).sales_profile_id
        segment = self.env['sales.segment'].create({'name': "Good ones", 'company_id': self.company.id})
        self.env.cr.execute(
            "INSERT INTO sales_segment_customer_rel (profile_id, segment_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            [profile.id, segment.id])
        self.assertIn("Good ones", [row['name'] for row in self.page()['segments']['rows']])

    def test_portal_users_and_others_without_sales_get_nothing(self):
        for user in (self.portal, self.env.ref('base.public_user')):
            with self.assertRaises(AccessError):
                self.page(user)

    def test_customers_on_the_portal_read_no_notes_on_themselves(self):
        self.portal.partner_id.parent_id = self.customer
        self.customer.message_post(body="Pays late", subtype_xmlid='mail.mt_note')
        for kind in (None, 'message'):
            with self.assertRaises(AccessError):
                self.portal.partner_id.with_user(self.portal).get_customer_timeline(kind)

    def test_another_company_is_not_shown(self):
        self.add_history()
        other = self.env['res.company'].create({'name': "Other"})
        self.manager.company_ids += other
        page = self.customer.with_user(self.manager).with_context(allowed_company_ids=other.ids).get_customer_360()
        self.assertEqual(page['sales'], {'revenue': 0, 'order_count': 0, 'is_whole': False})
        self.assertFalse([entry for entry in page['timeline']['entries'] if entry['kind'] == 'order'])

    def test_the_page_is_for_customers(self):
        self.add_history()
        employee = self.env['res.partner'].create({'name': "Nobody"})
        prospect = self.env['res.partner'].create({'name': "Prospect"})
        self.env['crm.lead'].create({'name': "Idea", 'partner_id': prospect.id})
        self.assertEqual(
            (self.customer + self.contact + employee + prospect).mapped('sales_is_customer'), [True, True, False, True])
        form = self.env['res.partner'].get_view(self.env.ref('base.view_partner_form').id)['arch']
        self.assertIn('sales_customer_360', form)

    # -- queries

    def test_the_page_takes_less_than_15_queries_however_much_there_is(self):
        self.add_history()
        counts = [self.count_queries()]
        for number in range(12):
            self.order([(self.products[number % 4], 1, 10)], date='2026-04-04 10:00:00', user_id=self.salesman.id)
            self.order([(self.products[0], 1, 80)], state='draft', user_id=self.salesman.id)
            self.contact.activity_schedule('mail.mail_activity_data_call', '2026-06-14', f"Call {number}")
            self.contact.message_post(body=f"Note {number}", message_type='comment')
        self.refresh()
        self.env.cr.flush()
        counts.append(self.count_queries())
        self.assertLess(counts[1], 15)
        self.assertLessEqual(counts[1], counts[0] + 2)

    def count_queries(self):
        customer = self.customer.with_user(self.salesman)
        customer.get_customer_360()  # what a worker has once for all
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        customer.get_customer_360()
        return self.env.cr.sql_log_count - before


@tagged('post_install', '-at_install')
@freeze_time(NOW)
class TestCustomerTimeline(Customer360Common):

    def timeline(self, user=None, **options):
        return self.customer.with_user(user or self.manager).get_customer_timeline(**options)

    def test_what_happened_newest_first(self):
        order = self.order([(self.products[0], 2, 50)])
        order._create_invoices().action_post()
        lead = self.env['crm.lead'].create({'name': "Idea", 'partner_id': self.contact.id, 'type': 'opportunity'})
        self.customer.message_post(body=Markup("<p>They called about <b>chairs</b></p>"), message_type='comment')
        self.env.cr.flush()
        entries = self.timeline()['entries']
        dates = [entry['date'] for entry in entries]
        self.assertEqual(dates, sorted(dates, reverse=True))
        by_label = {entry['label']: entry for entry in entries}
        self.assertIn("100.00", by_label["Order confirmed"]['text'])
        self.assertEqual(by_label["Order confirmed"]['record'], {'model': 'sale.order', 'id': order.id})
        self.assertEqual(by_label["Lead created"]['record'], {'model': 'crm.lead', 'id': lead.id})
        self.assertEqual(by_label["Note"]['text'], "They called about chairs")
        self.assertIn("Invoice posted", by_label)

    def test_pages_go_on_where_the_one_before_ended(self):
        for number in range(7):
            self.order([(self.products[0], 1, 10)], state='draft')
            self.customer.message_post(body=f"Note {number}", message_type='comment')
            self.env.cr.flush()
        whole = self.env['sales.customer.timeline'].with_user(self.manager)._get(self.customer, limit=100)
        self.assertFalse(whole['next'])
        ids, place = [], None
        while place is not False:
            page = self.env['sales.customer.timeline'].with_user(self.manager)._get(self.customer, place=place, limit=4)
            self.assertLessEqual(len(page['entries']), 4)
            ids += [entry['id'] for entry in page['entries']]
            place = page['next']
        self.assertEqual(ids, [entry['id'] for entry in whole['entries']])
        self.assertEqual(len(ids), len(set(ids)))
        self.assertGreater(len(ids), 14)

    def test_one_kind_alone(self):
        order = self.order([(self.products[0], 1, 10)])
        order._create_invoices().action_post()
        self.customer.message_post(body="Hello", message_type='comment')
        self.env.cr.flush()
        for kind in ('order', 'invoice', 'message'):
            self.assertEqual({entry['kind'] for entry in self.timeline(kind=kind)['entries']}, {kind})

    def test_mails_of_documents_that_may_not_be_read_are_not_shown(self):
        order = self.order([(self.products[0], 1, 10)], user_id=self.manager.id)
        order.message_post(body="About the discount", message_type='comment')
        self.customer.message_post(body="Hello", message_type='comment')
        texts = [entry['text'] for entry in self.timeline(self.salesman, kind='message')['entries']]
        self.assertEqual(texts, ["Hello"])
        self.assertIn("About the discount", [entry['text'] for entry in self.timeline(kind='message')['entries']])

    def test_a_place_that_was_made_up_is_refused(self):
        with self.assertRaises(ValueError):
            self.timeline(place={'event': ['2026-01-01', '1) OR 1=1']})

    def test_a_deleted_order_opens_nothing(self):
        order = self.order([(self.products[0], 1, 10)], state='draft')
        self.env.cr.flush()
        order.unlink()
        self.env.cr.flush()
        entries = [entry for entry in self.timeline()['entries'] if entry['label'] == "Quotation created"]
        self.assertEqual([entry['record'] for entry in entries], [False])


@tagged('post_install', '-at_install')
class TestCustomer360Tour(HttpCase, Customer360Common):

    def test_tour(self):
        today = fields.Date.today()
        self.order([(self.products[0], 2, 50)], date=f'{fields.Date.subtract(today, days=40)} 10:00:00')
        quotation = self.order([(self.products[1], 1, 50)], state='draft', name="Q-360", user_id=2)
        self.patch(type(self.env['sales.recommender']), '_suggest', lambda *args, **kwargs: [
            {'product_id': self.products[2].id, 'score': 0.9, 'kind': 'repeat', 'reason': "Due since 3 Mar"}])
        self.customer.message_post(body="They called about chairs", message_type='comment')
        self.refresh()
        self.env.cr.flush()
        admin = self.env.ref('base.user_admin')
        admin.group_ids += self.env.ref('sales_team.group_sale_manager')
        self.start_tour(f'/odoo/res.partner/{self.contact.id}', 'sms_addon_customer_360', login='admin')
        self.assertIn(self.products[2], quotation.order_line.product_id)

    def test_from_a_need_to_the_order_that_wins_it(self):
        admin = self.env.ref('base.user_admin')
        admin.group_ids += self.env.ref('sales_team.group_sale_manager')
        self.customer.customer_rank = 1
        message = self.customer.message_post(body="They want chairs", message_type='comment')
        self.env.cr.flush()
        self.start_tour(f'/odoo/res.partner/{self.customer.id}', 'sms_addon_customer_needs', login='admin')
        need = self.env['sales.need'].search([('partner_id', '=', self.customer.id)])
        self.assertEqual((need.state, need.order_line_ids.product_id), ('won', self.products[0]))
        self.assertEqual((need.evidence_ref, need.evidence_text), (message, "They want chairs"))

    def test_working_through_wrong_data(self):
        admin = self.env.ref('base.user_admin')
        admin.group_ids += self.env.ref('sales_team.group_sale_manager') + self.env.ref('base.group_partner_manager')
        self.customers.customer_rank = 1
        self.customer.phone = '+32 1'
        self.customers[1:].email = 'shared@example.com'
        self.env['sales.customer.check']._check_customers(self.customers.ids)
        self.env.cr.flush()
        self.start_tour('/odoo/sales-data-quality', 'sms_addon_customer_issues', login='admin')
        self.assertEqual(self.customer.phone, '+32 2 290 34 90')
        self.assertEqual(len(self.customers[1:].exists()), 1)
