"""The leaves of a decision tree as rules that people read and Odoo searches; nothing here knows Odoo.

A leaf is a box: for each column that its path asks about, the values above a low bound up to a high one. The boxes of a
tree split all cases between them. Thresholds are rounded where the tree is read, once for each question, so that
the boxes still meet exactly: whoever reads "up to 1,200" in one rule finds "above 1,200" in its neighbour.
"""
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

#: share of the smaller side of a question that may change sides for the sake of a rounder number
TOLERANCE = 0.05
#: significant digits that no number of a rule needs more of
MOST_DIGITS = 6


class Condition(NamedTuple):
    """One comparison of a feature with a number; the operator is '<=' or '>'."""
    feature: str
    operator: str
    value: float


#: by column, the bounds (low, high) of low < value <= high
Box = Mapping[int, tuple[float, float]]
Disjuncts = Sequence[Sequence[Condition]]


def read_leaves(tree, features: np.ndarray) -> list[tuple[Box, int]]:
    """Return the leaves of a fitted scikit-learn tree, left to right: the box, and the number of the node.

    A question that all rows answer in the same way after rounding is left out.

    :param tree: the ``tree_`` of a fitted estimator
    :param features: rows to round the thresholds by, of shape (rows, columns); those that the tree was fitted on
    """
    found, waiting = [], [(0, np.arange(len(features)), {})]
    while waiting:
        node, rows, box = waiting.pop()
        column = tree.feature[node]
        if column < 0:  # a leaf
            found.append((box, node))
            continue
        values = features[rows, column]
        threshold = round_threshold(values, float(tree.threshold[node]))
        left = values <= threshold
        low, high = box.get(column, (-math.inf, math.inf))
        if not left.all():
            inner = {**box, column: (max(low, threshold), high)} if left.any() else box
            waiting.append((tree.children_right[node], rows[~left], inner))
        if left.any():
            inner = {**box, column: (low, min(high, threshold))} if not left.all() else box
            waiting.append((tree.children_left[node], rows[left], inner))
    return found


def round_threshold(values: np.ndarray, threshold: float) -> float:
    """Return a number of few digits that splits values nearly as a threshold does.

    The fewest significant digits are taken with which so few values change sides that they are at most a share
    ``TOLERANCE`` of the smaller side; the threshold itself where no number of ``MOST_DIGITS`` does.

    :param values: of shape (rows,)
    """
    if not len(values) or threshold == 0:
        return threshold
    below = values <= threshold
    smaller = min(np.count_nonzero(below), np.count_nonzero(~below))
    for digits in range(1, MOST_DIGITS + 1):
        moved, _broken, _distance, best = min(
            (np.count_nonzero(below != (values <= number)), not number.is_integer(), abs(number - threshold), number)
            for number in _round_numbers(threshold, digits)
        )
        if moved <= TOLERANCE * smaller:
            return best
    return threshold


def _round_numbers(number, digits):
    """Return the numbers of so many significant digits below and above a number."""
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - digits + 1)
    numbers = [float(f'{steps * unit:.{digits}g}') for steps in (math.floor(number / unit), math.ceil(number / unit))]
    # between 0 and 1, whole numbers have no significant digit
    return [*numbers, float(math.floor(number))] if abs(number) < 1 else numbers


def merge_boxes(boxes: Iterable[Box]) -> list[Box]:
    """Return fewer boxes that hold the same cases: those that only one column keeps apart, and that meet there, join.

    :param boxes: no two hold the same case
    """
    boxes = list(map(dict, boxes))
    merged = True
    while merged:
        merged = False
        for one in range(len(boxes)):
            for other in range(one + 1, len(boxes)):
                joined = _joined(boxes[one], boxes[other])
                if joined is not None:
                    boxes[one] = joined
                    del boxes[other]
                    merged = True
                    break
            if merged:
                break
    return boxes


def _joined(one, other):
    everything = (-math.inf, math.inf)
    apart = [
        column for column in {**one, **other} if one.get(column, everything) != other.get(column, everything)]
    if len(apart) != 1:
        return None
    [column] = apart
    (low, high), (other_low, other_high) = sorted((one.get(column, everything), other.get(column, everything)))
    if high != other_low:
        return None
    rest = {key: bounds for key, bounds in one.items() if key != column}
    return rest if (low, other_high) == everything else {**rest, column: (low, other_high)}


def conditions(box: Box, feature_names: Sequence[str]) -> tuple[Condition, ...]:
    """Return a box as comparisons, all of which hold; none for a box without bounds."""
    found = []
    for column, (low, high) in box.items():
        if low > -math.inf:
            found.append(Condition(feature_names[column], '>', _plain(low)))
        if high < math.inf:
            found.append(Condition(feature_names[column], '<=', _plain(high)))
    return tuple(found)


def _plain(number):
    return int(number) if float(number).is_integer() and abs(number) < 1e15 else float(number)


def matches(disjuncts: Disjuncts, features: np.ndarray, feature_names: Sequence[str]) -> np.ndarray:
    """Return which rows fulfil all conditions of at least one disjunct, as booleans of shape (rows,)."""
    columns = {name: column for column, name in enumerate(feature_names)}
    found = np.zeros(len(features), bool)
    for terms in disjuncts:
        within = np.ones(len(features), bool)
        for feature, operator, value in terms:
            values = features[:, columns[feature]]
            within &= values <= value if operator == '<=' else values > value
        found |= within
    return found


def to_domain(disjuncts: Disjuncts, term: Callable[[Condition], tuple] = tuple) -> list:
    """Return disjuncts as an Odoo domain in prefix notation: at least one of them holds, with all its conditions.

    No disjunct gives the domain of nothing, one without a condition that of everything.

    :param term: makes a term of a domain of a condition, where features are not fields
    """
    if not disjuncts:
        return [(0, '=', 1)]
    if not all(disjuncts):
        return []
    if len(disjuncts) == 1:
        return [term(condition) for condition in disjuncts[0]]
    domain = ['|'] * (len(disjuncts) - 1)
    for terms in disjuncts:
        domain += ['&'] * (len(terms) - 1)
        domain += [term(condition) for condition in terms]
    return domain


def to_text(disjuncts: Disjuncts) -> str:
    """Return disjuncts in English with the names of the features, as "recency > 90 and orders <= 3, or ..."."""
    if not disjuncts:
        return 'none'
    return ', or '.join(
        ' and '.join(f'{feature} {operator} {value:,}' for feature, operator, value in terms) or 'all'
        for terms in disjuncts
    )
