import unittest
from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.sms_addon.tools.decision_tree import fit_tree
from odoo.addons.sms_addon.tools.evidence import ThinDataError
from odoo.addons.sms_addon.tools.tree_rules import matches

NAMES = ['days', 'orders', 'revenue']


def customers(count=4000, seed=0):
    """Return features, and who stays away: four fifths of those silent for over 90 days, a tenth of the others."""
    rng = np.random.default_rng(seed)
    features = np.column_stack([rng.integers(0, 365, count), rng.integers(1, 30, count), rng.lognormal(7, 1, count)])
    away = rng.random(count) < np.where(features[:, 0] > 90, 0.8, 0.1)
    return features, away


class TestFitTree(unittest.TestCase):

    def test_it_finds_what_decides(self):
        features, away = customers()
        model = fit_tree(features, away, NAMES, max_depth=1)
        likely, unlikely = model.rules
        self.assertEqual(likely.domain, [('days', '>', 90)])
        self.assertEqual(unlikely.domain, [('days', '<=', 90)])
        self.assertEqual(likely.support, (features[:, 0] > 90).sum())
        self.assertEqual(likely.rate, away[features[:, 0] > 90].mean())
        self.assertEqual(model.base_rate, away.mean())
        self.assertAlmostEqual(likely.lift, likely.rate / model.base_rate)
        self.assertRegex(likely.sentence, r'^days > 90: 8\d% of 3,0\d\d, 1\.\d times the average$|^days > 90: 7\d% of ')
        # by the rates above: two ranks, so the area is that of one step
        self.assertAlmostEqual(model.auc, 0.5 + (0.975 - 0.48) / 2, delta=0.08)

    def test_predictions_are_the_rates_of_the_rules(self):
        features, away = customers()
        model = fit_tree(features, away, NAMES)
        predicted = model.predict(features)
        for rule in model.rules:
            within = matches([rule.conditions], features, NAMES)
            self.assertEqual(set(predicted[within]), {rule.rate})
            self.assertEqual(rule.rate, away[within].mean())
            self.assertGreaterEqual(rule.support, 15)  # 20 before rounding
        self.assertEqual(sum(rule.support for rule in model.rules), len(features))
        self.assertEqual([rule.rate for rule in model.rules], sorted((r.rate for r in model.rules), reverse=True))
        with self.assertRaisesRegex(ValueError, '2 columns'):
            model.predict(features[:, :2])

    def test_what_is_predicted_happens_as_often(self):
        features, away = customers(20_000)
        model = fit_tree(features, away, NAMES)
        self.assertEqual(sum(bin.count for bin in model.calibration), 20_000 - 20_000 // 6)
        for bin in model.calibration:
            if bin.count > 500:
                self.assertAlmostEqual(bin.predicted, bin.observed, delta=0.05)

    def test_chance_is_not_told(self):
        rng = np.random.default_rng(5)
        model = fit_tree(rng.normal(size=(5000, 3)), rng.random(5000) < 0.3, NAMES)
        self.assertAlmostEqual(model.auc, 0.5, delta=0.03)

    def test_only_earlier_rows_are_learnt_from(self):
        # what decides turns round halfway: random folds would tell half of it, the past tells the opposite
        rng = np.random.default_rng(2)
        features = rng.random((2000, 1))
        away = np.where(np.arange(2000) < 1000, features[:, 0] > 0.5, features[:, 0] <= 0.5)
        shuffled = rng.permutation(2000)
        model = fit_tree(features[shuffled], away[shuffled], ['share'], order=shuffled)
        self.assertLess(model.auc, 0.6)
        self.assertEqual(model.auc, fit_tree(features, away, ['share']).auc)

    def test_rows_of_one_moment_are_never_in_two_folds(self):
        features, away = customers(1000)
        days = np.array([date(2026, 1, 1) + timedelta(30 * (row % 3)) for row in range(1000)], 'datetime64[D]')
        self.assertEqual(fit_tree(features, away, NAMES, order=days).folds, 2)
        with self.assertRaises(ThinDataError) as caught:
            fit_tree(features, away, NAMES, order=np.zeros(1000))
        self.assertEqual(caught.exception.code, 'moments')

    def test_a_rule_of_thumb_is_judged_on_the_same_rows(self):
        features, away = customers()
        model = fit_tree(features, away, NAMES, naive=features[:, 0])
        self.assertAlmostEqual(model.naive_auc, model.auc, delta=0.02)  # here the thumb knows as much
        self.assertGreater(model.auc, fit_tree(features, away, NAMES, naive=features[:, 1]).naive_auc + 0.2)
        self.assertIsNone(fit_tree(features, away, NAMES).naive_auc)
        self.assertEqual(fit_tree(features, away, NAMES, naive=np.zeros(4000)).naive_auc, 0.5)

    def test_too_few_of_either_kind_are_no_evidence(self):
        features, _away = customers()
        few = np.zeros(4000, bool)
        few[:49] = True
        for target, code in ((few, 'positives'), (~few, 'negatives'), (np.zeros(4000), 'positives')):
            with self.assertRaises(ThinDataError) as caught:
                fit_tree(features, target, NAMES)
            self.assertEqual((caught.exception.code, caught.exception.numbers['needed']), (code, 50))

    def test_what_cannot_be_learnt_from_is_refused(self):
        features, away = customers(500)
        broken = features.copy()
        broken[7, 2] = np.nan
        with self.assertRaisesRegex(ValueError, 'revenue is nan in row 7'):
            fit_tree(broken, away, NAMES)
        for options, text in (
            ({'target': away[:9]}, 'for each of 500 rows'), ({'target': away + 1}, '0 or 1'),
            ({'target': np.full(500, np.nan)}, '0 or 1'), ({'max_depth': 0}, 'max_depth'),
            ({'max_depth': 11}, 'max_depth'), ({'order': np.arange(9)}, 'order must have'),
            ({'order': np.full(500, 'NaT', 'datetime64[D]')}, 'without a time'),
            ({'naive': np.zeros(9)}, '9 naive scores'), ({'feature_names': NAMES[:2]}, '2 names'),
        ):
            with self.assertRaisesRegex(ValueError, text):
                fit_tree(**{'features': features, 'target': away, 'feature_names': NAMES, **options})

    def test_the_same_seed_gives_the_same_rules(self):
        features, away = customers(120_000)
        self.assertEqual(fit_tree(features, away, NAMES, seed=4), fit_tree(features, away, NAMES, seed=4))

    def test_many_rows_are_told_by_a_sample(self):
        features, away = customers(150_000)
        model = fit_tree(features, away, NAMES)
        self.assertEqual(sum(rule.support for rule in model.rules), 150_000)
        self.assertGreater(model.auc, 0.7)

    @settings(deadline=None, max_examples=25)
    @given(st.integers(0, 10_000), st.integers(1, 5))
    def test_every_case_fulfils_one_rule(self, seed, max_depth):
        features, away = customers(400, seed)
        model = fit_tree(features, away, NAMES, max_depth=max_depth)
        unseen = np.concatenate([features, customers(200, seed + 1)[0] * 3 - 100])
        self.assertEqual(set(sum(matches([rule.conditions], unseen, NAMES).astype(int) for rule in model.rules)), {1})
        self.assertTrue(all(len({term.feature for term in rule.conditions}) <= max_depth for rule in model.rules))
