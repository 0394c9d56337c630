from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.sms_addon.tools import order_plan
from odoo.addons.sms_addon.tools.order_plan import plan_orders

ORDERS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from('abc')), max_size=9)


def columns(orders):
    return [list(column) for column in zip(*orders, strict=True)] or [[], [], []]


@tagged('post_install', '-at_install')
class TestOrderPlan(BaseCase):
    """Orders under a budget."""

    def test_without_a_budget_all_are_placed(self):
        plan = plan_orders([5, 7, 0], [1, 0, 0])
        self.assertEqual((plan.chosen.tolist(), plan.cost, plan.exact), ([True] * 3, 12, True))

    def test_the_best_pair_beats_the_densest(self):
        # the densest one leaves no room for the two that are worth more together
        plan = plan_orders([60, 50, 50], [65, 50, 50], budget=100)
        self.assertEqual(plan.chosen.tolist(), [False, True, True])
        self.assertEqual((plan.worth, plan.exact), (100, True))

    def test_a_vendor_has_his_own_limit(self):
        plan = plan_orders([10, 10, 10], [3, 2, 1], vendors=['x', 'x', 'y'], vendor_budgets={'x': 10})
        self.assertEqual(plan.chosen.tolist(), [True, False, True])

    def test_orders_that_cost_nothing_are_always_placed(self):
        plan = plan_orders([0, 5], [0, 9], budget=0)
        self.assertEqual(plan.chosen.tolist(), [True, False])

    def test_nothing_to_plan(self):
        self.assertEqual(plan_orders([], [], budget=5).chosen.tolist(), [])

    def test_bad_figures_are_refused(self):
        for cost, worth, budget in (
                ([-1], [1], 1), ([1], [-1], 1), ([1], [1], -1), ([1], [float('nan')], 1), ([1], [], 1)):
            with self.assertRaises(ValueError):
                plan_orders(cost, worth, budget=budget)

    def test_very_many_orders_are_planned_at_once(self):
        rng = np.random.default_rng(3)
        cost = rng.integers(1, 1000, order_plan.EXACT_ORDERS + 1)
        plan = plan_orders(cost, cost * rng.random(len(cost)), budget=cost.sum() // 4)
        self.assertFalse(plan.exact)
        self.assertLessEqual(plan.cost, cost.sum() // 4)
        self.assertGreater(plan.worth, 0.99 * plan.bound)

    @settings(max_examples=120, deadline=None)
    @given(ORDERS, st.integers(0, 150), st.dictionaries(st.sampled_from('abc'), st.integers(0, 80)))
    def test_no_plan_is_worth_more(self, orders, budget, limits):
        cost, worth, vendors = columns(orders)

        def fits(chosen):
            spent = [c * pick for c, pick in zip(cost, chosen, strict=True)]
            return sum(spent) <= budget and all(
                sum(s for s, vendor in zip(spent, vendors, strict=True) if vendor == name) <= limit
                for name, limit in limits.items())

        plan = plan_orders(cost, worth, budget, vendors, limits)
        best = max(
            sum(w * pick for w, pick in zip(worth, chosen, strict=True))
            for chosen in product((0, 1), repeat=len(cost)) if fits(chosen))
        self.assertTrue(fits(plan.chosen))
        self.assertAlmostEqual(plan.worth, best, 5)
        self.assertGreaterEqual(plan.bound, best - 1e-6)

    @settings(max_examples=80, deadline=None)
    @given(ORDERS, st.integers(0, 150))
    def test_the_simple_plan_is_worth_half_of_the_best(self, orders, budget):
        cost, worth, vendors = columns(orders)
        exact, order_plan.EXACT_ORDERS = order_plan.EXACT_ORDERS, -1
        try:
            plan = plan_orders(cost, worth, budget, vendors)
        finally:
            order_plan.EXACT_ORDERS = exact
        best = plan_orders(cost, worth, budget, vendors)
        self.assertLessEqual(plan.cost, budget)
        self.assertGreaterEqual(plan.worth, best.worth / 2 - 1e-6)
