"""Segments of a base of customers, and the rules that tell them; nothing here knows Odoo.

Segments are found by k-means (S. Lloyd, IEEE Trans. Inf. Theory 28, 1982; scikit-learn's). Their number is judged by
the silhouette (P. Rousseeuw, J. Comput. Appl. Math. 20, 1987: how much nearer a case is to its own segment than to the
next, -1 to 1) and by stability (U. von Luxburg, Found. Trends Mach. Learn. 2, 2010: how alike the segments found in
resampled cases are, by the adjusted Rand index of L. Hubert and P. Arabie, J. Classif. 2, 1985; 0 is chance, 1 is
the same). k-means has no words for what it found: a small decision tree over its segments has, and its rules are what
people read, edit and search by.

How features are scaled decides what k-means sees, so:

- each is winsorised at its 1st and 99th percentile, as one order of ten million would else be a segment of its own;
- where nothing is negative and the skewness is above 1, its logarithm is taken, as of revenue: twice as much is as big
  a step for a small customer as for a large one. It is ``log1p(value / unit)``, the unit being what a tenth of the
  positive values does not exceed: nought stays nought, and the currency does not matter;
- each then gets mean 0 and deviation 1, as days and amounts have no common unit.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .evidence import ThinDataError
from .feature_matrix import checked_features, stratified_sample
from .tree_rules import Condition, conditions, matches, merge_boxes, read_leaves, to_domain, to_text

WINSOR = (0.01, 0.99)
SKEWED = 1.0
CANDIDATES = range(3, 9)
MIN_ROWS_PER_SEGMENT = 10
#: below it the segments of another sample would be others
STABLE = 0.75
RESAMPLES = 3

# Rows that are enough: to scale by, to look for segments in, to fit a resample on, to describe by, and for silhouettes,
# which compare every row with every other.
SCALED_BY = 100_000
SEARCHED = 10_000
RESAMPLED = 2_500
DESCRIBED_BY = 30_000
COMPARED = 1_500

#: share of each segment that its rule finds, on average, from which on more leaves would only be harder to read
FAITHFUL = 0.85


@dataclass(frozen=True)
class Trial:
    """How well the cases fall into ``k`` segments."""
    k: int
    silhouette: float
    stability: float


@dataclass(frozen=True)
class SegmentRule:
    """What tells a segment: the cases that fulfil every condition of at least one of ``disjuncts``.

    ``count`` cases do, a share ``precision`` of them is in the segment, and a share ``recall`` of the segment is
    among them; on large data these are measured on a sample, and the count is scaled up. No disjunct: nothing tells
    the segment.
    """
    label: int
    disjuncts: tuple[tuple[Condition, ...], ...]
    count: int
    precision: float
    recall: float

    @property
    def domain(self) -> list:
        return to_domain(self.disjuncts)

    @property
    def description(self) -> str:
        return to_text(self.disjuncts)


@dataclass(frozen=True)
class Segmentation:
    """Cases in segments 0 to ``k`` - 1, the largest first.

    ``labels`` is of shape (rows,), ``sizes`` of (k,). ``centers``, of shape (k, columns), is the mean of each segment
    in the units of the features, after winsorising; ``deviations``, of the same shape, is where each segment lies on
    the scale that it was cut on: 1 is a standard deviation above the mean of all. ``silhouette`` and ``stability`` are
    those of the segments (see the module), ``trials`` those of every number that was tried; ``rules`` tells each one.
    """
    labels: np.ndarray
    centers: np.ndarray
    k: int
    silhouette: float
    stability: float
    sizes: np.ndarray
    deviations: np.ndarray
    trials: tuple[Trial, ...]
    rules: tuple[SegmentRule, ...]


def segment(features, feature_names: Sequence[str], k: int | None = None, seed: int = 0) -> Segmentation:
    """Return the segments that cases fall into.

    Without ``k`` it is the number from 3 to 8 of the highest silhouette among the stable ones, and the most stable one
    where none is. On many rows, the number and the first centers are found in a sample; the last fit is over all of
    them. The same seed gives the same segments.

    :param features: finite numbers of shape (rows, columns)
    :param feature_names: one for each column
    :param k: how many segments, at least 2
    :raise ValueError: the matrix cannot be used (see `checked_features`), no column varies, or there are fewer
        different rows than segments
    :raise ThinDataError: 'rows', with ``rows`` and ``needed``: fewer than 10 cases for each segment
    """
    from threadpoolctl import threadpool_limits

    matrix, names = checked_features(features, feature_names)
    if k is not None and (isinstance(k, bool) or k != int(k) or k < 2):
        raise ValueError(f"k must be a whole number of at least 2, not {k!r}.")
    least = CANDIDATES[0] if k is None else int(k)
    needed = MIN_ROWS_PER_SEGMENT * least
    if len(matrix) and (matrix == matrix[0]).all():
        raise ValueError(f"Every column is constant: {', '.join(names)}.")
    if k is not None and len(matrix) < k:
        raise ValueError(f"{k} segments of {len(matrix)} rows are not possible.")
    if len(matrix) < needed:
        raise ThinDataError('rows', rows=len(matrix), needed=needed)

    rng = np.random.default_rng(seed)
    winsorised, scaled = _scale(matrix, rng)
    distinct = _count_distinct(scaled, max(least, CANDIDATES[-1]))
    if distinct < least:
        raise ValueError(f"{least} segments are not possible: only {distinct} rows differ.")
    most = min(distinct, len(matrix) // MIN_ROWS_PER_SEGMENT)
    candidates = [k for k in CANDIDATES if k <= most] if k is None else [int(k)]

    searched = scaled if len(scaled) <= SEARCHED else scaled[np.sort(rng.choice(len(scaled), SEARCHED, replace=False))]
    with threadpool_limits(1):  # so few rows are done before threads have been told of them
        tried = [(*_try(searched, number, rng, seed), number) for number in candidates]
    trial, centers, number = max(tried, key=lambda found: (
        min(found[0].stability, STABLE), found[0].silhouette if found[0].stability >= STABLE else 0, -found[2]))
    labels = _fit(scaled, number, seed, centers).labels_
    labels, sizes = _renumbered(labels, scaled, number)
    return Segmentation(
        labels=labels,
        centers=_means(winsorised, labels, sizes),
        k=number,
        silhouette=_silhouette(scaled, labels, rng),
        stability=trial.stability,
        sizes=sizes,
        deviations=_means(scaled, labels, sizes),
        trials=tuple(found[0] for found in tried),
        rules=tuple(describe(matrix, labels, names, seed)),
    )


def silhouette(features, labels, feature_names: Sequence[str], seed: int = 0) -> float:
    """Return how well other segments of cases hold together, on the scale that `segment` cuts on.

    :param features: finite numbers of shape (rows, columns)
    :param labels: whole numbers from 0, of shape (rows,)
    :raise ValueError: the matrix cannot be used (see `checked_features`), or there are fewer than two segments
    """
    matrix, _names = checked_features(features, feature_names)
    rng = np.random.default_rng(seed)
    return _silhouette(_scale(matrix, rng)[1], np.unique(labels, return_inverse=True)[1], rng)


def _scale(matrix, rng):
    """Return the matrix winsorised, and scaled as the module tells, both as single floats."""
    sample = matrix if len(matrix) <= SCALED_BY else matrix[rng.integers(len(matrix), size=SCALED_BY)]
    low, high = np.quantile(sample, WINSOR, axis=0)
    winsorised = np.clip(matrix, low, high).astype(np.float32)
    scaled = winsorised.copy()
    sample = np.clip(sample, low, high)
    for column in range(matrix.shape[1]):
        values = scaled[:, column]
        if low[column] >= 0 and _skewness(sample[:, column]) > SKEWED:
            positive = sample[:, column][sample[:, column] > 0]
            values /= np.quantile(positive, 0.1)
            np.log1p(values, out=values)
        # a column that hardly ever differs tells nothing of most customers, and stays at 0
        values -= values.mean(dtype=np.float64)
        deviation = values.std(dtype=np.float64)
        if deviation > 0:
            values /= deviation
    if not scaled.any():
        raise ThinDataError('constant', rows=len(matrix))
    return winsorised, scaled


def _skewness(values):
    centered = values - values.mean()
    deviation = centered.std()
    return float((centered ** 3).mean() / deviation ** 3) if deviation else 0.0


def _count_distinct(scaled, enough):
    """Return how many rows differ, or some number not below ``enough``."""
    start = len(np.unique(scaled[:10 * enough], axis=0))
    return start if start >= enough else len(np.unique(scaled, axis=0))


def _fit(rows, k, seed, centers=None):
    from sklearn.cluster import KMeans

    starts = {'n_init': 2} if centers is None else {'n_init': 1, 'init': centers}
    return KMeans(k, random_state=seed, **starts).fit(rows)


def _try(rows, k, rng, seed):
    """Return how well rows fall into k segments, and the centers of these."""
    from sklearn.metrics import adjusted_rand_score

    fitted = _fit(rows, k, seed)
    agreements = []
    for _turn in range(RESAMPLES):
        resample = rows[rng.integers(len(rows), size=min(len(rows), RESAMPLED))]
        if len(np.unique(resample, axis=0)) >= k:
            agreements.append(adjusted_rand_score(fitted.labels_, _fit(resample, k, seed).predict(rows)))
    stability = float(np.mean(agreements)) if agreements else 0.0
    return Trial(k, _silhouette(rows, fitted.labels_, rng), stability), fitted.cluster_centers_


def _silhouette(rows, labels, rng):
    from sklearn.metrics import silhouette_score

    # a segment of a single row says nothing of the silhouette, and one segment alone has none
    chosen = stratified_sample(labels, COMPARED, rng)
    return float(silhouette_score(rows[chosen], labels[chosen]))


def _renumbered(labels, scaled, k):
    """Return labels with the largest segment first, and the sizes; among equals, that of the smaller center."""
    sizes = np.bincount(labels, minlength=k)
    centers = _means(scaled, labels, sizes)
    order = np.lexsort((*centers.T[::-1], -sizes))
    ranks = np.empty(k, np.int32)
    ranks[order] = np.arange(k)
    return ranks[labels], sizes[order]


def _means(matrix, labels, sizes):
    sums = [np.bincount(labels, weights=matrix[:, column], minlength=len(sizes)) for column in range(matrix.shape[1])]
    return np.stack(sums, axis=1) / sizes[:, None]


def describe(features, labels, feature_names: Sequence[str], seed: int = 0) -> list[SegmentRule]:
    """Return for each segment the rule that tells it, in the order of the labels.

    A tree with few leaves is fitted to the segments, each weighing the same, and grown until its rules find 85 %
    of a segment on average, or there are two leaves a segment. The rules split all cases between them: each
    fulfils exactly one.

    :param features: finite numbers of shape (rows, columns)
    :param labels: whole numbers from 0, of shape (rows,)
    :param feature_names: one for each column
    :raise ValueError: the matrix cannot be used (see `checked_features`), or the labels do not fit it
    """
    matrix, names = checked_features(features, feature_names)
    labels = np.asarray(labels)
    if labels.shape != (len(matrix),) or labels.dtype.kind not in 'iu' or not len(labels) or labels.min() < 0:
        raise ValueError("labels must be whole numbers from 0, one for each row of features.")
    chosen = stratified_sample(labels, DESCRIBED_BY, np.random.default_rng(seed))
    rows, known, share = matrix[chosen], labels[chosen], len(labels) / len(chosen)
    disjuncts = _tell_apart(rows, known, int(labels.max()) + 1, names, seed)
    rules = []
    for label, terms in enumerate(disjuncts):
        found, true = matches(terms, rows, names), known == label
        hits = np.count_nonzero(found & true)
        rules.append(SegmentRule(
            label=label,
            disjuncts=terms,
            count=round(np.count_nonzero(found) * share),
            precision=hits / max(1, np.count_nonzero(found)),
            recall=hits / max(1, np.count_nonzero(true)),
        ))
    return rules


def _tell_apart(rows, labels, k, names, seed):
    """Return by label the disjuncts of the smallest tree that is faithful enough."""
    from sklearn.metrics import recall_score
    from sklearn.tree import DecisionTreeClassifier

    for leaves in range(k, 2 * k + 1):
        model = DecisionTreeClassifier(max_leaf_nodes=max(2, leaves), class_weight='balanced', random_state=seed)
        model.fit(rows, labels)
        if recall_score(labels, model.predict(rows), average='macro', zero_division=0) >= FAITHFUL:
            break
    boxes = [[] for _label in range(k)]
    for box, node in read_leaves(model.tree_, rows):
        boxes[model.classes_[model.tree_.value[node][0].argmax()]].append(box)
    return [tuple(conditions(box, names) for box in merge_boxes(found)) for found in boxes]
