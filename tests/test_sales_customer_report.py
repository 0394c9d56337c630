from collections import defaultdict
from datetime import date, timedelta

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import freeze_time, tagged

from .common import CustomerHistoryCommon, WarehouseCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15')
class TestSalesCustomerReport(CustomerHistoryCommon):
    """The customer report says what counting the host's orders by hand says, for whoever looks."""

    def expected(self, user, companies=None):
        """Return the rows of the report, counted in Python."""
        orders = defaultdict(list)
        for customer, company, day, order in self.read_history(user, companies):
            orders[customer.id, company.id].append((day, order))
        rows = {}
        for (customer_id, company_id), history in orders.items():
            days = [day for day, _order in history]
            lines = [line for _day, order in history for line in order.order_line]
            target = companies[:1] if companies else self.company
            revenue = sum(self.convert(order.amount_untaxed, order, target) for _day, order in history)
            rows[customer_id, company_id] = {
                'revenue': revenue,
                'margin': sum(self.convert(order.margin, order, target) for _day, order in history),
                'quantity': sum(line.product_uom_qty for line in lines),
                'order_count': len(history),
                'average_order': revenue / len(history),
                'first_date': min(days),
                'last_date': max(days),
                'days_since_last': (self.TODAY - max(days)).days,
                'status': self.expected_status(days),
                'country_id': history[0][1].partner_id.commercial_partner_id.country_id.id,
            }
        return rows

    def expected_status(self, days):
        if (self.TODAY - min(days)).days < 90:
            return 'new'
        if (self.TODAY - max(days)).days >= 365:
            return 'lost'
        return 'single' if len(days) == 1 else 'returning'

    def assertReportIsExpected(self, user, companies=None):
        expected = self.expected(user, companies)
        report = self.as_user('sales.customer.report', user, companies)
        records = report.search([])
        self.assertEqual({(r.commercial_partner_id.id, r.company_id.id) for r in records}, set(expected))
        for record in records:
            row = expected[record.commercial_partner_id.id, record.company_id.id]
            for name, value in row.items():
                actual = record[name].id if name == 'country_id' else record[name]
                with self.subTest(user=user.login, customer=record.name, field=name):
                    if isinstance(value, float):
                        self.assertAlmostEqual(actual, value, delta=0.02)
                    else:
                        self.assertEqual(actual, value)
        return records

    def test_each_kind_of_user_sees_the_customers_of_his_orders(self):
        self.assertGreater(len(self.assertReportIsExpected(self.manager)), 12)
        self.assertReportIsExpected(self.all_leads)
        own = self.assertReportIsExpected(self.salesman)
        self.assertLess(
            sum(own.mapped('order_count')),
            sum(self.as_user('sales.customer.report', self.manager).search([]).mapped('order_count')))

    def test_companies_switched_on_decide(self):
        self.assertReportIsExpected(self.manager, self.other_company)
        self.assertReportIsExpected(self.manager, self.company)
        self.assertReportIsExpected(self.manager, self.other_company + self.company)

    def test_all_statuses_are_there(self):
        report = self.as_user('sales.customer.report', self.manager)
        self.assertEqual(
            {status for status, in report._read_group([], ['status'])}, {'new', 'returning', 'single', 'lost'})

    def test_portal_sees_nothing(self):
        for model in ('sales.customer.report', 'sales.customer.flow', 'sales.customer.cohort'):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.portal).search([])

    def test_groups_have_ratios_of_sums(self):
        report = self.as_user('sales.customer.report', self.manager)
        expected = defaultdict(lambda: [0, 0, 0, set()])
        for (customer_id, _company), row in self.expected(self.manager).items():
            group = expected[row['country_id']]
            group[0] += row['revenue']
            group[1] += row['margin']
            group[2] += row['order_count']
            group[3].add(customer_id)
        for country, average, margin_rate, customers in report._read_group(
                [], ['country_id'], ['average_order:avg', 'margin_rate:avg', 'customer_count:sum']):
            revenue, margin, orders, buyers = expected.pop(country.id)
            self.assertAlmostEqual(average, revenue / orders, delta=0.01)
            self.assertAlmostEqual(margin_rate, margin / revenue, places=5)
            self.assertEqual(customers, len(buyers))
        self.assertFalse(expected)

    def test_days_of_the_settings_decide_on_the_status(self):
        self.env['ir.config_parameter'].set_param('sms_addon.new_days', 0)
        self.env['ir.config_parameter'].set_param('sms_addon.lost_days', 1)
        report = self.as_user('sales.customer.report', self.manager)
        for record in report.search([]):
            alone = 'single' if record.order_count == 1 else 'returning'
            self.assertEqual(record.status, 'lost' if record.last_date < self.TODAY else alone)

    def test_period_limits_the_figures_and_keeps_the_history(self):
        for start, end in ((date(2026, 1, 1), date(2026, 5, 31)), (date(2025, 7, 9), date(2026, 3, 3))):
            expected = defaultdict(float)
            for customer, company, day, order in self.read_history(self.manager):
                if start <= day <= end:
                    expected[customer.id, company.id] += self.convert(order.amount_untaxed, order)
            report = self.as_user('sales.customer.report', self.manager).with_context(
                sales_customer_period=(start, end))
            records = report.search([])
            self.assertEqual({(r.commercial_partner_id.id, r.company_id.id) for r in records}, set(expected))
            rows = self.expected(self.manager)
            for record in records:
                key = record.commercial_partner_id.id, record.company_id.id
                self.assertAlmostEqual(record.revenue, expected[key], delta=0.02)
                self.assertEqual(record.status, rows[key]['status'])
                self.assertEqual(record.first_date, rows[key]['first_date'])

    def test_row_opens_the_orders_it_counts(self):
        record = self.as_user('sales.customer.report', self.manager).search([], limit=1)
        orders = self.as_user('sale.order', self.manager).search(record.action_open_orders()['domain'])
        self.assertEqual(len(orders), record.order_count)

    def test_partner_button_opens_all_sales_of_the_customer(self):
        contact = self.buyers[0].child_ids
        action = contact.with_user(self.manager).action_open_sales_analysis()
        self.assertEqual(action['domain'], [('commercial_partner_id', '=', self.buyers[0].id)])

    def test_queries_do_not_grow_with_the_customers(self):
        report = self.as_user('sales.customer.report', self.manager)
        specification = {
            'name': {}, 'status': {}, 'revenue': {}, 'commercial_partner_id': {'fields': {'display_name': {}}}}
        report.web_search_read([], specification, limit=1)
        counts = []
        for limit in (2, 20):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            report.web_search_read([], specification, limit=limit)
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15')
class TestSalesCustomerFlow(CustomerHistoryCommon):
    """New, returning and lost customers by month, against Python."""

    def expected(self, user):
        days = defaultdict(set)
        for customer, company, day, _order in self.read_history(user):
            days[customer.id, company.id].add(day)
        flow = defaultdict(int)
        for visits in days.values():
            visits = sorted(visits)
            for month in {day.replace(day=1) for day in visits}:
                flow[month, 'new' if month == visits[0].replace(day=1) else 'returning'] += 1
            for day, later in zip(visits, [*visits[1:], self.TODAY], strict=True):
                if (later - day).days >= 365:
                    flow[(day + timedelta(days=365)).replace(day=1), 'lost'] += 1
        return dict(flow)

    def test_flow_by_month(self):
        for user in (self.manager, self.salesman):
            flow = self.as_user('sales.customer.flow', user)
            # by company, in which a customer is counted once
            actual = defaultdict(int)
            for month, kind, _company, count in flow._read_group(
                    [], ['date:month', 'kind', 'company_id'], ['customer_count:sum']):
                actual[month, kind] += count
            self.assertEqual(dict(actual), self.expected(user), user.login)
        self.assertEqual({kind for _month, kind in self.expected(self.manager)}, {'new', 'returning', 'lost'})

    def test_flow_agrees_with_the_customer_report(self):
        report = self.as_user('sales.customer.report', self.manager).search([])
        flow = self.as_user('sales.customer.flow', self.manager)
        self.assertEqual(flow.search_count([('kind', '=', 'new')]), len(report))
        self.assertGreaterEqual(
            flow.search_count([('kind', '=', 'lost')]), len(report.filtered(lambda row: row.status == 'lost')))
        self.assertAlmostEqual(
            sum(flow.search([]).mapped('revenue')), sum(report.mapped('revenue')), delta=0.05)

    def test_rows_have_ids_of_their_own(self):
        flow = self.as_user('sales.customer.flow', self.manager)
        self.assertEqual(len(set(flow.search([]).ids)), flow.search_count([]))

    def test_row_opens_the_customer(self):
        row = self.as_user('sales.customer.flow', self.manager).search([('kind', '=', 'lost')], limit=1)
        customer = self.as_user('sales.customer.report', self.manager).search(row.action_open_customer()['domain'])
        self.assertEqual(customer.commercial_partner_id, row.commercial_partner_id)


@tagged('post_install', '-at_install')
class TestSalesCustomerEmpty(WarehouseCommon):

    def test_nothing_sold_is_an_empty_report(self):
        self.order([(self.products[0], 1, 10)], state='draft', partner_id=self.customers[2].id)
        self.refresh()
        for model in ('sales.customer.report', 'sales.customer.flow'):
            self.assertFalse(self.env[model].search([('commercial_partner_id', '=', self.customers[2].id)]))

    def test_free_order_has_no_ratio(self):
        self.order([(self.products[0], 0, 10)], partner_id=self.customers[2].id)
        self.refresh()
        row = self.env['sales.customer.report'].search([('commercial_partner_id', '=', self.customers[2].id)])
        self.assertEqual((row.order_count, row.revenue, row.margin_rate), (1, 0, 0))

    def test_order_of_sections_only_is_no_order(self):
        order = self.order([], partner_id=self.customers[2].id, state='draft')
        order.order_line = [Command.create({'display_type': 'line_section', 'name': "Nothing"})]
        order.action_confirm()
        self.refresh()
        self.assertFalse(
            self.env['sales.customer.report'].search([('commercial_partner_id', '=', self.customers[2].id)]))
