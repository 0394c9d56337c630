"""What to offer a customer: scores and reasons, from what he bought and what goes together. Plain numpy, in batches.

Three things speak for a product, on one scale: the chance to be in the customer's next order.

* *repeat*: how often it was in his orders, where those long ago count less (by his own pace), a little less while it
  is not due yet, drawn towards how often other buyers of the product buy it again;
* *together*: how similar it is to what he bought, by who else bought both;
* *popular*: the share of all customers who bought it.

The constants were chosen on the second last baskets of the `online_retail` data, and are not fitted to the last ones,
which quality is measured on. The repeat part follows G. Faggioli, M. Polato and F. Aiolli, *Recency Aware
Collaborative Filtering for Next Basket Recommendation* (UMAP 2020), in spirit.
"""
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from .order_days import columns, group_starts, read_days, read_numbers

#: order days that the common rate of buying again counts for, beside the customer's own
PRIOR_DAYS = 8
#: what a purchase long ago still counts, and after how many of the customer's usual gaps it has faded by two thirds
FADED, FADING_GAPS = 0.2, 3
#: what a product that was just bought counts beside the same one when it is due
NOT_DUE = 0.8
#: chance of the product that goes best with what was bought
TOGETHER = 0.02
#: chance of a product that every customer bought
POPULAR = 0.2
#: cells of the table of customers and products that is worked out at once
CELLS = 4_000_000

KINDS = ('repeat', 'together', 'popular')


@dataclass(frozen=True)
class History:
    """What one customer bought: an entry a product.

    ``times`` is the number of days with it, ``last`` the latest of them (``datetime64[D]``), ``interval`` the median
    number of days between them (NaN for one day only); ``order_days`` are the days with any order, ``first`` the
    first of them.
    """
    product: np.ndarray
    times: np.ndarray
    last: np.ndarray
    interval: np.ndarray
    order_days: int
    first: date | None


@dataclass(frozen=True)
class Neighbours:
    """What goes together: an entry a product and neighbour.

    ``customers`` is the number of customers who bought both, ``similarity`` any positive number. The entry of a
    product with itself has its buyers, and the chance that a buyer's order has it again.
    """
    product: np.ndarray
    neighbour: np.ndarray
    similarity: np.ndarray
    customers: np.ndarray


@dataclass(frozen=True)
class Popular:
    """The most popular products and their numbers of buyers, out of ``customer_count``."""
    product: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    customers: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    customer_count: int = 0


@dataclass(frozen=True)
class Reason:
    """Why a product is suggested.

    - ``repeat``: the customer bought it ``times`` days, ``last`` on that date; ``interval`` is the median number of
      days between them and ``due`` the date it is expected on, both None after one day only
    - ``together``: bought with ``product`` by ``customers``
    - ``popular``: bought by ``customers``
    """
    kind: str
    product: object = None
    customers: int | None = None
    times: int | None = None
    interval: float | None = None
    last: date | None = None
    due: date | None = None


@dataclass(frozen=True)
class Suggestion:
    product: object
    score: float
    reason: Reason


@dataclass(frozen=True)
class Purchases:
    """What customers 0, 1, 2, ... bought of products 0, 1, 2, ...: an entry a customer and product, sorted by both.

    As :class:`History`, with the days since the last purchase as ``age``. ``order_days`` and ``pace``, the days from
    one order to the next, have one entry a customer.
    """
    customer: np.ndarray
    product: np.ndarray
    times: np.ndarray
    age: np.ndarray
    interval: np.ndarray
    order_days: np.ndarray
    pace: np.ndarray


@dataclass(frozen=True)
class Catalogue:
    """What goes together, of products 0, 1, 2, ...

    Entries ``starts[p]`` to ``starts[p + 1]`` of the first three columns are the neighbours of p, itself not among
    them. Then one entry a product: the chance to be ``again`` in a buyer's order, the number of ``buyers``, and
    whether it is among the most ``popular``.
    """
    starts: np.ndarray
    neighbour: np.ndarray
    similarity: np.ndarray
    customers: np.ndarray
    again: np.ndarray
    buyers: np.ndarray
    popular: np.ndarray
    customer_count: int


@dataclass(frozen=True)
class Ranking:
    """Suggestions of customers, sorted by customer and score: an entry a suggestion.

    ``kind`` is a position in ``KINDS``, ``purchase`` that in :class:`Purchases` (-1 for none), ``source`` the product
    that it goes with, of ``customers`` (-1 for none).
    """
    customer: np.ndarray
    product: np.ndarray
    score: np.ndarray
    kind: np.ndarray
    purchase: np.ndarray
    source: np.ndarray
    customers: np.ndarray


def suggest(history: History, neighbours: Neighbours, as_of, n: int, exclude=(), popular: Popular | None = None):
    """Return the ``n`` products with the best chance to be in the next order of a customer, the best first.

    :param history: see there; without an entry for a new customer
    :param neighbours: at least those of the products of ``history``
    :param as_of: the day of the next order
    :param exclude: products not to suggest
    :param popular: without, no popular product is suggested
    :return: list[Suggestion]
    :raise ValueError: a column cannot be read, or something was bought after ``as_of``
    """
    popular = popular or Popular()
    history_rows = _read_history(history, as_of)
    rows = columns(product=neighbours.product, neighbour=neighbours.neighbour, similarity=neighbours.similarity,
                   customers=neighbours.customers)
    rows[2] = read_numbers(rows[2], 'similarity')
    columns(product=popular.product, customers=popular.customers)
    names = np.unique(np.concatenate([
        np.asarray(column) for column in (history_rows[0], rows[0], rows[1], popular.product) if len(column)
    ] or [np.empty(0, np.int64)]))
    product, times, last, interval = history_rows
    order = np.argsort(product, kind='stable')
    age = (np.datetime64(as_of, 'D') - last).astype(float)
    first = np.datetime64(history.first or as_of, 'D')
    days = max(1, int(history.order_days))
    purchases = Purchases(
        customer=np.zeros(len(product), np.int64), product=np.searchsorted(names, product[order]),
        times=times[order], age=age[order], interval=interval[order], order_days=np.array([days]),
        pace=usual_gap(first, np.array([days]), as_of))
    catalogue = _catalogue(names, rows, popular)
    excluded = np.isin(names, np.asarray(list(exclude))) if len(exclude) else np.zeros(len(names), bool)
    ranking = rank(purchases, catalogue, n, excluded)
    return read_ranking(ranking, names, purchases, as_of)


def usual_gap(first, order_days, as_of) -> np.ndarray:
    """Return the days from one order to the next of customers; 1 at least."""
    return np.maximum((np.datetime64(as_of, 'D') - first).astype(float) / order_days, 1)


def rank(purchases: Purchases, catalogue: Catalogue, n: int, excluded: np.ndarray) -> Ranking:
    """Return the best ``n`` suggestions of each customer.

    :param excluded: bool, one entry a product
    """
    products, customers = len(catalogue.again), len(purchases.order_days)
    if not products or n < 1:
        return _join([])
    step = max(1, CELLS // products)
    found = []
    for begin in range(0, customers, step):
        end = min(begin + step, customers)
        low, high = np.searchsorted(purchases.customer, [begin, end])
        found.append(_rank_some(purchases, slice(low, high), begin, end, catalogue, n, excluded))
    return _join(found)


def repeat_chance(purchases: Purchases, rows: slice, again) -> np.ndarray:
    """Return the chance of what was bought to be in the next order.

    :param again: that of the product for all its buyers, an entry a row
    """
    customer, age = purchases.customer[rows], purchases.age[rows]
    weight = FADED + (1 - FADED) * np.exp(-age / (FADING_GAPS * purchases.pace[customer]))
    with np.errstate(invalid='ignore'):
        due = 1 - 2 ** (-age / np.maximum(purchases.interval[rows], 1))  # gaps without memory, by their median
    weight = weight * (NOT_DUE + (1 - NOT_DUE) * np.where(np.isnan(due), 1, due))
    return (purchases.times[rows] * weight + PRIOR_DAYS * again) / (purchases.order_days[customer] + PRIOR_DAYS)


def _rank_some(purchases, rows, begin, end, catalogue, n, excluded) -> Ranking:
    """Return the suggestions of the customers from ``begin`` to ``end``, whose purchases are ``rows``."""
    products = len(catalogue.again)
    shape = (end - begin, products)
    bought = purchases.product[rows]
    cells = (purchases.customer[rows] - begin) * products + bought
    repeat = repeat_chance(purchases, rows, catalogue.again[bought])

    # an entry a purchase and neighbour of it
    sizes = catalogue.starts[bought + 1] - catalogue.starts[bought]
    origin = np.repeat(np.arange(len(bought)), sizes)
    entry = np.repeat(catalogue.starts[bought] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
    reached = (cells - bought)[origin] + catalogue.neighbour[entry]
    part = purchases.times[rows][origin] * catalogue.similarity[entry]
    together = np.bincount(reached, weights=part, minlength=shape[0] * products).astype(float).reshape(shape)
    most = together.max(axis=1, keepdims=True)
    together *= TOGETHER / np.where(most > 0, most, 1)

    known = catalogue.customer_count
    share = POPULAR * catalogue.buyers / known if known else np.zeros(products)
    total = together + np.where(catalogue.popular, share, 0)
    flat = total.reshape(-1)
    flat[cells] = together.reshape(-1)[cells] + share[bought] + repeat
    total[:, excluded] = 0
    customer, product = _best(total, n)
    chosen = customer * products + product

    purchase = np.full(len(chosen), -1)
    if len(cells):
        position = np.minimum(np.searchsorted(cells, chosen), len(cells) - 1)
        purchase = np.where(cells[position] == chosen, position, -1)
    own = np.zeros(len(chosen))
    own[purchase >= 0] = repeat[purchase[purchase >= 0]]
    alike = together.reshape(-1)[chosen]
    kind = np.where((own > 0) & (own >= alike), 0, np.where(alike > 0, 1, 2))
    source, common = _strongest(chosen, kind == 1, reached, part, origin, entry, bought, catalogue)
    return Ranking(
        customer=customer + begin, product=product, score=flat[chosen], kind=kind,
        purchase=np.where(purchase >= 0, purchase + rows.start, -1), source=source,
        customers=np.where(kind == 2, catalogue.buyers[product], common))


def _best(total, n) -> tuple[np.ndarray, np.ndarray]:
    """Return row and column of the ``n`` highest values above 0 of each row; equals by their column."""
    if total.shape[1] > n:
        bar = -np.partition(-total, n - 1, axis=1)[:, n - 1:n]
        row, column = np.nonzero((total >= bar) & (total > 0))
    else:
        row, column = np.nonzero(total > 0)
    order = np.lexsort((column, -total[row, column], row))
    row, column = row[order], column[order]
    starts = group_starts(row)
    place = np.arange(len(row)) - np.repeat(starts, np.diff(np.r_[starts, len(row)]))
    return row[place < n], column[place < n]


def _strongest(chosen, wanted, reached, part, origin, entry, bought, catalogue) -> tuple[np.ndarray, np.ndarray]:
    """Return which purchased product speaks most for each of the chosen cells that are wanted, and of how many."""
    source, common = np.full(len(chosen), -1), np.zeros(len(chosen), np.int64)
    places = np.flatnonzero(wanted)
    if not len(places):
        return source, common
    places = places[np.argsort(chosen[places])]
    at = np.minimum(np.searchsorted(chosen[places], reached), len(places) - 1)
    hits = np.flatnonzero(chosen[places][at] == reached)
    hits = hits[np.lexsort((bought[origin[hits]], -part[hits], at[hits]))]
    first = hits[group_starts(at[hits])]
    source[places], common[places] = bought[origin[first]], catalogue.customers[entry[first]]
    return source, common


def _join(rankings) -> Ranking:
    names = Ranking.__dataclass_fields__
    if not rankings:
        return Ranking(**{name: np.empty(0, float if name == 'score' else np.int64) for name in names})
    return Ranking(**{name: np.concatenate([getattr(ranking, name) for ranking in rankings]) for name in names})


def read_ranking(ranking: Ranking, names, purchases: Purchases, as_of) -> list[Suggestion]:
    """Return suggestions with the names of products, as plain Python values."""
    names = np.asarray(names).tolist()
    today = np.datetime64(as_of, 'D').astype(date)
    found = []
    for product, score, kind, purchase, source, customers in zip(
            *(getattr(ranking, column).tolist()
              for column in ('product', 'score', 'kind', 'purchase', 'source', 'customers')), strict=True):
        if kind == 0:
            interval = float(purchases.interval[purchase])
            last = today - timedelta(days=int(purchases.age[purchase]))
            often = interval == interval
            reason = Reason('repeat', times=int(purchases.times[purchase]), last=last,
                            interval=interval if often else None,
                            due=last + timedelta(days=round(interval)) if often else None)
        elif kind == 1:
            reason = Reason('together', product=names[source], customers=customers)
        else:
            reason = Reason('popular', customers=customers)
        found.append(Suggestion(names[product], score, reason))
    return found


def _read_history(history, as_of) -> list[np.ndarray]:
    product, times, last, interval = columns(
        product=history.product, times=history.times, last=history.last, interval=history.interval)
    return [product, read_numbers(times, 'times'), read_days(last, as_of, 'last'), np.asarray(interval, dtype=float)]


def _catalogue(names, rows, popular) -> Catalogue:
    """Return neighbours of some products as a catalogue of the products with these names, sorted."""
    product, neighbour = np.searchsorted(names, rows[0]), np.searchsorted(names, rows[1])
    similarity, customers = rows[2], np.asarray(rows[3], dtype=np.int64)
    again, buyers = np.zeros(len(names)), np.zeros(len(names), np.int64)
    best = np.zeros(len(names), bool)
    known = np.searchsorted(names, popular.product) if len(popular.product) else np.empty(0, np.int64)
    buyers[known], best[known] = popular.customers, True
    self_rows = product == neighbour
    again[product[self_rows]], buyers[product[self_rows]] = similarity[self_rows], customers[self_rows]
    others = np.flatnonzero(~self_rows)
    others = others[np.lexsort((neighbour[others], product[others]))]
    starts = np.searchsorted(product[others], np.arange(len(names) + 1))
    return Catalogue(starts, neighbour[others], similarity[others], customers[others], again, buyers, best,
                     int(popular.customer_count))
