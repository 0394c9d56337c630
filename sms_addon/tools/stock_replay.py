"""What order points would have done in the past; nothing here knows Odoo.

Each day receives what arrived the evening before, serves the demand and what is still owed, and orders in the evening
where the position is below the minimum: up to the maximum, at least what the vendor sells, in his multiples. An order
arrives in the evening, its lead time after the day that follows. What is not there is delivered later, as orders are
kept. This is how the host's order points work when its scheduler runs once a day.
"""
from dataclasses import dataclass

import numpy as np

#: differences in the share of demand served that are none
SAME_SERVICE = 0.001
#: differences in average stock that are none, as a share of it
SAME_STOCK = 0.01


@dataclass(frozen=True)
class Replay:
    """What came of it, an array with one value per product each."""
    demand: np.ndarray
    served: np.ndarray
    average_stock: np.ndarray
    orders: np.ndarray
    ordered: np.ndarray
    days_short: np.ndarray

    @property
    def service(self) -> np.ndarray:
        """Share of the demand that was served on its day; NaN without demand."""
        with np.errstate(invalid='ignore', divide='ignore'):
            return np.where(self.demand > 0, self.served / self.demand, np.nan)


def draw_leads(days, days_sd, length: int, seeds) -> np.ndarray:
    """Return how long an order takes that is placed on a day: products x days, whole and not negative.

    :param days, days_sd: lead time of each product and its spread
    :param seeds: of each product; the same seed gives the same days, whatever other products there are
    """
    drawn = np.empty((len(days), length), int)
    for row, (mean, spread, seed) in enumerate(zip(days, days_sd, seeds, strict=True)):
        noise = np.random.default_rng(seed).standard_normal(length) if spread else 0.0
        drawn[row] = np.maximum(np.rint(mean + spread * noise), 0)
    return drawn


def replay(demand, minimum, maximum, leads, least=0.0, multiple=0.0, start=None) -> Replay:
    """Return what order points would have done, all products at once.

    :param demand: products x days; NaN is none
    :param minimum, maximum: of each product
    :param leads: products x days, days that an order of that day takes, not negative
    :param least, multiple: what the vendor sells at least, and a multiple of what; 0 for whatever is asked
    :param start: on hand on the first morning; the maximum if not given
    :raise ValueError: a maximum is below its minimum, or shapes do not fit
    """
    demand = np.nan_to_num(np.maximum(np.asarray(demand, float), 0.0))
    count, days = demand.shape
    minimum, maximum, least, multiple = (
        np.broadcast_to(np.asarray(values, float), count) for values in (minimum, maximum, least, multiple))
    leads = np.asarray(leads, int)
    if leads.shape != demand.shape or (leads < 0).any() or (maximum < minimum).any():
        raise ValueError("leads of each product and day, and no maximum below its minimum")
    rows = np.arange(count)
    arrivals = np.zeros((count, days + (int(leads.max()) if leads.size else 0) + 2))
    # below 0: owed to customers
    net = np.array(maximum if start is None else np.broadcast_to(np.asarray(start, float), count), float)
    on_order = np.zeros(count)
    served, stock, ordered = np.zeros(count), np.zeros(count), np.zeros(count)
    orders, short = np.zeros(count, int), np.zeros(count, int)
    for day in range(days):
        net += arrivals[:, day]
        on_order -= arrivals[:, day]
        wanted = demand[:, day]
        given = np.minimum(np.maximum(net, 0.0), wanted)
        served += given
        short += given < wanted
        net -= wanted
        stock += np.maximum(net, 0.0)
        quantity = _quantities(minimum, maximum, net + on_order, least, multiple)
        arrivals[rows, day + 1 + leads[:, day]] += quantity
        on_order += quantity
        ordered += quantity
        orders += quantity > 0
    return Replay(demand.sum(axis=1), served, stock / max(days, 1), orders, ordered, short)


def _quantities(minimum, maximum, position, least, multiple):
    """Return what is ordered of each product."""
    # a float's error is no reason to order
    missing = np.where(position < minimum - 1e-9, maximum - position, 0.0)
    quantity = np.where(missing > 0, np.maximum(missing, least), 0.0)
    step = np.where(multiple > 0, multiple, 1.0)
    return np.where(multiple > 0, np.ceil(np.round(quantity / step, 6)) * step, quantity)


def judge(target: float, before: tuple[float, float], after: tuple[float, float]) -> str:
    """Return whether new order points do 'better', the 'same' or 'worse' than the present ones.

    The service level comes first, up to the target; where both reach it, or serve the same, less stock is better.

    :param before, after: share of the demand served (NaN without demand) and average stock
    """
    reached = [target if np.isnan(service) else min(service, target) for service, _stock in (before, after)]
    if abs(reached[1] - reached[0]) > SAME_SERVICE:
        return 'better' if reached[1] > reached[0] else 'worse'
    change = after[1] - before[1]
    if abs(change) <= SAME_STOCK * max(before[1], after[1]):
        return 'same'
    return 'better' if change < 0 else 'worse'
