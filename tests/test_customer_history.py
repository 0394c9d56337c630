import unittest
from collections import defaultdict
from statistics import median

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.customer_history import (
    FEATURES,
    NEVER,
    History,
    features_on,
    goods_between,
    goods_on,
    ordered_between,
)

CATEGORIES = [3, 5, 8]


def read(orders):
    """Return the history of orders (customer, day, category, revenue), each order on a day of its own kind."""
    days, goods = defaultdict(lambda: [0, 0]), defaultdict(int)
    for customer, day, category, revenue in orders:
        days[customer, day][0] += 1
        days[customer, day][1] += revenue
        goods[customer, day, category] += revenue

    def column(values, kind):
        return np.array(list(values), kind)

    return History.of({
        'customer': column((key[0] for key in days), np.int64),
        'day': column((key[1] for key in days), np.int64).astype('datetime64[D]'),
        'orders': column((value[0] for value in days.values()), np.int64),
        'revenue': column((value[1] for value in days.values()), float),
    }, {
        'customer': column((key[0] for key in goods), np.int64),
        'day': column((key[1] for key in goods), np.int64).astype('datetime64[D]'),
        'category': column((key[2] for key in goods), np.int64),
        'revenue': column(goods.values(), float),
    })


def features_naively(orders, today):
    """Return customer -> features, one customer at a time."""
    by_customer = defaultdict(list)
    for order in orders:
        if order[1] <= today:
            by_customer[order[0]].append(order)
    gaps = {
        customer: [later - earlier for earlier, later in zip(days, days[1:], strict=False)]
        for customer, days in (
            (customer, sorted({order[1] for order in own})) for customer, own in by_customer.items())}
    own_rhythms = {customer: median(own) for customer, own in gaps.items() if len(own) >= 2}
    usual = median(own_rhythms.values()) if len(own_rhythms) >= 5 else 0
    found = {}
    for customer, own in by_customer.items():
        days = sorted({order[1] for order in own})
        rhythm = own_rhythms.get(customer, usual)
        recency = today - days[-1]
        found[customer] = [
            recency, today - days[0], len(days), rhythm, max(recency - round(rhythm), 0) if rhythm else 0,
            sum(order[3] for order in own if order[1] > today - 365), sum(order[3] for order in own) / len(own),
            len({order[2] for order in own})]
    return found


ORDERS = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 900), st.sampled_from(CATEGORIES), st.integers(0, 500)), max_size=60)


class TestCustomerHistory(unittest.TestCase):

    @settings(deadline=None, max_examples=200)
    @given(ORDERS, st.integers(-10, 1000))
    def test_features_are_those_counted_one_by_one(self, orders, today):
        history = read(orders)
        positions, features = features_on(history, today)
        expected = features_naively(orders, today)
        self.assertEqual(history.customers[positions].tolist(), sorted(expected))
        self.assertEqual(features.shape, (len(expected), len(FEATURES)))
        for customer, row in zip(history.customers[positions].tolist(), features, strict=True):
            np.testing.assert_allclose(row, expected[customer])

    @settings(deadline=None)
    @given(ORDERS, st.integers(0, 900), st.integers(0, 200))
    def test_what_is_ordered_of_categories(self, orders, day, horizon):
        history = read(orders)
        counts, recency, revenue = goods_on(history, day, CATEGORIES)
        later = goods_between(history, day, day + horizon, CATEGORIES)
        anything = ordered_between(history, day, day + horizon)
        for place, customer in enumerate(history.customers.tolist()):
            own = [order for order in orders if order[0] == customer]
            self.assertEqual(anything[place], any(day < order[1] <= day + horizon for order in own))
            for column, category in enumerate(CATEGORIES):
                days = {order[1] for order in own if order[2] == category}
                past = {other for other in days if other <= day}
                self.assertEqual(counts[place, column], len(past))
                self.assertEqual(recency[place, column], day - max(past) if past else NEVER)
                self.assertEqual(later[place, column], any(day < other <= day + horizon for other in days))
                self.assertEqual(
                    revenue[place, column],
                    sum(order[3] for order in own if order[2] == category and order[1] <= day))

    @settings(deadline=None)
    @given(ORDERS, st.integers(0, 900), st.sets(st.integers(1, 9)))
    def test_some_customers_are_as_they_were_among_all(self, orders, day, chosen):
        history = read(orders)
        positions = np.flatnonzero(np.isin(history.customers, list(chosen)))
        some = history.only(positions)
        self.assertEqual(some.customers.tolist(), sorted(set(history.customers.tolist()) & chosen))
        np.testing.assert_array_equal(some.first_days(), history.first_days()[positions])
        for table, other in zip(
                goods_on(some, day, CATEGORIES), goods_on(history, day, CATEGORIES), strict=True):
            np.testing.assert_array_equal(table, other[positions])
