"""What was known of customers on a day, told by their orders until then; nothing here knows Odoo.

To learn what customers will do, the past is looked at as it was: features count what happened until a day, and what
happened after it is what they are to tell. They are those of the customers' profiles, so that a rule found here is a
filter there.
"""
from dataclasses import dataclass

import numpy as np

from .order_days import group_starts, grouped_median

#: days of "the last 12 months"
YEAR = 365
#: order days from which on a customer has a rhythm of his own, and customers with one from which on others share it
OWN_DAYS = 3
MIN_RHYTHMS = 5
#: days since something that never happened
NEVER = 99_999

FEATURES = (
    'recency', 'age', 'order_day_count', 'rhythm_days', 'days_overdue', 'revenue_12', 'average_order',
    'category_count',
)


@dataclass(frozen=True)
class Table:
    """Rows of customers, sorted by customer and day.

    ``owner`` is the position of the customer, ``day`` the day since 1970, ``values`` other columns; all of shape
    (rows,).
    """
    owner: np.ndarray
    day: np.ndarray
    values: dict[str, np.ndarray]

    def rows(self, chosen) -> 'Table':
        return Table(
            self.owner[chosen], self.day[chosen], {name: column[chosen] for name, column in self.values.items()})


@dataclass(frozen=True)
class History:
    """The orders of customers.

    ``customers``, of shape (customers,), are their keys, ascending. ``days`` has a row for each day that a customer
    ordered on, with the number of ``orders`` and the ``revenue``; ``goods`` a row for each day and ``category`` that
    he ordered of, with the ``revenue``.
    """
    customers: np.ndarray
    days: Table
    goods: Table

    @classmethod
    def of(cls, days: dict, goods: dict) -> 'History':
        """Return the history that columns tell, in any order.

        :param days: ``customer`` (whole numbers), ``day`` (datetime64[D]), ``orders`` and ``revenue``
        :param goods: ``customer``, ``day``, ``category`` (whole numbers) and ``revenue``; customers without a day are
            left out
        """
        customers = np.unique(days['customer'])
        known = np.isin(goods['customer'], customers)
        if not known.all():
            goods = {name: column[known] for name, column in goods.items()}
        return cls(customers, _table(customers, days), _table(customers, goods))

    def only(self, positions) -> 'History':
        """Return the history of some customers, whose positions are ascending."""
        ranks = np.full(len(self.customers), -1)
        ranks[positions] = np.arange(len(positions))

        def part(table):
            rows = table.rows(ranks[table.owner] >= 0)
            return Table(ranks[rows.owner], rows.day, rows.values)

        return History(self.customers[positions], part(self.days), part(self.goods))

    def first_days(self) -> np.ndarray:
        """Return the first day of each customer, since 1970, of shape (customers,)."""
        return self.days.day[group_starts(self.days.owner)]


def _table(customers, columns):
    owner = np.searchsorted(customers, columns['customer'])
    day = columns['day'].astype('datetime64[D]').astype(np.int64)
    table = Table(owner, day, {name: column for name, column in columns.items() if name not in ('customer', 'day')})
    steps = np.diff(owner)
    if ((steps > 0) | (steps == 0) & (np.diff(day) >= 0)).all():
        return table  # as a database gives them; of many rows, a copy is much memory
    return table.rows(np.lexsort((day, owner)))


def features_on(history: History, day: int) -> tuple[np.ndarray, np.ndarray]:
    """Return who was a customer on a day, and what was known of them then.

    A customer without a known rhythm has 0 for rhythm and days overdue, as filters read an empty number.

    :param day: days since 1970; its orders count as known
    :return: positions of customers, of shape (known,), ascending; ``FEATURES`` of each, of shape (known, features),
        in days, numbers and the unit of the revenue
    """
    rows = history.days.rows(history.days.day <= day)
    starts = group_starts(rows.owner)
    if not len(starts):
        return np.empty(0, np.int64), np.empty((0, len(FEATURES)))
    known, counts = rows.owner[starts], np.diff(np.r_[starts, len(rows.owner)])
    recency = day - rows.day[starts + counts - 1]
    rhythm = _rhythms(rows, starts, counts)
    revenue, orders = rows.values['revenue'], rows.values['orders']
    return known, np.column_stack([
        recency,
        day - rows.day[starts],
        counts,
        rhythm,
        # the day is rounded as PostgreSQL does
        np.where(rhythm > 0, np.maximum(recency - np.rint(rhythm), 0), 0),
        np.add.reduceat(np.where(rows.day > day - YEAR, revenue, 0), starts),
        np.add.reduceat(revenue, starts) / np.maximum(np.add.reduceat(orders, starts), 1),
        _count_categories(history, day)[known],
    ]).astype(np.float64)


def _rhythms(rows, starts, counts):
    """Return the usual days between two orders: the median of the customer's own, else that of the others; else 0."""
    gaps = np.diff(rows.day, prepend=0)
    inner = np.ones(len(gaps), bool)
    inner[starts] = False
    medians = grouped_median(np.repeat(np.arange(len(starts)), counts - 1), gaps[inner], len(starts))
    own = counts >= OWN_DAYS
    usual = np.median(medians[own]) if np.count_nonzero(own) >= MIN_RHYTHMS else 0
    return np.where(own, medians, usual)


def _count_categories(history, day):
    rows = history.goods.rows(history.goods.day <= day)
    if not len(rows.owner):
        return np.zeros(len(history.customers))
    span = int(rows.values['category'].max()) + 1
    pairs = np.unique(rows.owner * span + rows.values['category'])
    return np.bincount(pairs // span, minlength=len(history.customers))


def ordered_between(history: History, after: int, until: int) -> np.ndarray:
    """Return who ordered after a day until another, as booleans of shape (customers,)."""
    found = np.zeros(len(history.customers), bool)
    found[history.days.owner[(history.days.day > after) & (history.days.day <= until)]] = True
    return found


def goods_on(history: History, day: int, categories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what customers had ordered of categories until a day.

    :param categories: whole numbers, ascending
    :return: on how many days, how many days ago the last time (``NEVER`` where they did not), and for how much; each
        of shape (customers, categories)
    """
    owner, column, rows = _goods_between(history, -NEVER, day, categories)
    shape = len(history.customers), len(categories)
    counts, recency, revenue = np.zeros(shape, np.int32), np.full(shape, NEVER, np.int32), np.zeros(shape)
    np.add.at(counts, (owner, column), 1)
    np.minimum.at(recency, (owner, column), day - rows.day)
    np.add.at(revenue, (owner, column), rows.values['revenue'])
    return counts, recency, revenue


def goods_between(history: History, after: int, until: int, categories) -> np.ndarray:
    """Return who ordered of categories after a day until another, as booleans of shape (customers, categories)."""
    owner, column, _rows = _goods_between(history, after, until, categories)
    found = np.zeros((len(history.customers), len(categories)), bool)
    found[owner, column] = True
    return found


def _goods_between(history, after, until, categories):
    categories = np.asarray(categories)
    chosen = (history.goods.day > after) & (history.goods.day <= until)
    chosen &= np.isin(history.goods.values['category'], categories)
    rows = history.goods.rows(chosen)
    return rows.owner, np.searchsorted(categories, rows.values['category']), rows
