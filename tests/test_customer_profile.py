import random
from datetime import date, timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.sms_addon.models.sales_customer_profile import LIFECYCLES
from odoo.addons.sms_addon.models.sales_customer_profile_actions import SENTENCES

from .common import CustomerHistoryCommon, LedgerCommon, WarehouseCommon
from .rules_common import RulesCommon

TODAY = date(2026, 6, 15)


class ProfileCommon(WarehouseCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env['sales.customer.profile']
        cls.touch = cls.env['sales.customer.touch']

    @classmethod
    def follow(cls):
        """Have warehouse and profiles read whatever was changed so far, as their scheduled actions do."""
        cls.refresh()
        while partner_ids := cls.touch._take(1000):
            cls.profile._refresh_customers(partner_ids)

    def profile_of(self, customer, company=None):
        self.follow()
        self.env.invalidate_all()
        return self.profile.search([
            ('commercial_partner_id', '=', customer.id), ('company_id', '=', (company or self.company).id)])

    def buy(self, customer, *ages, amount=100, **values):
        """Have a customer order on each of some days before today."""
        return self.env['sale.order'].union(*[
            self.order([(self.products[0], 1, amount)], date=f'{TODAY - timedelta(days=age)} 10:00:00',
                       partner_id=customer.id, **values)
            for age in ages])

    def rows(self):
        """Return what is stored of every customer."""
        return sorted(self.env.execute_query(SQL("SELECT * FROM sales_customer_figures")))


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15 12:00:00')
class TestCustomerProfile(ProfileCommon):
    """Who a customer is, how he buys, and what stage he is in by his own rhythm."""

    def customer(self, name="Somebody", **values):
        return self.env['res.partner'].create({'name': name, 'is_company': True, **values})

    def usual_rhythm(self, days=30):
        """Give the company a usual rhythm by enough customers of that rhythm."""
        for number in range(5):
            self.buy(self.customer(f"Regular {number}"), 1, 1 + days, 1 + 2 * days)

    def test_figures(self):
        customer = self.customer(user_id=self.salesman.id, country_id=self.env.ref('base.be').id)
        contact = self.env['res.partner'].create({'name': "Purchaser", 'parent_id': customer.id})
        self.order([(self.products[0], 2, 50), (self.products[1], 1, 300)], date='2024-12-01 10:00:00',
                   partner_id=contact.id)
        self.order([(self.products[0], 1, 100)], date='2026-05-01 10:00:00', partner_id=customer.id)
        self.order([(self.products[2], 1, 60)], date='2026-05-01 15:00:00', partner_id=customer.id)
        self.order([(self.products[3], 1, 999)], date='2026-05-02 15:00:00', partner_id=customer.id, state='draft')
        profile = self.profile_of(customer)
        self.assertRecordValues(profile, [{
            'commercial_partner_id': customer.id, 'company_id': self.company.id,
            'currency_id': self.company.currency_id.id, 'user_id': self.salesman.id,
            'country_id': self.env.ref('base.be').id, 'first_order_date': date(2024, 12, 1),
            'last_order_date': date(2026, 5, 1), 'order_count': 3, 'order_day_count': 2, 'revenue': 560,
            'revenue_12': 160, 'revenue_before_12': 400, 'average_order': 186.6667, 'product_count': 3,
            'category_count': 2, 'main_categ_id': self.categories[1].id, 'recency': 45, 'customer_count': 1}])
        self.assertEqual(profile.quotation_count, 1)
        self.assertEqual(profile.id, customer.id * 1048576 + self.company.id)

    def test_the_salesperson_is_the_customers_else_that_of_the_last_order(self):
        customer = self.customer()
        self.buy(customer, 50, user_id=self.manager.id)
        self.buy(customer, 20, user_id=self.all_leads.id)
        self.assertEqual(self.profile_of(customer).user_id, self.all_leads)
        customer.user_id = self.salesman
        self.profile._refresh_customers(customer.ids)
        self.assertEqual(self.profile_of(customer).user_id, self.salesman)

    def test_without_confirmed_orders_there_is_no_profile(self):
        customer = self.customer()
        order = self.order([(self.products[0], 1, 100)], partner_id=customer.id, state='draft')
        self.assertFalse(self.profile_of(customer))
        order.action_confirm()
        self.assertTrue(self.profile_of(customer))
        order._action_cancel()
        self.assertFalse(self.profile_of(customer))

    def test_lifecycle_by_the_customers_own_rhythm(self):
        # a gap of 10 days, but for one of 12: quartiles 10 and 10.5
        for recency, stage in ((5, 'active'), (12, 'active'), (13, 'slowing'), (19, 'slowing'), (20, 'at_risk'),
                               (29, 'at_risk'), (30, 'lost'), (300, 'lost')):
            customer = self.customer()
            self.buy(customer, *(recency + age for age in (0, 10, 20, 30, 42)))
            profile = self.profile_of(customer)
            self.assertEqual(
                (profile.rhythm_basis, profile.rhythm_days, profile.lifecycle), ('own', 10, stage), recency)
            self.assertAlmostEqual(profile.rhythm_spread, 0.5 / 1.349, 6)
            self.assertEqual(profile.expected_date, TODAY - timedelta(days=recency - 10))
            self.assertEqual(profile.days_overdue, max(recency - 10, 0))

    def test_the_same_silence_means_another_thing_to_another_rhythm(self):
        weekly, yearly = self.customer("Weekly"), self.customer("Yearly")
        self.buy(weekly, 60, 67, 74, 81)
        self.buy(yearly, 60, 425, 790)
        self.assertEqual(self.profile_of(weekly).lifecycle, 'lost')
        self.assertEqual(self.profile_of(yearly).lifecycle, 'active')

    def test_an_irregular_customer_is_given_more_time(self):
        customer = self.customer()
        self.buy(customer, 30, 35, 65, 70, 100)  # gaps 5, 30, 5, 30
        profile = self.profile_of(customer)
        self.assertEqual(profile.rhythm_days, 17.5)
        self.assertAlmostEqual(profile.rhythm_spread, 25 / 1.349, 6)
        self.assertEqual(profile.lifecycle, 'active', "30 days are less than 17.5 and a spread of 18.5")

    def test_won_back(self):
        customer = self.customer()
        self.buy(customer, 3, 103, 113, 123, 133, 143)
        profile = self.profile_of(customer)
        self.assertEqual((profile.lifecycle, profile.longest_pause), ('won_back', 100))
        self.assertIn("Back after 100 days", profile.reason)
        again = self.customer()
        self.buy(again, 3, 12, 22, 122, 132, 142, 152)
        self.assertEqual(self.profile_of(again).lifecycle, 'active', "the pause is three orders ago")

    def test_few_orders_are_judged_by_the_other_customers(self):
        self.usual_rhythm(30)
        newcomer, second, lost = self.customer(), self.customer(), self.customer()
        self.buy(newcomer, 10)
        self.buy(second, 3, 10)
        self.buy(lost, 120)
        for customer, stage in ((newcomer, 'new'), (second, 'active'), (lost, 'lost')):
            profile = self.profile_of(customer)
            self.assertEqual((profile.rhythm_basis, profile.rhythm_days, profile.lifecycle), ('company', 30, stage))

    def test_too_little_is_passed_over_in_silence(self):
        self.env.cr.execute("DELETE FROM sales_customer_figures")
        self.env['sales.customer.scale'].search([]).unlink()
        customer = self.customer()
        self.buy(customer, 10, 20)
        profile = self.profile_of(customer)
        self.assertRecordValues(profile, [{
            'rhythm_basis': 'none', 'rhythm_days': 0, 'lifecycle': False, 'expected_date': False, 'days_overdue': 0,
            'value_at_stake': 0, 'call_today': False, 'trend': 'unknown'}])
        self.assertIn("too few to tell a rhythm", profile.reason)

    def test_what_depends_on_the_day_is_right_on_every_day(self):
        customer = self.customer()
        self.buy(customer, 0, 10, 20, 30)
        self.assertEqual(self.profile_of(customer).lifecycle, 'active')
        for days, stage, revenue in ((14, 'slowing', 400), (21, 'at_risk', 400), (40, 'lost', 400),
                                     (336, 'lost', 300), (400, 'lost', 0)):
            with freeze_time(f'{TODAY + timedelta(days=days)} 12:00:00'):
                self.env.invalidate_all()
                profile = self.profile.search([('commercial_partner_id', '=', customer.id)])
                self.assertEqual((profile.lifecycle, profile.revenue_12), (stage, revenue), days)
                self.assertEqual(profile.revenue_before_12, 400 - revenue)
        with freeze_time('2026-05-27 12:00:00'):
            self.env.invalidate_all()
            self.assertEqual(profile.revenue_12, 400, "orders of the future count, too")

    def test_the_windows_are_filled_as_they_are_added_up(self):
        rng = random.Random(5)
        customers = [self.customer() for _n in range(4)]
        for customer in customers:
            self.buy(customer, *(rng.randrange(900) for _n in range(6)), amount=rng.randrange(1, 500))
        self.follow()
        for days in (0, 1, 100, 365, 366, 500, 900):
            with freeze_time(f'{TODAY + timedelta(days=days)} 12:00:00'):
                ids = [customer.id for customer in customers]
                domain = [('commercial_partner_id', 'in', ids)]
                self.env.invalidate_all()
                late = self.profile.search(domain).mapped(lambda each: (each.revenue_12, each.revenue_before_12))
                self.profile._refresh_customers(ids)
                self.env.invalidate_all()
                fresh = self.profile.search(domain).mapped(lambda each: (each.revenue_12, each.revenue_before_12))
                self.assertEqual(late, fresh, days)

    def test_the_day_is_that_of_the_company(self):
        customer = self.customer()
        self.order([(self.products[0], 1, 100)], date='2026-06-14 23:00:00', partner_id=customer.id)
        profile = self.profile_of(customer)
        self.assertEqual((profile.last_order_date, profile.recency), (date(2026, 6, 14), 1))
        self.company.sales_timezone = 'Asia/Shanghai'
        profile = self.profile_of(customer)
        self.assertEqual((profile.last_order_date, profile.recency), (date(2026, 6, 15), 0))
        with freeze_time('2026-06-15 16:30:00'):
            self.env.invalidate_all()
            self.assertEqual(profile.recency, 1, "it is half past midnight there")

    def test_trend(self):
        rising, falling, steady, young, thin = (self.customer() for _n in range(5))
        for customer, now, before in ((rising, 190, 100), (falling, 110, 100), (steady, 150, 100)):
            self.buy(customer, 100, 200, amount=now)
            self.buy(customer, 400, 600, 729, amount=before)
        self.buy(young, 10, 100, 200, 500)
        self.buy(thin, 10, 700, 720)
        for customer, trend in ((rising, 'rising'), (falling, 'falling'), (steady, 'steady'), (young, 'unknown'),
                                (thin, 'unknown')):
            self.assertEqual(self.profile_of(customer).trend, trend)
        self.assertAlmostEqual(self.profile_of(rising).trend_rate, 380 / 300, 6)

    def test_a_first_year_that_was_no_whole_year_is_compared_by_the_day(self):
        customer = self.customer()
        self.buy(customer, 50, 100, 150, 400, 564)  # 200 of the days before count
        self.assertAlmostEqual(self.profile_of(customer).trend_rate, (300 / 365) / (200 / 200), 6)

    def test_value_at_stake(self):
        customer = self.customer()
        self.buy(customer, 25, 35, 45)
        self.assertEqual(self.profile_of(customer).value_at_stake, 200, "two orders should have come")
        long_lost = self.customer()
        self.buy(long_lost, 730, 740, 750)
        self.assertEqual(self.profile_of(long_lost).value_at_stake, 3650, "not more than a year of orders")
        on_time = self.customer()
        self.buy(on_time, 5, 15, 25)
        self.assertEqual(self.profile_of(on_time).value_at_stake, 0)
        within_the_spread = self.customer()
        self.buy(within_the_spread, 30, 35, 65, 70, 100)
        self.assertEqual(self.profile_of(within_the_spread).value_at_stake, 0)

    def test_call_today(self):
        customer = self.customer(user_id=self.salesman.id)
        self.buy(customer, 65, 95, 125)
        profile = self.profile_of(customer).with_user(self.salesman)
        self.assertTrue(profile.call_today)
        self.assertIn("Ordered every 30 days until Apr 11: silent for 65 days, 2.2 times as long", profile.reason)
        profile.action_plan_call()
        activity = customer.activity_ids
        self.assertRecordValues(activity, [{
            'user_id': self.salesman.id, 'date_deadline': TODAY,
            'activity_type_id': self.env.ref('mail.mail_activity_data_call').id}])
        self.env.invalidate_all()
        self.assertFalse(profile.call_today)
        self.assertEqual((profile.activity_count, profile.next_activity_date), (1, TODAY))
        profile.action_plan_call()
        self.assertEqual(len(customer.activity_ids), 1, "one call is enough")
        activity.with_user(self.salesman).action_feedback()
        self.env.invalidate_all()
        self.assertFalse(profile.call_today, "he was called")
        with freeze_time('2026-06-23 12:00:00'):
            self.env.invalidate_all()
            self.assertTrue(profile.call_today, "and still has not ordered")

    def test_nobody_calls_who_was_archived(self):
        customer, other = self.customer(), self.customer()
        for each in customer + other:
            self.buy(each, 65, 95, 125)
        self.assertTrue(self.profile_of(customer).call_today)
        customer.active = False
        self.touch._touch(customer.ids)
        self.assertFalse(self.profile_of(customer).call_today)
        self.assertTrue(self.profile_of(other).call_today)

    def test_who_left_is_not_asked_to_call(self):
        left = new_test_user(self.env, login='left@x.test', groups='sales_team.group_sale_salesman')
        customer = self.customer(user_id=left.id)
        self.buy(customer, 65, 95, 125)
        left.active = False
        self.profile_of(customer).with_user(self.manager).action_plan_call()
        self.assertEqual(customer.activity_ids.user_id, self.manager)

    def test_returns_and_payments(self):
        customer = self.customer()
        self.products.invoice_policy = 'order'
        order = self.order([(self.products[0], 1, 200)], date='2026-03-01 10:00:00', partner_id=customer.id)
        invoice = order._create_invoices()
        invoice.write({'invoice_date': '2026-03-01', 'invoice_payment_term_id': False})
        invoice.invoice_date_due = '2026-03-31'
        invoice.action_post()
        profile = self.profile_of(customer)
        self.assertEqual((profile.paid_invoice_count, profile.days_late_avg, profile.return_rate), (0, 0, 0))
        self.assertEqual(profile.credit_used, 200)
        self.env['account.payment.register'].with_context(active_model='account.move', active_ids=invoice.ids).create({
            'payment_date': '2026-04-12'})._create_payments()
        self.profile._refresh_customers(customer.ids)
        profile = self.profile_of(customer)
        self.assertEqual((profile.paid_invoice_count, profile.days_late_avg), (1, 12))

    def test_live_figures(self):
        customer = self.customer()
        contact = self.env['res.partner'].create({'name': "Purchaser", 'parent_id': customer.id})
        self.buy(customer, 10)
        self.env['calendar.event'].create([
            {'name': "Visit", 'start': start, 'stop': start, 'partner_ids': [Command.set((customer + contact).ids)]}
            for start in ('2026-06-20 10:00:00', '2026-06-01 10:00:00')])
        self.assertEqual(self.profile_of(customer).meeting_count, 1, "what is over does not count, nobody counts twice")

    # -- keeping up

    def test_an_order_that_moves_changes_both_customers(self):
        before, after = self.customer(), self.customer()
        order = self.buy(before, 10)
        self.assertTrue(self.profile_of(before))
        order.partner_id = after
        self.assertFalse(self.profile_of(before))
        self.assertEqual(self.profile_of(after).order_count, 1)

    def test_a_merge_leaves_one_profile(self):
        into, gone = self.customer(), self.customer()
        self.buy(into, 10)
        self.buy(gone, 20, 30)
        self.assertEqual(self.profile_of(gone).order_count, 2)
        gone_id = gone.id
        self.env['base.partner.merge.automatic.wizard']._merge((into + gone).ids, into)
        self.assertEqual(self.profile_of(into).order_count, 3)
        self.assertFalse(self.profile.search([('commercial_partner_id', '=', gone_id)]))

    def test_a_contact_that_gets_a_company_counts_there(self):
        company, person = self.customer(), self.env['res.partner'].create({'name': "Person"})
        self.buy(person, 10)
        self.assertTrue(self.profile_of(person))
        person.parent_id = company
        self.assertFalse(self.profile_of(person))
        self.assertTrue(self.profile_of(company))

    def test_read_again_and_built_anew_are_the_same(self):
        rng = random.Random(11)
        customers = [self.customer(f"Random {number}") for number in range(6)]
        orders = []
        for _round in range(6):
            for _change in range(8):
                kind = rng.choice(('new', 'new', 'move', 'cancel', 'price', 'date'))
                if kind == 'new' or not orders:
                    orders += self.buy(rng.choice(customers), rng.randrange(900), amount=rng.randrange(1, 900))
                    continue
                order = rng.choice(orders)
                if kind == 'move':
                    order.partner_id = rng.choice(customers)
                elif kind == 'cancel':
                    order._action_cancel()
                elif kind == 'price':
                    order.order_line.price_unit = rng.randrange(1, 900)
                else:
                    order.date_order = fields.Datetime.now() - timedelta(days=rng.randrange(900))
            self.follow()
            followed, scale = self.rows(), self.env['sales.customer.scale'].search([]).read()
            self.assertEqual(self.profile._rebuild_all(), 0)
            self.assertEqual(self.rows(), followed)
            self.assertEqual(self.env['sales.customer.scale'].search([]).read(), scale)
            self.env.cr.execute("DELETE FROM sales_customer_figures")
            self.profile._rebuild_all()
            self.assertEqual(self.rows(), followed)

    def test_a_rebuild_puts_right_what_is_wrong(self):
        customer = self.customer()
        self.buy(customer, 10)
        self.follow()
        self.assertEqual(self.profile._rebuild_all(), 0)
        self.env.cr.execute(
            "UPDATE sales_customer_figures SET revenue = 1 WHERE commercial_partner_id = %s", [customer.id])
        self.assertEqual(self.profile._rebuild_all(), 1)
        self.assertEqual(self.profile_of(customer).revenue, 100)

    def test_a_stale_warehouse_is_waited_for(self):
        customer = self.customer()
        self.buy(customer, 10)
        self.follow()
        self.env['ir.config_parameter'].set_param('sms_addon.warehouse_stale', 'empty')
        self.env.cr.execute("DELETE FROM sales_fact")
        self.profile._cron_rebuild()
        self.assertTrue(self.profile.search([('commercial_partner_id', '=', customer.id)]))

    def test_the_scheduled_action_reads_the_queue(self):
        customer = self.customer()
        self.buy(customer, 10)
        self.refresh()
        self.assertFalse(self.profile.search([('commercial_partner_id', '=', customer.id)]))
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_customer_refresh').method_direct_trigger()
        self.assertTrue(self.profile.search([('commercial_partner_id', '=', customer.id)]))
        self.assertEqual(self.touch._count(), 0)

    # -- on contacts

    def test_a_contact_stands_for_its_customer(self):
        customer, stranger = self.customer(), self.customer()
        contact = self.env['res.partner'].create({'name': "Purchaser", 'parent_id': customer.id})
        self.buy(customer, 25, 35, 45)
        profile = self.profile_of(customer)
        partners = self.env['res.partner']
        self.assertEqual((customer + contact + stranger).mapped('sales_lifecycle'), ['at_risk', 'at_risk', False])
        self.assertEqual(contact.sales_profile_id, profile)
        some = [('id', 'in', (customer + contact + stranger).ids)]
        both = customer + contact
        for domain, found in (
            ([('sales_lifecycle', '=', 'at_risk')], both),
            ([('sales_lifecycle', 'in', ('at_risk', 'lost'))], both),
            ([('sales_lifecycle', '!=', 'at_risk')], stranger),
            ([('sales_lifecycle', '=', False)], stranger),
            ([('sales_lifecycle', '!=', False)], both),
            ([('sales_lifecycle', 'in', ('at_risk', False))], both + stranger),
            ([('sales_profile_id', '=', False)], stranger),
            ([('sales_profile_id', '!=', False)], both),
            ([('sales_profile_id', 'any', [('order_count', '=', 3)])], both),
            ([('sales_segment_ids', '=', False)], both + stranger),
        ):
            self.assertEqual(partners.search(some + domain), found, domain)
        orders = self.env['sale.order'].search([
            ('partner_id', 'in', both.ids), ('partner_id.sales_lifecycle', '=', 'at_risk')])
        self.assertEqual(len(orders), 3)

    def test_segments(self):
        customer, other = self.customer(), self.customer()
        self.buy(customer, 25)
        self.buy(other, 25)
        profile = self.profile_of(customer)
        segment = self.env['sales.segment'].create({
            'name': "Some", 'domain': f"[('commercial_partner_id', '=', {customer.id})]"})
        self.env.invalidate_all()
        self.assertEqual(profile.segment_ids, segment)
        self.assertEqual(self.profile.search([('segment_ids', 'in', segment.ids)]), profile)
        self.assertEqual(customer.sales_segment_ids, segment)
        self.assertEqual(self.env['res.partner'].search([('sales_segment_ids', 'in', segment.ids)]), customer)

    def test_leads_may_be_searched_by_it(self):
        customer = self.customer()
        self.buy(customer, 25, 35, 45)
        self.follow()
        leads = self.env['crm.lead'].create([{'name': "Idea", 'partner_id': partner.id} for partner in (
            customer, self.customer())])
        at_risk = [('partner_id.sales_lifecycle', '=', 'at_risk')]
        self.assertEqual(leads.search([('id', 'in', leads.ids), *at_risk]), leads[0])

    def test_leads_are_assigned_by_it_in_the_company_of_the_team(self):
        other = self.env['res.company'].create({
            'name': "Other Company", 'currency_id': self.company.currency_id.id, 'sales_timezone': 'UTC'})
        self.salesman.company_ids += other
        here, there = self.customer(), self.customer()
        self.buy(here, 25, 35, 45)
        self.buy(there, 5, 15, 25)
        for age in (25, 35, 45):
            self.order([(self.products[0], 1, 100)], date=f'{TODAY - timedelta(days=age)} 10:00:00',
                       partner_id=there.id, company_id=other.id)
        self.follow()
        of_here, of_there = leads = self.env['crm.lead'].create([
            {'name': "Idea", 'partner_id': partner.id, 'user_id': False, 'team_id': False}
            for partner in (here, there)])
        at_risk = str([('partner_id.sales_lifecycle', '=', 'at_risk'), ('id', 'in', leads.ids)])
        teams = self.env['crm.team'].create([{
            'name': "Rescue", 'company_id': company.id, 'assignment_domain': at_risk, 'crm_team_member_ids': [
                Command.create({
                    'user_id': self.salesman.id, 'assignment_max': 300,
                    'assignment_domain': "[('partner_id.sales_lifecycle', '=', 'at_risk')]"})],
        } for company in (self.company, other)])
        teams._action_assign_leads(force_quota=True)
        self.assertRecordValues(of_here + of_there, [
            {'team_id': team.id, 'user_id': self.salesman.id} for team in teams])

    # -- rights

    def test_own_customers_only(self):
        own, others, nobodys = (self.customer(name) for name in ("Own", "Others", "Nobody's"))
        own.user_id, others.user_id = self.salesman, self.manager
        for customer in (own, others, nobodys):
            self.buy(customer, 10, user_id=False)
        self.follow()
        domain = [('commercial_partner_id', 'in', (own + others + nobodys).ids)]
        for user, seen in ((self.salesman, own + nobodys), (self.all_leads, own + others + nobodys),
                           (self.manager, own + others + nobodys)):
            self.env.invalidate_all()
            profiles = self.profile.with_user(user).search(domain)
            self.assertEqual(profiles.commercial_partner_id, seen)
        with self.assertRaises(AccessError):
            self.profile.with_user(self.salesman).browse(self.profile_of(others).id).read(['revenue'])
        with self.assertRaises(AccessError):
            self.profile.with_user(self.salesman).browse(self.profile_of(others).id).action_plan_call()
        with self.assertRaises(AccessError):
            self.profile.with_user(self.portal).search([])
        self.assertFalse(others.with_user(self.salesman).sales_lifecycle)

    def test_nobody_edits_a_profile(self):
        self.buy(self.customers[0], 10)
        profile = self.profile_of(self.customers[0]).with_user(self.manager)
        with self.assertRaises(AccessError):
            profile.write({'revenue': 1})
        with self.assertRaises(AccessError):
            profile.unlink()

    def test_companies_are_apart(self):
        other = self.env['res.company'].create({
            'name': "Other Company", 'currency_id': self.company.currency_id.id, 'sales_timezone': 'UTC'})
        self.manager.company_ids += other
        customer = self.customer()
        self.buy(customer, 5, 15, 25)
        order = self.env['sale.order'].with_company(other).create({
            'company_id': other.id, 'partner_id': customer.id,
            'order_line': [Command.create({'product_id': self.products[0].id, 'price_unit': 70})]})
        order.action_confirm()
        order.date_order = '2025-06-01 10:00:00'
        self.follow()
        self.env.invalidate_all()
        domain = [('commercial_partner_id', '=', customer.id)]
        as_manager = self.profile.with_user(self.manager)
        self.assertEqual(as_manager.with_context(allowed_company_ids=self.company.ids).search(domain).revenue, 300)
        self.assertEqual(as_manager.with_context(allowed_company_ids=other.ids).search(domain).revenue, 70)
        self.assertEqual(len(as_manager.with_context(allowed_company_ids=(self.company + other).ids).search(domain)), 2)
        self.assertEqual(customer.with_company(self.company).sales_lifecycle, 'active')
        self.assertFalse(customer.with_company(other).sales_lifecycle, "there, nothing is known of a rhythm")

    # -- words and queries

    def test_every_stage_has_its_sentence(self):
        stages = {name for name, _label in LIFECYCLES} | {'within'}
        expected = {f'{stage}_{basis}' for stage in stages for basis in ('own', 'company')} - {'new_own'} | {'thin'}
        self.assertEqual(set(SENTENCES), expected, "one order day is no rhythm of one's own")

    def test_late_but_within_the_spread(self):
        customer = self.customer()
        self.buy(customer, 30, 35, 65, 70, 100)
        self.assertEqual(
            self.profile_of(customer).reason,
            "Orders every 18 days, give or take 19 days, last on May 16, expected since Jun 3")

    def test_stages_come_in_their_order(self):
        self.usual_rhythm(30)
        for recency in (5, 25, 200):
            self.buy(self.customer(), *(recency + age for age in (0, 10, 20)))
        self.buy(self.customer(), 3)
        self.follow()
        stages = [stage for stage, _count in self.profile._read_group([], ['lifecycle'], ['__count']) if stage]
        self.assertEqual(stages, [name for name, _label in LIFECYCLES if name in stages])
        self.assertGreater(len(stages), 3)

    def test_queries_do_not_grow_with_the_rows(self):
        customers = self.env['res.partner'].union(*[self.customer() for _n in range(8)])
        for customer in customers:
            self.buy(customer, 25, 35, 45)
        self.follow()
        names = ['reason', 'credit_used', 'quotation_count', 'activity_count', 'meeting_count', 'segment_ids', 'rfm']
        counts = []
        for some in (customers[:1], customers[:1], customers):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.profile.search([('commercial_partner_id', 'in', some.ids)]).read(names)
            some.mapped('sales_lifecycle')
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15 12:00:00')
class TestLifecycleRules(RulesCommon, ProfileCommon):
    """Rules ask for the stage and the segments of a customer as for any other field."""

    def test_a_lost_customer_is_warned_of(self):
        self.rule_set(
            ([('partner_id.sales_lifecycle', '=', 'lost')], 'warn', "Back again: be generous"),
            ([('partner_id.sales_segment_ids', '!=', False)], 'warn', "Segmented"))
        lost, other = self.env['res.partner'].create([{'name': name, 'is_company': True} for name in ("Lost", "Other")])
        self.buy(lost, 100, 110, 120)
        self.follow()
        for customer, told in ((lost, ["Back again: be generous."]), (other, [])):
            quotation = self.quotation(partner_id=customer.id)
            quotation.action_confirm()
            self.assertEqual(self.decisions(quotation, current=True).mapped('message'), told)


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15 12:00:00')
class TestCustomerScores(CustomerHistoryCommon):
    """The scores are those of the plain module, in each company."""

    def test_as_the_rfm_table_has_them(self):
        from odoo.addons.sms_addon.tools.rfm import rfm_table

        self.env['sales.customer.profile']._rebuild_all()
        for company in self.company + self.other_company:
            orders = self.env['sale.order'].search([('state', '=', 'sale'), ('company_id', '=', company.id)])
            table = rfm_table(
                [order.partner_id.commercial_partner_id.id for order in orders],
                [order.date_order.date() for order in orders],
                [order.amount_untaxed / order.currency_rate for order in orders], as_of=self.TODAY)
            profiles = self.env['sales.customer.profile'].search([('company_id', '=', company.id)])
            self.assertEqual(
                {profile.commercial_partner_id.id: profile.rfm for profile in profiles},
                dict(zip(table.customer_ids.tolist(), table.cell.tolist(), strict=True)))
            self.assertGreater(len(set(profiles.mapped('rfm'))), 3)


@tagged('post_install', '-at_install')
class TestCustomerReader(LedgerCommon):
    """What the ledger tells of a customer or a payment reaches the profile."""

    def test_changes_and_payments(self):
        customer = self.env['res.partner'].create({'name': "Somebody", 'is_company': True})
        order = self.order([(self.products[0], 1, 100)], partner_id=customer.id)
        self.follow()
        customer.user_id = self.salesman
        self.follow()
        profile = self.env['sales.customer.profile'].search([('commercial_partner_id', '=', customer.id)])
        self.assertEqual(profile.user_id, self.salesman)
        invoice = order._create_invoices()
        invoice.action_post()
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids).create({})._create_payments()
        self.follow()
        self.assertEqual(profile.paid_invoice_count, 1)

    def follow(self):
        self.refresh()
        self.dispatch()
        while partner_ids := self.env['sales.customer.touch']._take(1000):
            self.env['sales.customer.profile']._refresh_customers(partner_ids)
        self.env.invalidate_all()
