import unittest
from collections import defaultdict
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.rfm import bounds, rfm_table, scores

DAY = date(2026, 3, 1)
ORDERS = st.lists(st.tuples(st.integers(1, 8), st.integers(0, 400), st.integers(-500, 5000)))


def build(orders, bins=5):
    """Return the table of orders given as (customer, days before DAY, cents)."""
    return rfm_table(
        [customer for customer, _days, _cents in orders],
        [DAY - timedelta(days) for _customer, days, _cents in orders],
        np.array([cents for _customer, _days, cents in orders], np.int64), DAY, bins)


class TestRfm(unittest.TestCase):

    def test_figures_and_scores(self):
        table = rfm_table(
            ['b', 'a', 'a', 'c', 'c', 'c'],
            ['2026-02-01', '2026-01-01', '2026-02-20', '2026-02-27', '2026-02-27', '2026-02-28'],
            [10.0, 20.0, -5.0, 7.0, 1.0, 2.0], DAY, bins=3)
        self.assertEqual(table.customer_ids.tolist(), ['a', 'b', 'c'])
        self.assertEqual(table.recency.tolist(), [9, 28, 1])
        self.assertEqual(table.frequency.tolist(), [2, 1, 2], "two orders of a day are one day")
        self.assertEqual(table.monetary.tolist(), [15, 10, 10], "returns count")
        self.assertEqual(table.cell.tolist(), ['223', '111', '321'], "the most recent is best")

    def test_equal_values_have_equal_scores(self):
        values = np.array([1, 1, 1, 1, 9])
        self.assertEqual(scores(values, bounds(values, 5)).tolist(), [1] * 4 + [5])

    def test_cents_add_up_exactly(self):
        table = rfm_table(['a', 'a', 'a', 'b'], ['2026-01-01'] * 4, [10, 20, 30, 60], DAY)
        self.assertEqual(table.m.tolist(), [1, 1])
        self.assertEqual(table.monetary.dtype.kind, 'i')

    def test_no_order_gives_an_empty_table(self):
        table = rfm_table([], [], [], DAY)
        self.assertEqual([len(getattr(table, name)) for name in ('customer_ids', 'r', 'monetary', 'cell')], [0] * 4)

    def test_what_cannot_be_read_is_refused_with_its_place(self):
        with self.assertRaisesRegex(ValueError, r"dates\[1\] is 2026-03-02: it is after 2026-03-01"):
            rfm_table([1, 1], ['2026-01-01', '2026-03-02'], [1, 1], DAY)
        with self.assertRaisesRegex(ValueError, r"dates\[0\] is NaT: a day is missing"):
            rfm_table([1], np.array(['NaT'], 'datetime64[D]'), [1], DAY)
        with self.assertRaisesRegex(ValueError, r"amounts\[2\] is nan: it is not a finite number"):
            rfm_table([1, 1, 2], ['2026-01-01'] * 3, [1, 2, float('nan')], DAY)
        with self.assertRaisesRegex(ValueError, "2 customer_ids, 1 dates, 1 amounts"):
            rfm_table([1, 2], ['2026-01-01'], [1], DAY)
        for bins in (1, 10):
            with self.assertRaisesRegex(ValueError, f"not {bins}"):
                rfm_table([1], ['2026-01-01'], [1], DAY, bins)

    @settings(deadline=None)
    @given(ORDERS, st.integers(2, 9))
    def test_it_finds_what_adding_up_one_by_one_finds(self, orders, bins):
        days, totals = defaultdict(set), defaultdict(int)
        for customer, before, cents in orders:
            days[customer].add(before)
            totals[customer] += cents
        table = build(orders, bins)
        found = zip(table.customer_ids.tolist(), table.recency.tolist(), table.frequency.tolist(),
                    table.monetary.tolist(), strict=True)
        self.assertEqual(list(found), [
            (customer, min(days[customer]), len(days[customer]), totals[customer]) for customer in sorted(days)])

    @settings(deadline=None)
    @given(st.lists(st.integers(-50, 50), min_size=1), st.integers(2, 9))
    def test_bounds_are_the_discrete_quantiles(self, values, bins):
        values = np.array(values)
        found = bounds(values, bins)
        self.assertEqual(
            found.tolist(),
            np.quantile(values, np.arange(1, bins) / bins, method='inverted_cdf').tolist())
        self.assertTrue(set(found.tolist()) <= set(values.tolist()))

    @settings(deadline=None)
    @given(ORDERS.filter(bool))
    def test_better_figures_have_no_lower_scores(self, orders):
        table = build(orders)
        for figure, score in ((-table.recency, table.r), (table.frequency, table.f), (table.monetary, table.m)):
            order = np.argsort(figure, kind='stable')
            self.assertTrue((np.diff(score[order]) >= 0).all())
            self.assertTrue(((score >= 1) & (score <= 5)).all())
