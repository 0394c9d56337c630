from datetime import timedelta

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import freeze_time, tagged

from .test_customer_profile import TODAY, ProfileCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15 12:00:00')
class TestSalesSegment(ProfileCommon):
    """Segments: filters on profiles whose members follow edits, orders and days."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        partners = cls.env['res.partner'].create([
            {'name': "Large", 'is_company': True}, {'name': "Small", 'is_company': True}])
        cls.large, cls.small = partners
        for partner, amount in ((cls.large, 5000), (cls.small, 50)):
            for age in (10, 40, 70):
                cls.order([(cls.products[0], 1, amount)], date=f'{TODAY - timedelta(days=age)} 10:00:00',
                          partner_id=partner.id)
        cls.follow()

    def segment(self, domain="[('revenue', '>=', 1000)]", **values):
        return self.env['sales.segment'].create({
            'name': "Key Accounts", 'domain': domain, 'company_id': self.company.id, **values})

    def members(self, segment):
        self.env.invalidate_all()
        return self.profile.search([('segment_ids', 'in', segment.ids)]).commercial_partner_id

    def test_members_pass_the_filter(self):
        segment = self.segment()
        self.assertIn(self.large, self.members(segment))
        self.assertNotIn(self.small, self.members(segment))
        self.assertEqual(segment.customer_count, len(self.members(segment)))
        self.assertGreaterEqual(segment.revenue_12, 15000)

    def test_members_follow_the_filter(self):
        segment = self.segment()
        segment.domain = "[('revenue', '<', 1000)]"
        self.assertNotIn(self.large, self.members(segment))
        self.assertIn(self.small, self.members(segment))
        segment.active = False
        self.assertFalse(self.members(segment))
        segment.active = True
        self.assertIn(self.small, self.members(segment))

    def test_members_follow_orders(self):
        segment = self.segment()
        self.buy(self.small, 1, amount=9000)
        self.follow()
        self.assertIn(self.small, self.members(segment))

    def test_members_follow_the_day(self):
        segment = self.segment("[('recency', '>', 30)]")
        self.assertNotIn(self.large, self.members(segment))
        with freeze_time('2026-07-10 12:00:00'), self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_segment').method_direct_trigger()
            self.assertIn(self.large, self.members(segment))

    def test_other_company(self):
        other = self.env['res.company'].create({'name': "Elsewhere"})
        segment = self.segment(company_id=other.id)
        self.assertFalse(self.members(segment))
        segment.company_id = False
        self.assertIn(self.large, self.members(segment))

    def test_usable_in_domains_of_contacts_and_leads(self):
        segment = self.segment()
        contact = self.env['res.partner'].create({'name': "Purchaser", 'parent_id': self.large.id})
        lead = self.env['crm.lead'].create({'name': "More", 'partner_id': contact.id})
        found = self.env['res.partner'].search([('sales_segment_ids', 'in', segment.ids)])
        self.assertIn(self.large, found)
        self.assertIn(contact, found)
        self.assertNotIn(self.small, found)
        self.assertEqual(contact.sales_segment_ids, segment)
        self.assertIn(lead, self.env['crm.lead'].search([('partner_id.sales_segment_ids', 'in', segment.ids)]))
        self.assertIn(self.small, self.env['res.partner'].search([('sales_segment_ids', 'not in', segment.ids)]))

    def test_found_whatever_company_asks(self):
        segment = self.segment()
        elsewhere = self.env['res.company'].create({'name': "Elsewhere"})
        # as a mailing or the assignment of leads does, which the server sends and makes in a company of its own
        contacts = self.env['res.partner'].with_context(allowed_company_ids=elsewhere.ids)
        found = contacts.search([('sales_segment_ids', 'in', segment.ids)])
        self.assertEqual(found, self.large)
        self.assertEqual(found.sales_segment_ids, segment)
        self.assertEqual(found.filtered_domain([('sales_segment_ids', 'in', segment.ids)]), found)
        self.manager.company_ids += elsewhere
        self.assertFalse(contacts.with_user(self.manager).search([('sales_segment_ids', 'in', segment.ids)]))

    def test_nobody_asks_for_what_is_kept_from_him(self):
        with self.assertRaises(AccessError):
            self.env['sales.segment'].with_user(self.manager).create({
                'name': "Spy", 'domain': "[('commercial_partner_id.signup_type', '=', 'reset')]"})

    def test_filters_that_cannot_be_used(self):
        for domain in (
            "[('nothing', '=', 1)]", "[('revenue', '>', 1)", "__import__('os')", "[('segment_ids', '!=', 1)]",
        ):
            with self.subTest(domain), self.assertRaisesRegex(ValidationError, "Key Accounts"):
                self.segment(domain)

    def test_study_replaces_its_own_and_leaves_what_was_edited(self):
        study = self.env['sales.study'].create({'kind': 'segmentation', 'company_id': self.company.id})
        again = study.copy()
        replace = self.env['sales.segment']._replace_by_study
        large, small = replace(study, [
            {'name': "Large", 'domain': "[('revenue', '>=', 1000)]"},
            {'name': "Small", 'domain': "[('revenue', '<', 1000)]"}])
        third = replace(study, [{'name': "Large", 'domain': "[('revenue', '>=', 1000)]"}])
        self.assertEqual(third, large)
        self.assertFalse(small.active)
        large.with_user(self.manager).name = "Our Best"
        fresh = replace(again, [{'name': "Everybody", 'domain': "[('revenue', '>=', 0)]"}])
        self.assertTrue(large.active)
        self.assertEqual(large.name, "Our Best")
        self.assertEqual(fresh.study_id, again)

    def test_a_segment_that_is_found_again_by_its_name_stays_the_same(self):
        study = self.env['sales.study'].create({'kind': 'segmentation', 'company_id': self.company.id})
        replace = self.env['sales.segment']._replace_by_study
        large, small = replace(study, [
            {'name': "Large", 'domain': "[('revenue', '>=', 1000)]"},
            {'name': "Small", 'domain': "[('revenue', '<', 1000)]"}])
        # the filter goes before the name: what was large is middling now
        third, second, first = replace(study, [
            {'name': "Small", 'domain': "[('revenue', '<', 100)]"},
            {'name': "Middling", 'domain': "[('revenue', '>=', 1000)]"},
            {'name': "Large", 'domain': "[('revenue', '>=', 9000)]"}])
        self.assertEqual(third, small)
        self.assertEqual(second, large)
        self.assertFalse(first & (large + small))
        self.assertEqual(small.domain, "[('revenue', '<', 100)]")
        self.assertNotIn(self.small, self.members(small))

    def test_rights(self):
        segment = self.segment()
        self.assertEqual(segment.with_user(self.salesman).name, "Key Accounts")
        with self.assertRaises(AccessError):
            segment.with_user(self.salesman).name = "Mine"
        with self.assertRaises(AccessError):
            segment.with_user(self.salesman).action_refresh()
        segment.with_user(self.manager).domain = "[('revenue', '>', 0)]"
        self.assertIn(self.small, self.members(segment))

    def test_salesperson_counts_own_customers(self):
        segment = self.segment("[('revenue', '>', 0)]")
        self.large.user_id = self.manager
        self.small.user_id = self.salesman
        self.touch._touch((self.large + self.small).ids)
        self.follow()
        self.env.invalidate_all()
        seen = self.profile.with_user(self.salesman).search([('segment_ids', 'in', segment.ids)])
        self.assertIn(self.small, seen.commercial_partner_id)
        self.assertNotIn(self.large, seen.commercial_partner_id)

    def test_queries_do_not_grow_with_segments(self):
        few = self.segment() + self.segment("[('revenue', '<', 1000)]")
        many = few + self.env['sales.segment'].union(*[self.segment(f"[('revenue', '>', {n})]") for n in range(8)])

        def count(segments):
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            segments.mapped('revenue_share')
            return self.cr.sql_log_count - before

        count(few)
        self.assertEqual(count(few), count(many))
