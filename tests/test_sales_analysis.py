import random
from datetime import date, datetime, timedelta
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import WarehouseCommon

# what sales.analysis and sale.report have in common, under the same name
GROUPINGS = (
    'date:month', 'date:quarter', 'date:year', 'date:day', 'user_id', 'team_id', 'company_id', 'state', 'categ_id',
    'product_id', 'product_tmpl_id', 'country_id', 'industry_id', 'partner_id', 'commercial_partner_id', 'warehouse_id',
)
MEASURES = (
    'price_subtotal:sum', 'price_total:sum', 'product_uom_qty:sum', 'qty_delivered:sum', 'qty_invoiced:sum',
    'margin:sum', 'discount_amount:sum', 'untaxed_amount_to_invoice:sum', 'nbr:sum',
)
RULES = settings(
    max_examples=40, deadline=None, database=None, derandomize=True,
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture])


@tagged('post_install', '-at_install')
class TestSalesAnalysis(WarehouseCommon):
    """The analysis says what the host's own report says, whichever table it reads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls.env.ref('base.EUR')
        cls.euro.active = True
        cls.other_company = cls.env['res.company'].create({
            'name': "Other Company", 'currency_id': cls.euro.id, 'sales_timezone': 'UTC'})
        cls.env['res.currency.rate'].create({'currency_id': cls.euro.id, 'name': '2025-01-01', 'rate': 0.8})
        cls.pricelist_euro = cls.env['product.pricelist'].create({
            'name': "In euro", 'currency_id': cls.euro.id, 'company_id': False})
        for user in cls.salesman + cls.all_leads + cls.manager + cls.env.user:
            user.company_ids += cls.other_company
        cls._create_random_orders(random.Random(20260315))
        cls.refresh()

    @classmethod
    def _create_random_orders(cls, rng):
        start = datetime(2024, 11, 1)
        for number in range(60):
            company = rng.choice([cls.company, cls.company, cls.other_company])
            order = cls.env['sale.order'].with_company(company).create({
                'company_id': company.id,
                'partner_id': rng.choice(cls.customers).id,
                'user_id': rng.choice([cls.salesman.id, cls.manager.id, False]),
                'pricelist_id': rng.choice([False, cls.pricelist_euro.id]),
                'order_line': [
                    Command.create({
                        'product_id': rng.choice(cls.products).id,
                        'product_uom_qty': rng.randint(1, 12),
                        'product_uom_id': rng.choice([cls.uom_unit, cls.uom_dozen]).id,
                        'price_unit': rng.randint(100, 9999) / 100,
                        'discount': rng.choice([0, 0, 5, 12.5]),
                    })
                    for _line in range(rng.randint(1, 4))
                ],
            })
            date = start + timedelta(minutes=rng.randrange(600 * 1440))
            cls.env.cr.execute(
                "UPDATE sale_order SET create_date = %s WHERE id = %s", (date - timedelta(days=number % 9), order.id))
            state = rng.choice(['sale', 'sale', 'draft', 'cancel'])
            if state == 'sale':
                order.action_confirm()
                order.order_line[0].qty_delivered = rng.randint(0, 3)
            elif state == 'cancel':
                order._action_cancel()
            order.date_order = date

    def users(self):
        return [self.salesman, self.all_leads, self.manager]

    def in_companies(self, model, user, companies):
        return self.env[model].with_user(user).with_context(allowed_company_ids=companies.ids, tz='UTC')

    def assertSameGroups(self, ours, theirs, groupby):
        size = len(groupby)
        # sale.report groups by a moment, we by a day
        ours, theirs = (
            {tuple(v.date() if isinstance(v, datetime) else v for v in row[:size]): row[size:] for row in rows}
            for rows in (ours, theirs))
        self.assertEqual(set(ours), set(theirs))
        for key, values in theirs.items():
            rounded = 0.6e-6 * values[MEASURES.index('nbr:sum')]  # each line is held to the millionth
            for value, expected, measure in zip(ours[key], values, MEASURES, strict=True):
                self.assertAlmostEqual(value or 0, expected or 0, delta=rounded, msg=f"{measure} of {key}")

    domains = st.lists(st.one_of(
        st.sampled_from([
            [('state', '=', 'sale')], [('state', 'in', ['draft', 'sent'])], [('user_id', '=', False)],
            [('country_id.code', '=', 'BE')], [('categ_id.name', '=', 'Chairs')], [('product_id.name', 'ilike', '2')],
            [('price_subtotal', '>', 200)], [('discount', '>', 0)], [('commercial_partner_id.name', '!=', 'Alpha')],
            [('date', '>=', 'today -400d')], ['|', ('team_id', '!=', False), ('state', '=', 'cancel')],
        ]),
        st.builds(
            lambda operator, year, month, day: [('date', operator, f'{year}-{month:02}-{day:02}')],
            st.sampled_from(['>=', '<']), st.sampled_from([2025, 2026]), st.integers(1, 12),
            st.sampled_from([1, 1, 17])),
    ), max_size=2).map(lambda parts: [condition for part in parts for condition in part])

    @RULES
    @given(
        domain=domains,
        groupby=st.lists(st.sampled_from(GROUPINGS), max_size=2, unique_by=lambda spec: spec.partition(':')[0]),
        user=st.integers(0, 2), both=st.booleans())
    def test_read_group_equals_sale_report(self, domain, groupby, user, both):
        companies = self.company + self.other_company if both else self.company
        ours, theirs = (
            self.in_companies(model, self.users()[user], companies)._read_group(domain, groupby, MEASURES)
            for model in ('sales.analysis', 'sale.report'))
        self.assertSameGroups(ours, theirs, groupby)

    @RULES
    @given(
        domain=domains,
        grouping_sets=st.lists(
            st.lists(st.sampled_from(GROUPINGS), max_size=2, unique_by=lambda spec: spec.partition(':')[0]),
            min_size=1, max_size=4),
        user=st.integers(0, 2))
    def test_read_grouping_sets_equals_sale_report(self, domain, grouping_sets, user):
        ours, theirs = (
            self.in_companies(model, self.users()[user], self.company)._read_grouping_sets(
                domain, grouping_sets, MEASURES)
            for model in ('sales.analysis', 'sale.report'))
        for our_rows, their_rows, groupby in zip(ours, theirs, grouping_sets, strict=True):
            self.assertSameGroups(our_rows, their_rows, groupby)

    @RULES
    @given(
        measure=st.sampled_from(['price_subtotal', 'product_uom_qty', 'discount', 'margin']),
        operator=st.sampled_from(['=', '!=', '>', '<', '>=', '<=', 'in', 'not in']),
        value=st.one_of(st.sampled_from([0, False, 5, 12.5, 100]), st.decimals(-50, 9999, places=7).map(float)))
    def test_conditions_on_measures_equal_sale_report(self, measure, operator, value):
        if operator.endswith('in'):
            value = [value, 1]
        counts = [
            self.in_companies(model, self.manager, self.company)._read_group(
                [(measure, operator, value)], ['order_reference' if model == 'sale.report' else 'order_id'],
                ['nbr:sum'])
            for model in ('sales.analysis', 'sale.report')]
        self.assertEqual(*(sum(row[-1] for row in rows) for rows in counts))

    def test_conditions_on_measures_that_no_column_holds(self):
        lines, infinity = self.analysis.search_count([]), float('inf')
        for value in (infinity, -infinity, float('nan'), 1e30):
            for operator in ('>', '<=', 'in', 'not in'):
                self.analysis.search_count([('price_subtotal', operator, [value] if 'in' in operator else value)])
        self.assertEqual(self.analysis.search_count([('price_subtotal', '<', infinity)]), lines)
        self.assertEqual(self.analysis.search_count([('price_subtotal', '>', 1e30)]), 0)
        ones = self.analysis.search([('product_uom_qty', '=', 1)])
        self.assertEqual(self.analysis.search([('product_uom_qty', 'in', [True])]), ones)
        with self.assertRaises(ValueError):
            self.analysis.search_count([('price_subtotal', '>', 'much')])

    OWN_MEASURES = (
        '__count', 'amount_ordered:sum', 'qty_ordered:sum', 'amount_margin:sum', 'quotation_count:sum',
        'order_count:sum', 'lost_count:sum', 'win_rate:avg', 'average_order:avg', 'cycle_days:avg', 'margin_rate:avg',
        'amount_delivered:sum', 'amount_invoiced:sum', 'amount_paid:sum', 'amount_refunded:sum',
        'user_id:count_distinct',
    )
    LAST_YEAR_MEASURES = (
        *OWN_MEASURES, 'amount_ordered_last_year:sum', 'amount_delivered_last_year:sum',
        'amount_invoiced_last_year:sum', 'growth:avg')

    @RULES
    @given(
        domain=domains,
        groupby=st.lists(st.sampled_from(GROUPINGS), max_size=2, unique_by=lambda spec: spec.partition(':')[0]),
        measures=st.sampled_from([OWN_MEASURES, LAST_YEAR_MEASURES]))
    def test_roll_ups_answer_as_the_facts_do(self, domain, groupby, measures):
        self.assertRollUpsAnswerAsFacts(domain, groupby, measures)

    @RULES
    @given(
        today=st.dates(date(2025, 10, 20), date(2027, 8, 10)),
        domain=domains,
        groupby=st.lists(
            st.sampled_from(['date:month', 'date:year', 'user_id', 'country_id', 'categ_id', 'date:day', 'company_id']),
            max_size=2, unique_by=lambda spec: spec.partition(':')[0]))
    def test_last_year_ends_today_in_every_table(self, today, domain, groupby):
        with patch.object(fields.Date, 'context_today', return_value=today):
            self.assertRollUpsAnswerAsFacts(domain, groupby, self.LAST_YEAR_MEASURES)

    def test_last_year_of_a_month_that_has_begun(self):
        for day in ('2023-05-10', '2023-05-17', '2023-05-18', '2023-06-01'):
            self.order([(self.products[0], 1, 100)], f'{day} 10:00:00')
        self.refresh()
        with patch.object(fields.Date, 'context_today', return_value=date(2024, 5, 17)):
            for groupby in ('date:month', 'categ_id', 'product_id'):
                [row] = self.analysis._read_group(
                    [('date', '>=', '2024-05-01'), ('date', '<', '2024-07-01')], [groupby],
                    ['amount_ordered_last_year:sum'])
                self.assertEqual(row[1], 200, groupby)

    def test_last_year_of_a_leap_day(self):
        self.order([(self.products[0], 1, 100)], '2024-02-29 10:00:00')
        self.order([(self.products[0], 1, 7)], '2024-03-01 10:00:00')
        self.refresh()
        with patch.object(fields.Date, 'context_today', return_value=date(2025, 2, 28)):
            for groupby in ('date:month', 'categ_id', 'product_id'):
                [row] = self.analysis._read_group(
                    [('date', '>=', '2025-02-01'), ('date', '<', '2025-04-01'), ('user_id', '=', self.env.uid)],
                    [groupby], ['amount_ordered_last_year:sum'])
                self.assertEqual(row[1], 100, groupby)

    def assertRollUpsAnswerAsFacts(self, domain, groupby, measures):
        analysis = self.in_companies('sales.analysis', self.manager, self.company + self.other_company)
        rolled_up = analysis._read_group(domain, groupby, measures)
        with patch.object(type(analysis), '_roll_ups', lambda self: []):
            from_facts = analysis._read_group(domain, groupby, measures)
        self.assertEqual(len(rolled_up), len(from_facts))
        for row, expected in zip(sorted(rolled_up, key=repr), sorted(from_facts, key=repr), strict=True):
            for value, expected_value in zip(row, expected, strict=True):
                if isinstance(expected_value, (int, float)) and not isinstance(expected_value, bool):
                    self.assertAlmostEqual(float(value), float(expected_value), 6)
                else:
                    self.assertEqual(value, expected_value)

    @RULES
    @given(
        domain=domains,
        groupby=st.lists(st.sampled_from(GROUPINGS), max_size=2, unique_by=lambda spec: spec.partition(':')[0]))
    def test_last_year_leaves_the_other_measures_alone(self, domain, groupby):
        analysis = self.in_companies('sales.analysis', self.manager, self.company + self.other_company)
        measures = [
            *self.OWN_MEASURES, 'discount:avg', 'price_unit:avg', 'price_subtotal:avg', 'partner_id:count_distinct']
        alone = analysis._read_group(domain, groupby, measures)
        beside = analysis._read_group(domain, groupby, [*measures, 'amount_ordered_last_year:sum'])
        beside = {row[:len(groupby)]: row[:-1] for row in beside}
        for row in alone:
            other = beside[row[:len(groupby)]]
            for value, expected, measure in zip(other, row, [*groupby, *measures], strict=True):
                if isinstance(expected, (int, float)) and not isinstance(expected, bool):
                    self.assertAlmostEqual(float(value), float(expected), 6, measure)
                else:
                    self.assertEqual(value or False, expected or False, measure)

    def test_last_year_obeys_the_filters_on_measures(self):
        self.order([(self.products[0], 2, 100), (self.products[1], 1, 30)], '2023-05-31 10:00:00')
        self.refresh()
        [(last_year,)] = self.analysis._read_group(
            [('date', '>=', '2024-05-01'), ('date', '<', '2024-06-01'), ('price_subtotal', '>', 100)], [],
            ['amount_ordered_last_year:sum'])
        self.assertEqual(last_year, 200)

    def test_no_growth_of_months_to_come(self):
        groups = self.analysis._read_group([], ['date:month'], ['amount_ordered_last_year:sum'])
        self.assertFalse([month for month, _value in groups if month > fields.Date.today()])

    def test_a_source_from_outside_is_not_trusted(self):
        analysis = self.analysis.with_context(sales_analysis_source='res.users', sales_analysis_last_year=True)
        self.assertTrue(analysis._read_group([], ['product_id'], ['nbr:sum']))
        self.assertTrue(analysis.search([], limit=1))

    def test_each_question_goes_to_the_smallest_table(self):
        cases = [
            (['date:month'], ['amount_ordered:sum'], [], 'sales.cube.team'),
            (['user_id'], ['order_count:sum'], [('date', '>=', '2026-01-01')], 'sales.cube.team'),
            (['country_id'], ['win_rate:avg'], [], 'sales.cube.market'),
            (['categ_id', 'date:month'], ['amount_ordered:sum'], [], 'sales.cube.category'),
            (['categ_id'], ['order_count:sum'], [], 'sales.cube.category'),
            ([], ['order_count:sum'], [('categ_id', '!=', False)], None),
            (['commercial_partner_id'], ['amount_ordered:sum'], [], 'sales.cube.customer'),
            (['date:week'], ['amount_ordered:sum'], [], 'sales.cube.customer'),
            (['date:month'], ['amount_ordered:sum'], [('date', '>', '2026-01-15')], 'sales.cube.customer'),
            (['categ_id'], ['amount_ordered:sum'], [('date', '>', '2026-01-15')], None),
            (['date:month'], ['amount_ordered:sum'], [('date', '<=', '2026-01-31')], 'sales.cube.team'),
            (['product_id'], ['amount_ordered:sum'], [], None),
            (['date:month'], ['price_subtotal:avg'], [], None),
            (['date:month'], ['date:max'], [], 'sales.cube.customer'),
            (['product_id'], ['date:max'], [], None),
        ]
        for groupby, specs, domain, expected in cases:
            with self.subTest(groupby=groupby, specs=specs, domain=domain):
                analysis = self.analysis._with_source(domain, groupby, specs)
                self.assertEqual(analysis.env.context.get('sales_analysis_source'), expected)

    def test_an_extra_record_rule_is_part_of_the_question(self):
        self.env['ir.rule'].create({
            'name': "no chairs", 'model_id': self.env['ir.model']._get_id('sales.analysis'),
            'domain_force': "[('product_id.name', '!=', 'Thing 0')]"})
        analysis = self.analysis.with_user(self.manager)._with_source([], ['date:month'], ['amount_ordered:sum'])
        self.assertIsNone(analysis.env.context['sales_analysis_source'])
        self.assertFalse(analysis._is_rolled_up())

    def test_last_year_stands_beside_this_year(self):
        self.env['sales.analysis']
        before = self.order([(self.products[0], 2, 100)], '2023-05-31 10:00:00')
        after = self.order([(self.products[0], 3, 100)], '2024-05-02 10:00:00')
        self.refresh()
        [row] = self.analysis._read_group(
            [('date', '>=', '2024-05-01'), ('date', '<', '2024-06-01')], ['date:month'],
            ['amount_ordered:sum', 'amount_ordered_last_year:sum', 'growth:avg', 'order_count:sum'])
        self.assertEqual(row[1:3], (after.amount_untaxed, before.amount_untaxed))
        self.assertAlmostEqual(float(row[3]), 0.5)
        self.assertEqual(row[4], 1, "the order of last year is not an order of this one")

    def test_day_of_the_order_is_that_of_its_company(self):
        self.company.sales_timezone = 'Asia/Shanghai'
        order = self.order([(self.products[0], 1, 100)], '2026-01-31 23:30:00')
        self.refresh()
        fact = self.analysis.search([('order_id', '=', order.id)])
        self.assertEqual(str(fact.date), '2026-02-01')
        self.company.sales_timezone = 'UTC'
        self.env.flush_all()
        self.refresh()
        fact.invalidate_recordset()
        self.assertEqual(str(fact.date), '2026-01-31')

    def test_own_documents_only(self):
        domain = [('order_id', '!=', False)]
        for model in ('sales.analysis', 'sales.fact'):
            seen = self.env[model].with_user(self.salesman).search(domain)
            self.assertTrue(seen)
            self.assertEqual(seen.user_id, self.salesman)
            orders = self.env['sale.order'].with_user(self.salesman).search([('order_line', '!=', False)])
            self.assertEqual(seen.order_id, orders)
        orders = self.env['sale.order'].with_user(self.salesman).search([('company_id', '=', self.company.id)])
        total = sum(orders.order_line.mapped(lambda line: line.price_subtotal / (line.order_id.currency_rate or 1)))
        for cube in self.warehouse._cubes():
            seen = self.in_companies(cube._name, self.salesman, self.company)
            [(subtotal, users)] = seen._read_group([], [], ['price_subtotal:sum', 'user_id:array_agg_distinct'])
            self.assertAlmostEqual(float(subtotal), total, 4)
            self.assertLessEqual(set(users), {self.salesman.id, None})

    def test_other_company_is_not_seen(self):
        analysis = self.in_companies('sales.analysis', self.manager, self.company)
        self.assertEqual(analysis.search([]).company_id, self.company)
        self.assertEqual(
            [company for company, *_rest in analysis._read_group([], ['company_id'], ['__count'])], [self.company])

    def test_portal_and_plain_employees_are_refused(self):
        employee = new_test_user(self.env, 'employee', 'base.group_user')
        for user in (self.portal, employee):
            for model in (
                'sales.analysis', 'sales.fact', *self.analysis._roll_ups(), 'sales.customer.report',
                'sales.customer.flow', 'sales.customer.cohort', 'sales.warehouse', 'sales.report.export',
            ):
                with self.subTest(user=user.login, model=model), self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([], limit=1)

    def test_nobody_edits_a_fact(self):
        fact = self.env['sales.fact'].search([], limit=1).with_user(self.manager)
        for forbidden in (lambda: fact.write({'date': '2020-01-01'}), fact.unlink):
            with self.assertRaises(AccessError):
                forbidden()

    def test_queries_do_not_grow_with_the_rows(self):
        analysis = self.in_companies('sales.analysis', self.manager, self.company)
        for domain in ([('date', '>=', '2026-06-01')], []):
            analysis._read_group(domain, ['user_id'], MEASURES)  # warm
            with self.assertQueryCount(2):  # the question, and whether its table was swapped meanwhile
                analysis._read_group(domain, ['user_id'], MEASURES)

    def test_a_row_opens_its_order(self):
        row = self.analysis.search([('order_id', '!=', False)], limit=1)
        action = row.action_open_order()
        self.assertEqual((action['res_model'], action['res_id']), ('sale.order', row.order_id.id))
