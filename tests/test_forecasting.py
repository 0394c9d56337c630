import csv
import gzip
import threading
import unittest
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools import forecast_pool
from odoo.addons.sms_addon.tools.back_test import back_test, intermittent_bound
from odoo.addons.sms_addon.tools.forecast_models import (
    COMBINATION,
    INTERMITTENT_COMBINATION,
    NAIVE,
    fill_gaps,
    is_intermittent,
    is_seasonal,
    seasonal_naive,
    smooth_means,
    take_out_season,
)
from odoo.addons.sms_addon.tools.forecasting import MIN_PERIODS, forecast, forecast_many, iter_forecasts

# public data, kept beside the project where it is developed
SHARED = Path(__file__).resolve().parents[2] / 'shared/data/forecast'
NAN = float('nan')
VALUES = st.one_of(st.floats(-1e6, 1e6), st.floats(0, 100), st.integers(0, 3).map(float), st.just(NAN))
SERIES = st.one_of(
    st.lists(VALUES, max_size=40), st.lists(st.floats(0, 1e12), min_size=10, max_size=40),
    st.lists(st.sampled_from([0.0, 0.0, 0.0, 1.0, 5.0, NAN]), min_size=10, max_size=60))


def read_shared(name):
    """Return the rows of a shared file."""
    path = SHARED / name
    if not path.exists():
        raise unittest.SkipTest(f"the shared file {name} is not here")
    with gzip.open(path, 'rt', newline='') as file:
        return list(csv.reader(file))


def seasonal_series(years=5, seed=1):
    """Return months around 100 with a season of 30 % up and down."""
    months = np.arange(12 * years)
    return (100 + months / 4) * (1 + 0.3 * np.sin(months * np.pi / 6)) + np.random.default_rng(seed).normal(
        0, 2, len(months))


def smape(actual, mean):
    return float(np.mean(200 * np.abs(actual - mean) / (np.abs(actual) + np.abs(mean))))


def rmsse(actual, mean, known):
    return float(np.sqrt(np.mean((actual - mean) ** 2) / np.mean(np.diff(known) ** 2)))


class TestForecast(unittest.TestCase):

    @settings(deadline=None, max_examples=40)
    @given(SERIES, st.integers(1, 15), st.sampled_from([1, 4, 7, 12, 52]), st.floats(1, 99.5))
    def test_every_series_has_a_forecast_or_an_abstention(self, y, horizon, season_length, level):
        found = forecast(y, horizon, season_length, level)
        known = np.array(y)[np.isfinite(y)] if y else np.array([])
        self.assertEqual({len(found.mean), len(found.lo), len(found.hi)}, {horizon})
        self.assertEqual(found.status == 'abstained', len(known) < MIN_PERIODS)
        if found.status == 'abstained':
            self.assertTrue(np.isnan([*found.mean, *found.lo, *found.hi, found.backtest_error]).all())
            return
        self.assertTrue(np.isfinite([*found.mean, *found.lo, *found.hi, found.backtest_error]).all())
        self.assertTrue((found.lo <= found.mean).all() and (found.mean <= found.hi).all())
        if known.min() >= 0:
            self.assertTrue((found.lo >= 0).all())
        if found.status == 'naive':
            self.assertEqual(found.backtest_error, found.naive_error)
            np.testing.assert_array_equal(
                found.mean, seasonal_naive(np.array(y, dtype=float), horizon, season_length))
        elif not is_intermittent(known):
            self.assertLess(found.backtest_error, found.naive_error)

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.floats(1, 100), min_size=12, max_size=40), st.sampled_from([0.001, 1000.0]))
    def test_the_unit_does_not_matter(self, y, unit):
        once, other = (forecast(np.array(y) * factor, 4, 4) for factor in (1, unit))
        self.assertEqual(once.model, other.model)
        np.testing.assert_allclose(other.mean, once.mean * unit, rtol=0.01, atol=0.05 * unit)

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.floats(0, 100), min_size=12, max_size=40), st.integers(1, 5))
    def test_periods_before_launch_do_not_matter(self, y, before):
        once, other = forecast(y, 4, 4), forecast([NAN] * before + y, 4, 4)
        np.testing.assert_array_equal(once.mean, other.mean)
        np.testing.assert_array_equal(once.hi, other.hi)

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.integers(0, 9).map(float), min_size=12, max_size=40))
    def test_a_higher_level_has_wider_bounds(self, y):
        narrow, wide = forecast(y, 4, 4, level=50), forecast(y, 4, 4, level=95)
        self.assertTrue((wide.lo <= narrow.lo).all() and (narrow.hi <= wide.hi).all())

    def test_season_and_trend_are_found(self):
        y = seasonal_series()
        found = forecast(y[:48], 12, 12)
        self.assertEqual(found.status, 'ok')
        self.assertLess(found.backtest_error, found.naive_error)
        self.assertLess(smape(y[48:], found.mean), smape(y[48:], seasonal_naive(y[:48], 12, 12)))

    def test_bounds_hold_what_they_promise(self):
        rng = np.random.default_rng(5)
        covered = {80: [], 95: []}
        for size in (14, 30, 60) * 10:
            y = rng.gamma(5, 20, size + 6)
            for level, shares in covered.items():
                found = forecast(y[:-6], 6, 12, level=level)
                shares.append(np.mean((y[-6:] >= found.lo) & (y[-6:] <= found.hi)))
        self.assertTrue(0.72 < np.mean(covered[80]) < 0.95, np.mean(covered[80]))
        self.assertGreater(np.mean(covered[95]), 0.9)

    def test_gaps_are_no_demand_of_zero(self):
        y = seasonal_series()
        gaps = y.copy()
        gaps[[20, 21, 22, 40, 59]] = NAN
        np.testing.assert_allclose(forecast(gaps, 6, 12).mean, forecast(y, 6, 12).mean, rtol=0.05)

    def test_what_repeats_is_naive(self):
        found = forecast([1, 2, 3] * 10, 5, 3)
        self.assertEqual((found.status, found.model, found.backtest_error, found.naive_error), ('naive', NAIVE, 0, 0))
        self.assertEqual(found.mean.tolist(), [1, 2, 3, 1, 2])
        self.assertEqual(found.lo.tolist(), found.hi.tolist())

    def test_nothing_sold_is_nothing_expected(self):
        found = forecast(np.zeros(24), 3, 12)
        self.assertEqual(found.mean.tolist() + found.lo.tolist() + found.hi.tolist(), [0] * 9)

    def test_intermittent_demand_has_a_flat_mean_and_whole_bounds(self):
        rng = np.random.default_rng(3)
        y = np.where(rng.random(60) < 0.3, rng.integers(1, 5, 60), 0)
        found = forecast(y, 6, 12)
        self.assertEqual((found.model, found.status), (INTERMITTENT_COMBINATION, 'ok'))
        self.assertEqual(np.ptp(found.mean), 0)
        self.assertAlmostEqual(found.mean[0], y.mean(), delta=0.4)
        self.assertEqual(found.lo.tolist(), [0] * 6)
        self.assertIn(found.hi[0], (1, 2, 3))

    def test_what_sells_in_december_only_is_expected_in_december(self):
        y = np.zeros(48)
        y[11::12] = 10, 12, 9, 11
        found = forecast(y, 12, 12)
        self.assertEqual((found.model, found.status), (NAIVE, 'naive'))
        self.assertEqual(found.mean.tolist(), [0] * 11 + [11])

    def test_too_few_periods_are_not_forecast(self):
        known = [5.0] * (MIN_PERIODS - 1)
        for y in ([], [NAN] * 30, known, [NAN] * 10 + known + [NAN]):
            self.assertEqual(forecast(y, 3, 12).status, 'abstained')
        self.assertEqual(forecast(known + [5.0], 3, 12).mean.tolist(), [5] * 3)

    def test_returns_may_be_forecast_below_zero(self):
        found = forecast(-seasonal_series(), 12, 12)
        self.assertEqual(found.status, 'ok')
        self.assertLess(found.hi.max(), 0)

    def test_what_is_no_series_is_refused(self):
        for arguments, message in (
            (([[1, 2]], 3, 12), "2 dimensions"),
            (([1, float('inf')], 3, 12), r"y\[1\] is infinite"),
            (([1], 0, 12), "horizon is 0"),
            (([1], 2.5, 12), "horizon is 2.5"),
            (([1], 3, 0), "season_length is 0"),
            (([1], 3, 12, 100), "level is 100"),
            (([1], 3, 12, 0), "level is 0"),
            ((['many'], 3, 12), "could not convert"),
        ):
            with self.assertRaisesRegex(ValueError, message):
                forecast(*arguments)


class TestManyForecasts(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rng = np.random.default_rng(2)
        cls.series = [rng.gamma(3, 10, rng.integers(5, 30)) for _number in range(25)]

    def assertSame(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for one, other in zip(found, expected, strict=True):
            self.assertEqual((one.model, one.status), (other.model, other.status))
            np.testing.assert_array_equal(np.array([one.mean, one.lo, one.hi]), [other.mean, other.lo, other.hi])

    def test_many_are_as_each_alone(self):
        calls = []
        found = forecast_many(self.series, 3, 4, progress=lambda done, of: calls.append((done, of)))
        self.assertSame(found, [forecast(y, 3, 4) for y in self.series])
        self.assertEqual(calls, [(25, 25)])
        self.assertEqual(forecast_many([], 3, 4), [])

    def test_stopped_work_goes_on_with_what_is_left(self):
        work = iter_forecasts(self.series, 3, 4, chunk=10)
        done = next(work)
        work.close()
        self.assertEqual(len(done), 10)
        rest = [found for piece in iter_forecasts(self.series[10:], 3, 4, chunk=10) for found in piece]
        self.assertSame(done + rest, forecast_many(self.series, 3, 4))

    def test_processes_find_the_same_and_end(self):
        threads = threading.active_count()
        pieces = list(iter_forecasts(self.series, 3, 4, level=90, jobs=2, chunk=5))
        self.assertEqual([len(piece) for piece in pieces], [5] * 5)
        self.assertSame(sum(pieces, []), forecast_many(self.series, 3, 4, level=90))
        self.assertEqual(threading.active_count(), threads)

    def test_stopped_processes_end(self):
        started = []
        start = forecast_pool._start
        try:
            forecast_pool._start = lambda: started.append(start()) or started[-1]
            work = iter_forecasts(self.series, 3, 4, jobs=2, chunk=5)
            next(work)
            work.close()
        finally:
            forecast_pool._start = start
        self.assertEqual(len(started), 2)
        self.assertTrue(all(process.poll() is not None for process in started))

    def test_a_bad_series_is_refused_by_a_process_too(self):
        with self.assertRaisesRegex(ValueError, r"y\[0\] is infinite"):
            list(iter_forecasts([*self.series, [float('inf')]], 3, 4, jobs=2, chunk=5))


class TestModels(unittest.TestCase):

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.floats(0.5, 100), min_size=12, max_size=60), st.sampled_from([1, 2, 4, 5]))
    def test_season_out_and_in_again_is_the_series(self, y, season_length):
        y = np.array(y)
        found = take_out_season(y, season_length)
        np.testing.assert_allclose(found.fill(np.ones(len(y), bool)), y, rtol=1e-9)
        self.assertEqual(len(found.with_season(np.ones(7))), 7)

    def test_season_by_autocorrelation(self):
        y = seasonal_series()
        self.assertTrue(is_seasonal(y, 12))
        self.assertFalse(is_seasonal(y[:23], 12), "less than two seasons")
        self.assertFalse(is_seasonal(y, 1))
        self.assertFalse(is_seasonal(np.ones(60), 12))
        self.assertFalse(is_seasonal(np.random.default_rng(4).normal(size=200), 12))
        found = take_out_season(y, 12)
        self.assertTrue(found.multiplies)
        self.assertAlmostEqual(found.season.max(), 1.3, delta=0.05)
        self.assertLess(np.std(found.values), np.std(y) / 3)
        self.assertFalse(take_out_season(y - 200, 12).multiplies)

    def test_gaps_in_the_way_of_the_season(self):
        y = seasonal_series()
        gaps = y.copy()
        gaps[26:30] = NAN
        filled = fill_gaps(gaps, 12)
        np.testing.assert_allclose(filled[26:30], y[26:30], rtol=0.1)
        np.testing.assert_array_equal(filled[~np.isnan(gaps)], gaps[~np.isnan(gaps)])

    def test_seasonal_naive_takes_what_is_known(self):
        y = np.array([1, 2, 3, 4, NAN, 6, 7, NAN])
        self.assertEqual(seasonal_naive(y, 5, 4).tolist(), [1, 6, 7, 4, 1])
        self.assertEqual(seasonal_naive(y[4:7], 2, 4).tolist(), [7, 7])
        self.assertEqual(seasonal_naive(np.array([NAN, 5, NAN, NAN]), 3, 3).tolist(), [5, 5, 5])

    def test_the_combination_is_the_mean(self):
        means = smooth_means(seasonal_series(), 6, 12)
        np.testing.assert_allclose(
            means[COMBINATION], (means['Theta'] + means['Dynamic Theta'] + means['AutoETS']) / 3)

    def test_the_back_test_knows_no_future(self):
        """What came after an origin does not change what was forecast there."""
        y = seasonal_series()[:40]
        other = np.concatenate((y[:-1], [1000]))
        once, changed = (back_test(values, 6, 12, False) for values in (y, other))
        before = once.targets < 39
        for name in once.errors:
            np.testing.assert_array_equal(once.errors[name][before], changed.errors[name][before])

    def test_the_bound_of_intermittent_demand_is_the_nearest(self):
        y = np.array([0, 0, 0, 0, 3] * 8, dtype=float)
        test = back_test(y, 6, 1, True)
        self.assertEqual(intermittent_bound(y, test, 0.6, 80), 0)
        self.assertEqual(intermittent_bound(y, test, 0.6, 95), 3)


class TestPublicData(unittest.TestCase):
    """On samples of what `bench/inventory_forecasts.py` looks at as a whole; each sample is not what was tuned on."""

    def test_m3_sample(self):
        found = {}
        for series, period, _type, part, _index, value in read_shared('m3.csv.gz')[1:]:
            if int(series[1:]) % 60 == 1:
                found.setdefault((series, period), {'train': [], 'test': []})[part].append(float(value))
        self.assertEqual(len(found), 51)
        ours, naive, covered = [], [], []
        for (_series, period), parts in found.items():
            known, later = np.array(parts['train']), np.array(parts['test'])
            season_length = {'QUARTERLY': 4, 'MONTHLY': 12}.get(period, 1)
            forecasted = forecast(known, len(later), season_length)
            ours.append(smape(later, forecasted.mean))
            naive.append(smape(later, smooth_means(known, len(later), season_length)['NAIVE2']))
            covered.append(np.mean((later >= forecasted.lo) & (later <= forecasted.hi)))
        self.assertLess(np.mean(ours), np.mean(naive))
        self.assertLess(np.mean(ours), 15)
        self.assertTrue(0.7 < np.mean(covered) < 0.93, np.mean(covered))

    def test_carparts_sample(self):
        errors, covered = [], []
        for row in read_shared('carparts.csv.gz')[1::10]:
            known, later = np.array([float(value or 'nan') for value in row[1:40]]), np.array(
                [float(value or 'nan') for value in row[40:]])
            if np.isnan([*known, *later]).any() or not np.ptp(known):
                continue
            found = forecast(known, 12, 12)
            errors.append([rmsse(later, mean, known) for mean in (
                found.mean, np.zeros(12), known.mean(), seasonal_naive(known, 12, 12))])
            covered.append(np.mean((later >= found.lo) & (later <= found.hi)))
        ours, zero, mean, naive = np.mean(errors, axis=0)
        self.assertGreater(len(errors), 200)
        self.assertTrue(ours < zero and ours < mean and ours < naive, (ours, zero, mean, naive))
        self.assertTrue(0.75 <= np.mean(covered) <= 0.9, np.mean(covered))
