"""How often suggestions for a customer are in the next basket, which the recommender has not seen.

The last basket of each customer is held back (all lines of a day are one). Beside the recommender stand two rules that
need no model: what most customers bought, and what the customer himself bought on most days.
"""
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from .affinity import fit_recommender
from .evidence import ThinDataError
from .order_days import group_starts

#: baskets that a comparison needs, and that are looked at
MIN_BASKETS, MAX_BASKETS = 50, 5000


@dataclass(frozen=True)
class Quality:
    """Share of the baskets with one of the suggested products at least, and mean share of a basket suggested.

    Each by 'model', 'popular' (what most customers bought) and 'own' (what the customer bought most; equally often
    bought products by their popularity).
    """
    hit_rate: dict[str, float]
    recall: dict[str, float]
    baskets: int


def judge(customers, products, days, n=10, seed=0) -> Quality:
    """Return how good suggestions are on baskets held back.

    :param customers: as in :func:`.affinity.fit_recommender`, like the next two
    :param n: suggestions for each customer
    :raise ThinDataError: as :func:`.affinity.fit_recommender`; and ``few_baskets`` (baskets, required)
    """
    customers, products, days = map(np.asarray, (customers, products, days))
    days = days.astype('datetime64[D]')
    ids, codes = np.unique(customers, return_inverse=True)
    last = np.full(len(ids), np.datetime64('0001-01-01'))
    np.maximum.at(last, codes, days)
    known = days < last[codes]
    chosen = np.unique(codes[known])
    if len(chosen) < MIN_BASKETS:
        raise ThinDataError('few_baskets', baskets=len(chosen), required=MIN_BASKETS)
    if len(chosen) > MAX_BASKETS:
        chosen = np.sort(np.random.default_rng(seed).choice(chosen, MAX_BASKETS, replace=False))

    model = fit_recommender(customers[known], products[known], days[known])
    baskets = defaultdict(set)
    held = ~known & np.isin(codes, chosen)
    for code, product in zip(codes[held].tolist(), products[held].tolist(), strict=True):
        baskets[code].add(product)
    suggested = {'model': {
        code: [suggestion.product for suggestion in model.recommend(ids[code], n, as_of=last[code])]
        for code in baskets}}
    suggested['popular'], suggested['own'] = _naive(codes, products, days, known, set(baskets), n)
    return Quality(
        {name: _hit_rate(found, baskets) for name, found in suggested.items()},
        {name: _recall(found, baskets) for name, found in suggested.items()}, len(baskets))


def _naive(codes, products, days, known, wanted, n):
    """Return {customer: products} of both rules."""
    names, product = np.unique(products, return_inverse=True)
    rows = np.column_stack((codes, product, days.astype(np.int64)))[known]
    rows = np.unique(rows, axis=0)
    starts = group_starts(rows[:, 0], rows[:, 1])
    pairs, times = rows[starts, :2], np.diff(np.r_[starts, len(rows)])
    buyers = np.bincount(pairs[:, 1], minlength=len(names))
    popular = names[np.lexsort((np.arange(len(names)), -buyers))[:n]].tolist()
    own = defaultdict(list)
    for place in np.lexsort((pairs[:, 1], -buyers[pairs[:, 1]], -times)).tolist():
        code = int(pairs[place, 0])
        if code in wanted and len(own[code]) < n:
            own[code].append(names[pairs[place, 1]].item())
    return dict.fromkeys(wanted, popular), own


def _hit_rate(suggested, baskets) -> float:
    return sum(bool(basket.intersection(suggested[code])) for code, basket in baskets.items()) / len(baskets)


def _recall(suggested, baskets) -> float:
    return sum(len(basket.intersection(suggested[code])) / len(basket) for code, basket in baskets.items()) / len(
        baskets)
