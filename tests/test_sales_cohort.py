from collections import defaultdict

from odoo.tests import freeze_time, tagged

from .common import CustomerHistoryCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15')
class TestSalesCohort(CustomerHistoryCommon):
    """Retention by cohort and age, against Python."""

    def expected(self, user):
        """Return size and active customers by (company, country, cohort, age)."""
        months = defaultdict(set)
        country = {}
        for customer, company, day, _order in self.read_history(user):
            months[customer.id, company.id].add(day.year * 12 + day.month)
            country[customer.id] = customer.country_id.id
        now = self.TODAY.year * 12 + self.TODAY.month
        cells = defaultdict(lambda: [0, 0])
        for (customer_id, company_id), visits in months.items():
            cohort = min(visits)
            for age in range(now - cohort + 1):
                cell = cells[company_id, country[customer_id], cohort, age]
                cell[0] += 1
                cell[1] += cohort + age in visits
        return {key: tuple(cell) for key, cell in cells.items()}

    def test_rows(self):
        for user in (self.manager, self.salesman):
            rows = self.as_user('sales.customer.cohort', user).search([])
            actual = {
                (row.company_id.id, row.country_id.id, row.cohort.year * 12 + row.cohort.month, row.age):
                    (row.size, row.active_count)
                for row in rows
            }
            self.assertEqual(actual, self.expected(user), user.login)
            self.assertEqual(len(rows), len(actual))

    def test_retention_is_active_over_size_in_any_grouping(self):
        cohort = self.as_user('sales.customer.cohort', self.manager)
        cells = self.expected(self.manager)
        for spec, position in (('age', 3), ('country_id', 1), ('company_id', 0)):
            sums = defaultdict(lambda: [0, 0])
            for key, (size, active) in cells.items():
                sums[key[position]][0] += size
                sums[key[position]][1] += active
            for group, retention in cohort._read_group([], [spec], ['retention:avg']):
                size, active = sums.pop(group.id if position < 2 else group)
                self.assertAlmostEqual(retention, active / size)
            self.assertFalse(sums)

    def test_pivot_of_cohort_and_age(self):
        cohort = self.as_user('sales.customer.cohort', self.manager)
        [total], by_age, _cells = cohort._read_grouping_sets(
            [], [[], ['age'], ['cohort:month', 'age']], ['retention:avg', 'active_count:sum'])
        self.assertEqual(by_age[0][:2], (0, 1.0))
        self.assertEqual(total[1], sum(active for _size, active in self.expected(self.manager).values()))

    def test_revenue_of_all_cells_is_the_revenue(self):
        cohort = self.as_user('sales.customer.cohort', self.manager)
        report = self.as_user('sales.customer.report', self.manager)
        [(of_cells,)] = cohort._read_group([], [], ['revenue:sum'])
        [(of_customers,)] = report._read_group([], [], ['revenue:sum'])
        self.assertAlmostEqual(of_cells, of_customers, places=2)

    def test_row_opens_the_customers_of_the_cohort(self):
        rows = self.as_user('sales.customer.cohort', self.manager).search([('age', '=', 0)])
        report = self.as_user('sales.customer.report', self.manager)
        for row in rows:
            self.assertEqual(report.search_count(row.action_open_customers()['domain']), row.size)
