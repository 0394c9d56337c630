"""Which orders to place, and how much of them, where the money is not enough for all; nothing here knows Odoo.

A knapsack with one limit for all and, where wanted, one for each vendor, in which an order can be placed as a whole or
in one of a few smaller sizes: H. Kellerer, U. Pferschy, D. Pisinger, *Knapsack Problems* (2004), chapter 11. HiGHS
solves it; where it takes too long, or for very many sizes, the best of two simple rules is taken, and how far it can be
from the best is told.
"""
from dataclasses import dataclass

import numpy as np

#: sizes of orders above which nobody waits for the best plan
EXACT_ORDERS = 20_000
#: seconds, and the gap to the best plan that is good enough
TIME_LIMIT, GAP = 5.0, 1e-6


@dataclass(frozen=True)
class Plan:
    """The orders that are placed, what they cost and are worth, and what no plan could be worth more than.

    ``chosen`` says which are placed at all; ``part`` has the place of the smaller size that is taken of an order, or -1
    where the whole of it or nothing is. ``exact``: no plan is worth more. Of exact plans, one under a larger budget is
    never worth less; of others that is not promised.
    """
    chosen: np.ndarray
    part: np.ndarray
    cost: float
    worth: float
    bound: float
    exact: bool


@dataclass(frozen=True)
class _Sizes:
    """All sizes of all orders, those of an order together and the whole last; ``value`` breaks ties of worth."""
    order: np.ndarray
    cost: np.ndarray
    worth: np.ndarray
    value: np.ndarray
    limits: list
    whole: np.ndarray

    def fits(self, taken):
        return all(self.cost[taken][of[taken]].sum() <= limit for limit, of in self.limits)


def plan_orders(
        cost, worth, budget=None, vendors=None, vendor_budgets=None, parts=None, time_limit=TIME_LIMIT) -> Plan:
    """Return the orders that are worth most under the budgets.

    Orders that cost nothing are always placed, orders that are worth nothing come last.

    :param cost, worth: of each whole order, not negative
    :param budget: for all orders; no limit if not given
    :param vendors: of each order, whatever can be compared
    :param vendor_budgets: vendor -> limit of the orders with him
    :param parts: of each order, the (cost, worth) of the smaller sizes that it can be placed in, if any; none is worth
        more than the whole
    :raise ValueError: a figure is negative or not finite
    """
    sizes = _read(cost, worth, parts, budget, vendors, vendor_budgets or {})
    if sizes.fits(sizes.whole):
        return _plan(sizes, sizes.whole, float(sizes.worth[sizes.whole].sum()), True)
    bound = _bound(sizes)
    simple = _simple_plan(sizes)
    taken, is_exact = (_exact_plan(sizes, time_limit) if len(sizes.cost) <= EXACT_ORDERS else None) or (simple, False)
    # within the gap, the simple one may do more that is worth nothing
    best = max((taken, simple), key=lambda chosen: sizes.value[chosen].sum())
    return _plan(sizes, best, bound, is_exact)


def _read(cost, worth, parts, budget, vendors, vendor_budgets):
    cost, worth = np.asarray(cost, float), np.asarray(worth, float)
    parts = [()] * len(cost) if parts is None else parts
    if len(worth) != len(cost) or len(parts) != len(cost):
        raise ValueError("each order has a cost, a worth and its parts")
    counts = np.array([len(sizes) + 1 for sizes in parts], int)
    order = np.repeat(np.arange(len(cost)), counts)
    whole = np.cumsum(counts) - 1
    pairs = [pair for sizes, *own in zip(parts, cost, worth, strict=True) for pair in (*sizes, own)]
    costs, worths = np.array(pairs, float).reshape(-1, 2).T
    limits = [] if budget is None else [(float(budget), np.ones(len(order), bool))]
    if vendors is not None:
        limits += [
            (float(limit), np.array([vendor == owner for vendor in vendors], bool)[order])
            for owner, limit in vendor_budgets.items()]
    if not np.isfinite(np.r_[costs, worths]).all() or (
            min([0.0, *costs, *worths, *(limit for limit, _of in limits)]) < 0):
        raise ValueError("costs, worths and budgets are finite and not negative")
    # of two plans that are worth the same, the one that does more; what costs nothing is in each
    share = (np.arange(len(order)) - (whole - counts + 1)[order] + 1) / counts[order]
    value = worths + 1e-9 * max(worths.max(initial=0.0), 1.0) / max(len(cost), 1) * share
    return _Sizes(order, costs, worths, value, limits, whole)


def _plan(sizes, taken, bound, exact):
    chosen, part = np.zeros(len(sizes.whole), bool), np.full(len(sizes.whole), -1)
    chosen[sizes.order[taken]] = True
    first = np.r_[0, sizes.whole[:-1] + 1] if len(sizes.whole) else sizes.whole
    smaller = taken[taken != sizes.whole[sizes.order[taken]]]
    part[sizes.order[smaller]] = smaller - first[sizes.order[smaller]]
    total = float(sizes.worth[taken].sum())
    return Plan(chosen, part, float(sizes.cost[taken].sum()), total, max(bound, total), exact)


def _steps(sizes, figure):
    """Return the steps from size to size that are worth the money, the best ones first: (size, cost, figure) more.

    Of each order those on the upper hull: what a size between two of them is worth, a mixture of the two is, too.
    """
    found = []
    for order, last in enumerate(sizes.whole.tolist()):
        first = int(sizes.whole[order - 1]) + 1 if order else 0
        hull = [(0.0, 0.0, -1)]
        for place in sorted(range(first, last + 1), key=lambda place: (sizes.cost[place], figure[place])):
            point = (float(sizes.cost[place]), float(figure[place]), place)
            if point[1] <= hull[-1][1]:
                continue
            while hull[-1][0] == point[0] and hull[-1][2] >= 0 or len(hull) > 1 and (
                    (point[1] - hull[-1][1]) * (hull[-1][0] - hull[-2][0])
                    >= (hull[-1][1] - hull[-2][1]) * (point[0] - hull[-1][0])):
                hull.pop()
            hull.append(point)
        found += [
            (there[2], there[0] - here[0], there[1] - here[1]) for here, there in zip(hull, hull[1:], strict=False)]
    return sorted(found, key=lambda step: -(step[2] / step[1] if step[1] else np.inf))


def _bound(sizes):
    """Return what no plan can be worth more than: the least of what parts of steps would reach in one budget."""
    steps = _steps(sizes, sizes.worth)
    bounds = [sum(step[2] for step in steps)]
    for limit, of in sizes.limits:
        total, left = 0.0, limit
        for place, cost, worth in steps:
            if not of[place]:
                total += worth
            elif cost <= left:
                total, left = total + worth, left - cost
            else:
                total, left = total + worth * max(left, 0.0) / cost, 0.0
        bounds.append(total)
    return float(min(bounds))


def _simple_plan(sizes):
    """Return the better of: most worth for the money first, and whole orders that are worth most first."""
    by_density = [place for place, _cost, _value in _steps(sizes, sizes.value)]
    by_value = sizes.whole[np.argsort(-sizes.value[sizes.whole], kind='stable')].tolist()
    plans = [_fill(sizes, places) for places in (by_density, by_value)]
    return max(plans, key=lambda taken: sizes.value[taken].sum())


def _fill(sizes, places):
    """Return the sizes taken one after the other where there is money, each for the one before of its order."""
    left = [limit for limit, _of in sizes.limits]
    taken = {}
    for place in places:
        order = int(sizes.order[place])
        before = taken.get(order)
        more = sizes.cost[place] - (sizes.cost[before] if before is not None else 0.0)
        of = [number for number, (_limit, members) in enumerate(sizes.limits) if members[place]]
        if all(more <= left[number] for number in of):
            taken[order] = place
            for number in of:
                left[number] -= more
    return np.array(sorted(taken.values()), int)


def _exact_plan(sizes, time_limit):
    """Return the sizes HiGHS chooses and whether they are the best, or nothing where it finds none in time."""
    from scipy.optimize import LinearConstraint, milp  # noqa: PLC0415  only whoever plans pays for it
    from scipy.sparse import csr_matrix, vstack  # noqa: PLC0415
    count = len(sizes.cost)
    several = np.flatnonzero(np.bincount(sizes.order)[sizes.order] > 1)
    _orders, rows = np.unique(sizes.order[several], return_inverse=True)
    one_size = csr_matrix((np.ones(len(several)), (rows, several)), (len(_orders), count))
    found = milp(
        -sizes.value, integrality=np.ones(count), bounds=(0, 1),
        constraints=LinearConstraint(
            vstack([csr_matrix(np.array([sizes.cost * of for _limit, of in sizes.limits])), one_size]),
            ub=[*(limit for limit, _of in sizes.limits), *np.ones(len(_orders))]),
        options={'time_limit': time_limit, 'mip_rel_gap': GAP})
    if found.x is None:
        return None
    chosen = found.x > 0.5
    free = sizes.whole[sizes.cost[sizes.whole] == 0]
    chosen[np.isin(sizes.order, sizes.order[free])] = False
    chosen[free] = True
    taken = np.flatnonzero(chosen)
    # the solver allows itself small violations
    if not sizes.fits(taken) or len(np.unique(sizes.order[taken])) < len(taken):
        return None
    return taken, found.status == 0
