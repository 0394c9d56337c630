import csv
import gzip
import unittest
import warnings
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import IntegrationWarning, quad
from scipy.stats import beta

from odoo.addons.sms_addon.tools import lifetime
from odoo.addons.sms_addon.tools.evidence import ThinDataError
from odoo.addons.sms_addon.tools.lifetime import BgNbd, GammaGamma, fit_bg_nbd, fit_gamma_gamma, summarise

# public data, kept beside the project where it is developed
SHARED = Path(__file__).resolve().parents[2] / 'shared/data/customers'


def read_orders(name):
    """Return customers, days and amounts of a shared file."""
    path = SHARED / name
    if not path.exists():
        raise unittest.SkipTest(f"the shared file {name} is not here")
    with gzip.open(path, 'rt', newline='') as file:
        rows = list(csv.DictReader(file))
    return (
        np.array([row['customer_id'] for row in rows]),
        np.array([row['date'] for row in rows], 'datetime64[D]'),
        np.array([float(row['amount']) for row in rows]))


def until(orders, day):
    """Return the history of the customers up to a day."""
    kept = orders[1] <= np.datetime64(day)
    return summarise(*(column[kept] for column in orders), day)


def simulate(size, seed, r=0.6, alpha=5.0, a=0.7, b=2.5, weeks=60.0):
    """Return frequency, recency and age of customers who do what the model says."""
    rng = np.random.default_rng(seed)
    rate, leaving, age = rng.gamma(r, 1 / alpha, size), rng.beta(a, b, size), rng.uniform(5, weeks, size)
    frequency, recency, time = np.zeros(size), np.zeros(size), np.zeros(size)
    there = np.ones(size, bool)
    while there.any():
        time[there] += rng.exponential(1, there.sum()) / rate[there]
        there &= time <= age
        frequency[there] += 1
        recency[there] = time[there]
        there &= rng.random(size) > leaving
    return frequency, recency, age


class TestCdnow(unittest.TestCase):
    """The published figures of the CDNOW sample (Fader, Hardie & Lee 2005; Fader & Hardie 2013)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.orders = read_orders('cdnow_sample.csv.gz')
        cls.known = until(cls.orders, '1997-09-30')
        cls.model = fit_bg_nbd(cls.known.frequency, cls.known.recency, cls.known.age)

    def test_the_history_is_that_of_the_paper(self):
        self.assertEqual(len(self.known.customer_ids), 2357)
        self.assertEqual((self.known.frequency > 0).sum(), 946)

    def test_bg_nbd_as_published(self):
        for name, value in (('r', 0.243), ('alpha', 4.414), ('a', 0.793), ('b', 2.426)):
            self.assertAlmostEqual(getattr(self.model, name), value, delta=0.001, msg=name)
        self.assertAlmostEqual(self.model.log_likelihood, -9582.43, delta=0.01)
        self.assertFalse(self.model.nobody_leaves)

    def test_gamma_gamma_as_published(self):
        found = fit_gamma_gamma(self.known.frequency, self.known.monetary_value)
        for name, value in (('p', 6.25), ('q', 3.74), ('gamma', 15.44)):
            self.assertAlmostEqual(getattr(found, name), value, delta=0.005, msg=name)
        self.assertAlmostEqual(found.log_likelihood, -4055.92, delta=0.01)

    def test_the_customer_of_the_paper(self):
        """Twice again, the last time in week 30.43 of 38.86: 1.226 orders in the next 39 weeks."""
        [orders] = self.model.expected_purchases(39, [2], [30.43], [38.86])
        self.assertAlmostEqual(orders, 1.226, delta=0.001)

    def test_the_next_39_weeks(self):
        later = until(self.orders, '1998-06-30')
        actual = later.frequency - self.known.frequency
        expected = self.model.expected_purchases(39, self.known.frequency, self.known.recency, self.known.age)
        past = self.known.frequency / self.known.age * 39
        self.assertAlmostEqual(expected.sum() / actual.sum(), 1, delta=0.15)
        for naive in (past, np.full(len(past), actual.mean())):
            self.assertLess(np.abs(expected - actual).mean(), np.abs(naive - actual).mean())
            self.assertLess(((expected - actual) ** 2).mean(), ((naive - actual) ** 2).mean())

    def test_the_unit_of_time_does_not_matter(self):
        days = fit_bg_nbd(self.known.frequency, self.known.recency * 7, self.known.age * 7)
        self.assertAlmostEqual(days.r, self.model.r, places=4)
        self.assertAlmostEqual(days.alpha / 7, self.model.alpha, places=3)
        np.testing.assert_allclose(
            days.expected_purchases(273, self.known.frequency, self.known.recency * 7, self.known.age * 7),
            self.model.expected_purchases(39, self.known.frequency, self.known.recency, self.known.age), rtol=1e-3)


class TestHistory(unittest.TestCase):

    def test_days_after_the_first(self):
        found = summarise(
            ['b', 'a', 'a', 'a', 'a'],
            ['2026-01-05', '2026-01-01', '2026-01-01', '2026-01-08', '2026-01-22'],
            [9.0, 100.0, 1.0, 4.0, 8.0], '2026-01-29')
        self.assertEqual(found.customer_ids.tolist(), ['a', 'b'])
        self.assertEqual(found.frequency.tolist(), [2, 0])
        self.assertEqual(found.recency.tolist(), [3, 0])
        self.assertEqual(found.age.tolist(), [4, 24 / 7])
        self.assertEqual(found.monetary_value.tolist(), [6, 0])

    def test_an_order_after_the_day_is_refused(self):
        with self.assertRaisesRegex(ValueError, r"dates\[1\] is 2026-02-01: it is after 2026-01-31"):
            summarise(['a', 'a'], ['2026-01-01', '2026-02-01'], [1, 1], '2026-01-31')


class TestBgNbd(unittest.TestCase):

    def test_parameters_are_found_again(self):
        found = fit_bg_nbd(*simulate(40_000, seed=1))
        for name, value in (('r', 0.6), ('alpha', 5), ('a', 0.7), ('b', 2.5)):
            self.assertAlmostEqual(getattr(found, name) / value, 1, delta=0.1, msg=name)

    def test_many_customers_are_the_same_as_few_that_count(self):
        rows = simulate(2_000, seed=2)
        once, twice = fit_bg_nbd(*rows), fit_bg_nbd(*(np.tile(column, 2) for column in rows))
        self.assertAlmostEqual(twice.r, once.r, places=4)
        self.assertAlmostEqual(twice.log_likelihood, 2 * once.log_likelihood, places=2)

    def test_more_distinct_customers_than_starts_are_tried_on(self):
        rows = simulate(30_000, seed=3)
        found = fit_bg_nbd(*rows)
        size = lifetime.TRIAL_ROWS
        try:
            lifetime.TRIAL_ROWS = 100_000
            full = fit_bg_nbd(*rows)
        finally:
            lifetime.TRIAL_ROWS = size
        self.assertAlmostEqual(found.log_likelihood, full.log_likelihood, places=2)

    def test_customers_who_only_pause(self):
        found = fit_bg_nbd(*simulate(3_000, seed=4, a=1e-6, b=1))
        self.assertTrue(found.nobody_leaves)
        np.testing.assert_allclose(found.probability_alive([3, 0], [2, 0], [50, 50]), 1, atol=0.01)
        # the NBD model: (r + x) t / (alpha + T)
        np.testing.assert_allclose(
            found.expected_purchases(10, [3], [2], [50]), (found.r + 3) * 10 / (found.alpha + 50), rtol=0.01)

    def test_thin_data_is_refused(self):
        with self.assertRaises(ThinDataError) as caught:
            fit_bg_nbd([1] * 99 + [0] * 500, [1] * 99 + [0] * 500, [5] * 599)
        self.assertEqual(caught.exception.code, 'few_repeaters')
        self.assertEqual(caught.exception.numbers, {'repeaters': 99, 'required': 100})

    def test_customers_who_are_all_alike_tell_nothing(self):
        with self.assertRaises(ThinDataError) as caught:
            fit_bg_nbd([4] * 300, [40] * 300, [41] * 300)
        self.assertEqual(caught.exception.code, 'boundary')
        self.assertIn(caught.exception.numbers['parameter'], ('r', 'alpha', 'a', 'b'))

    def test_figures_that_contradict_each_other_are_refused(self):
        for rows, message in (
            (([1, 1], [1, 7], [5, 5]), r"recency\[1\] is 7.0: it is above the age"),
            (([1, 0], [1, 2], [5, 5]), r"recency\[1\] is 2.0: it is above 0 with orders"),
            (([1, 2], [1, 0], [5, 5]), r"recency\[1\] is 0.0: it is above 0 with orders"),
            (([1.5], [1], [5]), r"frequency\[0\] is 1.5"),
            (([-1], [0], [5]), r"frequency\[0\] is -1.0"),
            (([1], [1], [float('inf')]), r"age\[0\] is inf"),
            (([1, 1], [1, 1], [5]), "2 frequency, 2 recency, 1 age"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                fit_bg_nbd(*rows)
        with self.assertRaisesRegex(ValueError, r"horizon\[0\] is -1.0"):
            BgNbd(1, 1, 2, 2, 0).expected_purchases(-1, [0], [0], [1])

    @settings(deadline=None, max_examples=50)
    @given(st.floats(0.1, 5), st.floats(0.5, 20), st.floats(0.2, 5), st.floats(0.2, 10), st.integers(0, 60),
           st.floats(1, 100), st.floats(0.1, 1), st.floats(0.5, 60))
    def test_expectation_is_the_integral(self, r, alpha, a, b, frequency, age, share, horizon):
        """Against the mean of what a customer with a known chance p to leave orders, over the p that fit him."""
        model = BgNbd(r, alpha, a, b, 0)
        recency = age * share if frequency else 0

        def orders(p):
            return -np.expm1(-(r + frequency) * np.log1p(p * horizon / (alpha + age))) / p

        shape = beta(a, b + frequency)
        low, high = shape.ppf(1e-12), shape.ppf(1 - 1e-12)
        assume(low < high)
        points = shape.ppf([0.01, 0.1, 0.5, 0.9, 0.99])
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', IntegrationWarning)  # judged by the error
            mean, error = quad(lambda p: orders(p) * shape.pdf(p), low, high, points=points, limit=500)
        assume(error < 1e-6 * mean)
        [alive] = model.probability_alive([frequency], [recency], [age])
        [found] = model.expected_purchases(horizon, [frequency], [recency], [age])
        self.assertAlmostEqual(found / (alive * mean), 1, delta=1e-3)

    @settings(deadline=None)
    @given(st.floats(0.05, 20), st.floats(0.1, 50), st.floats(0.01, 50), st.floats(0.01, 200), st.integers(1, 5000),
           st.floats(0.1, 500), st.floats(0.01, 1))
    def test_probabilities_and_expectations_are_possible(self, r, alpha, a, b, frequency, age, share):
        model = BgNbd(r, alpha, a, b, 0)
        row = [frequency], [age * share], [age]
        [alive] = model.probability_alive(*row)
        self.assertTrue(0 <= alive <= 1)
        [near], [far] = (model.expected_purchases(horizon, *row) for horizon in (10, 20))
        self.assertTrue(np.isfinite(far) and -1e-9 <= near <= far * (1 + 1e-6) + 1e-9)
        [silent] = model.probability_of_silence(10, *row)
        self.assertTrue(1 - alive - 1e-9 <= silent <= 1)

    def test_where_the_library_fails(self):
        """scipy's hypergeometric function is infinite where the difference of its arguments is a large integer."""
        model = BgNbd(0.5, 1, 0.5, 2, 0)
        exact, beside = (
            BgNbd(r, 1, 0.5, 2, 0).expected_purchases(20, [98], [1], [1]) for r in (0.5, 0.50001))
        np.testing.assert_allclose(exact, beside, rtol=1e-4)
        [near], [far] = model.expected_purchases(10, [98], [1], [1]), exact
        self.assertTrue(0 < near < far)
        [one], [longer] = (BgNbd(0.05, 0.1, 0.25, 200, 0).expected_purchases(weeks, [1], [0.1], [0.1])
                           for weeks in (20, 100))
        self.assertTrue(0 < one < longer)

    def test_around_a_of_one_nothing_jumps(self):
        rows = [1, 2, 9], [10, 20, 30], [40, 40, 40]
        values = [BgNbd(0.5, 4, a, 2, 0).expected_purchases(30, *rows) for a in (0.9997, 0.9999, 1, 1.0001, 1.0003)]
        np.testing.assert_allclose(values[0], values[-1], rtol=1e-3)
        self.assertTrue((np.diff(values, axis=0) < 0).all(), "the more leave, the fewer orders")


class TestGammaGamma(unittest.TestCase):

    def test_parameters_are_found_again(self):
        rng = np.random.default_rng(5)
        frequency = rng.integers(1, 20, 20_000)
        scale = rng.gamma(4, 1 / 15, 20_000)
        found = fit_gamma_gamma(frequency, rng.gamma(6 * frequency, 1 / (scale * frequency)))
        for name, value in (('p', 6), ('q', 4), ('gamma', 15)):
            self.assertAlmostEqual(getattr(found, name) / value, 1, delta=0.05, msg=name)

    def test_between_the_own_mean_and_that_of_all(self):
        model = GammaGamma(6.25, 3.74, 15.44, 0)
        mean = 6.25 * 15.44 / 2.74
        few, many, none = model.expected_value([1, 100, 0], [200, 200, 0])
        self.assertAlmostEqual(none, mean)
        self.assertTrue(mean < few < many < 200)

    def test_what_it_cannot_say_is_refused(self):
        with self.assertRaisesRegex(ValueError, r"monetary_value\[1\] is 0.0: it is not above 0"):
            fit_gamma_gamma([1, 2], [5, 0])
        with self.assertRaises(ThinDataError) as caught:
            fit_gamma_gamma([1, 0], [5, 0])
        self.assertEqual(caught.exception.code, 'few_repeaters')
        rng = np.random.default_rng(6)
        scale = rng.gamma(0.8, 1 / 15, 3000)  # so many customers with large amounts that there is no mean
        with self.assertRaises(ThinDataError) as caught:
            fit_gamma_gamma(np.full(3000, 5), rng.gamma(6 * 5, 1 / (scale * 5)))
        self.assertEqual(caught.exception.code, 'no_mean')
