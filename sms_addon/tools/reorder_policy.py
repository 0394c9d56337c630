"""Minimum and maximum of a product, and what they do; nothing here knows Odoo."""
import math
from dataclasses import dataclass, replace

import numpy as np

from .safety_stock import (
    NormalDemand,
    add_undershoot,
    average_stock,
    economic_quantity,
    estimate_lead_demand,
    expected_service,
    order_quantity,
    reorder_point,
    round_up,
)

#: longest time that an order should last
MAX_COVER_DAYS = 365


@dataclass(frozen=True)
class Item:
    """What is known of a product in a warehouse.

    ``history`` is the demand of past days, oldest first, NaN for those that do not count; ``step`` is what quantities
    are a multiple of; ``least`` and ``multiple`` are what the vendor sells.
    """
    daily_mean: float
    daily_sd: float
    lead_days: float
    lead_sd: float
    history: np.ndarray
    step: float = 1.0
    least: float = 0.0
    multiple: float = 0.0
    unit_cost: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Aim:
    """What the stock is for: service, how long an order should last, or what ordering and holding cost."""
    service: float
    measure: str = 'fill'
    cover_days: float = 30.0
    order_cost: float = 0.0
    holding_rate: float = 0.0


class Policy:
    """The order point of an item: what it should be, and what any other would do."""

    def __init__(self, item: Item):
        self.item = item
        known = (item.history, item.daily_mean, item.daily_sd)
        self.lead = estimate_lead_demand(*known, item.lead_days, item.lead_sd, item.seed)
        self.protection = add_undershoot(self.lead, *known, item.step)

    @property
    def is_normal(self) -> bool:
        return isinstance(self.protection, NormalDemand)

    def order_size(self, aim: Aim) -> float:
        """Return what an order should be of: the most economic where costs are known, what lasts for a while if not."""
        item = self.item
        size = item.daily_mean * aim.cover_days
        if min(aim.order_cost, aim.holding_rate, item.unit_cost) > 0:
            size = economic_quantity(item.daily_mean, aim.order_cost, item.unit_cost, aim.holding_rate)
        size = min(max(size, item.daily_mean), item.daily_mean * MAX_COVER_DAYS)
        return order_quantity(max(round_up(size, item.step), item.step), item.least, item.multiple)

    def levels(self, aim: Aim) -> tuple[float, float]:
        """Return minimum and maximum.

        The minimum is never below what is expected to be sold before the receipt, whatever the service level asks for.
        """
        size = self.order_size(aim)
        floor = round_up(self.protection.mean, self.item.step)
        minimum = max(reorder_point(
            self.protection, aim.service, self._cycle_quantity(0, size), aim.measure, self.item.step), floor)
        return minimum, round_up(minimum + size, self.item.step)

    def service(self, minimum: float, maximum: float, measure: str) -> float:
        """Return the service level of an order point."""
        return expected_service(self.protection, minimum, self._cycle_quantity(minimum, maximum), measure)

    def stock(self, minimum: float, maximum: float) -> float:
        return average_stock(self.lead, minimum, maximum - minimum)

    def sales_missed(self, position: float, quantities: list[float]) -> list[float]:
        """Return how much less is missing before the receipt after next if so much is ordered now, or a part of it.

        :param quantities: parts, the whole last: it is that which the next receipt is counted from
        """
        item, whole = self.item, quantities[-1]
        if whole <= 0:
            return [0.0 for _quantity in quantities]
        cover = whole / item.daily_mean if item.daily_mean > 0 else 0.0
        days = item.lead_days + min(cover, MAX_COVER_DAYS)
        demand = estimate_lead_demand(item.history, item.daily_mean, item.daily_sd, days, item.lead_sd, item.seed)
        missing = demand.loss(position)
        return [max(missing - demand.loss(position + quantity), 0.0) for quantity in quantities]

    def _cycle_quantity(self, minimum, maximum):
        """Return what an order is of: from below the minimum to the maximum, as the vendor sells it."""
        between = maximum - minimum + self.protection.mean - self.lead.mean
        return order_quantity(between, self.item.least, self.item.multiple)


def step_of(history: np.ndarray, least_step: float) -> float:
    """Return what quantities are a multiple of: whole units where only whole ones were ever asked for."""
    counted = history[np.isfinite(history)]
    return 1.0 if np.array_equal(counted, np.rint(counted)) else least_step


def estimate_daily(history: np.ndarray) -> tuple[float, float]:
    """Return mean and spread of the days that count; (0, 0) where none does."""
    counted = history[np.isfinite(history)]
    return (float(counted.mean()), float(counted.std())) if len(counted) else (0.0, 0.0)


def item_before(item: Item, days: int) -> Item:
    """Return what was known of an item so many days ago, by its demand."""
    history = item.history[:-days] if days else item.history
    mean, spread = estimate_daily(history)
    return replace(item, history=history, daily_mean=mean, daily_sd=spread)


def differs(present: tuple[float, float], proposed: tuple[float, float], share: float) -> bool:
    """Return whether a change is worth making: a level changes by more than a share of it."""
    return any(
        abs(new - old) > share * max(abs(new), abs(old)) + 1e-9 for old, new in zip(present, proposed, strict=True)
        if math.isfinite(old))
