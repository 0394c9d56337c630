"""Days on which customers ordered, from rows of orders or order lines: what every study of customers starts with."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OrderDays:
    """One entry a customer and day, sorted by both.

    ``customer_ids`` are the distinct customers, sorted; ``customers`` their positions in it, ``days``
    ``datetime64[D]`` and ``amounts`` the sums of the day: whole numbers where whole numbers were given, so that
    cents add up exactly.
    """
    customer_ids: np.ndarray
    customers: np.ndarray
    days: np.ndarray
    amounts: np.ndarray


def read_order_days(customer_ids, dates, amounts, as_of) -> OrderDays:
    """Return the days on which customers ordered.

    The first three are one-dimensional and equally long, in any order; one entry an order or an order line.

    :param customer_ids: integers or texts
    :param dates: what numpy reads as ``datetime64[D]``
    :param amounts: numbers; negative ones are returns
    :param as_of: the last day that counts
    :raise ValueError: lengths differ, a date is missing or after ``as_of``, an amount is not a finite number
    """
    ids, days, amounts = columns(customer_ids=customer_ids, dates=dates, amounts=amounts)
    days = read_days(days, as_of)
    if amounts.dtype.kind not in 'iu':
        amounts = read_numbers(amounts, 'amounts')
    customer_ids, customers = np.unique(ids, return_inverse=True)
    order = np.lexsort((days, customers))
    customers, days, amounts = customers[order], days[order], amounts[order]
    starts = group_starts(customers, days)
    sums = np.add.reduceat(amounts, starts) if len(starts) else amounts
    return OrderDays(customer_ids, customers[starts], days[starts], sums)


def columns(**values) -> list[np.ndarray]:
    """Return columns as arrays of one dimension and one length, by their names.

    :raise ValueError: they are not
    """
    arrays = {name: np.asarray(value) for name, value in values.items()}
    for name, array in arrays.items():
        if array.ndim != 1:
            raise ValueError(f'{name} must have one dimension.')
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ', '.join(f'{len(array)} {name}' for name, array in arrays.items())
        raise ValueError(f'Columns of one length, not {lengths}.')
    return list(arrays.values())


def read_days(dates, as_of=None, what='dates') -> np.ndarray:
    """Return dates as ``datetime64[D]``.

    :raise ValueError: one is missing, or after ``as_of``
    """
    days = np.asarray(dates).astype('datetime64[D]')
    refuse_first(np.isnat(days), what, days, 'a day is missing')
    if as_of is not None:
        refuse_first(days > np.datetime64(as_of, 'D'), what, days, f'it is after {as_of}')
    return days


def read_numbers(values, what) -> np.ndarray:
    """Return numbers as floats.

    :raise ValueError: one is not a finite number
    """
    numbers = np.asarray(values, dtype=float)
    refuse_first(~np.isfinite(numbers), what, numbers, 'it is not a finite number')
    return numbers


def refuse_first(wrong, what, values, reason):
    """Raise a ``ValueError`` that names the first wrong entry of a column, if there is one."""
    if wrong.any():
        index = int(np.argmax(wrong))
        raise ValueError(f'{what}[{index}] is {values[index]}: {reason}.')


def group_starts(*keys) -> np.ndarray:
    """Return where a new group begins in columns that are sorted by all of the keys."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    changes = np.zeros(len(keys[0]) - 1, bool)
    for key in keys:
        changes |= key[1:] != key[:-1]
    return np.flatnonzero(np.r_[True, changes])


def grouped_median(groups, values, group_count) -> np.ndarray:
    """Return the median of the values of each of the groups 0, 1, 2, ...; NaN for a group without any."""
    values = np.asarray(values, dtype=float)
    ordered = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups, minlength=group_count)
    some = sizes > 0
    ends = np.cumsum(sizes)[some]
    sizes = sizes[some]
    medians = np.full(group_count, np.nan)
    medians[some] = (ordered[ends - sizes + (sizes - 1) // 2] + ordered[ends - sizes + sizes // 2]) / 2
    return medians
