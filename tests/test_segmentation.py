import csv
import unittest
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from odoo.addons.sms_addon.tools.evidence import ThinDataError
from odoo.addons.sms_addon.tools.segmentation import describe, segment
from odoo.addons.sms_addon.tools.tree_rules import (
    Condition,
    matches,
    merge_boxes,
    round_threshold,
    to_domain,
)

# public data, kept beside the project where it is developed
SHARED = Path(__file__).resolve().parents[2] / 'shared/data/segment'
NAMES = ['days', 'orders', 'revenue']


def read_shared(name):
    """Return the rows of a shared file."""
    path = SHARED / name
    if not path.exists():
        raise unittest.SkipTest(f"the shared file {name} is not here")
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def blobs(centers, count=200, spread=0.5, seed=0):
    """Return cases around centers, and the center of each."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(centers), size=count * len(centers))
    centers = np.asarray(centers, float)
    return centers[labels] + rng.normal(0, spread, (len(labels), centers.shape[1])), labels


def select(domain, row):
    """Return whether a row, by name of its columns, fulfils a domain in prefix notation."""
    def evaluate(terms):
        term = next(terms)
        if term == '&':
            return evaluate(terms) & evaluate(terms)
        if term == '|':
            return evaluate(terms) | evaluate(terms)
        name, operator, value = term
        if (name, operator, value) == (0, '=', 1):
            return False
        return {'<=': row[name] <= value, '>': row[name] > value}[operator]

    terms, result = iter(domain), True
    for _operand in range(len(domain)):
        try:
            result &= evaluate(terms)
        except StopIteration:
            break
    return result


class TestSegment(unittest.TestCase):

    def assertSameSegments(self, labels, expected):
        pairs = set(zip(labels.tolist(), expected.tolist(), strict=True))
        self.assertEqual(len(pairs), len(set(expected.tolist())))
        self.assertEqual(len(pairs), len(set(labels.tolist())))

    def test_it_finds_how_many_segments_there_are(self):
        for count in (3, 4, 5, 6):
            angles = np.arange(count) * 2 * np.pi / count
            features, labels = blobs(np.stack([10 * np.cos(angles), 10 * np.sin(angles)], axis=1), seed=count)
            found = segment(features, NAMES[:2])
            self.assertEqual(found.k, count)
            self.assertSameSegments(found.labels, labels)
            self.assertGreater(found.silhouette, 0.7)
            self.assertGreater(found.stability, 0.95)
            self.assertEqual([trial.k for trial in found.trials], [3, 4, 5, 6, 7, 8])

    def test_the_largest_segment_is_the_first(self):
        parts = [blobs([[center, center]], count)[0] for center, count in ((0, 50), (9, 90), (20, 70))]
        features = np.concatenate(parts)
        found = segment(features, NAMES[:2], k=3)
        self.assertEqual(found.sizes.tolist(), [90, 70, 50])
        self.assertEqual(np.bincount(found.labels).tolist(), [90, 70, 50])
        np.testing.assert_allclose(found.centers[:, 0], [9, 20, 0], atol=0.3)
        self.assertLess(found.deviations[2, 0], found.deviations[0, 0])

    def test_the_same_seed_gives_the_same_segments(self):
        features = np.random.default_rng(3).lognormal(3, 1, (2000, 3))
        one, other = (segment(features, NAMES, seed=7) for _turn in range(2))
        self.assertEqual(one.labels.tolist(), other.labels.tolist())
        self.assertEqual((one.k, one.silhouette, one.stability, one.rules),
                         (other.k, other.silhouette, other.stability, other.rules))

    def test_neither_the_order_of_rows_nor_the_currency_matters(self):
        features, labels = blobs([[1, 2, 3], [4, 2, 6], [1, 5, 9]], spread=0.2)
        features = np.exp(features)
        order = np.random.default_rng(1).permutation(len(features))
        expected = segment(features, NAMES)
        self.assertSameSegments(expected.labels, labels)
        self.assertSameSegments(segment(features[order], NAMES).labels, labels[order])
        self.assertSameSegments(segment(features * [1, 1, 7.8], NAMES).labels, labels)

    def test_one_enormous_order_is_no_segment(self):
        features, labels = blobs([[10, 10], [20, 10], [10, 20]], count=500)
        features[17] = 1e9
        found = segment(features, NAMES[:2])
        self.assertEqual(found.k, 3)
        self.assertSameSegments(np.delete(found.labels, 17), np.delete(labels, 17))
        self.assertLess(found.centers.max(), 30)

    def test_many_rows_are_cut_by_a_sample(self):
        features, labels = blobs([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]], count=40_000)
        found = segment(features, NAMES)
        self.assertEqual(found.k, 4)
        self.assertSameSegments(found.labels, labels)
        self.assertEqual(sum(found.sizes), len(features))
        for rule in found.rules:
            self.assertAlmostEqual(rule.count / found.sizes[rule.label], 1, delta=0.05)

    def test_a_column_that_never_differs_is_let_be(self):
        features, labels = blobs([[0, 0], [9, 0], [0, 9]])
        found = segment(np.column_stack([features, np.ones(len(features))]), NAMES)
        self.assertSameSegments(found.labels, labels)
        self.assertNotIn('revenue', str(found.rules))

    def test_what_cannot_be_cut_is_refused(self):
        features, _labels = blobs([[0, 0, 0], [9, 9, 9]])
        for value, text in ((np.nan, 'nan'), (np.inf, 'inf')):
            broken = features.copy()
            broken[5, 1] = value
            with self.assertRaisesRegex(ValueError, f'orders is {text} in row 5'):
                segment(broken, NAMES)
        for refused, names, text in (
            (features[:, 0], NAMES, 'two dimensions'), (features, NAMES[:2], '3 columns of features and 2 names'),
            (features, ['a', 'b', 'a'], 'must differ'), (np.ones((90, 3)), NAMES, 'constant: days, orders, revenue'),
        ):
            with self.assertRaisesRegex(ValueError, text):
                segment(refused, names)
        for k in (1, 0, 2.5, True):
            with self.assertRaisesRegex(ValueError, 'at least 2'):
                segment(features, NAMES, k=k)
        with self.assertRaisesRegex(ValueError, 'only 2 rows differ'):
            segment(np.repeat([[1.0, 2.0], [3.0, 4.0]], 50, axis=0), NAMES[:2], k=3)
        with self.assertRaisesRegex(ValueError, '9 segments of 5 rows'):
            segment(features[:5], NAMES, k=9)

    def test_few_customers_are_not_cut(self):
        features, _labels = blobs([[0, 0, 0], [9, 9, 9]], count=14)
        with self.assertRaises(ThinDataError) as caught:
            segment(features, NAMES)
        self.assertEqual((caught.exception.code, caught.exception.numbers), ('rows', {'rows': 28, 'needed': 30}))
        self.assertEqual(segment(features, NAMES, k=2).k, 2)

    def test_one_customer_apart_is_too_thin(self):
        features = np.ones((1000, 3))
        features[3] = 5
        with self.assertRaises(ThinDataError) as caught:
            segment(features, NAMES)
        self.assertEqual(caught.exception.code, 'constant')

    def test_wholesale_customers_are_told_by_what_they_buy(self):
        rows = read_shared('uci_wholesale_customers.csv')
        names = list(rows[0])[2:]
        features = np.array([[float(row[name]) for name in names] for row in rows])
        self.assertAlmostEqual(features[:, 0].mean(), 12000.3, places=1)
        hotels = np.array([row['Channel'] == '1' for row in rows])
        found = segment(features, names)
        # the channel was not told, and comes out: shops buy detergents, hotels do not
        shares = np.array([hotels[found.labels == label].mean() for label in range(found.k)])
        self.assertGreater(shares.max(), 0.9)
        self.assertLess(shares.min(), 0.2)
        self.assertIn('Detergents_Paper', ' '.join(rule.description for rule in found.rules))
        self.assertGreater(np.mean([rule.recall for rule in found.rules]), 0.75)
        again = segment(features, names)
        self.assertEqual(found.labels.tolist(), again.labels.tolist())


class TestDescribe(unittest.TestCase):

    def test_a_segment_reads_as_a_condition_of_round_numbers(self):
        rng = np.random.default_rng(0)
        features = np.column_stack([rng.integers(0, 400, 3000), rng.integers(1, 30, 3000), rng.lognormal(7, 1, 3000)])
        labels = np.where(features[:, 0] <= 90, np.where(features[:, 2] > 1197.35, 0, 1), 2)
        often, seldom, away = describe(features, labels, NAMES)
        self.assertEqual(often.domain, [('days', '<=', 90), ('revenue', '>', 1200)])
        self.assertEqual(seldom.domain, [('days', '<=', 90), ('revenue', '<=', 1200)])
        self.assertEqual(away.domain, [('days', '>', 90)])
        self.assertEqual(often.description, 'days <= 90 and revenue > 1,200')
        self.assertEqual((away.precision, away.recall, away.count), (1, 1, (labels == 2).sum()))
        self.assertGreater(often.precision, 0.97)

    def test_labels_that_do_not_fit_are_refused(self):
        for labels in (np.zeros(3, int), np.full(4, -1), np.zeros(4), np.zeros((4, 1), int)):
            with self.assertRaisesRegex(ValueError, 'whole numbers from 0'):
                describe(np.ones((4, 3)), labels, NAMES)

    @settings(deadline=None, max_examples=60)
    @given(
        arrays.arrays(np.float64, st.tuples(st.integers(20, 60), st.just(3)), elements=st.one_of(
            st.integers(-20, 500).map(float), st.floats(-1e6, 1e6), st.floats(0, 1))),
        st.integers(2, 5), st.randoms(use_true_random=False),
    )
    def test_the_domain_selects_what_the_rule_selects(self, features, k, rng):
        labels = np.array([rng.randrange(k) for _row in features])
        rules = describe(features, labels, NAMES)
        taken = np.zeros(len(features), int)
        for rule in rules:
            selected = np.array([select(rule.domain, dict(zip(NAMES, row, strict=True))) for row in features])
            np.testing.assert_array_equal(selected, matches(rule.disjuncts, features, NAMES))
            self.assertEqual(rule.count, selected.sum())
            hits = (selected & (labels == rule.label)).sum()
            self.assertAlmostEqual(rule.precision * max(1, selected.sum()), hits)
            self.assertAlmostEqual(rule.recall * max(1, (labels == rule.label).sum()), hits)
            taken += selected
        self.assertEqual(set(taken.tolist()), {1})


class TestRules(unittest.TestCase):

    def test_whole_days_stay_whole(self):
        days = np.array([1, 2, 3, 4, 5, 9] * 10)
        self.assertEqual(round_threshold(days, 3.5), 3)
        self.assertEqual(round_threshold(days, 7.0), 7)
        self.assertEqual(round_threshold(np.array([88, 90, 91, 95]), 90.5), 90)
        self.assertEqual(round_threshold(np.array([0, 1, 1, 5]), 0.5), 0)
        self.assertEqual(round_threshold(np.array([-1, 0, 0, 5]), -0.5), -1)

    @settings(deadline=None)
    @given(arrays.arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e9, 1e9), unique=True), st.data())
    def test_rounding_moves_few_and_empties_no_side(self, values, data):
        low, high = sorted(values)[(at := data.draw(st.integers(0, len(values) - 2))):at + 2]
        threshold = (low + high) / 2
        below = values <= threshold
        rounded = values <= round_threshold(values, threshold)
        self.assertLessEqual((below != rounded).sum(), 0.05 * min(below.sum(), (~below).sum()))

    def test_boxes_that_meet_become_one(self):
        inf = float('inf')
        meeting = [{0: (1, 5), 1: (-inf, 3)}, {0: (5, 9), 1: (-inf, 3)}]
        self.assertEqual(merge_boxes(meeting), [{0: (1, 9), 1: (-inf, 3)}])
        self.assertEqual(merge_boxes([{0: (-inf, 5)}, {0: (5, inf)}]), [{}])
        apart = [{0: (1, 5)}, {0: (6, 9)}]
        self.assertEqual(merge_boxes(apart), apart)

    def test_domains_of_nothing_and_of_everything(self):
        self.assertEqual(to_domain([]), [(0, '=', 1)])
        self.assertEqual(to_domain([[]]), [])
        few, many = Condition('orders', '<=', 3), Condition('orders', '>', 9)
        self.assertEqual(to_domain([[few], [many]]), ['|', few, many])
