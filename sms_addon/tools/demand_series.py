"""Demand by week or month, with periods of which nothing is known left open; nothing here knows Odoo.

Days are int64 days since 1970, half-open from one to another; series and periods are counted from 0.
"""
from dataclasses import dataclass

import numpy as np

#: a period is known if at least this share of its days is
MIN_KNOWN = 0.5
#: 1970-01-01 was a Thursday
MONDAY = 3


@dataclass(frozen=True)
class Periods:
    """Weeks (from Monday on) or months in a row: the day each begins, and the day after the last."""
    edges: np.ndarray

    @classmethod
    def between(cls, kind: str, first: int, end: int) -> 'Periods':
        """Return the whole periods from that of ``first`` on that end by ``end``, a day that is not in them."""
        if kind == 'week':
            start, stop = (first - (first + MONDAY) % 7, end - (end + MONDAY) % 7)
            return cls(np.arange(start, max(stop, start) + 1, 7, dtype=np.int64))
        start, stop = (np.datetime64(day, 'D').astype('datetime64[M]') for day in (first, end))
        months = np.arange(start, max(stop, start) + 1)
        return cls(months.astype('datetime64[D]').astype(np.int64))

    @classmethod
    def ahead(cls, kind: str, first: int, count: int) -> 'Periods':
        """Return that many periods from that of ``first`` on."""
        days = first + (7 if kind == 'week' else 31) * (count + 1)
        return cls(cls.between(kind, first, days).edges[:count + 1])

    def __len__(self):
        return len(self.edges) - 1

    @property
    def starts(self):
        return self.edges[:-1]

    def of(self, days):
        """Return the period of each day, which is in one of them."""
        return np.searchsorted(self.edges, days, 'right') - 1

    def covers(self, days):
        return (days >= self.edges[0]) & (days < self.edges[-1])


@dataclass(frozen=True)
class Gaps:
    """Days of series that tell nothing of the demand, from the first to the day after the last of each gap."""
    series: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def contain(self, series, days, span=1 << 20):
        """Return of each (series, day) whether it is in a gap; gaps of a series do not overlap."""
        if not len(self.series):
            return np.zeros(len(series), bool)
        order = np.lexsort((self.start, self.series))
        starts = (self.series * span + self.start)[order]
        place = np.searchsorted(starts, series * span + days, 'right') - 1
        found = order[np.maximum(place, 0)]
        return (place >= 0) & (self.series[found] == series) & (days < self.end[found])

    def count_days(self, series_count, periods):
        """Return the number of days in gaps, by series and period."""
        start, end = (np.clip(day, periods.edges[0], periods.edges[-1]) for day in (self.start, self.end))
        inside = end > start
        series, start, end = self.series[inside], start[inside], end[inside]
        first, last = periods.of(start), periods.of(end - 1)
        length = last - first + 1
        gap = np.repeat(np.arange(len(length)), length)
        period = first[gap] + np.arange(len(gap)) - np.repeat(np.cumsum(length) - length, length)
        overlap = np.minimum(end[gap], periods.edges[period + 1]) - np.maximum(start[gap], periods.edges[period])
        return _sum_up(series[gap], period, overlap, (series_count, len(periods)))


def days_without_stock(series, days, changes, on_hand, first: int, end: int) -> Gaps:
    """Return the days at whose end a series had no stock, told backwards from what it has now.

    :param series, days, changes: what came in or went out (below 0) of which series on which day, in any order
    :param on_hand: what each series has at the end of the last day
    :param first, end: the days looked at; changes before ``first`` do not matter
    """
    later = days >= first
    order = np.lexsort((days[later], series[later]))
    series, days, changes = (column[later][order] for column in (series, days, changes))
    if len(series):
        same = np.r_[False, (series[1:] == series[:-1]) & (days[1:] == days[:-1])]
        starts = np.flatnonzero(~same)
        changes = np.add.reduceat(changes, starts)
        series, days = series[starts], days[starts]
    # what was there before the first change, and after each
    everyone = np.arange(len(on_hand))
    before = on_hand - np.bincount(series, changes, len(on_hand))
    owner = np.r_[everyone, series]
    start = np.r_[np.full(len(on_hand), first), days]
    amount = np.r_[before, changes]
    order = np.lexsort((np.r_[np.zeros(len(on_hand)), np.ones(len(series))], owner))
    owner, start, amount = owner[order], start[order], amount[order]
    total = np.cumsum(amount)
    heads = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]]) if len(owner) else np.zeros(0, int)
    offset = np.repeat(total[heads] - amount[heads], np.diff(np.r_[heads, len(owner)]))
    level = total - offset
    stop = np.r_[start[1:], end][:len(owner)]
    stop[np.r_[heads[1:], len(owner)][:len(heads)] - 1] = end
    empty = (level <= 1e-6) & (stop > start)
    return Gaps(owner[empty], start[empty], stop[empty])


@dataclass(frozen=True)
class DemandTable:
    """``values``: the demand of each series in each period, NaN where it is not known; ``factors``: what was sold in
    it times this is that demand, 1 where it is not known."""
    values: np.ndarray
    factors: np.ndarray


def build_table(
        series, days, quantities, series_count: int, periods: Periods, without_stock: Gaps,
        left_out: Gaps) -> DemandTable:
    """Return the demand of series by period.

    A period before the first sale is not known, nor is one of which more than half of the days were before it, had no
    stock or were left out. For the days of the others that had none, the demand of the days with stock is assumed,
    unless more was ordered even so. A series that had no stock in most of its periods is not held up by that (its goods
    are made, or bought, to order): all its days count.

    :param series, days, quantities: what was sold; nothing of the days left out
    :param without_stock, left_out: as :class:`Gaps`
    """
    shape = (series_count, len(periods))
    inside = periods.covers(days)
    series, days, quantities = series[inside], days[inside], quantities[inside]
    place = periods.of(days)
    sold = _sum_up(series, place, quantities, shape)
    lengths = np.diff(periods.edges)
    launched = np.full(series_count, len(periods))
    np.minimum.at(launched, series, place)
    after_launch = np.arange(len(periods)) >= launched[:, None]
    # of sums, what was before the launch is a part; of a product it tells nothing
    first_day = np.full(series_count, periods.edges[-1])
    np.minimum.at(first_day, series, days)
    begun = (periods.edges[1:] - first_day[:, None]) >= MIN_KNOWN * lengths

    out = without_stock.count_days(series_count, periods) / lengths
    held_up = ((out > 1 - MIN_KNOWN) & after_launch).sum(axis=1) * 2 <= after_launch.sum(axis=1)
    out[~held_up] = 0
    known = np.clip(1 - out - left_out.count_days(series_count, periods) / lengths, 0, 1)
    on_known_days = ~(without_stock.contain(series, days) & held_up[series])
    told = _sum_up(series[on_known_days], place[on_known_days], quantities[on_known_days], shape)
    with np.errstate(divide='ignore', invalid='ignore'):
        values = np.maximum(np.maximum(sold, np.where(known > 0, told / known, 0)), 0)
        values[(known < MIN_KNOWN) | ~after_launch | ~begun] = np.nan
        factors = np.where((sold > 0) & np.isfinite(values), values / sold, 1)
    return DemandTable(values, factors)


def _sum_up(rows, columns, amounts, shape):
    flat = np.bincount(rows * shape[1] + columns, amounts, shape[0] * shape[1])
    return flat.reshape(shape).astype(float)
