import ast
import importlib
from datetime import date, timedelta
from unittest.mock import patch

import numpy as np

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from odoo.addons.sms_addon.models import sales_study_needs
from odoo.addons.sms_addon.tools.customer_history import FEATURES, features_on

from .test_sales_study import StudyCommon

TODAY = date(2026, 6, 15)
#: days between orders, and the value of one, of each kind of customer
KINDS = {'regular': (12, 400), 'seasonal': (50, 3000), 'rare': (170, 90)}


class CustomerStudyCommon(StudyCommon):
    """The facts of 240 customers over three years, written as the warehouse would: of three kinds, some of whom stop.

    Who bought chairs buys tables within a few weeks.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # while time stands still, this import never ends
        importlib.import_module('sklearn.cluster')
        cls.startClassPatcher(freeze_time(f'{TODAY} 12:00:00'))
        cls.members = cls.env['res.partner'].create([
            {'name': f"Member {number}", 'is_company': True} for number in range(240)])
        cls.kinds = dict(zip(cls.members.ids, [*KINDS] * 80, strict=True))
        cls.chairs, cls.tables = cls.categories
        cls.write_facts(cls.make_orders(np.random.default_rng(11)))
        cls.profiles = cls.env['sales.customer.profile'].with_user(cls.manager)
        cls.profiles.sudo()._rebuild_all()

    @classmethod
    def make_orders(cls, rng):
        """Return (customer, day, category, amount) of each order."""
        orders = []
        for number, (customer, kind) in enumerate(cls.kinds.items()):
            gap, value = KINDS[kind]
            # a third stops some time, the others go on
            end = TODAY - timedelta(int(rng.integers(30, 900)) if number // 3 % 3 == 0 else 0)
            day = TODAY - timedelta(int(rng.integers(900, 1100)))
            while day <= end:
                amount = round(float(value * rng.lognormal(0, 0.3)), 2)
                chairs = rng.random() < 0.3
                orders.append((customer, day, cls.chairs.id if chairs else 1_000_000, amount))
                if chairs and rng.random() < 0.9:
                    later = day + timedelta(int(rng.integers(5, 25)))
                    if later <= end:
                        orders.append((customer, later, cls.tables.id, amount))
                day += timedelta(max(1, int(rng.normal(gap, gap / 8))))
        return orders

    @classmethod
    def write_facts(cls, orders, company=None):
        company = company or cls.company
        [(first,)] = cls.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) + 1 FROM sales_fact"))
        customers, days, categories, amounts = zip(*orders, strict=True)
        other = cls.env['product.category'].search([('id', 'not in', cls.categories.ids)], limit=1)
        cls.env.cr.execute(SQL(
            """
            INSERT INTO sales_fact (id, order_id, date, company_id, commercial_partner_id, product_id, categ_id, state,
                                    price_subtotal, margin, amount_invoiced, amount_refunded)
            SELECT %(first)s + n, %(first)s + n, day, %(company)s, customer, %(product)s,
                   CASE WHEN categ = 1000000 THEN %(other)s ELSE categ END, 'sale', ROUND(amount * 1000000), 0, 0, 0
              FROM unnest(%(customers)s, %(days)s::date[], %(categories)s, %(amounts)s::numeric[]) WITH ORDINALITY
                   u (customer, day, categ, amount, n)
            """, first=first, company=company.id, product=cls.products[0].id, other=other.id, customers=list(customers),
            days=list(days), categories=list(categories), amounts=list(amounts)))

    def run_study(self, kind, **values):
        """Have the scheduled action run a study, and return it."""
        study = self.study(kind=kind, **values)
        study.action_run()
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        return study

    def measure(self, study, text):
        [measure] = study.measure_ids.filtered(lambda measure: text in measure.name)
        return measure

    def assertSameCustomers(self, domain, keys):
        self.assertEqual(sorted(self.profiles.search(domain).ids), sorted(keys))


@tagged('post_install', '-at_install')
class TestSegmentationStudy(CustomerStudyCommon):

    def test_segments_are_the_kinds_of_customers(self):
        study = self.run_study('segmentation')
        self.assertEqual((study.state, study.reason), ('done', False))
        self.assertEqual(study.data_rows, self.profiles.search_count([('company_id', '=', self.company.id)]))
        segments = self.env['sales.segment'].search([('study_id', '=', study.id)])
        self.assertEqual(len(segments), len(study.result['segments']))
        self.assertEqual(len(set(segments.mapped('name'))), len(segments))
        # each customer is in one segment, and nearly all of a kind are in the same ones
        members = {
            profile.commercial_partner_id.id: profile.segment_ids & segments
            for profile in self.profiles.search([('company_id', '=', self.company.id)])}
        self.assertTrue(all(len(found) == 1 for found in members.values()))
        going_on = [customer for number, customer in enumerate(self.kinds) if number // 3 % 3]
        of_kind = {
            kind: [members[customer].id for customer in going_on if self.kinds[customer] == kind] for kind in KINDS}
        largest = {kind: max(set(found), key=found.count) for kind, found in of_kind.items()}
        self.assertEqual(len(set(largest.values())), 3)
        for kind, found in of_kind.items():
            self.assertGreater(found.count(largest[kind]) / len(found), 0.8, kind)

    def test_quality_is_measured_against_equal_groups(self):
        study = self.run_study('segmentation')
        apart = self.measure(study, "silhouette")
        self.assertGreater(apart.value, apart.naive_value)
        self.assertGreater(self.measure(study, "filters").value, 0.8)
        self.assertIn("not found in", apart.data)

    def test_as_many_segments_as_asked_for(self):
        study = self.run_study('segmentation', segment_count=4)
        self.assertEqual(len(study.result['segments']), 4)

    def test_segments_read_as_sentences(self):
        study = self.run_study('segmentation', segment_count=3)
        segments = self.env['sales.segment'].search([('study_id', '=', study.id)])
        for segment in segments:
            self.assertRegex(segment.name, "^[A-Z].*(often|seldom|revenue|orders|recently|long|range|pauses|customers)")
            self.assertRegex(segment.description, "(?i)days|revenue|order|products")
            self.assertTrue(Domain(ast.literal_eval(segment.domain)))

    def test_another_run_keeps_what_is_found_again_and_what_was_edited(self):
        first = self.run_study('segmentation', segment_count=3)
        segments = self.env['sales.segment'].search([('study_id', '=', first.id)])
        segments[0].with_user(self.manager).name = "Our friends"
        again = self.run_study('segmentation', segment_count=3)
        found = self.env['sales.segment'].search([('study_id', '=', again.id)])
        self.assertTrue(segments[1:] <= found)
        self.assertEqual((segments[0].name, segments[0].study_id, segments[0].active), ("Our friends", first, True))

    def test_few_customers_are_not_cut(self):
        self.env.cr.execute(SQL("DELETE FROM sales_fact WHERE commercial_partner_id = ANY(%s)", self.members[60:].ids))
        self.profiles.sudo()._rebuild_all()
        study = self.run_study('segmentation')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("needs at least 100", study.reason)
        self.assertFalse(self.env['sales.segment'].search([('study_id', '=', study.id)]))

    def test_customers_of_other_companies_are_left_alone(self):
        company = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'UTC'})
        self.write_facts(
            [(customer, TODAY - timedelta(40), self.chairs.id, 5.0) for customer in self.members.ids], company)
        self.profiles.sudo()._rebuild_all()
        study = self.run_study('segmentation', segment_count=3)
        segments = self.env['sales.segment'].search([('study_id', '=', study.id)])
        there = self.env['sales.customer.profile'].search([('company_id', '=', company.id)])
        self.assertEqual(len(there), len(self.members))
        self.assertFalse(there.segment_ids & segments)


@tagged('post_install', '-at_install')
class TestChurnStudy(CustomerStudyCommon):

    def test_who_leaves_is_told_better_than_by_the_last_order(self):
        study = self.run_study('churn')
        self.assertEqual((study.state, study.reason), ('done', False))
        ranking = self.measure(study, "AUC")
        self.assertGreater(ranking.value, 0.75)
        self.assertEqual(ranking.verdict, 'better')
        self.assertLess(self.measure(study, "Gap").value, 0.1)
        outlook = self.env['sales.customer.outlook'].search([('churn_study_id', '=', study.id)])
        self.assertEqual(len(outlook), study.result['customers'])
        chance = {row.commercial_partner_id.id: row.churn_probability for row in outlook}
        # regular customers who stopped a month or more ago are likelier to be gone than those who go on
        stopped = [
            chance[profile.commercial_partner_id.id]
            for profile in self.profiles.search([('recency', '>', 60), ('rhythm_days', '<', 20)])
            if profile.commercial_partner_id.id in chance]
        going_on = [
            chance[profile.commercial_partner_id.id]
            for profile in self.profiles.search([('recency', '<', 15), ('rhythm_days', '<', 20)])
            if profile.commercial_partner_id.id in chance]
        self.assertGreater(min(stopped), max(going_on))

    def test_rules_are_filters_of_the_same_customers(self):
        study = self.run_study('churn')
        self.assertGreater(len(study.rule_ids), 1)
        self.assertAlmostEqual(sum(study.rule_ids.mapped('support')), study.data_rows)
        history = study._read_history()
        positions, features = features_on(history, study._get_day())
        keys = history.customers[positions]
        for rule in study.rule_ids:
            [terms] = rule._get_conditions()
            chosen = np.ones(len(keys), bool)
            for feature, operator, value in terms:
                values = features[:, FEATURES.index(feature)]
                chosen &= values <= value if operator == '<=' else values > value
            self.assertSameCustomers(ast.literal_eval(rule.domain), keys[chosen].tolist())
            self.assertRegex(rule.name, "^[A-Z]")

    def test_conditions_read_as_people_say_them(self):
        for condition, text in (
            (('order_day_count', '<=', 1), "Ordered on one day only"),
            (('order_day_count', '>', 12), "Ordered on more than 12 days"),
            (('days_overdue', '>', 0), "Next order overdue"),
            ((f'category_days:{self.chairs.id}', '<=', 0), "Chairs never ordered"),
            ((f'category_recency:{self.chairs.id}', '>', 50_000), "Chairs never ordered"),
            ((f'category_recency:{self.chairs.id}', '<=', 30), "Chairs in the past 30 days"),
            (('category_days:999999999', '>', 1), "? ordered on more than one day"),
        ):
            self.assertEqual(self.env['sales.study.sentence']._describe([[condition]], self.company), text)
        both = [[('recency', '<=', 90), ('age', '>', 365)], [('average_order', '>', 1200)]]
        self.assertRegex(
            self.env['sales.study.sentence']._describe(both, self.company),
            r"^Last order in the past 90 days, customer for more than 365 days; or average order above .*1,200$")
        self.assertEqual(self.env['sales.study.sentence']._describe([[]], self.company), "All customers")

    def test_features_of_today_are_the_figures_of_the_profile(self):
        study = self.study(kind='churn')
        history = study._read_history()
        positions, features = features_on(history, study._get_day())
        figures = [name for name in FEATURES if name != 'age']
        profiles = {profile.id: profile for profile in self.profiles.search([('company_id', '=', self.company.id)])}
        self.assertEqual(sorted(profiles), history.customers[positions].tolist())
        for key, row in zip(history.customers[positions].tolist(), features.tolist(), strict=True):
            known = dict(zip(FEATURES, row, strict=True))
            for name in figures:
                self.assertAlmostEqual(known[name], profiles[key][name] or 0, 2, name)
            self.assertEqual(known['age'], (TODAY - profiles[key].first_order_date).days)

    def test_short_histories_tell_nothing(self):
        self.env.cr.execute(SQL("DELETE FROM sales_fact WHERE date < %s", TODAY - timedelta(150)))
        study = self.run_study('churn')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("needs at least 270", study.reason)
        self.assertFalse(self.env['sales.customer.outlook'].search([('churn_study_id', '=', study.id)]))

    def test_chance_is_not_passed_off_as_knowledge(self):
        rng = np.random.default_rng(0)
        self.env.cr.execute("DELETE FROM sales_fact")
        self.write_facts([
            (customer, TODAY - timedelta(int(day)), self.chairs.id, 10.0)
            for customer in self.members.ids for day in rng.integers(0, 1000, rng.poisson(12))])
        study = self.run_study('churn')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("about as often as chance", study.reason)

    def test_a_rule_becomes_a_segment(self):
        study = self.run_study('churn')
        rule = study.rule_ids[0].with_user(self.manager)
        action = rule.action_open_customers()
        self.assertEqual(action['domain'], rule.domain)
        segment = self.env['sales.segment'].browse(rule.action_make_segment()['res_id'])
        self.assertEqual((segment.name, segment.company_id), (rule.name, self.company))
        self.assertSameCustomers([('segment_ids', 'in', segment.ids)], self.profiles.search(
            ast.literal_eval(rule.domain)).ids)
        with self.assertRaises(AccessError):
            rule.with_user(self.salesman).action_make_segment()

    def test_the_past_is_not_known_before_it_happened(self):
        study = self.study(kind='churn', date_to=TODAY - timedelta(200))
        history = study._read_history()
        self.assertLessEqual(history.days.day.max(), study._get_day())
        for cut_off in study._get_cut_offs(history):
            self.assertLessEqual(cut_off + study.horizon_days, study._get_day())


@tagged('post_install', '-at_install')
class TestNeedsStudy(CustomerStudyCommon):

    def test_what_is_no_better_than_chance_foretells_no_needs(self):
        with patch.object(sales_study_needs, 'MIN_AUC', 1.1):
            study = self.run_study('needs', horizon_days=30)
        self.assertEqual(study.state, 'abstained')
        self.assertIn("as often as chance", study.reason)
        self.assertFalse(self.env['sales.need'].search([('evidence_ref', '=', f'sales.study,{study.id}')]))

    def test_who_bought_chairs_needs_tables(self):
        study = self.run_study('needs', horizon_days=30)
        self.assertEqual((study.state, study.reason), ('done', False))
        self.assertEqual(self.measure(study, "AUC").verdict, 'better')
        rule = study.rule_ids.filtered(lambda rule: rule.categ_id == self.tables)[0]
        self.assertGreater(rule.lift, 1.3)
        needs = self.env['sales.need'].search([('evidence_ref', '=', f'sales.study,{study.id}')])
        self.assertTrue(needs)
        self.assertEqual(len(needs), study.result['needs'])
        self.assertEqual(set(needs.mapped('evidence')), {'prediction'})
        need = needs.filtered(lambda need: need.categ_id == self.tables)[0]
        self.assertIn("times the average", need.evidence_text)
        self.assertGreater(need.probability, 0)
        self.assertGreater(need.expected_revenue, 0)
        self.assertEqual(need.expected_date, TODAY + timedelta(30))
        self.assertLessEqual(max(len(found) for found in needs.grouped('partner_id').values()), 3)

    def test_rules_of_categories_are_filters_of_the_same_customers(self):
        study = self.run_study('needs', horizon_days=30)
        history = study._read_history()
        categories = study._get_needed_categories(history)
        positions, known = features_on(history, study._get_day())
        counts, recency, _revenue = sales_study_needs.goods_on(history, study._get_day(), categories)
        cases = {'features': study._lay_out(known, counts[positions]), 'recency': recency[positions]}
        about_categories = 0
        for rule in study.rule_ids:
            column = categories.tolist().index(rule.categ_id.id)
            features, names = study._get_need_features(cases, categories, column)
            [terms] = rule._get_conditions()
            chosen = sales_study_needs.matches([terms], features, names)
            self.assertSameCustomers(ast.literal_eval(rule.domain), history.customers[positions][chosen].tolist())
            about_categories += 'category_ids' in rule.domain
        self.assertTrue(about_categories)

    def test_the_next_run_gives_up_what_is_no_longer_predicted(self):
        first = self.run_study('needs', horizon_days=30)
        needs = self.env['sales.need'].search([('evidence_ref', '=', f'sales.study,{first.id}')])
        with patch.object(sales_study_needs, 'MOST_NEEDS', 5):
            self.run_study('needs', horizon_days=30)
        self.assertEqual(len(needs.filtered('active')), 5)

    def test_without_a_common_category_nothing_is_predicted(self):
        self.env.cr.execute("UPDATE sales_fact SET categ_id = NULL")
        study = self.run_study('needs')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("No product category", study.reason)
        self.assertFalse(self.env['sales.need'].search([('evidence_ref', '=', f'sales.study,{study.id}')]))

    def test_chance_is_no_need(self):
        rng = np.random.default_rng(0)
        self.env.cr.execute("DELETE FROM sales_fact")
        self.write_facts([
            (customer, TODAY - timedelta(int(day)), int(rng.choice([self.chairs.id, self.tables.id])), 10.0)
            for customer in self.members.ids for day in rng.integers(0, 1000, rng.poisson(12))])
        study = self.run_study('needs')
        self.assertEqual(study.state, 'abstained')
        self.assertIn("about as often as chance", study.reason)
        self.assertFalse(study.rule_ids)
        self.assertFalse(self.env['sales.need'].search([('evidence_ref', '=', f'sales.study,{study.id}')]))

    def test_needs_of_other_companies_are_left_alone(self):
        other = self.env['res.company'].create({'name': "Elsewhere", 'sales_timezone': 'UTC'})
        there = self.env['sales.need'].sudo()._propose([{
            'partner_id': self.members[0].id, 'company_id': other.id, 'categ_id': self.tables.id, 'name': "Tables"}])
        self.run_study('needs', horizon_days=30)
        self.assertTrue(there.active)


@tagged('post_install', '-at_install')
class TestCustomerCategory(CustomerStudyCommon):

    def test_what_customers_bought_of_a_category(self):
        key = self.members[0].id * 2 ** 20 + self.company.id
        profile = self.profiles.browse(key)
        facts = self.env.execute_query(SQL(
            "SELECT categ_id, MIN(date), MAX(date), COUNT(DISTINCT date) FROM sales_fact"
            " WHERE commercial_partner_id = %s GROUP BY categ_id", self.members[0].id))
        self.assertEqual(
            {(row.categ_id.id, row.first_date, row.last_date, row.order_day_count) for row in profile.category_ids},
            set(facts))
        self.assertEqual(
            {row.recency for row in profile.category_ids},
            {(TODAY - last).days for _categ, _first, last, _days in facts})

    def test_salespeople_see_what_their_customers_bought(self):
        self.members[:2].user_id = self.salesman
        self.members[2:4].user_id = self.manager
        self.profiles.sudo()._refresh_customers(self.members[:4].ids)
        self.env.invalidate_all()
        rows = self.env['sales.customer.category'].with_user(self.salesman).search([
            ('profile_id.commercial_partner_id', 'in', self.members[:4].ids)])
        self.assertEqual(rows.profile_id.commercial_partner_id, self.members[:2])
        with self.assertRaises(AccessError):
            self.env['sales.customer.category'].with_user(self.portal).search([])
