"""Forecasts of groups that are the sums of the forecasts of what is in them; nothing here knows Odoo.

Groups may overlap: the products of a company are in categories, and all of them in the company. `members` says what is
in what: a row a group, a column a bottom series, 1 where it is in it, else 0; dense or a scipy sparse matrix.
"""
from collections.abc import Sequence

import numpy as np

METHODS = ('bottom_up', 'proportional', 'variance')


def membership(labels: Sequence[Sequence]) -> tuple[list[tuple], 'scipy.sparse.csr_matrix']:  # noqa: F821
    """Return the groups, and which bottom series is in which.

    :param labels: for each way to group, one label a bottom series; None where it is in no group of that way
    :return: the groups as (way, label), in order of appearance, and `members`
    """
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    groups: dict[tuple, int] = {}
    rows, columns = [], []
    for way, names in enumerate(labels):
        for column, name in enumerate(names):
            if name is not None:
                rows.append(groups.setdefault((way, name), len(groups)))
                columns.append(column)
    size = len(groups), max((len(names) for names in labels), default=0)
    return list(groups), csr_matrix((np.ones(len(rows)), (rows, columns)), shape=size)


def reconcile(
        groups, bottom, members, method: str = 'bottom_up', group_variance=None,
        bottom_variance=None, nonnegative: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return forecasts of groups and of bottom series that agree: each group is the sum of its members.

    ``bottom_up`` keeps the bottom and sums it. ``proportional`` keeps the first group, which all bottom series must
    be in, and shares it among them by their own forecasts, equally where these are all 0. ``variance`` moves both as
    little as agreeing takes, those that are less sure more: MinT with variances alone (S.L. Wickramasuriya,
    G. Athanasopoulos and R.J. Hyndman, *Optimal forecast reconciliation for hierarchical and grouped time series
    through trace minimization*, Journal of the American Statistical Association 114, 2019).

    :param groups: a row a group, a column a period; not read by ``bottom_up``
    :param bottom: a row a series, a column a period
    :param members: a row a group, a column a bottom series
    :param group_variance: of the forecast errors, one above 0 a group; the number of members where left out, as
        errors of members that are equally sure add up
    :param bottom_variance: one above 0 a bottom series; 1 where left out
    :param nonnegative: whether bottom forecasts below 0 are to be 0, and sums to follow
    :raise ValueError: what is given does not fit together
    """
    groups, bottom = np.asarray(groups, dtype=float), np.asarray(bottom, dtype=float)
    _check(groups, bottom, members, method)
    if method == 'proportional':
        bottom = _share(groups[0], bottom, members)
    elif method == 'variance' and len(groups):
        group_variance = _variances(group_variance, np.asarray(members.sum(axis=1)).ravel(), 'group_variance')
        bottom_variance = _variances(bottom_variance, np.ones(len(bottom)), 'bottom_variance')
        bottom = _least_variance(groups, bottom, members, group_variance, bottom_variance)
    if nonnegative:
        bottom = np.maximum(bottom, 0)
    return members @ bottom, bottom


def _check(groups, bottom, members, method):
    if method not in METHODS:
        raise ValueError(f"method is {method}: not one of {', '.join(METHODS)}")
    if bottom.ndim != 2 or members.shape[1] != len(bottom):
        raise ValueError(f"members are of {members.shape[1]} bottom series, and bottom has {len(bottom)} rows")
    if not np.isfinite(bottom).all():
        raise ValueError("bottom has numbers that are not finite")
    if method == 'bottom_up':
        return
    if groups.shape != (members.shape[0], bottom.shape[1]):
        raise ValueError(f"groups is {groups.shape}, not {(members.shape[0], bottom.shape[1])}")
    if not np.isfinite(groups).all():
        raise ValueError("groups has numbers that are not finite")


def _variances(given, usual, name):
    variances = np.maximum(usual, 1) if given is None else np.asarray(given, dtype=float)
    if variances.shape != usual.shape or not (np.isfinite(variances) & (variances > 0)).all():
        raise ValueError(f"{name} is not {len(usual)} numbers above 0")
    return variances


def _share(total, bottom, members):
    first = members[[0]]
    if (first.toarray() if hasattr(first, 'toarray') else np.asarray(first)).min() < 1:
        raise ValueError("a bottom series is not in the first group")
    sums = bottom.sum(axis=0)
    if (bottom < 0).any():
        raise ValueError("a forecast below 0 has no share")
    shares = np.divide(bottom, sums, out=np.full(bottom.shape, 1 / len(bottom)), where=sums > 0)
    return shares * total


def _least_variance(groups, bottom, members, group_variance, bottom_variance):
    """Return the bottom moved by W C' (C W C')^-1 C y, where C y is groups less sums.

    What is solved is as large as the groups are many.
    """
    weighted = members.multiply(bottom_variance) if hasattr(members, 'multiply') else members * bottom_variance
    spread = weighted @ members.T
    spread = spread.toarray() if hasattr(spread, 'toarray') else spread
    missing = np.linalg.solve(np.diag(group_variance) + spread, groups - members @ bottom)
    return bottom + weighted.T @ missing
