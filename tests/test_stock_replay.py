import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.tests import BaseCase, tagged

from odoo.addons.sms_addon.tools.reorder_policy import Aim, Item, Policy
from odoo.addons.sms_addon.tools.stock_replay import draw_leads, judge, replay


def one(demand, minimum, maximum, lead=0, **values):
    """Return the replay of one product, as numbers."""
    demand = np.array([demand], float)
    found = replay(demand, minimum, maximum, np.full(demand.shape, lead), **values)
    return {name: getattr(found, name)[0] for name in ('served', 'average_stock', 'orders', 'ordered', 'days_short')}


@tagged('post_install', '-at_install')
class TestStockReplay(BaseCase):
    """What order points would have done."""

    def test_by_hand(self):
        # morning: 10 6 2 10 6; evening: 6 2 -2 6 2; ordered on the third evening, there on the fourth morning
        self.assertEqual(
            one([4, 4, 4, 4, 4], 1, 10),
            {'served': 18, 'average_stock': 16 / 5, 'orders': 1, 'ordered': 12, 'days_short': 1})

    def test_what_is_on_its_way_is_not_ordered_twice(self):
        # the order of the first evening, for 8, comes on the fourth morning
        self.assertEqual(one([8, 0, 0, 0, 0], 5, 10, lead=2), {
            'served': 8, 'average_stock': (2 + 2 + 2 + 10 + 10) / 5, 'orders': 1, 'ordered': 8, 'days_short': 0})

    def test_at_the_minimum_nothing_is_ordered(self):
        self.assertEqual(one([5, 0], 5, 10)['orders'], 0)
        self.assertEqual(one([6, 0], 5, 10)['orders'], 1)

    def test_what_the_vendor_sells(self):
        self.assertEqual(one([6, 0], 5, 10, least=20)['ordered'], 20)
        self.assertEqual(one([6, 0], 5, 10, multiple=4)['ordered'], 8)

    def test_without_an_order_point_all_waits(self):
        # what is short is ordered and comes the morning after
        self.assertEqual(one([3, 0, 3, 0], 0, 0), {
            'served': 0, 'average_stock': 0, 'orders': 2, 'ordered': 6, 'days_short': 2})

    def test_days_before_launch_ask_for_nothing(self):
        self.assertEqual(one([np.nan, 4], 1, 10)['served'], 4)
        self.assertTrue(np.isnan(replay([[np.nan, 0]], 1, 10, [[0, 0]]).service[0]))

    def test_bad_figures_are_refused(self):
        for minimum, maximum, leads in ((5, 4, [[0]]), (1, 2, [[-1]]), (1, 2, [[0, 0]])):
            with self.assertRaises(ValueError):
                replay([[1.0]], minimum, maximum, leads)

    def test_leads_do_not_depend_on_other_products(self):
        both = draw_leads([5, 9], [2, 3], 50, [1, 2])
        np.testing.assert_array_equal(draw_leads([9], [3], 50, [2])[0], both[1])
        self.assertGreaterEqual(both.min(), 0)
        self.assertEqual(set(draw_leads([7], [0], 9, [1])[0].tolist()), {7})

    def test_verdict(self):
        for before, after, verdict in (
                ((0.80, 10), (0.90, 20), 'better'),     # nearer to what is wanted
                ((0.90, 10), (0.80, 5), 'worse'),
                ((0.99, 20), (0.96, 10), 'better'),     # both serve enough, with less stock
                ((0.96, 10), (0.99, 20), 'worse'),      # more than was wanted, with more stock
                ((0.96, 10), (0.97, 10.05), 'same'),
                ((np.nan, 10), (np.nan, 0), 'better'),  # nobody asked for it
                ((0, 0), (0, 0), 'same')):
            with self.subTest(before=before, after=after):
                self.assertEqual(judge(0.95, before, after), verdict)

    @settings(max_examples=80, deadline=None)
    @given(
        st.lists(st.lists(st.integers(0, 20), min_size=25, max_size=25), min_size=1, max_size=4), st.integers(0, 40),
        st.integers(0, 40), st.integers(0, 12), st.integers(0, 15), st.integers(0, 6))
    def test_nothing_is_lost(self, demand, minimum, more, lead, least, multiple):
        demand = np.array(demand, float)
        found = replay(demand, minimum, minimum + more, np.full(demand.shape, lead), least, multiple)
        self.assertTrue((found.served <= found.demand).all())
        self.assertTrue((found.served >= np.minimum(minimum + more, found.demand) * (found.days_short == 0)).all())
        # products that are replayed together are as those replayed alone
        for row, quantities in enumerate(demand):
            alone = replay(quantities[None], minimum, minimum + more, np.full((1, 25), lead), least, multiple)
            self.assertEqual(alone.average_stock[0], found.average_stock[row])
            self.assertEqual(alone.orders[0], found.orders[row])
        if multiple:
            np.testing.assert_allclose(found.ordered % multiple, 0)
        self.assertTrue((found.ordered >= least * found.orders).all())

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.integers(0, 20), min_size=40, max_size=40), st.integers(0, 30), st.integers(1, 20),
        st.integers(0, 9))
    def test_a_higher_order_point_serves_no_less(self, demand, minimum, size, lead):
        low, high = (one(demand, level, level + size, lead) for level in (minimum, minimum + 10 * size))
        self.assertGreaterEqual(high['served'], low['served'])

    def test_formulas_and_replay_agree(self):
        rng = np.random.default_rng(5)
        for name, past in (('steady', rng.poisson(20, 365)), ('lumpy', rng.poisson(0.15, 365) * 4)):
            past = past.astype(float)
            policy = Policy(Item(past.mean(), past.std(), 10, 3, past))
            future = rng.choice(past, (100, 1500))
            for service in (0.9, 0.98):
                with self.subTest(name=name, service=service):
                    levels = policy.levels(Aim(service))
                    found = replay(future, *levels, draw_leads([10] * 100, [3] * 100, 1500, range(100)))
                    self.assertAlmostEqual(
                        found.served.sum() / found.demand.sum(), policy.service(*levels, 'fill'), delta=0.025)
                    self.assertAlmostEqual(
                        found.average_stock.mean() / policy.stock(*levels), 1, delta=0.12)
