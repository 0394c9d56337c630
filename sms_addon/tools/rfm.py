"""Recency, frequency and monetary value of customers, and their scores.

The scores are those of J.R. Miglautsch, *Thoughts on RFM scoring* (Journal of Database Marketing 8, 2000): equal
shares of the customers, from 1 to the number of bins, the best last. Equal values always have the same score.
"""
from dataclasses import dataclass

import numpy as np

from .order_days import group_starts, read_order_days


@dataclass(frozen=True)
class RfmTable:
    """One entry a customer, in the order of ``customer_ids``.

    ``recency`` is in days since the last order, ``frequency`` the number of days with an order, ``monetary`` the
    sum of the amounts. ``r``, ``f``, ``m`` are scores from 1 to the number of bins, the best highest; ``cell`` is
    the three of them as a text, as '543'.
    """
    customer_ids: np.ndarray
    recency: np.ndarray
    frequency: np.ndarray
    monetary: np.ndarray
    r: np.ndarray
    f: np.ndarray
    m: np.ndarray
    cell: np.ndarray


def rfm_table(customer_ids, dates, amounts, as_of, bins=5) -> RfmTable:
    """Return recency, frequency, monetary value and scores of the customers of some orders.

    :param customer_ids: as in :func:`.order_days.read_order_days`, like the next three
    :param amounts: whole numbers (cents) are added up exactly; negative ones are returns
    :param as_of: the day that recency is counted from
    :param bins: how many scores, 2 to 9
    :raise ValueError: a column cannot be read, an order is after ``as_of``, ``bins`` is out of range
    """
    if not 2 <= bins <= 9:
        raise ValueError(f'From 2 to 9 bins, not {bins}: a score is one digit.')
    orders = read_order_days(customer_ids, dates, amounts, as_of)
    starts = group_starts(orders.customers)
    frequency = np.bincount(orders.customers, minlength=len(orders.customer_ids))
    last = orders.days[starts + frequency - 1]
    recency = (np.datetime64(as_of, 'D') - last).astype(np.int64)
    monetary = np.add.reduceat(orders.amounts, starts) if len(starts) else orders.amounts
    r = bins + 1 - scores(recency, bounds(recency, bins))
    f = scores(frequency, bounds(frequency, bins))
    m = scores(monetary, bounds(monetary, bins))
    cell = (100 * r + 10 * f + m).astype('U3')
    return RfmTable(orders.customer_ids, recency, frequency, monetary, r, f, m, cell)


def bounds(values, bins) -> np.ndarray:
    """Return the ``bins - 1`` values that bound the scores, the smallest first; none of no value.

    They are values of the column itself: ``percentile_disc`` of PostgreSQL, ``inverted_cdf`` of numpy, at
    1/bins, 2/bins, ...
    """
    ordered = np.sort(values)
    if not len(ordered):
        return ordered
    # ceil(k * n / bins) in whole numbers
    ranks = -(-np.arange(1, bins) * len(ordered) // bins)
    return ordered[ranks - 1]


def scores(values, bounds) -> np.ndarray:
    """Return the scores of values, from 1: one more than the number of bounds that are below the value."""
    return 1 + np.searchsorted(bounds, values, side='left')
