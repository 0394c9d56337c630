import unittest
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.demand_levels import Nodes, agree, build_levels
from odoo.addons.sms_addon.tools.demand_series import Gaps, Periods, build_table, days_without_stock
from odoo.addons.sms_addon.tools.forecasting import Forecast

EPOCH = date(1970, 1, 1)
NONE = Gaps(*(np.zeros(0, np.int64) for _column in range(3)))


def number(day):
    return (day - EPOCH).days


def gaps(*rows):
    """Return gaps from (series, first day, day after the last)."""
    return Gaps(*np.array(rows, np.int64).reshape(-1, 3).T)


class TestPeriods(unittest.TestCase):

    @given(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(0, 800), st.sampled_from(['week', 'month']))
    def test_whole_periods_end_by_a_day(self, first, length, kind):
        end = first + timedelta(length)
        periods = Periods.between(kind, number(first), number(end))
        edges = [EPOCH + timedelta(int(edge)) for edge in periods.edges]
        self.assertLessEqual(edges[0], first)
        for start, stop in zip(edges, edges[1:], strict=False):
            if kind == 'week':
                self.assertEqual((start.weekday(), (stop - start).days), (0, 7))
            else:
                self.assertEqual((start.day, stop), (1, (start + timedelta(31)).replace(day=1)))
        self.assertLessEqual(len(periods) and edges[-1], max(end, edges[0]) if len(periods) else 0)
        # the next would not be over
        following = edges[-1] + timedelta(7) if kind == 'week' else (edges[-1] + timedelta(31)).replace(day=1)
        self.assertGreater(following, end)

    def test_periods_ahead_begin_with_that_of_the_day(self):
        weeks = Periods.ahead('week', number(date(2026, 6, 17)), 3)
        self.assertEqual(
            [EPOCH + timedelta(int(day)) for day in weeks.starts],
            [date(2026, 6, 15), date(2026, 6, 22), date(2026, 6, 29)])
        months = Periods.ahead('month', number(date(2026, 11, 30)), 3)
        self.assertEqual(
            [EPOCH + timedelta(int(day)) for day in months.starts],
            [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)])


class TestDaysWithoutStock(unittest.TestCase):

    @settings(deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 29), st.integers(-5, 5)), max_size=30),
        st.lists(st.integers(0, 20), min_size=3, max_size=3))
    def test_as_one_would_count_day_by_day(self, changes, on_hand):
        columns = np.array(changes, np.int64).reshape(-1, 3).T
        found = days_without_stock(columns[0], columns[1], columns[2], np.array(on_hand, float), 0, 30)
        told = {(int(series), day) for series, start, end in zip(found.series, found.start, found.end, strict=True)
                for day in range(start, end)}
        expected = {
            (series, day) for series in range(3) for day in range(30)
            if on_hand[series] - sum(change for owner, when, change in changes if owner == series and when > day) <= 0}
        self.assertEqual(told, expected)


class TestTable(unittest.TestCase):
    """Four months of 2026: of 31, 28, 31 and 30 days."""

    periods = Periods.between('month', number(date(2026, 1, 1)), number(date(2026, 5, 1)))

    def table(self, sales, without_stock=NONE, left_out=NONE, count=1):
        series, days, quantities = np.array(
            [(series, number(date(2026, month, day)), quantity) for series, month, day, quantity in sales]).T
        return build_table(series, days, quantities, count, self.periods, without_stock, left_out)

    def test_nothing_is_known_before_the_first_sale(self):
        table = self.table([(0, 2, 3, 5), (0, 4, 1, 7), (1, 1, 1, 2)], count=2)
        np.testing.assert_array_equal(table.values, [[np.nan, 5, 0, 7], [2, 0, 0, 0]])

    def test_the_few_days_after_a_launch_tell_nothing(self):
        table = self.table([(0, 1, 20, 5), (0, 2, 3, 28), (1, 1, 10, 5), (1, 4, 1, 7)], count=2)
        np.testing.assert_array_equal(table.values, [[np.nan, 28, 0, 0], [5, 0, 0, 7]])
        self.assertEqual(table.factors[0, 0], 1, "of sums it is a part all the same")

    def test_days_without_stock_are_thought_to_be_like_the_others(self):
        out = gaps((0, number(date(2026, 3, 21)), number(date(2026, 4, 1))))
        table = self.table([(0, 1, 1, 31), (0, 2, 1, 28), (0, 3, 5, 20), (0, 4, 1, 30)], out)
        np.testing.assert_allclose(table.values, [[31, 28, 31, 30]])
        np.testing.assert_allclose(table.factors, [[1, 1, 31 / 20, 1]])

    def test_what_was_ordered_without_stock_was_wanted_all_the_same(self):
        out = gaps((0, number(date(2026, 3, 21)), number(date(2026, 4, 1))))
        table = self.table([(0, 1, 1, 31), (0, 2, 1, 28), (0, 3, 5, 20), (0, 3, 25, 40), (0, 4, 1, 30)], out)
        self.assertEqual(table.values[0, 2], 60)

    def test_a_month_mostly_without_stock_is_not_known(self):
        out = gaps((0, number(date(2026, 3, 5)), number(date(2026, 4, 1))))
        table = self.table([(0, 1, 1, 31), (0, 2, 1, 28), (0, 4, 1, 30)], out)
        np.testing.assert_array_equal(table.values, [[31, 28, np.nan, 30]])

    def test_who_never_has_stock_is_not_held_up_by_that(self):
        out = gaps((0, number(date(2026, 1, 1)), number(date(2026, 5, 1))))
        table = self.table([(0, 1, 1, 31), (0, 2, 1, 28), (0, 4, 1, 30)], out)
        np.testing.assert_array_equal(table.values, [[31, 28, 0, 30]])

    def test_days_left_out_count_even_so(self):
        promotion = gaps(*((0, number(date(2026, 3, day)), number(date(2026, 3, day)) + 1) for day in range(1, 11)))
        always_out = gaps((0, number(date(2026, 1, 1)), number(date(2026, 5, 1))))
        for without_stock in (NONE, always_out):
            table = self.table([(0, 1, 1, 31), (0, 2, 1, 28), (0, 3, 25, 21), (0, 4, 1, 30)], without_stock, promotion)
            np.testing.assert_allclose(table.values, [[31, 28, 31, 30]])

    def test_more_given_back_than_sold_is_no_demand(self):
        table = self.table([(0, 1, 1, 31), (0, 2, 1, -5), (0, 4, 1, 30)])
        np.testing.assert_array_equal(table.values, [[31, 0, 0, 30]])


def told(means, error=1.0):
    means = np.array(means, float)
    return Forecast(means, means * 0.8, means * 1.2, 'Theta', error, 2.0, 'ok')


def untold(horizon):
    nothing = np.full(horizon, np.nan)
    return Forecast(nothing, nothing, nothing, '', np.nan, np.nan, 'abstained')


class TestLevels(unittest.TestCase):

    @settings(deadline=None, max_examples=60)
    @given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 4), st.integers(1, 3), st.booleans())
    def test_all_levels_agree(self, seed, count, category_count, team_count, company_told):
        rng = np.random.default_rng(seed)
        categories = rng.integers(0, category_count, count)
        size = count * 12
        rows = {
            'series': np.tile(np.arange(count), 12), 'day': np.repeat(np.arange(12) * 30, count),
            'team': rng.integers(0, team_count, size), 'quantity': rng.integers(1, 9, size).astype(float),
        }
        rows['category'] = categories[rows['series']]
        rows['amount'] = rows['quantity'] * (1 + rows['series'])
        own = np.flatnonzero(rng.random(count) < 0.7)
        levels = build_levels(rows, rows['amount'], rows['day'] // 30, 12, own, -1)
        for level in ('team', 'category'):
            np.testing.assert_allclose(levels.values['company'][0], np.nansum(levels.values[level], axis=0))
        np.testing.assert_allclose(levels.shares.sum(axis=1), 1)
        np.testing.assert_allclose(levels.prices, 1 + own)
        products = Nodes(np.ones((len(own), 12)), [told(rng.random(3) * 10) for _series in own], 3)
        above = {
            level: Nodes(values, [
                told(rng.random(3) * 100) if rng.random() < 0.7 and (level != 'company' or company_told) else untold(3)
                for _node in values], 3)
            for level, values in levels.values.items()}
        agreed = agree(levels, products, above, 12)
        np.testing.assert_allclose(agreed.means['category'].sum(axis=0), agreed.means['company'][0])
        np.testing.assert_allclose(agreed.means['team'].sum(axis=0), agreed.means['company'][0])
        amounts = agreed.means['product'] * levels.prices[:, None]
        for node in range(len(levels.category_ids)):
            least = amounts[levels.categories == node].sum(axis=0)
            self.assertTrue((agreed.means['category'][node] >= least - 1e-6).all(), "the rest is not below 0")
            if above['category'].forecasts[node].status == 'abstained':
                spread = (agreed.highs['product'] - agreed.means['product']) * levels.prices[:, None]
                wide = np.sqrt((spread[levels.categories == node] ** 2).sum(axis=0))
                self.assertTrue(
                    (agreed.highs['category'][node] - agreed.means['category'][node] >= wide - 1e-6).all(),
                    "no surer than products that have nothing in common")
        for level, means in agreed.means.items():
            self.assertTrue((means >= 0).all(), level)
            if level == 'product':
                self.assertTrue((agreed.lows[level] <= means + 1e-9).all())
                self.assertTrue((agreed.highs[level] >= means - 1e-9).all())

    def test_nobody_takes_up_all_that_levels_differ_by(self):
        rows = {
            'series': np.array([0, 1]), 'day': np.array([0, 0]), 'team': np.array([5, 5]),
            'category': np.array([7, 7]), 'quantity': np.array([1.0, 1.0]), 'amount': np.array([1.0, 1.0])}
        levels = build_levels(rows, rows['amount'], np.zeros(2, int), 1, np.array([0, 1]), -1)
        products = Nodes(np.ones((2, 2)), [told([10, 10], 0.1), told([2, 2], 5)], 2)
        above = {level: Nodes(values, [
            told([30, 9], 0.1) if level == 'company' else untold(2) for _node in values], 2)
            for level, values in levels.values.items()}
        agreed = agree(levels, products, above, 12)
        np.testing.assert_allclose(agreed.means['product'][1], [6, 2 / 3])
        np.testing.assert_allclose(agreed.means['company'][0], agreed.means['product'].sum(axis=0))

    def test_who_is_sure_moves_the_others(self):
        rows = {
            'series': np.array([0, 1]), 'day': np.array([0, 0]), 'team': np.array([5, 5]),
            'category': np.array([7, 7]), 'quantity': np.array([1.0, 1.0]), 'amount': np.array([1.0, 1.0])}
        levels = build_levels(rows, rows['amount'], np.zeros(2, int), 1, np.array([0, 1]), -1)
        products = Nodes(np.ones((2, 1)), [told([10], 0.1), told([10], 5)], 1)
        above = {level: Nodes(values, [
            told([30], 0.1) if level == 'company' else untold(1) for _node in values], 1)
            for level, values in levels.values.items()}
        agreed = agree(levels, products, above, 12)
        self.assertAlmostEqual(agreed.means['company'][0, 0], 30, delta=0.1)
        self.assertAlmostEqual(agreed.means['product'][0, 0], 10, delta=0.1)
        self.assertAlmostEqual(agreed.means['product'][1, 0], 20, delta=0.2)

    def test_what_all_miss_is_shared_by_who_is_unsure(self):
        days = np.repeat(np.arange(24) * 30, 2)
        sold = np.tile([1.0, 3.0], 24) * (1 + days // 30 % 12)
        rows = {
            'series': np.tile([0, 1], 24), 'day': days, 'team': np.full(48, 5), 'category': np.full(48, 7),
            'quantity': sold, 'amount': sold}
        levels = build_levels(rows, sold, days // 30, 24, np.array([0, 1]), -1)
        products = Nodes(np.ones((2, 24)), [told([6], 2), told([18], 8)], 1)
        above = {level: Nodes(values, [
            told([48], 2) if level == 'company' else untold(1) for _node in values], 1)
            for level, values in levels.values.items()}
        agreed = agree(levels, products, above, 12)
        self.assertAlmostEqual(agreed.means['company'][0, 0], 48, delta=2)
        sure, unsure = agreed.means['product'].ravel() - [6, 18]
        self.assertLess(3, sure)
        self.assertAlmostEqual(unsure / sure, 4, delta=2)
