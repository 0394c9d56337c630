import csv
import gzip
import itertools
import unittest
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.affinity import (
    KINDS,
    History,
    Neighbours,
    Popular,
    Reason,
    association_rules,
    fit_recommender,
    suggest,
)
from odoo.addons.sms_addon.tools.evidence import ThinDataError

# public data, kept beside the project where it is developed
SHARED = Path(__file__).resolve().parents[2] / 'shared/data'
TODAY = date(2026, 6, 30)
BASKETS = st.lists(st.lists(st.sampled_from('abcdef'), max_size=5), max_size=25)


def read_baskets():
    path = SHARED / 'basket/groceries.csv.gz'
    if not path.exists():
        raise unittest.SkipTest(f"the shared file {path.name} is not here")
    baskets = defaultdict(list)
    with gzip.open(path, 'rt', newline='') as file:
        for row in csv.DictReader(file):
            baskets[row['basket']].append(row['item'])
    return list(baskets.values())


def rules_naively(baskets, min_support, min_confidence):
    """Return {(antecedent, consequent): (support, confidence, lift)} by counting all sets."""
    counts = Counter()
    for basket in baskets:
        products = sorted(set(basket))
        for size in range(1, len(products) + 1):
            counts.update(itertools.combinations(products, size))
    found = {}
    for products, both in counts.items():
        for consequent in products if len(products) > 1 else ():
            antecedent = tuple(product for product in products if product != consequent)
            confidence = both / counts[antecedent]
            if both >= min_support * len(baskets) - 1e-9 and confidence >= min_confidence:
                found[antecedent, consequent] = (
                    both / len(baskets), confidence, confidence * len(baskets) / counts[consequent,])
    return found


class TestAssociationRules(unittest.TestCase):

    def test_groceries_as_published(self):
        baskets = read_baskets()
        self.assertEqual(len(baskets), 9835)
        self.assertEqual(len(association_rules(baskets, 0.001, 0.8)), 410)
        rules = association_rules(baskets, 0.001, 0.5)
        self.assertEqual(len(rules), 5668)
        self.assertEqual(
            (rules[0].antecedent, rules[0].consequent), (('Instant food products', 'soda'), 'hamburger meat'))
        self.assertAlmostEqual(rules[0].lift, 18.9957, places=4)
        rules = association_rules(baskets, 0.006, 0.25)
        self.assertEqual(len(rules), 463)
        self.assertEqual((rules[0].antecedent, rules[0].consequent), (('herbs',), 'root vegetables'))
        self.assertAlmostEqual(rules[0].lift, 3.956477, places=6)

    @settings(deadline=None)
    @given(BASKETS, st.sampled_from([0.01, 0.1, 0.2, 0.5]), st.sampled_from([0, 0.3, 0.5, 1]))
    def test_it_finds_what_counting_all_sets_finds(self, baskets, min_support, min_confidence):
        rules = association_rules(baskets, min_support, min_confidence)
        expected = rules_naively(baskets, min_support, min_confidence)
        self.assertEqual({(rule.antecedent, rule.consequent) for rule in rules}, set(expected))
        for rule in rules:
            np.testing.assert_allclose(
                (rule.support, rule.confidence, rule.lift), expected[rule.antecedent, rule.consequent])
        self.assertEqual([rule.lift for rule in rules], sorted((rule.lift for rule in rules), reverse=True))

    def test_no_rule_is_longer_than_asked_for(self):
        rules = association_rules([['a', 'b', 'c', 'd']] * 3, 0.5, 0.5, max_len=2)
        self.assertEqual({len(rule.antecedent) for rule in rules}, {1})
        self.assertEqual(len(rules), 12)

    def test_shares_out_of_range_are_refused(self):
        for shares in ((0, 0.5, 3), (1.5, 0.5, 3), (0.1, 1.1, 3), (0.1, 0.5, 1)):
            with self.assertRaisesRegex(ValueError, "Shares from 0 to 1"):
                association_rules([['a']], *shares)
        with self.assertRaisesRegex(ValueError, "Basket 1 has a product that is NaN"):
            association_rules([[1.0], [float('nan')]], 0.1, 0.1)


def history(*rows, order_days=10, first=date(2025, 6, 30)):
    """Return the history of a customer of whom these are known: (product, times, last, interval)."""
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return History(
        np.array(columns[0], np.int64), np.array(columns[1], float), np.array(columns[2], 'datetime64[D]'),
        np.array(columns[3], float), order_days, first)


def neighbours(*rows):
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return Neighbours(*(np.array(column) for column in columns))


NONE = neighbours()
NAN = float('nan')


class TestSuggest(unittest.TestCase):

    def test_reasons(self):
        found = suggest(
            history((1, 8, date(2026, 5, 1), 42), (2, 1, date(2025, 9, 1), NAN)),
            neighbours((1, 5, 0.9, 34), (1, 6, 0.1, 3), (2, 5, 0.2, 7)), TODAY, 10, popular=Popular([9], [60], 100))
        reasons = {suggestion.product: suggestion.reason for suggestion in found}
        self.assertEqual(reasons[1], Reason(
            'repeat', times=8, interval=42, last=date(2026, 5, 1), due=date(2026, 6, 12)))
        self.assertEqual(reasons[2], Reason('repeat', times=1, last=date(2025, 9, 1)))
        self.assertEqual(reasons[5], Reason('together', product=1, customers=34), "the one that speaks most for it")
        self.assertEqual(reasons[9], Reason('popular', customers=60))
        scores = [suggestion.score for suggestion in found]
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertEqual(found[0].product, 1)

    def test_values_are_plain(self):
        for suggestion in suggest(history((1, 8, TODAY, 42)), neighbours((1, 5, 0.9, 34)), TODAY, 10):
            self.assertIs(type(suggestion.product), int)
            self.assertIs(type(suggestion.score), float)

    def test_a_new_customer_is_offered_what_is_popular(self):
        popular = Popular([7, 8, 9], [5, 50, 50], 100)
        found = suggest(history(order_days=0, first=None), NONE, TODAY, 2, popular=popular)
        self.assertEqual([suggestion.product for suggestion in found], [8, 9], "equals by their ids")
        self.assertEqual({suggestion.reason.kind for suggestion in found}, {'popular'})
        self.assertEqual(suggest(history(order_days=0, first=None), NONE, TODAY, 2), [])

    def test_excluded_products_make_room_for_others(self):
        popular = Popular([7, 8, 9], [5, 50, 49], 100)
        found = suggest(history(), NONE, TODAY, 2, exclude=[8, 4711], popular=popular)
        self.assertEqual([suggestion.product for suggestion in found], [9, 7])

    def test_what_is_due_comes_before_what_was_just_bought(self):
        found = suggest(
            history((1, 5, date(2026, 6, 29), 30), (2, 5, date(2026, 5, 20), 30)), NONE, TODAY, 2)
        self.assertGreater(found[1].score, 0)
        due = {suggestion.product: suggestion.reason.due for suggestion in found}
        self.assertEqual(due, {1: date(2026, 7, 29), 2: date(2026, 6, 19)})
        # the older purchase counts less by the pace of 36 days, and more because it is due
        early = suggest(history((1, 5, date(2026, 6, 29), 300), (2, 5, date(2026, 6, 28), 1)), NONE, TODAY, 2)
        self.assertEqual([suggestion.product for suggestion in early], [2, 1])

    def test_what_others_buy_again_comes_before_what_they_buy_once(self):
        bought = (1, 1, date(2026, 5, 20), NAN), (2, 1, date(2026, 5, 20), NAN)
        found = suggest(history(*bought), neighbours((1, 1, 0.01, 50), (2, 2, 0.3, 20)), TODAY, 2)
        self.assertEqual([suggestion.product for suggestion in found], [2, 1])

    def test_what_cannot_be_read_is_refused(self):
        with self.assertRaisesRegex(ValueError, "after 2026-06-30"):
            suggest(history((1, 1, date(2026, 7, 1), NAN)), NONE, TODAY, 1)
        with self.assertRaisesRegex(ValueError, r"times\[0\] is nan"):
            suggest(history((1, NAN, TODAY, NAN)), NONE, TODAY, 1)
        with self.assertRaisesRegex(ValueError, r"similarity\[0\] is nan"):
            suggest(history((1, 1, TODAY, NAN)), neighbours((1, 2, NAN, 3)), TODAY, 1)

    @settings(deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(0, 300), st.integers(1, 90)),
                    unique_by=lambda row: row[0]),
           st.lists(st.tuples(st.integers(1, 9), st.integers(1, 14), st.floats(0.01, 1), st.integers(1, 90)),
                    unique_by=lambda row: row[:2]),
           st.sets(st.integers(1, 14)), st.integers(1, 15))
    def test_each_product_once_and_none_that_is_excluded(self, bought, pairs, excluded, n):
        days = history(*((product, times, np.datetime64(TODAY) - age, interval if times > 1 else NAN)
                         for product, times, age, interval in bought))
        known = neighbours(*(pair for pair in pairs if pair[0] in days.product))
        found = suggest(days, known, TODAY, n, excluded, Popular([12, 13, 14], [5, 6, 7], 10))
        products = [suggestion.product for suggestion in found]
        self.assertEqual(len(products), len(set(products)))
        self.assertFalse(set(products) & excluded)
        everything = {*days.product.tolist(), *known.neighbour.tolist(), 12, 13, 14} - excluded
        self.assertEqual(len(products), min(n, len(everything)))
        # fewer are the first of more
        self.assertEqual(found[:1], suggest(days, known, TODAY, 1, excluded, Popular([12, 13, 14], [5, 6, 7], 10)))


def purchases(seed=0, customers=80, products=15, lines=1500):
    """Return customers, products and days of made up order lines, where products n and n + 1 go together."""
    rng = np.random.default_rng(seed)
    customer = rng.integers(0, customers, lines)
    others = (rng.random(lines) < 0.2) * rng.integers(0, 9, lines)
    product = (customer // 4 + rng.integers(0, 2, lines) + others) % products
    return customer, product, np.datetime64('2025-01-01') + rng.integers(0, 400, lines)


class TestRecommender(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lines = purchases()
        cls.model = fit_recommender(*cls.lines)

    def test_neighbours_count_the_customers_of_both(self):
        customer, product, _day = self.lines
        buyers = {code: set(customer[product == code].tolist()) for code in set(product.tolist())}
        table = self.model.neighbours()
        self.assertTrue((table.product != table.neighbour).any())
        for first, second, similarity, customers in zip(
                table.product.tolist(), table.neighbour.tolist(), table.similarity.tolist(),
                table.customers.tolist(), strict=True):
            self.assertEqual(customers, len(buyers[first] & buyers[second]))
            self.assertTrue(0 < similarity <= 1)
        own = table.product == table.neighbour
        self.assertEqual(table.product[own].tolist(), sorted(buyers))

    def test_neighbours_of_some(self):
        everything, some = self.model.neighbours(), self.model.neighbours([3, 5, 4711])
        kept = np.isin(everything.product, [3, 5])
        for name in ('product', 'neighbour', 'similarity', 'customers'):
            np.testing.assert_array_equal(getattr(some, name), getattr(everything, name)[kept])

    def test_history_of_a_customer(self):
        customer, product, day = self.lines
        found = self.model.history(7)
        mine = customer == 7
        self.assertEqual(found.product.tolist(), sorted(set(product[mine].tolist())))
        self.assertEqual(found.order_days, len(set(day[mine].tolist())))
        self.assertEqual(found.first, day[mine].min().astype(date))
        for code, times, last, interval in zip(
                found.product, found.times, found.last, found.interval, strict=True):
            days = np.unique(day[mine & (product == code)])
            self.assertEqual((times, last), (len(days), days[-1]))
            if len(days) > 1:
                self.assertEqual(interval, np.median(np.diff(days).astype(int)))
            else:
                self.assertTrue(np.isnan(interval))

    def test_all_at_once_as_one_by_one(self):
        for n in (1, 4, 100):
            everything = self.model.recommend_all(n)
            self.assertEqual(set(everything.customer.tolist()), set(self.model.customer_ids.tolist()))
            for customer in self.model.customer_ids.tolist():
                mine = everything.customer == customer
                one = self.model.recommend(customer, n)
                self.assertEqual([suggestion.product for suggestion in one], everything.product[mine].tolist())
                self.assertEqual([suggestion.score for suggestion in one], everything.score[mine].tolist())
                self.assertEqual(
                    [suggestion.reason.kind for suggestion in one],
                    [KINDS[kind] for kind in everything.kind[mine].tolist()])

    def test_from_persisted_neighbours(self):
        """What a web request does, with tables instead of a model."""
        table = self.model.neighbours()
        mine = self.model.history(11)
        rows = np.isin(table.product, mine.product)
        kept = Neighbours(*(column[rows][::-1] for column in (
            table.product, table.neighbour, table.similarity, table.customers)))
        self.assertEqual(
            suggest(mine, kept, self.model.as_of, 5, popular=self.model.popular), self.model.recommend(11, 5))

    def test_similar_products(self):
        found = self.model.similar([4, 5], 3)
        self.assertEqual(len(found), 3)
        self.assertFalse({4, 5} & {suggestion.product for suggestion in found})
        for suggestion in found:
            self.assertEqual(suggestion.reason.kind, 'together')
            self.assertIn(suggestion.reason.product, (4, 5))
        self.assertEqual(self.model.similar([4711], 3), [])

    def test_an_unknown_customer_is_offered_what_is_popular(self):
        customer, product, _day = self.lines
        buyers = Counter(product for _customer, product in set(zip(customer.tolist(), product.tolist(), strict=True)))
        [found] = self.model.recommend(4711, 1)
        self.assertEqual(found.reason, Reason('popular', customers=max(buyers.values())))
        self.assertEqual(buyers[found.product], max(buyers.values()))

    def test_the_order_of_lines_does_not_matter(self):
        order = np.random.default_rng(1).permutation(len(self.lines[0]))
        shuffled = fit_recommender(*(column[order] for column in self.lines))
        self.assertEqual(shuffled.recommend(3, 5), self.model.recommend(3, 5))

    def test_weights(self):
        customer, product, day = self.lines
        pairs = np.unique(np.column_stack((customer, product, day.astype(np.int64))), axis=0)
        same = fit_recommender(pairs[:, 0], pairs[:, 1], pairs[:, 2].astype('datetime64[D]'), np.ones(len(pairs)))
        np.testing.assert_allclose(same.neighbours().similarity, self.model.neighbours().similarity)
        other = fit_recommender(*self.lines, np.where(product == 3, 9, 1))
        self.assertNotEqual(
            other.neighbours([3]).similarity.tolist(), self.model.neighbours([3]).similarity.tolist())

    def test_names_can_be_texts(self):
        customer, product, day = self.lines
        named = fit_recommender(customer.astype(str), np.char.add('P', product.astype(str)), day)
        self.assertEqual(
            [suggestion.product for suggestion in named.similar(['P4'], 2)],
            [f'P{suggestion.product}' for suggestion in self.model.similar([4], 2)])

    def test_thin_data_is_refused(self):
        with self.assertRaises(ThinDataError) as caught:
            fit_recommender([1, 1, 2], [1, 2, 1], ['2026-01-01'] * 3)
        self.assertEqual(caught.exception.code, 'few_customers')
        self.assertEqual(caught.exception.numbers, {'customers': 1, 'required': 50})

    def test_what_cannot_be_read_is_refused(self):
        days = ['2026-01-01'] * 2
        for arguments, message in (
            (([1, float('nan')], [1, 2], days), r"customer_ids\[1\] is nan"),
            (([1, 1], [float('nan'), 2], days), r"product_ids\[0\] is nan"),
            (([1, 1], [1, 2], np.array(['2026-01-01', 'NaT'], 'datetime64[D]')), r"timestamps\[1\] is NaT"),
            (([1], [1, 2], days), "1 customer_ids, 2 product_ids, 2 timestamps"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                fit_recommender(*arguments)
        for weights, message in ((np.r_[0, np.ones(1499)], r"weights\[0\] is 0.0"), ([1], "1 weights")):
            with self.assertRaisesRegex(ValueError, message):
                fit_recommender(*self.lines, weights)
