import importlib
from datetime import date, timedelta

import numpy as np

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL

from .test_sales_study import StudyCommon

TODAY = date(2026, 6, 15)
CUSTOMERS, PRODUCTS = 120, 12


class AffinityCommon(StudyCommon):
    """The facts of 120 customers, written as the warehouse would.

    Of twelve products two each go together: who buys one buys the other, too. Each customer buys one pair every 30
    days, and now and then something else.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # while time stands still, these imports never end
        for module in ('implicit.nearest_neighbours', 'mlxtend.frequent_patterns.fpgrowth', 'scipy.sparse'):
            importlib.import_module(module)
        cls.startClassPatcher(freeze_time(f'{TODAY} 12:00:00'))
        cls.buyers = cls.env['res.partner'].create([
            {'name': f"Buyer {number}", 'is_company': True} for number in range(CUSTOMERS)])
        cls.goods = cls.env['product.product'].create([
            {'name': f"Good {number}", 'list_price': 10, 'taxes_id': [Command.clear()]} for number in range(PRODUCTS)])
        cls.env.cr.execute("DELETE FROM sales_fact")
        cls.write_facts(cls.make_lines(np.random.default_rng(7)))
        cls.recommender = cls.env['sales.recommender']

    @classmethod
    def make_lines(cls, rng):
        """Return (order, customer, product, day) of each line."""
        lines, order = [], 0
        for number, buyer in enumerate(cls.buyers.ids):
            pair = 2 * (number % (PRODUCTS // 2))
            for step in range(int(rng.integers(4, 9))):
                order += 1
                day = TODAY - timedelta(10 + 30 * step)
                bought = {pair, pair + 1} if rng.random() < 0.9 else {pair}
                if rng.random() < 0.3:
                    bought.add(int(rng.integers(PRODUCTS)))
                lines += [(order, buyer, cls.goods[product].id, day) for product in bought]
        return lines

    @classmethod
    def write_facts(cls, lines, company=None, quantity=1):
        [(first,)] = cls.env.execute_query(SQL("SELECT COALESCE(MAX(id), 0) + 1 FROM sales_fact"))
        orders, customers, products, days = zip(*lines, strict=True)
        cls.env.cr.execute(SQL(
            """
            INSERT INTO sales_fact (id, order_id, date, company_id, commercial_partner_id, product_id, state,
                                    price_subtotal, margin, product_uom_qty)
            SELECT %(first)s + n, order_id, day, %(company)s, customer, product, 'sale', 10000000, 0,
                   %(quantity)s * 1000000
              FROM unnest(%(orders)s, %(customers)s, %(products)s, %(days)s::date[]) WITH ORDINALITY
                   u (order_id, customer, product, day, n)
            """, first=first, company=(company or cls.company).id, orders=list(orders), customers=list(customers),
            products=list(products), days=list(days), quantity=quantity))

    def run_study(self, **values):
        study = self.study(kind='affinity', **values)
        study.action_run()
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        return study

    def suggest(self, partner, n=10, user=None, **values):
        return self.recommender.with_user(user or self.manager)._suggest(partner, n, **values)

    def reasons(self, partner, **values):
        return {row['product_id']: row['reason'] for row in self.suggest(partner, **values)}


@tagged('post_install', '-at_install')
class TestAffinityStudy(AffinityCommon):

    def test_what_goes_together_is_found(self):
        study = self.run_study()
        self.assertEqual((study.state, study.reason), ('done', False))
        affinity = self.env['sales.product.affinity'].with_user(self.salesman)
        for number, product in enumerate(self.goods):
            closest = affinity.search([('product_id', '=', product.id), ('is_own', '=', False)], limit=1)
            self.assertEqual(closest.neighbour_id, self.goods[number ^ 1])
            own = affinity.search([('product_id', '=', product.id), ('is_own', '=', True)])
            buyers = self.env.execute_query(SQL(
                "SELECT COUNT(DISTINCT commercial_partner_id) FROM sales_fact WHERE product_id = %s", product.id))
            self.assertEqual([(own.customer_count,)], buyers)
            self.assertAlmostEqual(own.customer_share, own.customer_count / CUSTOMERS)
            self.assertTrue(0 < own.similarity < 1)

    def test_rules(self):
        study = self.run_study()
        rules = self.env['sales.product.rule'].with_user(self.salesman).search([('study_id', '=', study.id)])
        self.assertEqual(study.product_rule_count, len(rules))
        pairs = {(rule.antecedent_ids.ids[0], rule.consequent_id.id): rule
                 for rule in rules if len(rule.antecedent_ids) == 1}
        rule = pairs[self.goods[0].id, self.goods[1].id]
        self.assertEqual(rule.name, "Good 0 → Good 1")
        orders = dict(self.env.execute_query(SQL(
            """SELECT orders.product_count, COUNT(*) FROM (
                   SELECT COUNT(DISTINCT product_id) FILTER (WHERE product_id = ANY(%s)) AS product_count,
                          bool_or(product_id = %s) AS first
                     FROM sales_fact GROUP BY order_id) orders WHERE first GROUP BY 1""",
            self.goods[:2].ids, self.goods[0].id)))
        self.assertEqual(rule.order_count, orders[2])
        self.assertAlmostEqual(rule.confidence, orders[2] / (orders[1] + orders[2]))
        self.assertGreater(rule.lift, 2)
        self.assertTrue(all(rule.order_count >= 10 for rule in rules), "chance is no rule")
        self.assertEqual(study.action_open_product_rules()['domain'], [('study_id', '=', study.id)])
        self.assertEqual(
            self.env['sales.product.affinity'].search_count(study.action_open_similar_products()['domain']),
            study.result['pairs'])

    def test_it_is_judged_on_the_last_orders(self):
        study = self.run_study()
        self.assertEqual(len(study.measure_ids), 4)
        self.assertEqual({measure.verdict for measure in study.measure_ids} - {'better', 'same'}, set())
        [popular] = study.measure_ids.filtered(
            lambda measure: "Share" in measure.name and measure.naive_name == "What most customers bought")
        self.assertGreaterEqual(popular.value, popular.naive_value)
        self.assertIn(f"{CUSTOMERS} customers", popular.data)

    def test_the_next_run_takes_the_place(self):
        first, second = self.run_study(), self.run_study()
        for model in ('sales.product.affinity', 'sales.product.rule'):
            self.assertEqual(self.env[model].search([]).study_id, second)
        self.assertEqual((first.product_rule_count, first.is_current, second.is_current), (0, False, True))

    def test_too_few_customers(self):
        self.env.cr.execute("DELETE FROM sales_fact WHERE commercial_partner_id = ANY(%s)", [self.buyers[40:].ids])
        study = self.run_study()
        self.assertEqual(study.state, 'abstained')
        self.assertIn("40 customers", study.reason)
        self.assertIn("at least 50", study.reason)
        self.assertFalse(self.env['sales.product.affinity'].search([]))

    def test_customers_who_came_once(self):
        self.env.cr.execute("DELETE FROM sales_fact WHERE date < %s", [TODAY - timedelta(20)])
        study = self.run_study()
        self.assertEqual(study.state, 'abstained')
        self.assertIn("checks itself on their last orders", study.reason)

    def test_no_orders(self):
        self.env.cr.execute("DELETE FROM sales_fact")
        self.assertEqual(self.run_study().state, 'abstained')

    def test_companies_and_rights(self):
        study = self.run_study()
        other = self.env['res.company'].create({'name': "Elsewhere"})
        self.manager.write({'company_ids': [Command.set(other.ids)], 'company_id': other.id})
        for model in ('sales.product.affinity', 'sales.product.rule'):
            self.assertTrue(self.env[model].with_user(self.salesman).search([('study_id', '=', study.id)]))
            self.assertFalse(self.env[model].with_user(self.manager).search([]))
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.portal).search([])
        with self.assertRaises(AccessError):
            self.env['sales.product.rule'].with_user(self.salesman).search([], limit=1).unlink()


@tagged('post_install', '-at_install')
class TestRecommender(AffinityCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        study = cls.studies.create({'kind': 'affinity'})
        study.action_run()
        for _step in (work := study._run_affinity()):
            pass
        work.close()

    def buyer(self, *purchases):
        """Return a new customer who bought (product, days ago)."""
        partner = self.env['res.partner'].create({'name': "New", 'is_company': True})
        if purchases:
            self.write_facts([
                (900_000 + ago, partner.id, product.id, TODAY - timedelta(ago)) for product, ago in purchases])
        return partner

    def test_reasons_are_sentences(self):
        goods = self.goods
        partner = self.buyer(
            (goods[0], 3), (goods[0], 45), (goods[0], 87), (goods[2], 50), (goods[2], 40), (goods[4], 300))
        found = self.reasons(partner)
        self.assertEqual(found[goods[0].id], "Usually bought every 6 weeks, due on 07/24/2026")
        self.assertEqual(found[goods[2].id], "Usually bought every 10 days, due since 05/16/2026")
        self.assertEqual(found[goods[4].id], "Bought once, on 08/19/2025")
        self.assertRegex(found[goods[1].id], r"^Bought with Good 0 by \d+ customers$")
        self.assertEqual(found, self.reasons(self.env['res.partner'].create({
            'name': "Purchaser", 'parent_id': partner.id})), "a contact stands for the company")

    def test_intervals(self):
        self.assertEqual(
            [self.recommender._get_interval(days) for days in (0.4, 1, 13, 14, 59, 60, 365)],
            [('days', 1), ('days', 1), ('days', 13), ('weeks', 2), ('weeks', 8), ('months', 2), ('months', 12)])
        partner = self.buyer(*[(self.goods[0], ago) for ago in range(1, 9)], (self.goods[2], 20), (self.goods[2], 110))
        found = self.reasons(partner)
        self.assertEqual(found[self.goods[0].id], "Usually bought every day, the last time on 06/14/2026")
        self.assertEqual(found[self.goods[2].id], "Usually bought every 3 months, due on 08/24/2026")

    def test_a_new_customer_is_offered_what_is_popular(self):
        found = self.suggest(self.buyer(), 3)
        self.assertEqual(len(found), 3)
        best = self.env['sales.product.affinity'].search(
            [('is_own', '=', True)], order='customer_count desc, product_id', limit=3)
        self.assertEqual([row['product_id'] for row in found], best.product_id.ids)
        self.assertEqual(found[0]['kind'], 'popular')
        self.assertEqual(found[0]['reason'], f"Bought by {best[0].customer_count} customers")

    def test_without_a_study_what_the_customer_bought_speaks(self):
        self.env.cr.execute("DELETE FROM sales_product_affinity")
        found = self.suggest(self.buyer((self.goods[0], 3), (self.goods[1], 400)))
        self.assertEqual([row['product_id'] for row in found], self.goods[:2].ids)
        self.assertEqual(self.suggest(self.buyer()), [])

    def test_what_is_on_the_quotation_leads_to_what_goes_with_it(self):
        partner = self.buyer()
        order = self.env['sale.order'].create({
            'partner_id': partner.id, 'order_line': [Command.create({'product_id': self.goods[6].id})]})
        found = self.suggest(partner, 12, order=order)
        self.assertNotIn(self.goods[6].id, [row['product_id'] for row in found])
        pair = next(row for row in found if row['product_id'] == self.goods[7].id)
        self.assertEqual(pair['kind'], 'together')
        self.assertRegex(pair['reason'], "^Bought with Good 6 by")

    def test_only_what_can_be_sold(self):
        partner = self.buyer(*[(product, 10) for product in self.goods])
        archived, not_sold, elsewhere, excluded = self.goods[:4]
        archived.active = False
        not_sold.sale_ok = False
        elsewhere.company_id = self.env['res.company'].create({'name': "Elsewhere"})
        found = self.suggest(partner, 12, exclude=excluded.ids)
        self.assertEqual({row['product_id'] for row in found}, set(self.goods[4:].ids))
        # the first ones are gone: later ones take their places
        self.assertEqual(len(self.suggest(partner, 8, exclude=excluded.ids)), 8)

    def test_many_that_cannot_be_sold_do_not_empty_the_list(self):
        products = self.env['product.product'].create([{'name': f"Old {n}", 'sale_ok': False} for n in range(60)])
        partner = self.buyer(*[(product, 10) for product in products], (self.goods[0], 300))
        self.assertIn(self.goods[0].id, [row['product_id'] for row in self.suggest(partner, 1)] + [
            row['product_id'] for row in self.suggest(partner, 3)])

    def test_an_archived_product_is_still_a_reason(self):
        self.goods[0].active = False
        found = self.reasons(self.buyer((self.goods[0], 10)))
        self.assertRegex(found[self.goods[1].id], "^Bought with Good 0 by")

    def test_returns_and_other_companies_do_not_count(self):
        other = self.env['res.company'].create({'name': "Elsewhere"})
        partner = self.buyer()
        self.write_facts([(950_000, partner.id, self.goods[3].id, TODAY)], company=other)
        self.write_facts([(950_001, partner.id, self.goods[5].id, TODAY)], quantity=-1)
        self.assertEqual({row['kind'] for row in self.suggest(partner)}, {'popular'})
        self.manager.company_ids += other
        self.assertEqual(
            [row['product_id'] for row in self.recommender.with_user(self.manager).with_company(other)._suggest(
                partner)], self.goods[3].ids)

    def test_the_language_of_the_user(self):
        self.env['res.lang']._activate_lang('fr_FR')
        found = self.recommender.with_context(lang='fr_FR')._suggest(self.buyer((self.goods[4], 300)))
        once = next(row for row in found if row['product_id'] == self.goods[4].id)
        self.assertIn("19/08/2025", once['reason'])

    def test_queries_do_not_grow(self):
        few, many = self.buyer((self.goods[0], 5)), self.buyer(
            *[(product, ago) for product in self.goods for ago in (5, 25, 45)])
        counts = []
        for partner in (few, many):
            self.suggest(partner)  # users, companies and names of products are known from here on
            start = self.env.cr.sql_log_count
            self.suggest(partner)
            counts.append(self.env.cr.sql_log_count - start)
        self.assertLessEqual(max(counts), 4, "history, affinity, what is sold, which reasons exist")
