"""How much stock covers the demand until the next receipt; nothing here knows Odoo.

The stock position (on hand, plus ordered, less promised) is looked at once a day. Where it is below the minimum, an
order lifts it to the maximum. Until that order arrives, what is sold has to come from the minimum: the demand of the
lead time, and the *undershoot*, by which the day that went below the minimum went below it. A *service level* is
either

- ``'cycle'``: the share of order cycles in which nothing is missing before the receipt, or
- ``'fill'``: the share of the demand that is served from stock at once.

Sources: G. Hadley, T. M. Whitin, *Analysis of Inventory Systems* (1963), for the spread of demand over a lead time
that varies and for the loss function; E. A. Silver, D. F. Pyke, D. J. Thomas, *Inventory and Production Management in
Supply Chains* (4th ed., 2017), chapters 4 and 6, for order quantities, both service levels and the advice to leave the
normal distribution where the spread is above half of the mean; E. Porras, R. Dekker, "An inventory control system for
spare parts at a refinery", EJOR 184 (2008), for the demand of past stretches as long as the lead time; T. R. Willemain,
C. N. Smart, H. F. Schwarz, "A new approach to forecasting intermittent demand for service parts inventories", IJF 20
(2004), for drawing days at random where the past is short; H. C. Tijms, H. Groenevelt, "Simple approximations for the
reorder point in periodic and continuous review (s, S) inventory systems with service level constraints", EJOR 17
(1984), for the undershoot.
"""
import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Protocol

import numpy as np

#: spread over mean above which demand is not taken as normal
NORMAL_SPREAD = 0.5
#: how many stretches of the lead time the past has to hold; with fewer, days are drawn at random
STRETCHES = 3
DRAWS = 2000
#: steps of the lead time's distribution
LEAD_STEPS = 5
#: steps of the undershoot: of the size of the day that goes below the minimum, and of the part of it that is below
SIZE_STEPS, PART_STEPS = 5, 4
#: how finely the average stock is added up between minimum and maximum
LEVELS = 17
MEASURES = ('cycle', 'fill')


class LeadDemand(Protocol):
    """The demand of a stretch of days, as a random number."""
    mean: float
    sd: float

    def chance_of_no_shortage(self, level: float) -> float:
        """Return the probability that the demand is not above the level."""

    def loss(self, level: float) -> float:
        """Return how much of the demand is above the level, on average."""


@dataclass(frozen=True)
class NormalDemand:
    """Demand that is steady enough to be taken as normal."""
    mean: float
    sd: float

    def chance_of_no_shortage(self, level):
        if not self.sd:
            return float(level >= self.mean)
        return 0.5 * math.erfc((self.mean - level) / self.sd / math.sqrt(2))

    def loss(self, level):
        if not self.sd:
            return max(self.mean - level, 0.0)
        z = (level - self.mean) / self.sd
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return max(self.sd * (density - z * 0.5 * math.erfc(z / math.sqrt(2))), 0.0)


@dataclass(frozen=True)
class SampleDemand:
    """Demand as it was: sums of past days, each with its weight."""
    values: np.ndarray
    weights: np.ndarray
    mean: float = field(init=False)
    sd: float = field(init=False)

    def __post_init__(self):
        values, places = np.unique(np.asarray(self.values, float), return_inverse=True)
        weights = np.bincount(places.ravel(), np.asarray(self.weights, float).ravel())
        weights = weights / weights.sum()
        mean = float(weights @ values)
        for name, value in (('values', values), ('weights', weights), ('mean', mean),
                            ('sd', float(np.sqrt(max(weights @ (values - mean) ** 2, 0.0))))):
            object.__setattr__(self, name, value)

    def chance_of_no_shortage(self, level):
        return max(1.0 - float(self.weights[self.values > level].sum()), 0.0)

    def loss(self, level):
        return float(self.weights @ np.maximum(self.values - level, 0.0))


def lead_demand(daily_mean: float, daily_sd: float, days: float, days_sd: float = 0.0) -> NormalDemand:
    """Return the demand of a stretch of days whose length varies.

    Variance: days x daily variance + daily mean squared x variance of the days (Hadley and Whitin).

    :raise ValueError: a spread or a number of days is negative or not finite
    """
    if not all(map(math.isfinite, (daily_mean, daily_sd, days, days_sd))) or min(daily_sd, days, days_sd) < 0:
        raise ValueError("demand and days are finite, their spreads and the days not negative")
    return NormalDemand(daily_mean * days, math.sqrt(days * daily_sd ** 2 + (daily_mean * days_sd) ** 2))


def sample_lead_demand(daily, days: float, days_sd: float = 0.0, mean: float | None = None, seed: int = 0):
    """Return the demand of a stretch of days, from past days.

    Where the past is long enough, each stretch of it counts, so that busy days that follow each other stay together;
    otherwise days are drawn at random. The same figures give the same answer.

    :param daily: demand of past days, oldest first; NaN for days that do not count
    :param mean: daily mean that the past is scaled to, if something better than its own is known
    :raise ValueError: no day counts
    """
    daily = np.asarray(daily, float)
    daily = daily[np.isfinite(daily)]
    if not len(daily):
        raise ValueError("no day counts")
    totals = np.concatenate(([0.0], np.cumsum(daily)))
    values, weights = [], []
    lengths, counts = np.unique(lead_lengths(days, days_sd), return_counts=True)
    rng = np.random.default_rng(seed)
    for length, count in zip(lengths.tolist(), counts.tolist(), strict=True):
        if length * STRETCHES <= len(daily):
            sums = totals[length:] - totals[:len(totals) - length]
        else:
            sums = rng.choice(daily, (DRAWS, length)).sum(axis=1)
        values.append(np.maximum(sums, 0.0))
        weights.append(np.full(len(sums), count / len(sums)))
    values = np.concatenate(values)
    own = daily.mean()
    if mean is not None and own > 0:
        values = values * (mean / own)
    return SampleDemand(values, np.concatenate(weights))


def lead_lengths(days: float, days_sd: float = 0.0) -> np.ndarray:
    """Return whole lengths of the lead time, each as likely as the others: the normal one, cut into equal parts."""
    middles = [NormalDist().inv_cdf((number + 0.5) / LEAD_STEPS) for number in range(LEAD_STEPS)]
    return np.maximum(np.rint(days + days_sd * np.array(middles)), 0).astype(int)


def estimate_lead_demand(daily, mean: float, sd: float, days: float, days_sd: float = 0.0, seed: int = 0):
    """Return the demand of a stretch of days, as normal where it is steady and as the past was where it is not."""
    normal = lead_demand(mean, sd, days, days_sd)
    if normal.sd <= NORMAL_SPREAD * normal.mean or not np.isfinite(daily).any():
        return normal
    return sample_lead_demand(daily, days, days_sd, mean, seed)


def add_undershoot(demand: LeadDemand, daily, mean: float, sd: float, step: float = 1.0):
    """Return the demand together with the undershoot.

    A large day is the more likely to go below the minimum the larger it is, and any part of it may be below.

    :param daily: demand of past days; NaN for days that do not count
    :param mean, sd: of a day
    """
    if isinstance(demand, NormalDemand):
        if mean <= 0:
            return demand
        below = (mean ** 2 + sd ** 2) / (2 * mean)
        variance = max((mean ** 2 + 3 * sd ** 2) / 3 - below ** 2, 0.0)
        return NormalDemand(demand.mean + below + step / 2, math.hypot(demand.sd, math.sqrt(variance)))
    below = _undershoots(np.asarray(daily, float), step)
    if not len(below):
        return demand
    return SampleDemand(
        np.add.outer(demand.values, below).ravel(), np.repeat(demand.weights / len(below), len(below)))


def _undershoots(daily, step):
    """Return how far below the minimum an order is placed, each as likely as the others."""
    sizes = np.sort(daily[np.isfinite(daily) & (daily > 0)])
    if not len(sizes):
        return sizes
    share = np.cumsum(sizes) / sizes.sum()
    chosen = sizes[np.searchsorted(share, (np.arange(SIZE_STEPS) + 0.5) / SIZE_STEPS)]
    parts = np.outer(chosen, (np.arange(PART_STEPS) + 0.5) / PART_STEPS).ravel()
    return np.ceil(np.round(parts / step, 6)) * step


def expected_service(demand: LeadDemand, minimum: float, quantity: float, measure: str = 'fill') -> float:
    """Return the service level of a minimum and of the quantity that an order is of.

    Fill rate: what is missing per cycle is what the demand has above the minimum, less what it still has above the
    maximum, for that is missing in the next cycle as well.

    :raise ValueError: the measure is not known
    """
    _check_measure(measure)
    if measure == 'cycle':
        return demand.chance_of_no_shortage(minimum)
    if quantity <= 0:
        return 1.0 if demand.mean <= 0 else 0.0
    missing = demand.loss(minimum) - demand.loss(minimum + quantity)
    return min(max(1 - missing / quantity, 0.0), 1.0)


def reorder_point(
        demand: LeadDemand, service: float, quantity: float, measure: str = 'fill', step: float = 1.0) -> float:
    """Return the least minimum, in whole steps and not below 0, that reaches a service level.

    :param service: above 0 and below 1
    :param quantity: what an order is of
    :param step: what quantities are a multiple of
    :raise ValueError: the service level cannot be reached by any stock, or a figure makes no sense
    """
    _check_measure(measure)
    if not 0 < service < 1 or step <= 0 or measure == 'fill' and quantity <= 0:
        raise ValueError("the service level is between 0 and 1, quantities are above 0")

    def reaches(steps):
        return expected_service(demand, steps * step, quantity, measure) >= service

    low, high = -1, 1
    while not reaches(high):
        low, high = high, high * 2
        if high * step > 1e15:
            raise ValueError("no stock reaches the service level")
    if low < 0 and reaches(0):
        return 0.0
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high * step


def average_stock(demand: LeadDemand, minimum: float, quantity: float) -> float:
    """Return what is on hand at the end of a day, on average.

    The position is anywhere between minimum and maximum, each as likely; one lead time later it is on hand, less the
    demand of that time (Hadley and Whitin).

    :param demand: that of the lead time alone
    """
    levels = np.linspace(minimum, minimum + max(quantity, 0.0), LEVELS).tolist()
    kept = [level - demand.mean + demand.loss(level) for level in levels]
    return max((sum(kept) - (kept[0] + kept[-1]) / 2) / (LEVELS - 1), 0.0)


def economic_quantity(daily_mean: float, order_cost: float, unit_cost: float, holding_rate: float) -> float:
    """Return the quantity at which ordering and holding together cost least (Harris 1913, Wilson 1934).

    :param order_cost: what an order costs, whatever is ordered
    :param holding_rate: what holding stock for a year costs, as a share of its value
    :raise ValueError: a cost is not above 0
    """
    if min(order_cost, unit_cost, holding_rate) <= 0:
        raise ValueError("costs are above 0")
    return math.sqrt(2 * 365 * max(daily_mean, 0.0) * order_cost / (unit_cost * holding_rate))


def round_up(quantity: float, step: float) -> float:
    """Return the quantity as whole steps, not rounding up what is above one by an error of floats only."""
    return math.ceil(round(quantity / step, 6)) * step


def order_quantity(missing: float, least: float = 0.0, multiple: float = 0.0) -> float:
    """Return what a vendor sells where so much is missing: his least quantity or more, in whole multiples."""
    if missing <= 0:
        return 0.0
    quantity = max(missing, least)
    return round_up(quantity, multiple) if multiple > 0 else quantity


def _check_measure(measure):
    if measure not in MEASURES:
        raise ValueError(f"{measure} is no service level")
