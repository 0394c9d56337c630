import unittest
from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.demand_series import Periods
from odoo.addons.sms_addon.tools.weeks_of_months import Rows, follow_months

EPOCH = date(1970, 1, 1)


def rows(kind, day, count, products, categories, seed, category_count=3):
    periods = Periods.ahead(kind, (day - EPOCH).days, count)
    amounts = np.random.default_rng(seed).random((len(products) + category_count, count)) + 0.1
    return Rows(periods, np.array(products, int), np.array(categories, int), category_count, amounts)


def by_day(found, amounts):
    """Return day -> amounts of all rows on it."""
    return {
        day: amounts[:, place] / (found.periods.edges[place + 1] - found.periods.edges[place])
        for place in range(len(found.periods))
        for day in range(found.periods.edges[place], found.periods.edges[place + 1])}


class TestWeeksOfMonths(unittest.TestCase):

    @settings(deadline=None, max_examples=60)
    @given(
        st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(1, 20), st.integers(1, 7),
        st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.integers(0, 1000))
    def test_days_in_both_come_to_the_same(self, day, week_count, month_count, of_weeks, of_months, seed):
        weeks, months = (
            rows(kind, day, count, sorted(products), [product % 3 for product in sorted(products)], seed + count)
            for kind, count, products in (('week', week_count, of_weeks), ('month', month_count, of_months)))
        moved = follow_months(weeks, months)
        self.assertTrue((moved > 0).all())
        for category in range(3):
            chosen = [np.r_[found.categories, np.arange(3)] == category for found in (weeks, months)]
            for product in (None, *sorted(of_weeks & of_months)):
                if product is not None:
                    chosen = [
                        np.r_[found.products, np.full(3, -1)] == product for found in (weeks, months)]
                self.assert_same(weeks, moved, months, chosen)

    def assert_same(self, weeks, moved, months, chosen):
        """Months of which all days are in the weeks are what a share of each week by its days comes to."""
        first, end = weeks.periods.edges[[0, -1]]
        factors = moved / weeks.amounts
        for place, (start, stop) in enumerate(zip(months.periods.edges, months.periods.edges[1:], strict=False)):
            inside = np.flatnonzero((weeks.periods.edges[:-1] >= start) & (weeks.periods.edges[1:] <= stop))
            if start < first or stop > end or len(inside) < 2:
                continue
            # weeks within one month are moved by the same share
            np.testing.assert_allclose(factors[:, inside], factors[:, inside[:1]].repeat(len(inside), axis=1))
            wanted = months.amounts[chosen[1], place].sum()
            days = np.maximum(
                np.minimum(weeks.periods.edges[1:], stop) - np.maximum(weeks.periods.edges[:-1], start), 0)
            own = factors[chosen[0]][:, inside[0]]
            found = (weeks.amounts[chosen[0]] * own[:, None] @ days / 7).sum()
            self.assertAlmostEqual(found, wanted, 6)

    def test_a_flat_month_makes_flat_weeks(self):
        day = date(2026, 3, 2)
        weeks = rows('week', day, 4, [5], [0], 1, 1)
        months = rows('month', day, 2, [5], [0], 1, 1)
        weeks.amounts[:], months.amounts[:] = 7, [[62, 60], [31, 30]]
        moved = follow_months(weeks, months)
        # from March 2 to 29: all in March, of which a product sells 2 a day and the rest 1
        np.testing.assert_allclose(moved, [[14] * 4, [7] * 4])

    def test_beyond_the_months_weeks_are_as_they_are(self):
        day = date(2026, 3, 2)
        weeks, months = rows('week', day, 13, [5], [0], 1, 1), rows('month', day, 1, [5], [0], 2, 1)
        moved = follow_months(weeks, months)
        np.testing.assert_array_equal(moved[:, 5:], weeks.amounts[:, 5:])
        self.assertTrue((moved[:, :4] != weeks.amounts[:, :4]).all())

    def test_where_nothing_is_expected_by_week_nothing_is_moved(self):
        day = date(2026, 3, 2)
        weeks, months = rows('week', day, 4, [5], [0], 1, 1), rows('month', day, 2, [5], [0], 2, 1)
        weeks.amounts[0] = 0
        self.assertFalse(follow_months(weeks, months)[0].any())
