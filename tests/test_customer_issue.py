from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import BaseCase, Form, tagged

from odoo.addons.sms_addon.tools.tax_number import is_tax_number

from .common import LedgerCommon


@tagged('post_install', '-at_install')
class TestTaxNumber(BaseCase):

    def test_form_and_check_digits(self):
        self.assertIs(is_tax_number('BE0477472701', 'BE'), True)
        self.assertIs(is_tax_number('0477472701', 'BE'), True)
        self.assertIs(is_tax_number('BE0477472702', 'BE'), False)
        self.assertIs(is_tax_number('BE0477472701', 'FR'), True, "the prefix says which country")
        self.assertIs(is_tax_number('EL023456780', 'GR'), True)
        self.assertIsNone(is_tax_number('12345', None), "nothing to judge by")


@tagged('post_install', '-at_install')
class TestCustomerIssue(LedgerCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # there are customers before the test, and they have their issues
        cls.check = cls.env['sales.customer.check']
        cls.issues = cls.env['sales.customer.issue']
        cls.right = {'email': 'anna@example.com', 'phone': '+32 2 290 34 90', 'vat': 'BE0477472701'}
        cls.alpha, cls.beta, cls.gamma = cls.customers
        cls.alpha.write({**cls.right, 'user_id': cls.salesman.id})
        cls.customers.customer_rank = 1

    def kinds(self, *partners):
        ids = [partner.id for partner in partners or self.customers]
        self.check._check_customers(ids)
        found = self.issues.search([('commercial_partner_id', 'in', ids)])
        return {(issue.partner_id.name, issue.kind) for issue in found}

    # -- what is found

    def test_what_is_missing(self):
        self.beta.country_id = self.alpha.country_id
        self.assertEqual(self.kinds(), {
            ("Beta", 'missing_phone'), ("Beta", 'missing_email'), ("Beta", 'missing_vat'),
            ("Gamma", 'missing_phone'), ("Gamma", 'missing_email'),
        })

    def test_a_contact_may_have_what_its_company_has_not(self):
        self.env['res.partner'].create({
            'name': "Anna", 'parent_id': self.gamma.id, 'phone': '+32 2 290 34 91', 'email': 'x@example.com'})
        self.assertFalse(self.kinds(self.gamma))

    def test_what_is_wrong(self):
        self.alpha.write({'phone': '+32 12', 'email': 'anna(at)example', 'vat': 'BE0477472702'})
        contact = self.env['res.partner'].create({'name': "Anna", 'parent_id': self.alpha.id, 'phone': "call me"})
        self.assertEqual(self.kinds(self.alpha), {
            ("Alpha", 'bad_phone'), ("Alpha", 'bad_email'), ("Alpha", 'bad_vat'), ("Anna", 'bad_phone')})
        issue = self.issues.search([('partner_id', '=', contact.id)])
        self.assertIn("call me", issue.detail)
        self.assertEqual((issue.user_id, issue.commercial_partner_id), (self.salesman, self.alpha))

    def test_no_number_is_said_by_a_slash(self):
        self.alpha.vat = '/'
        self.assertFalse(self.kinds(self.alpha))

    def test_only_customers_are_looked_at(self):
        nobody = self.env['res.partner'].create({'name': "Nobody"})
        self.assertFalse(self.kinds(nobody))
        self.order([(self.products[0], 1, 10)], partner_id=nobody.id, state='draft')
        self.assertIn(("Nobody", 'missing_phone'), self.kinds(nobody))
        nobody.active = False
        self.assertFalse(self.kinds(nobody))

    # -- duplicates

    def test_duplicates_by_mail_phone_number_and_name(self):
        self.beta.write({'email': 'Anna@Example.com', 'phone': '02 290 34 90', 'country_id': self.alpha.country_id.id})
        self.gamma.write({'name': "ALPHA, Ltd.", 'country_id': self.alpha.country_id.id})
        self.kinds()
        issues = self.issues.search([('kind', '=', 'duplicate'), ('partner_id', 'in', self.customers.ids)])
        by_others = {issue.duplicate_partner_ids: issue for issue in issues}
        self.assertEqual(set(by_others), {self.beta, self.gamma})
        self.assertEqual(set(by_others[self.beta].value.split(',')), {'email', 'phone'})
        self.assertEqual(by_others[self.gamma].detail, "Same name as ALPHA, Ltd.")

    def test_what_very_many_share_makes_no_duplicates(self):
        partners = self.env['res.partner'].create([
            {'name': f"Shop {n}", 'is_company': True, 'email': 'info@example.com', 'phone': '+32 2 290 34 92',
             'customer_rank': 1} for n in range(11)])
        self.check._check_customers(partners.ids)
        self.assertFalse(self.issues.search([('kind', '=', 'duplicate'), ('partner_id', 'in', partners.ids)]))

    def test_persons_of_the_same_name_at_different_places_are_two(self):
        people = self.env['res.partner'].create([
            {'name': "John Smith", 'zip': code, 'customer_rank': 1} for code in ('1000', '2000', '2000')])
        self.check._check_customers(people.ids)
        issue = self.issues.search([('kind', '=', 'duplicate'), ('partner_id', 'in', people.ids)])
        self.assertEqual((issue.partner_id, issue.duplicate_partner_ids), (people[1], people[2]))

    def test_merging_with_the_wizard_of_the_host_settles_it(self):
        self.beta.email = 'anna@example.com'
        self.env.cr.flush()
        self.kinds()
        issue = self.issues.search([('kind', '=', 'duplicate'), ('partner_id', '=', self.alpha.id)])
        action = issue.action_merge()
        wizard = self.env[action['res_model']].with_context(**action['context']).create({})
        self.assertEqual(wizard.partner_ids, self.alpha + self.beta)
        wizard.dst_partner_id = self.alpha
        wizard.action_merge()
        self.env.cr.flush()
        self.dispatch(self.env['sales.consumer'].search([('reader', '=', 'sales.reader.quality')]))
        self.assertFalse(issue.exists())
        self.assertFalse(self.beta.exists())

    def test_customers_that_lack_the_same_are_merged(self):
        self.gamma.customer_rank = 1
        (self.beta + self.gamma).write({'email': 'shared@example.com', 'phone': False})
        self.assertIn(("Gamma", 'missing_phone'), self.kinds())
        wizard = self.env['base.partner.merge.automatic.wizard'].with_context(
            active_model='res.partner', active_ids=(self.beta + self.gamma).ids).create({})
        wizard.dst_partner_id = self.beta
        wizard.action_merge()
        self.assertFalse(self.gamma.exists())
        self.assertEqual(self.kinds(self.beta), {("Beta", 'missing_phone')})

    def test_nothing_to_merge_any_more_is_said(self):
        self.beta.email = 'anna@example.com'
        self.kinds()
        issue = self.issues.search([('kind', '=', 'duplicate'), ('partner_id', '=', self.alpha.id)])
        self.beta.unlink()
        with self.assertRaises(UserError):
            issue.action_merge()

    # -- working through

    def test_it_is_put_right_where_it_is_listed(self):
        self.kinds()
        issue = self.issues.search([('partner_id', '=', self.beta.id), ('kind', '=', 'missing_phone')])
        mine = issue.with_user(self.salesman)
        mine.partner_phone = 'nonsense'
        self.assertEqual(issue.state, 'open')
        mine.partner_phone = '+32 2 290 34 93'
        self.assertEqual((issue.state, self.beta.phone), ('fixed', '+32 2 290 34 93'))
        self.kinds(self.beta)
        self.assertFalse(issue.exists())

    def test_what_is_dismissed_stays_so_until_it_is_something_else(self):
        self.alpha.phone = '+32 12'
        self.kinds()
        issue = self.issues.search([('partner_id', '=', self.alpha.id), ('kind', '=', 'bad_phone')])
        wizards = self.env['sales.customer.issue.dismiss'].with_user(self.salesman)
        wizard = Form(wizards.with_context(active_ids=issue.ids))
        wizard.reason = "Internal number"
        wizard.save().action_dismiss()
        self.kinds()
        self.assertEqual((issue.state, issue.dismiss_reason), ('dismissed', "Internal number"))
        self.assertEqual(issue.dismissed_by_id, self.salesman)
        self.alpha.phone = '+32 13'
        self.kinds()
        again = self.issues.search([('partner_id', '=', self.alpha.id), ('kind', '=', 'bad_phone')])
        self.assertEqual(again.state, 'open')
        again.action_reopen()
        self.assertEqual(again.state, 'open')

    def test_a_change_of_the_customer_is_followed(self):
        self.kinds()
        self.env.cr.flush()
        self.gamma.write({'phone': '+32 2 290 34 94', 'email': 'no mail'})
        self.env.cr.flush()
        self.dispatch(self.env['sales.consumer'].search([('reader', '=', 'sales.reader.quality')]))
        found = self.issues.search([('commercial_partner_id', '=', self.gamma.id)])
        self.assertEqual(found.mapped('kind'), ['bad_email'])

    # -- rights

    def test_own_customers_or_all_and_nothing_but_the_data(self):
        self.alpha.phone = False
        self.beta.user_id = self.manager
        self.kinds()
        domain = [('commercial_partner_id', 'in', (self.alpha + self.beta).ids)]
        seen = self.issues.with_user(self.salesman).search(domain)
        self.assertEqual(seen.partner_id, self.alpha)
        self.assertEqual(self.issues.with_user(self.all_leads).search(domain).partner_id, self.alpha + self.beta)
        with self.assertRaises(AccessError):
            seen.write({'state': 'dismissed'})
        with self.assertRaises(AccessError):
            self.issues.with_user(self.salesman).create({'partner_id': self.alpha.id, 'kind': 'bad_vat'})
        others = self.issues.search([('partner_id', '=', self.beta.id)], limit=1).with_user(self.salesman)
        with self.assertRaises(AccessError):
            others._dismiss("No")
        with self.assertRaises(AccessError):
            seen.with_user(self.portal).read(['kind'])

    def test_customers_of_another_company_are_not_listed(self):
        company = self.env['res.company'].create({'name': "Other"})
        there = self.env['res.partner'].create({'name': "There", 'company_id': company.id, 'customer_rank': 1})
        self.kinds(there)
        self.assertTrue(self.issues.search([('partner_id', '=', there.id)]))
        self.assertFalse(self.issues.with_user(self.manager).search([('partner_id', '=', there.id)]))

    def test_customers_of_two_companies_are_no_duplicates(self):
        companies = self.env['res.company'].create([{'name': "One"}, {'name': "Two"}])
        shared, first, second = partners = self.env['res.partner'].create([
            {'name': name, 'company_id': company.id, 'customer_rank': 1, 'phone': '+32 2 290 34 93'}
            for name, company in (("Shared", self.env['res.company']), ("First", companies[0]),
                                  ("Second", companies[1]))])
        self.check._check_customers(partners.ids)
        issues = self.issues.search([('kind', '=', 'duplicate'), ('partner_id', 'in', partners.ids)])
        self.assertEqual({issue.partner_id | issue.duplicate_partner_ids for issue in issues},
                         {shared | first, shared | second})
        self.check._check_customers(second.ids)
        self.assertEqual(issues.exists(), issues, "one that is looked at again keeps the others")

    # -- all of them

    def test_a_scan_goes_through_all_and_tells_how_far_it_is(self):
        self.beta.email = 'anna@example.com'
        scan = self.env['sales.customer.scan'].with_user(self.manager)
        scan = self.env['sales.customer.scan'].browse(scan.action_request()['res_id'])
        self.assertEqual(scan.state, 'waiting')
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_customer_scan').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((scan.state, scan.done, scan.progress), ('done', scan.total, 100))
        self.assertEqual(scan.issue_count, self.issues.search_count([('state', '=', 'open')]))
        self.assertTrue(self.issues.search([('kind', '=', 'duplicate'), ('partner_id', '=', self.alpha.id)]))

    def test_a_scan_is_stopped_and_one_at_a_time_asked_for(self):
        scans = self.env['sales.customer.scan'].with_user(self.manager)
        first, again = scans.action_request()['res_id'], scans.action_request()['res_id']
        self.assertEqual(first, again)
        scan = scans.browse(first)
        scan.action_stop()
        self.assertEqual(scan.state, 'stopped')
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_customer_scan').method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((scan.state, scan.done), ('stopped', 0))
        for action in (scans.with_user(self.salesman).action_request, scan.with_user(self.salesman).action_stop):
            with self.assertRaises(UserError):
                action()

    def test_a_full_check_and_one_of_each_customer_find_the_same(self):
        self.beta.write({'email': 'anna@example.com', 'phone': 'wrong'})
        self.gamma.write({'name': "Alpha", 'country_id': self.alpha.country_id.id})

        def found():
            return sorted(
                (issue.partner_id.id, issue.kind, issue.fingerprint) for issue in self.issues.search([]))

        for customer in self.check._get_customers(0, 100_000):
            self.check._check_customers([customer])
        one_by_one = found()
        self.check._check_data(self.check._get_customers(0, 100_000))
        self.check._find_duplicates()
        self.assertEqual(found(), one_by_one)
        self.assertIn('duplicate', {kind for _partner, kind, _value in one_by_one})

    def test_more_customers_take_no_more_queries(self):
        def count(number):
            partners = self.env['res.partner'].create([{
                'name': f"Firm {number} {n}", 'is_company': True, 'customer_rank': 1, 'phone': f'+32 2 290 34 {n}',
                'email': f'firm{number}-{n}@example.com', 'country_id': self.alpha.country_id.id,
                'child_ids': [Command.create({'name': "Anna"})],
            } for n in range(number)])
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.check._check_customers(partners.ids)
            return self.env.cr.sql_log_count - before

        count(2)
        self.assertLessEqual(count(40), count(4) + 1)
