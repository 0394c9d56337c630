"""Who will do it (buy this category, stay away), told by a few rules; nothing here knows Odoo.

A tree of L. Breiman, J. Friedman, R. Olshen and C. Stone (*Classification and Regression Trees*, 1984; scikit-learn's),
kept small, as its leaves are read by people. It is judged on what came after the data that it was fitted on: rows are
in the order of time, and each fold is told by a tree of the rows before it (an expanding window).
"""
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .evidence import ThinDataError
from .feature_matrix import checked_features, stratified_sample
from .tree_rules import Condition, conditions, matches, read_leaves, to_domain, to_text

#: of either kind, below which a rate would be an accident
MIN_CASES = 50
MIN_SUPPORT = 20
FOLDS = 5
BINS = 10
#: how much a question must be worth for each leaf that it adds, as chi-square: of all the thresholds that it was chosen
#: from, the best often reaches 4 by chance, seldom 10
MIN_CHI_SQUARE = 10
#: rows that a tree is fitted on; more take longer and tell no more
SAMPLE = 100_000


@dataclass(frozen=True)
class TreeRule:
    """What holds for ``support`` rows, a share ``rate`` of which did it: ``lift`` times as many as of all."""
    conditions: tuple[Condition, ...]
    support: int
    rate: float
    lift: float

    @property
    def domain(self) -> list:
        return to_domain([self.conditions])

    @property
    def sentence(self) -> str:
        return (
            f'{to_text([self.conditions])}: {self.rate:.0%} of {self.support:,}, {self.lift:.1f} times the average')


@dataclass(frozen=True)
class CalibrationBin:
    """``count`` rows that were held out: what was predicted for them on average, and the share that did it."""
    predicted: float
    observed: float
    count: int


@dataclass(frozen=True)
class TreeModel:
    """Rules, the highest rate first; every case fulfils exactly one.

    ``base_rate`` is the share of all rows that did it. ``auc`` is how often a row that did it was ranked above one
    that did not (0.5 is chance, 1 is always), the mean over the folds that were held out, and ``naive_auc`` the same
    of the naive scores in these very folds; ``folds`` is their number. ``calibration`` compares predicted with
    observed rates on the same rows, in steps of a tenth.
    """
    rules: tuple[TreeRule, ...]
    auc: float
    base_rate: float
    calibration: tuple[CalibrationBin, ...]
    feature_names: tuple[str, ...]
    folds: int
    naive_auc: float | None = None

    def predict(self, features) -> np.ndarray:
        """Return for each row the rate of the rule that it fulfils, of shape (rows,).

        :param features: finite numbers of shape (rows, columns), the columns those of the fit
        :raise ValueError: the matrix cannot be used
        """
        return predict(self.rules, features, self.feature_names)


def predict(rules: Sequence[TreeRule], features, feature_names: Sequence[str]) -> np.ndarray:
    """Return for each row the rate of the rule that it fulfils, of shape (rows,).

    :param rules: those of one tree
    """
    matrix, names = checked_features(features, feature_names)
    return _predict(rules, matrix, names)


def find_rules(features, target, feature_names: Sequence[str], max_depth: int = 4, seed: int = 0):
    """Return the rules that `fit_tree` does, without judging them; of rows of one kind only, the one rule there is."""
    matrix, names = checked_features(features, feature_names)
    return _rules(matrix, _checked_target(target, len(matrix)), names, max_depth, seed)


def fit_tree(
    features, target, feature_names: Sequence[str], max_depth: int = 4, seed: int = 0, order=None, naive=None,
) -> TreeModel:
    """Return the rules that tell who does it, judged on later rows than they were found in.

    :param features: finite numbers of shape (rows, columns), known before it is known who did it
    :param target: of shape (rows,): who did it, as booleans or 0 and 1
    :param feature_names: one for each column
    :param max_depth: how many questions a rule may ask, 1 to 10
    :param order: of shape (rows,), what sorts rows by time; rows of one moment are never in two folds. Without it the
        rows are in the order of time
    :param naive: of shape (rows,), scores of a rule of thumb to compare with; higher is likelier
    :raise ValueError: the matrix cannot be used (see `checked_features`), or the rest does not fit it
    :raise ThinDataError: 'positives' or 'negatives', with ``count`` and ``needed``: too few rows that did it, or that
        did not; 'moments', with ``count``: nothing came later that rules could be judged on
    """
    matrix, names = checked_features(features, feature_names)
    hits = _checked_target(target, len(matrix))
    if isinstance(max_depth, bool) or max_depth not in range(1, 11):
        raise ValueError(f"max_depth must be from 1 to 10, not {max_depth!r}.")
    for code, count in (('positives', np.count_nonzero(hits)), ('negatives', np.count_nonzero(~hits))):
        if count < MIN_CASES:
            raise ThinDataError(code, count=count, needed=MIN_CASES)
    scores = None if naive is None else checked_features(np.reshape(naive, (-1, 1)), ['naive'])[0][:, 0]
    if scores is not None and len(scores) != len(matrix):
        raise ValueError(f"{len(scores)} naive scores do not fit {len(matrix)} rows.")

    moments = _moments(order, len(matrix))
    held_out = _hold_out(matrix, hits, names, max_depth, seed, moments)
    if not held_out:
        raise ThinDataError('moments', count=int(moments.max()) + 1)
    return TreeModel(
        rules=_rules(matrix, hits, names, max_depth, seed),
        auc=_mean_auc((hits[rows], predicted) for rows, predicted in held_out),
        base_rate=float(hits.mean()),
        calibration=_calibration(
            np.concatenate([predicted for _rows, predicted in held_out]),
            np.concatenate([hits[rows] for rows, _predicted in held_out])),
        feature_names=names,
        folds=len(held_out),
        naive_auc=None if scores is None else _mean_auc((hits[rows], scores[rows]) for rows, _predicted in held_out),
    )


def _checked_target(target, count):
    hits = np.asarray(target)
    if hits.shape != (count,):
        raise ValueError(f"target must have one value for each of {count} rows, not the shape {hits.shape}.")
    if hits.dtype.kind not in 'biuf' or not np.isin(hits, (0, 1)).all():
        raise ValueError("target must be 0 or 1 in every row.")
    return hits.astype(bool)


def _moments(order, count):
    """Return by row the rank of its moment."""
    if order is None:
        return np.arange(count)
    order = np.asarray(order)
    if order.shape != (count,):
        raise ValueError(f"order must have one value for each of {count} rows, not the shape {order.shape}.")
    if order.dtype.kind == 'M' and np.isnat(order).any() or order.dtype.kind == 'f' and not np.isfinite(order).all():
        raise ValueError("A row without a time has no place in the order.")
    return np.unique(order, return_inverse=True)[1]


def _hold_out(matrix, hits, names, max_depth, seed, moments):
    """Return the folds that can be judged, as their rows and what is predicted for these."""
    by_time = np.argsort(moments, kind='stable')
    sorted_moments = moments[by_time]
    starts = sorted_moments[[len(matrix) * fold // (FOLDS + 1) for fold in range(1, FOLDS + 1)]]
    borders = [border for border in np.unique(np.searchsorted(sorted_moments, starts)).tolist() if border]
    held_out = []
    for begin, end in pairwise([*borders, len(matrix)]):
        before, rows = by_time[:begin], by_time[begin:end]
        if _both(hits[before]) and _both(hits[rows]):
            rules = _rules(matrix[before], hits[before], names, max_depth, seed)
            held_out.append((rows, _predict(rules, matrix[rows], names)))
    return held_out


def _both(hits):
    return bool(hits.any() and not hits.all())


def _rules(matrix, hits, names, max_depth, seed):
    """Return the rules of a tree, the highest rate first; they are counted on all rows."""
    from sklearn.tree import DecisionTreeClassifier

    chosen = stratified_sample(hits.astype(np.int8), SAMPLE, np.random.default_rng(seed))
    base_rate = float(hits.mean())
    model = DecisionTreeClassifier(
        max_depth=max_depth,
        min_samples_leaf=max(MIN_SUPPORT, len(chosen) // 200),
        # as chi-square of a split is its decrease of the Gini impurity, times rows / (2 rate (1 - rate))
        ccp_alpha=MIN_CHI_SQUARE * 2 * base_rate * (1 - base_rate) / len(chosen),
        random_state=seed,
    )
    model.fit(matrix[chosen], hits[chosen])
    rules = []
    for box, _node in read_leaves(model.tree_, matrix[chosen]):
        terms = conditions(box, names)
        found = matches([terms], matrix, names)
        support, rate = int(np.count_nonzero(found)), float(hits[found].mean())
        rules.append(TreeRule(terms, support, rate, rate / base_rate if base_rate else 1.0))
    return tuple(sorted(rules, key=lambda rule: (-rule.rate, -rule.support)))


def _predict(rules, matrix, names):
    rates = np.empty(len(matrix))
    for rule in rules:
        rates[matches([rule.conditions], matrix, names)] = rule.rate
    return rates


def _mean_auc(folds):
    from sklearn.metrics import roc_auc_score

    return float(np.mean([roc_auc_score(hits, scores) for hits, scores in folds]))


def _calibration(predicted, hits):
    bins = np.minimum((predicted * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sums = (np.bincount(bins, weights=values, minlength=BINS) for values in (predicted, hits))
    return tuple(
        CalibrationBin(float(total / count), float(found / count), int(count))
        for total, found, count in zip(*sums, counts, strict=True) if count
    )
