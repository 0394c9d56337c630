"""What is bought together: association rules of baskets, and what to offer a customer next.

Rules: R. Agrawal, T. Imielinski and A. Swami, *Mining association rules between sets of items in large databases*
(SIGMOD 1993). Similarity of products: BM25 as in the library `implicit`. How suggestions are scored: see
:mod:`.suggestions`.
"""
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .evidence import ThinDataError
from .order_days import columns, group_starts, grouped_median, read_days, read_numbers, refuse_first
from .suggestions import (
    KINDS,
    Catalogue,
    History,
    Neighbours,
    Popular,
    Purchases,
    Ranking,
    Reason,
    Suggestion,
    rank,
    suggest,
    usual_gap,
)

__all__ = [
    'KINDS', 'History', 'Neighbours', 'Popular', 'Reason', 'Recommendations', 'Recommender', 'Rule', 'Suggestion',
    'association_rules', 'fit_recommender', 'suggest',
]

#: neighbours kept of a product
NEIGHBOURS = 50
#: most popular products kept, for customers of whom nothing is known
POPULAR_PRODUCTS = 100
#: Customers with several products that a study needs: what 50 have in common is chance for all but their staples.
MIN_CUSTOMERS = 50
#: order days that the mean chance of buying again counts for, beside those of the buyers of a product
AGAIN_DAYS = 200


@dataclass(frozen=True)
class Rule:
    """Of the baskets with all of ``antecedent``, the share ``confidence`` has ``consequent``, too.

    ``support`` is the share of all baskets that have both, ``lift`` how many times more often that is than with
    independent products.
    """
    antecedent: tuple
    consequent: Hashable
    support: float
    confidence: float
    lift: float


def association_rules(baskets: Iterable[Iterable[Hashable]], min_support: float, min_confidence: float,
                      max_len: int = 10) -> list[Rule]:
    """Return the rules that hold in at least the given shares of the baskets, the highest lift first.

    :param baskets: products of a basket in any order; one that is there twice counts once; ids of one kind
    :param min_support: share of the baskets that have all products of a rule, above 0
    :param min_confidence: share of those with the antecedent that have the consequent, too
    :param max_len: most products of a rule, both sides together; few of them keep time and memory small where
        baskets are large
    :raise ValueError: a share is out of range
    """
    if not 0 < min_support <= 1 or not 0 <= min_confidence <= 1 or max_len < 2:
        raise ValueError(f'Shares from 0 to 1, the support above 0, rules of 2 products or more: not '
                         f'{min_support}, {min_confidence} and {max_len}.')
    names, basket, item, count = _read_baskets(baskets)
    if not count:
        return []
    least = max(1, int(np.ceil(min_support * count - 1e-9)))  # 0.1 of 30 is 3, and a bit more as floats
    counts = _frequent_sets(names, basket, item, least, max_len)
    found = []
    for products, both in counts.items():
        if len(products) < 2:
            continue
        for consequent in products:
            antecedent = products - {consequent}
            confidence = both / counts[antecedent]
            if confidence >= min_confidence:
                lift = confidence * count / counts[frozenset((consequent,))]
                found.append((-lift, -both, sorted(antecedent), consequent, confidence))
    found.sort()
    return [Rule(tuple(names[code] for code in antecedent), names[consequent], -both / count, confidence, -lift)
            for lift, both, antecedent, consequent, confidence in found]


def _read_baskets(baskets) -> tuple[list, np.ndarray, np.ndarray, int]:
    """Return the products sorted, the basket and the product of each line, and the number of baskets."""
    codes, basket, item = {}, [], []
    count = 0
    for count, products in enumerate(baskets, start=1):
        for product in set(products):
            if product != product:
                raise ValueError(f'Basket {count - 1} has a product that is NaN.')
            basket.append(count - 1)
            item.append(codes.setdefault(product, len(codes)))
    names = sorted(codes)
    places = np.empty(len(names), np.int64)
    places[[codes[name] for name in names]] = np.arange(len(names))
    return names, np.array(basket, np.int64), places[np.array(item, np.int64)], count


def _frequent_sets(names, basket, item, least, max_len) -> dict[frozenset, int]:
    """Return the sets of products that are in at least ``least`` baskets, and in how many.

    The tree and the search are mlxtend's. Its `fpgrowth` around them counts missing values for each set and basket
    in Python (release 0.23.4), 500 s on the 9,835 baskets of `groceries` and 13,492 sets.
    """
    from mlxtend.frequent_patterns.fpcommon import FPTree  # noqa: PLC0415  only studies pay for it
    from mlxtend.frequent_patterns.fpgrowth import fpg_step  # noqa: PLC0415
    single = np.bincount(item, minlength=len(names))
    counts = {frozenset((code,)): int(single[code]) for code in np.flatnonzero(single >= least).tolist()}
    # the frequent products of a basket, the most frequent first: the tree is small where its paths start alike
    kept = single[item] >= least
    basket, item = basket[kept], item[kept]
    order = np.lexsort((item, -single[item], basket))
    item = item[order].tolist()
    ends = np.cumsum(np.bincount(basket)).tolist() if len(basket) else []
    paths = Counter(tuple(item[start:end]) for start, end in zip([0, *ends], ends, strict=False) if end - start > 1)
    tree = FPTree({code: -count for code, count in enumerate(single.tolist())})
    for path, count in paths.items():
        tree.insert_itemset(list(path), count)
    for count, products in fpg_step(tree, least, None, max_len, False):
        if len(products) > 1:
            counts[frozenset(products)] = count
    return counts


@dataclass(frozen=True)
class Recommendations:
    """Suggestions of many customers, an entry a suggestion, by customer and the best first; see :class:`Suggestion`.

    ``kind`` is a position in ``KINDS``.
    """
    customer: np.ndarray
    product: np.ndarray
    score: np.ndarray
    kind: np.ndarray


@dataclass(frozen=True)
class Recommender:
    """What goes together and what each customer bought, up to ``as_of``.

    ``first`` and ``order_days`` have an entry a customer, ``purchases`` and ``last`` one a customer and product, in
    terms of their positions in ``customer_ids`` and ``product_ids``.
    """
    customer_ids: np.ndarray
    product_ids: np.ndarray
    as_of: np.datetime64
    first: np.ndarray
    last: np.ndarray
    purchases: Purchases
    catalogue: Catalogue

    @cached_property
    def popular(self) -> Popular:
        best = np.flatnonzero(self.catalogue.popular)
        return Popular(self.product_ids[best], self.catalogue.buyers[best], self.catalogue.customer_count)

    def history(self, customer_id) -> History:
        """Return what a customer bought; nothing for one who is not known."""
        code = self._code(self.customer_ids, customer_id)
        if code is None:
            return History(self.product_ids[:0], np.empty(0), np.empty(0, 'datetime64[D]'), np.empty(0), 0, None)
        rows = slice(*np.searchsorted(self.purchases.customer, [code, code + 1]))
        bought = self.purchases
        return History(
            self.product_ids[bought.product[rows]], bought.times[rows], self.last[rows], bought.interval[rows],
            int(bought.order_days[code]), self.first[code].astype(object))

    def neighbours(self, product_ids=None) -> Neighbours:
        """Return the neighbours of products, of all by default, with the entry of each product itself first."""
        codes = np.arange(len(self.product_ids))
        if product_ids is not None:
            codes = codes[np.isin(self.product_ids, np.asarray(list(product_ids)))]
        table = self.catalogue
        sizes = (table.starts[1:] - table.starts[:-1])[codes]
        entry = np.repeat(table.starts[codes] - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        product = np.r_[codes, np.repeat(codes, sizes)]
        neighbour = np.r_[codes, table.neighbour[entry]]
        similarity = np.r_[table.again[codes], table.similarity[entry]]
        customers = np.r_[table.buyers[codes], table.customers[entry]]
        order = np.lexsort((-similarity, product != neighbour, product))
        return Neighbours(self.product_ids[product[order]], self.product_ids[neighbour[order]], similarity[order],
                          customers[order])

    def recommend(self, customer_id, n: int, exclude=(), as_of=None) -> list[Suggestion]:
        """Return the best ``n`` suggestions for a customer; popular products for one who is not known.

        :param as_of: the day of the next order, the last one of the data by default
        """
        history = self.history(customer_id)
        return suggest(history, self.neighbours(history.product), self.as_of if as_of is None else as_of, n, exclude,
                       self.popular)

    def similar(self, product_ids, n: int) -> list[Suggestion]:
        """Return the ``n`` products that go best with some others, with the one of these they go best with."""
        product = self.product_ids[np.isin(self.product_ids, np.asarray(list(product_ids)))]
        basket = History(product, np.ones(len(product)), np.full(len(product), self.as_of),
                         np.full(len(product), np.nan), 1, self.as_of.astype(object))
        return suggest(basket, self.neighbours(product), self.as_of, n, exclude=product.tolist())

    def recommend_all(self, n: int) -> Recommendations:
        """Return what :meth:`recommend` does, of all customers."""
        found: Ranking = rank(self.purchases, self.catalogue, n, np.zeros(len(self.product_ids), bool))
        return Recommendations(
            self.customer_ids[found.customer], self.product_ids[found.product], found.score, found.kind)

    @staticmethod
    def _code(ids, wanted):
        code = int(np.searchsorted(ids, wanted))
        return code if code < len(ids) and ids[code] == wanted else None


def fit_recommender(customer_ids, product_ids, timestamps, weights=None, neighbours: int = NEIGHBOURS) -> Recommender:
    """Return what goes together, and what customers buy again.

    The columns are one-dimensional and equally long, one entry an order line, in any order; without returns.

    :param customer_ids: integers or texts
    :param product_ids: integers or texts
    :param timestamps: what numpy reads as ``datetime64``; their days count
    :param weights: how much a line counts for the similarity of products, above 0; by default a day with the product
        counts 1
    :param neighbours: how many are kept of a product
    :raise ValueError: a column cannot be read
    :raise ThinDataError: ``few_customers`` (customers, required) with more than one product
    """
    customers, products, days = columns(
        customer_ids=customer_ids, product_ids=product_ids, timestamps=timestamps)
    days = read_days(days, what='timestamps')
    for values, what in ((customers, 'customer_ids'), (products, 'product_ids')):
        if values.dtype.kind == 'f':
            read_numbers(values, what)
    customer_names, customer = np.unique(customers, return_inverse=True)
    product_names, product = np.unique(products, return_inverse=True)
    order = np.lexsort((days, product, customer))
    customer, product, days = customer[order], product[order], days[order]
    pair_starts = group_starts(customer, product)
    bought = np.bincount(customer[pair_starts], minlength=len(customer_names))
    if (bought > 1).sum() < MIN_CUSTOMERS:
        raise ThinDataError('few_customers', customers=int((bought > 1).sum()), required=MIN_CUSTOMERS)

    pair = np.cumsum(np.bincount(pair_starts, minlength=len(customer))) - 1
    starts = group_starts(pair, days)  # a day with the product each
    times = np.bincount(pair[starts])
    same = pair[starts][1:] == pair[starts][:-1]
    gaps = np.diff(days[starts]).astype(float)[same]
    interval = grouped_median(pair[starts][1:][same], gaps, len(times))
    last = days[np.r_[pair_starts[1:], len(days)] - 1]
    customer_days = np.unique(np.column_stack((customer, days.astype(np.int64))), axis=0)
    order_days = np.bincount(customer_days[:, 0], minlength=len(customer_names))
    first = customer_days[group_starts(customer_days[:, 0]), 1].astype('datetime64[D]')
    as_of = days.max()
    customer, product = customer[pair_starts], product[pair_starts]
    purchases = Purchases(
        customer, product, times.astype(float), (as_of - last).astype(float), interval, order_days,
        usual_gap(first, order_days, as_of))
    amounts = times.astype(float) if weights is None else _weights(weights, order, pair)
    catalogue = _fit_catalogue(purchases, amounts, len(product_names), neighbours)
    return Recommender(customer_names, product_names, as_of, first, last, purchases, catalogue)


def _weights(weights, order, pair) -> np.ndarray:
    """Return the sum of the weights of each customer and product."""
    weights = read_numbers(weights, 'weights')
    if len(weights) != len(order):
        raise ValueError(f'Columns of one length, not {len(order)} timestamps, {len(weights)} weights.')
    refuse_first(weights <= 0, 'weights', weights, 'it is not above 0')
    return np.bincount(pair, weights=weights[order])


def _fit_catalogue(purchases, amounts, products, neighbours) -> Catalogue:
    """Return what goes together in the purchases of all customers.

    :param amounts: how much each purchase counts for the similarity
    """
    from implicit.nearest_neighbours import ItemItemRecommender, bm25_weight  # noqa: PLC0415  only studies pay for it
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    customers = len(purchases.order_days)
    matrix = csr_matrix((amounts, (purchases.customer, purchases.product)), shape=(customers, products))
    # what BM25Recommender does with its own defaults, but for a warning that it gave itself a COO matrix
    model = ItemItemRecommender(K=neighbours + 1)
    model.fit(bm25_weight(matrix.T, 1.2, 0.75).T.tocsr(), show_progress=False)
    found = model.similarity.tocoo()
    kept = (found.row != found.col) & (found.data > 0)  # below 0: bought by those who buy everything
    product, neighbour, similarity = found.row[kept].astype(np.int64), found.col[kept], found.data[kept]
    order = np.lexsort((neighbour, product))
    product, neighbour, similarity = product[order], neighbour[order].astype(np.int64), similarity[order]
    starts = np.searchsorted(product, np.arange(products + 1))

    buyers = np.bincount(purchases.product, minlength=products)
    repeats = np.bincount(purchases.product, weights=purchases.times - 1, minlength=products)
    days = np.bincount(purchases.product, weights=purchases.order_days[purchases.customer], minlength=products)
    again = (repeats + AGAIN_DAYS * repeats.sum() / days.sum()) / (days + AGAIN_DAYS)
    popular = np.zeros(products, bool)
    popular[np.lexsort((np.arange(products), -buyers))[:POPULAR_PRODUCTS]] = True
    similarity = similarity / max(similarity.max(initial=0), np.finfo(float).tiny)
    common = _common_customers(matrix, product, neighbour, starts)
    return Catalogue(starts, neighbour, similarity, common, again, buyers, popular, customers)


def _common_customers(matrix, product, neighbour, starts, step=256) -> np.ndarray:
    """Return how many customers bought both products of each pair; pairs are sorted by product."""
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    bought = csr_matrix((np.ones(matrix.nnz, np.int32), matrix.indices, matrix.indptr), shape=matrix.shape)
    buyers = bought.T.tocsr()
    common = np.empty(len(product), np.int64)
    for begin in range(0, matrix.shape[1], step):
        end = min(begin + step, matrix.shape[1])
        rows = slice(starts[begin], starts[end])
        both = buyers[begin:end] @ bought
        common[rows] = np.asarray(both[product[rows] - begin, neighbour[rows]]).ravel()
    return common
