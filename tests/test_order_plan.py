from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.sms_addon.tools import order_plan
from odoo.addons.sms_addon.tools.order_plan import plan_orders

#: what an order adds to the size before it
SIZES = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), min_size=1, max_size=4)
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

    def test_a_part_is_taken_where_the_whole_does_not_fit(self):
        plan = plan_orders([60, 50], [60, 20], budget=80, parts=[[(30, 45)], [(20, 15), (30, 16)]])
        self.assertEqual((plan.chosen.tolist(), plan.part.tolist()), ([True, True], [-1, 0]))
        self.assertEqual((plan.cost, plan.worth, plan.exact), (80, 75, True))

    def test_without_need_nothing_is_taken_in_part(self):
        plan = plan_orders([60, 50], [60, 20], budget=110, parts=[[(30, 60)], [(20, 20)]])
        self.assertEqual(plan.part.tolist(), [-1, -1])

    def plans(self, orders, budget, limits, vendors):
        """Return all sizes, the whole last, by order, and the exact and the simple plan."""
        sizes = []
        for added in orders:
            cost, worth = np.cumsum(np.array(added), axis=0).T.tolist()
            sizes.append(list(zip(cost, worth, strict=True)))
        arguments = (
            [own[-1][0] for own in sizes], [own[-1][1] for own in sizes], budget, vendors, limits,
            [own[:-1] for own in sizes])
        found = [plan_orders(*arguments)]
        exact, order_plan.EXACT_ORDERS = order_plan.EXACT_ORDERS, -1
        try:
            found.append(plan_orders(*arguments))
        finally:
            order_plan.EXACT_ORDERS = exact
        return sizes, found

    @settings(max_examples=150, deadline=None)
    @given(st.lists(SIZES, max_size=4), st.integers(0, 120), st.integers(0, 60), st.data())
    def test_parts_are_the_best_there_are(self, orders, budget, limit, data):
        vendors = [data.draw(st.sampled_from('ab')) for _order in orders]
        sizes, plans = self.plans(orders, budget, {'a': limit}, vendors)

        def fits(picks):
            return sum(cost for cost, _worth in picks) <= budget and sum(
                cost for (cost, _worth), vendor in zip(picks, vendors, strict=True) if vendor == 'a') <= limit

        best = max(sum(worth for _cost, worth in picks) for picks in product(*([(0, 0), *own] for own in sizes))
                   if fits(picks))
        for plan in plans:
            taken = [
                own[part] if chosen else (0, 0)
                for own, chosen, part in zip(sizes, plan.chosen.tolist(), plan.part.tolist(), strict=True)]
            self.assertTrue(fits(taken), "never above a budget")
            self.assertEqual((plan.cost, plan.worth), tuple(map(sum, zip(*taken, strict=True))) or (0, 0))
            self.assertGreaterEqual(plan.bound, best - 1e-6)
        self.assertTrue(plans[0].exact)
        self.assertAlmostEqual(plans[0].worth, best, 5)

    @settings(max_examples=80, deadline=None)
    @given(st.lists(SIZES, max_size=5), st.integers(0, 120), st.integers(0, 40))
    def test_more_money_never_does_less(self, orders, budget, more):
        _sizes, [less, _simple] = self.plans(orders, budget, {}, None)
        _sizes, [plenty, _simple] = self.plans(orders, budget + more, {}, None)
        self.assertTrue(less.exact and plenty.exact)
        self.assertGreaterEqual(plenty.worth, less.worth - 1e-6)
