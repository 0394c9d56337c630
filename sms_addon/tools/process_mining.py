"""What really happens to a case, found from a log of events: the directly-follows graph and the variants.

Definitions as in W.M.P. van der Aalst, *Process Mining: Data Science in Action* (2nd ed., Springer 2016): an event
is (case, activity, time); a trace is the sequence of activities of one case in the order of time; activity ``a`` is
directly followed by ``b`` when they are neighbours in a trace; a variant is a trace that one or more cases share.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Activity:
    """An activity: how often it happened, in how many cases, and how many cases start and end with it."""
    name: object
    count: int
    cases: int
    starts: int
    ends: int


@dataclass(frozen=True)
class Edge:
    """``source`` directly followed by ``target``.

    ``count`` is the number of transitions, ``cases`` that of the cases with at least one, ``median_seconds`` the
    median over all transitions of the time from one to the other.
    """
    source: object
    target: object
    count: int
    cases: int
    median_seconds: float


@dataclass(frozen=True)
class Variant:
    """A trace, the number of cases that have it, and the median time from their first event to their last."""
    sequence: tuple
    count: int
    median_seconds: float


@dataclass(frozen=True)
class ProcessMap:
    """The paths of a log; every tuple has the most frequent first, equals in the order of their names.

    ``starts`` and ``ends`` map the activities that cases start and end with to the number of those cases.
    """
    cases: int
    events: int
    activities: tuple[Activity, ...]
    edges: tuple[Edge, ...]
    variants: tuple[Variant, ...]

    @property
    def starts(self) -> dict:
        return {activity.name: activity.starts for activity in self.activities if activity.starts}

    @property
    def ends(self) -> dict:
        return {activity.name: activity.ends for activity in self.activities if activity.ends}


def discover(case_ids: Sequence, activities: Sequence, timestamps: Sequence) -> ProcessMap:
    """Return the paths that the cases of a log take.

    The three are one-dimensional and equally long, one entry an event, in any order. Events of one case with the
    same time keep the order they are given in. No event at all gives an empty map.

    :param case_ids: hashable values of one kind that can be sorted, such as integers or strings
    :param activities: the same
    :param timestamps: what numpy reads as ``datetime64`` (without time zone: all in the same one), or whole
        numbers of microseconds; rounded down to microseconds
    :raise ValueError: lengths differ, something is not one-dimensional, or a timestamp is missing (NaT)
    """
    moments = _moments(timestamps)
    cases, case_count = _codes(case_ids, 'case_ids')[0::2]
    steps, names, step_count = _codes(activities, 'activities')
    if not len(cases) == len(steps) == len(moments):
        raise ValueError(
            f'As many case ids, activities and timestamps, not {len(cases)}, {len(steps)} and {len(moments)}.')
    if not len(cases):
        return ProcessMap(0, 0, (), (), ())

    order = np.lexsort((moments, cases))  # stable
    cases, steps, moments = cases[order], steps[order], moments[order]
    first = np.flatnonzero(np.r_[True, cases[1:] != cases[:-1]])
    last = np.r_[first[1:], len(cases)] - 1
    return ProcessMap(
        cases=case_count,
        events=len(cases),
        activities=_activities(names, step_count, cases, case_count, steps, first, last),
        edges=_edges(names, step_count, cases, case_count, steps, moments),
        variants=_variants(names, step_count, steps, moments, first, last),
    )


def _moments(timestamps) -> np.ndarray:
    """Return timestamps as whole microseconds."""
    array = np.asarray(timestamps)
    if array.ndim != 1:
        raise ValueError('timestamps must have one dimension.')
    if array.dtype.kind not in 'iu':
        array = array.astype('datetime64[us]')
        if np.isnat(array).any():
            raise ValueError('An event without a time (NaT) has no place in its case.')
    return array.astype(np.int64)


def _codes(values, what) -> tuple[np.ndarray, list, int]:
    """Return values as their ranks among the distinct ones, the distinct ones in order, and their number."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f'{what} must have one dimension.')
    if array.dtype.kind in 'iu':
        names, codes = np.unique(array, return_inverse=True)
        return codes, names.tolist(), len(names)
    # numpy sorts all of the texts, a dictionary only the distinct ones
    values = array.tolist()
    names = sorted(set(values))
    ranks = {name: rank for rank, name in enumerate(names)}
    return np.fromiter(map(ranks.__getitem__, values), np.int64, len(values)), names, len(names)


def _grouped_median(groups, values) -> np.ndarray:
    """Return the median of the values of each group, in seconds; groups are 0, 1, 2, ... and none is empty."""
    values = values[np.lexsort((values, groups))]
    sizes = np.bincount(groups)
    ends = np.cumsum(sizes)
    low, high = values[ends - sizes + (sizes - 1) // 2], values[ends - sizes + sizes // 2]
    return (low + (high - low) / 2) / MICROSECONDS


def _count_cases(groups, cases, case_count, group_count) -> np.ndarray:
    """Return in how many different cases each group occurs."""
    pairs = np.unique(groups * case_count + cases)
    return np.bincount(pairs // case_count, minlength=group_count)


def _activities(names, step_count, cases, case_count, steps, first, last) -> tuple[Activity, ...]:
    columns = (
        np.bincount(steps, minlength=step_count),
        _count_cases(steps, cases, case_count, step_count),
        np.bincount(steps[first], minlength=step_count),
        np.bincount(steps[last], minlength=step_count),
    )
    found = [Activity(*row) for row in zip(names, *(column.tolist() for column in columns), strict=True)]
    return tuple(sorted(found, key=lambda activity: -activity.count))


def _edges(names, step_count, cases, case_count, steps, moments) -> tuple[Edge, ...]:
    same = np.flatnonzero(cases[1:] == cases[:-1])
    if not len(same):
        return ()
    keys, edges = np.unique(steps[same] * step_count + steps[same + 1], return_inverse=True)
    rows = zip(
        (keys // step_count).tolist(),
        (keys % step_count).tolist(),
        np.bincount(edges).tolist(),
        _count_cases(edges, cases[same], case_count, len(keys)).tolist(),
        _grouped_median(edges, moments[same + 1] - moments[same]).tolist(),
        strict=True,
    )
    found = [Edge(names[source], names[target], *rest) for source, target, *rest in rows]
    return tuple(sorted(found, key=lambda edge: -edge.count))


def _variants(names, step_count, steps, moments, first, last) -> tuple[Variant, ...]:
    """Number the cases by the sequence of their steps, one position at a time: a trie, level by level."""
    sizes = last - first + 1
    longest_first = np.argsort(-sizes, kind='stable')
    begin, sizes = first[longest_first], sizes[longest_first]
    variants = np.empty(len(first), np.int64)  # of the cases, longest first
    prefixes = np.zeros(len(first), np.int64)
    known = 0
    # the cases with more than n steps are the first active[n] ones
    active = np.searchsorted(-sizes, -np.arange(sizes[0] + 1), side='left')
    for position in range(sizes[0]):
        here, beyond = active[position], active[position + 1]
        keys = prefixes[:here] * step_count + steps[begin[:here] + position]
        _distinct, prefixes = np.unique(keys, return_inverse=True)
        if here > beyond:
            _ended, ranks = np.unique(prefixes[beyond:], return_inverse=True)
            variants[beyond:here] = known + ranks
            known += len(_ended)
    counts = np.bincount(variants)
    durations = moments[last[longest_first]] - moments[begin]
    medians = _grouped_median(variants, durations)
    _numbers, examples = np.unique(variants, return_index=True)
    labels = steps.tolist()
    found = []
    for example, count, median in zip(examples.tolist(), counts.tolist(), medians.tolist(), strict=True):
        start = int(begin[example])
        found.append((-count, labels[start:start + int(sizes[example])], median))
    found.sort(key=lambda row: row[:2])
    return tuple(Variant(tuple(names[code] for code in codes), -count, median) for count, codes, median in found)
