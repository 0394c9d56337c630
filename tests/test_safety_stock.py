import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.sms_addon.tools import safety_stock as tool
from odoo.addons.sms_addon.tools.reorder_policy import Aim, Item, Policy, differs, item_before, step_of

MEAN = st.floats(0.01, 500)
SPREAD = st.floats(0, 300)
DAYS = st.floats(0, 60)
SERVICE = st.floats(0.5, 0.999)
QUANTITY = st.floats(1, 5000)
MEASURE = st.sampled_from(tool.MEASURES)
PAST = st.lists(st.integers(0, 40), min_size=1, max_size=200)


def make_item(history, **values):
    history = np.array(history, float)
    values = {'lead_days': 5.0, 'lead_sd': 1.0, **values}
    return Item(daily_mean=float(np.nanmean(history)), daily_sd=float(np.nanstd(history)), history=history, **values)


@tagged('post_install', '-at_install')
class TestSafetyStock(BaseCase):
    """Stock until the next receipt: figures of the books, and what must hold for any figures."""

    def test_spread_of_a_lead_time_that_varies(self):
        # 100 a day, spread 30, lead time 9 days, spread 2: sqrt(9 x 900 + 10000 x 4)
        demand = tool.lead_demand(100, 30, 9, 2)
        self.assertAlmostEqual(demand.mean, 900)
        self.assertAlmostEqual(demand.sd, math.sqrt(9 * 30 ** 2 + 100 ** 2 * 2 ** 2))

    def test_normal_safety_factors(self):
        demand = tool.NormalDemand(100, 20)
        # factors of the normal distribution: 1.2816, 1.6449, 2.3263
        for service, factor in ((0.9, 1.2816), (0.95, 1.6449), (0.99, 2.3263)):
            self.assertAlmostEqual(tool.reorder_point(demand, service, 1, 'cycle', 0.001), 100 + factor * 20, 2)

    def test_loss_of_the_standard_normal(self):
        # unit normal loss at 0, 1 and 2: tables of Silver, Pyke and Thomas
        for level, loss in ((0, 0.3989), (1, 0.0833), (2, 0.0085)):
            self.assertAlmostEqual(tool.NormalDemand(0, 1).loss(level), loss, 4)

    def test_fill_rate_is_what_is_not_missing(self):
        # mean 58, spread 13.1, order of 200, fill rate 0.99: k with G(k) = 200 / 13.1 x 0.01, about 0.66
        point = tool.reorder_point(tool.NormalDemand(58.3, 13.1), 0.99, 200, 'fill', 0.01)
        self.assertAlmostEqual((point - 58.3) / 13.1, 0.66, 1)

    def test_economic_quantity(self):
        # 200 a day, 50 an order, 10 a unit, a quarter of it a year
        self.assertAlmostEqual(tool.economic_quantity(200, 50, 10, 0.25), math.sqrt(2 * 73000 * 50 / 2.5))
        for costs in ((0, 10, 0.25), (50, 0, 0.25), (50, 10, -1)):
            with self.assertRaises(ValueError):
                tool.economic_quantity(200, *costs)

    def test_without_spread_the_minimum_is_the_demand(self):
        for measure in tool.MEASURES:
            self.assertEqual(tool.reorder_point(tool.NormalDemand(12, 0), 0.999, 10_000, measure), 12
                             if measure == 'cycle' else 2)

    def test_demand_of_past_stretches(self):
        sample = tool.sample_lead_demand([0, 0, 6, 0, 0, 0, 6, 0, 0], 3)
        # 7 stretches of 3 days: 6 6 6 0 6 6 6
        self.assertAlmostEqual(sample.mean, 36 / 7)
        self.assertAlmostEqual(sample.chance_of_no_shortage(5), 1 / 7)
        self.assertEqual(sample.chance_of_no_shortage(6), 1)
        self.assertEqual(tool.reorder_point(sample, 0.95, 5, 'cycle'), 6)

    def test_days_that_do_not_count_are_left_out(self):
        past = [np.nan, np.nan, 2, 4, np.nan, 3, 3, 2, 4]
        self.assertAlmostEqual(tool.sample_lead_demand(past, 1).mean, 3)
        with self.assertRaises(ValueError):
            tool.sample_lead_demand([np.nan], 1)

    def test_demand_is_scaled_to_what_is_foreseen(self):
        sample = tool.sample_lead_demand([1, 3] * 50, 4, mean=6)
        self.assertAlmostEqual(sample.mean, 24)

    def test_steady_demand_is_normal_and_other_is_not(self):
        steady, lumpy = np.tile([9.0, 11.0], 100), np.tile([0.0] * 19 + [20.0], 10)
        self.assertIsInstance(tool.estimate_lead_demand(steady, 10, 1, 4), tool.NormalDemand)
        self.assertIsInstance(tool.estimate_lead_demand(lumpy, 1, 4.4, 4), tool.SampleDemand)

    def test_bad_figures_are_refused(self):
        demand = tool.NormalDemand(10, 2)
        for service, quantity, measure, step in (
                (0, 5, 'fill', 1), (1, 5, 'fill', 1), (0.9, 0, 'fill', 1), (0.9, 5, 'other', 1), (0.9, 5, 'fill', 0)):
            with self.assertRaises(ValueError):
                tool.reorder_point(demand, service, quantity, measure, step)
        for figures in ((1, -1, 3, 0), (1, 1, -3, 0), (1, 1, 3, -1), (math.nan, 1, 3, 0), (1, 1, math.inf, 0)):
            with self.assertRaises(ValueError):
                tool.lead_demand(*figures)

    def test_order_quantities(self):
        self.assertEqual(tool.order_quantity(0, 10, 6), 0)
        self.assertEqual(tool.order_quantity(5, 10, 6), 12)
        self.assertEqual(tool.order_quantity(13), 13)
        self.assertEqual(tool.order_quantity(0.1 + 0.2, 0, 0.1), 0.30000000000000004)
        self.assertAlmostEqual(tool.round_up(0.1 + 0.2, 0.1), 0.3)

    @settings(max_examples=150, deadline=None)
    @given(MEAN, SPREAD, DAYS, DAYS, SERVICE, QUANTITY, MEASURE)
    def test_the_minimum_is_the_least_that_serves(self, mean, spread, days, days_sd, service, quantity, measure):
        demand = tool.lead_demand(mean, spread, days, days_sd)
        point = tool.reorder_point(demand, service, quantity, measure)
        self.assertEqual(point, round(point))
        self.assertGreaterEqual(tool.expected_service(demand, point, quantity, measure), service)
        if point:
            self.assertLess(tool.expected_service(demand, point - 1, quantity, measure), service)

    @settings(max_examples=100, deadline=None)
    @given(PAST, st.floats(0, 20), st.floats(0, 5), QUANTITY, SERVICE, SERVICE, MEASURE)
    def test_more_service_needs_no_less(self, past, days, days_sd, quantity, one, other, measure):
        demand = tool.sample_lead_demand(past, days, days_sd)
        low, high = sorted((one, other))
        self.assertLessEqual(
            tool.reorder_point(demand, low, quantity, measure), tool.reorder_point(demand, high, quantity, measure))
        self.assertGreaterEqual(
            tool.expected_service(demand, 0, quantity, measure), 0)

    @settings(max_examples=100, deadline=None)
    @given(PAST, DAYS, st.floats(0, 200), st.floats(0, 200))
    def test_loss_falls_with_the_level_and_is_convex(self, past, days, one, other):
        for demand in (tool.sample_lead_demand(past, days), tool.lead_demand(np.mean(past), np.std(past), days)):
            low, high = sorted((one, other))
            self.assertGreaterEqual(demand.loss(low) + 1e-6, demand.loss(high))
            self.assertLessEqual(demand.loss((low + high) / 2), (demand.loss(low) + demand.loss(high)) / 2 + 1e-6)
            self.assertGreaterEqual(demand.loss(low) + 1e-6, demand.mean - low)

    @settings(max_examples=60, deadline=None)
    @given(PAST, st.floats(0, 30), st.floats(0, 200), QUANTITY)
    def test_average_stock_lies_between(self, past, days, minimum, quantity):
        demand = tool.sample_lead_demand(past, days)
        stock = tool.average_stock(demand, minimum, quantity)
        self.assertGreaterEqual(stock, max(minimum + quantity / 2 - demand.mean, 0) - 1e-6)
        self.assertLessEqual(stock, minimum + quantity + 1e-6)


@tagged('post_install', '-at_install')
class TestReorderPolicy(BaseCase):
    """Minimum and maximum of an item."""

    def test_an_order_lasts_as_long_as_wanted(self):
        policy = Policy(make_item(np.tile([3.0, 5.0], 100)))
        minimum, maximum = policy.levels(Aim(0.95, cover_days=30))
        self.assertEqual(maximum - minimum, 120)

    def test_an_order_is_as_large_as_costs_least(self):
        item = make_item(np.tile([3.0, 5.0], 100), unit_cost=10.0)
        minimum, maximum = Policy(item).levels(Aim(0.95, order_cost=20, holding_rate=0.25))
        self.assertEqual(maximum - minimum, math.ceil(math.sqrt(2 * 365 * 4 * 20 / 2.5)))

    def test_the_vendor_is_honoured(self):
        item = make_item(np.tile([0.0, 1.0], 100), least=50, multiple=12)
        minimum, maximum = Policy(item).levels(Aim(0.95))
        self.assertEqual((maximum - minimum) % 12, 0)
        self.assertGreaterEqual(maximum - minimum, 50)

    def test_fractions_where_fractions_are_sold(self):
        self.assertEqual(step_of(np.array([1.0, 2.0, np.nan]), 0.01), 1)
        self.assertEqual(step_of(np.array([1.0, 2.5]), 0.01), 0.01)

    def test_what_is_missed_without_an_order(self):
        policy = Policy(make_item(np.tile([3.0, 5.0], 100)))
        self.assertGreater(policy.sales_missed(0, [100]), policy.sales_missed(60, [100]))
        self.assertEqual(policy.sales_missed(0, [0]), [0])
        # the next part of an order saves no more than the one before
        saved = np.array([0.0, *policy.sales_missed(0, [25, 50, 75, 100])])
        self.assertEqual(saved[-1], policy.sales_missed(0, [100])[0])
        self.assertTrue((np.diff(saved) >= -1e-9).all() and (np.diff(saved, 2) <= 1e-9).all())

    def test_the_past_alone_is_known_of_the_past(self):
        item = make_item([1.0] * 100 + [9.0] * 10)
        self.assertEqual(item_before(item, 10).daily_mean, 1)
        self.assertEqual(len(item_before(item, 10).history), 100)

    def test_small_changes_are_none(self):
        self.assertFalse(differs((100, 200), (101, 205), 0.05))
        self.assertTrue(differs((100, 200), (110, 200), 0.05))
        self.assertTrue(differs((0, 0), (1, 2), 0.05))

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.integers(0, 30), min_size=60, max_size=120).filter(any), SERVICE, MEASURE, st.floats(0, 40),
        st.sampled_from([0, 12, 50]), st.sampled_from([0, 5, 12]))
    def test_levels_serve_what_is_wanted(self, history, service, measure, lead, least, multiple):
        policy = Policy(make_item(history, lead_days=lead, least=least, multiple=multiple))
        minimum, maximum = policy.levels(Aim(service, measure))
        self.assertGreater(maximum, minimum)
        self.assertGreaterEqual(minimum, policy.protection.mean - 1e-6)
        self.assertGreaterEqual(policy.service(minimum, maximum, measure), service - 1e-9)
        self.assertGreaterEqual(maximum - minimum, least)
        if multiple:
            self.assertAlmostEqual((maximum - minimum) % multiple, 0)
