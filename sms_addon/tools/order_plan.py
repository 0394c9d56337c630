"""Which orders to place where the money is not enough for all; nothing here knows Odoo.

A knapsack with one limit for all and, where wanted, one for each vendor: H. Kellerer, U. Pferschy, D. Pisinger,
*Knapsack Problems* (2004). HiGHS solves it; where it takes too long, or for very many orders, the best of two simple
rules is taken, and how far it can be from the best is told.
"""
from dataclasses import dataclass

import numpy as np

#: orders above which nobody waits for the best plan
EXACT_ORDERS = 20_000
#: seconds, and the gap to the best plan that is good enough
TIME_LIMIT, GAP = 5.0, 1e-6


@dataclass(frozen=True)
class Plan:
    """The orders that are placed, what they cost and are worth, and what no plan could be worth more than."""
    chosen: np.ndarray
    cost: float
    worth: float
    bound: float
    exact: bool


def plan_orders(cost, worth, budget=None, vendors=None, vendor_budgets=None, time_limit=TIME_LIMIT) -> Plan:
    """Return the orders that are worth most under the budgets.

    Orders that cost nothing are always placed, orders that are worth nothing come last.

    :param cost, worth: of each order, not negative
    :param budget: for all orders; no limit if not given
    :param vendors: of each order, whatever can be compared
    :param vendor_budgets: vendor -> limit of the orders with him
    :raise ValueError: a figure is negative or not finite
    """
    cost, worth = np.asarray(cost, float), np.asarray(worth, float)
    limits = _limits(len(cost), budget, vendors, vendor_budgets or {})
    if len(worth) != len(cost) or not (np.isfinite(cost).all() and np.isfinite(worth).all()) or (
            min([0.0, *cost, *worth, *(limit for limit, _of in limits)]) < 0):
        raise ValueError("costs, worths and budgets are finite and not negative")
    # of two plans that are worth the same, the one that does more; what costs nothing is in each
    value = worth + 1e-9 * max(worth.max(initial=0.0), 1.0) / max(len(cost), 1)
    if all(cost[of].sum() <= limit for limit, of in limits):
        return _plan(np.ones(len(cost), bool), cost, worth, float(worth.sum()), True)
    bound = _bound(cost, worth, limits)
    simple = _simple_plan(cost, value, limits)
    exact = _exact_plan(cost, value, limits, time_limit) if len(cost) <= EXACT_ORDERS else None
    if exact is None or value[exact[0]].sum() < value[simple].sum():
        return _plan(simple, cost, worth, bound, False)
    return _plan(exact[0], cost, worth, bound, exact[1])


def _limits(count, budget, vendors, vendor_budgets):
    """Return (limit, which orders) of each budget."""
    limits = [] if budget is None else [(float(budget), np.ones(count, bool))]
    if vendors is not None:
        limits += [
            (float(limit), np.array([vendor == owner for vendor in vendors], bool))
            for owner, limit in vendor_budgets.items()]
    return limits


def _plan(chosen, cost, worth, bound, exact):
    total = float(worth[chosen].sum())
    return Plan(chosen, float(cost[chosen].sum()), total, max(bound, total), exact)


def _bound(cost, worth, limits):
    """Return what no plan can be worth more than: the least of what parts of orders would reach in one budget."""
    order = np.argsort(-_density(worth, cost), kind='stable')
    bounds = [worth.sum()]
    for limit, of in limits:
        of_order = order[of[order]]
        spent = np.cumsum(cost[of_order])
        whole = int(np.searchsorted(spent, limit, 'right'))
        total = worth[~of].sum() + worth[of_order[:whole]].sum()
        if whole < len(of_order):
            rest = limit - (spent[whole - 1] if whole else 0.0)
            total += worth[of_order[whole]] * rest / cost[of_order[whole]]
        bounds.append(total)
    return float(min(bounds))


def _simple_plan(cost, value, limits):
    """Return the better of: most worth for the money first, and most worth first."""
    plans = [_fill(np.argsort(-rank, kind='stable'), cost, limits) for rank in (_density(value, cost), value)]
    return max(plans, key=lambda chosen: value[chosen].sum())


def _density(value, cost):
    """Return worth for the money; what costs nothing comes first."""
    return np.where(cost > 0, value / np.where(cost > 0, cost, 1.0), np.inf)


def _fill(order, cost, limits):
    left = [limit for limit, _of in limits]
    chosen = np.zeros(len(cost), bool)
    for place in order.tolist():
        of = [number for number, (_limit, members) in enumerate(limits) if members[place]]
        if all(cost[place] <= left[number] for number in of):
            chosen[place] = True
            for number in of:
                left[number] -= cost[place]
    return chosen


def _exact_plan(cost, value, limits, time_limit):
    """Return the orders HiGHS chooses and whether they are the best, or nothing where it finds none in time."""
    from scipy.optimize import LinearConstraint, milp  # noqa: PLC0415  only whoever plans pays for it
    found = milp(
        -value, integrality=np.ones(len(cost)), bounds=(0, 1),
        constraints=LinearConstraint(
            np.array([cost * of for _limit, of in limits]), ub=[limit for limit, _of in limits]),
        options={'time_limit': time_limit, 'mip_rel_gap': GAP})
    if found.x is None:
        return None
    chosen = (found.x > 0.5) | (cost == 0)
    # the solver allows itself small violations
    if any(cost[chosen & of].sum() > limit for limit, of in limits):
        return None
    return chosen, found.status == 0
