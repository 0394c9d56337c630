"""The stock of a product day by day: how it came to be what it is, and how it is likely to go on."""
from datetime import timedelta
from math import sqrt

#: half of the width of an interval that holds 80 % of a normal distribution, in standard deviations
SPREADS = 1.2816


def past_stock(on_hand, net_moves, today, days):
    """Return the stock at the end of each of the last ``days`` days and of today, oldest first.

    :param float on_hand: what is there now
    :param dict net_moves: what came less what left on a day, by date; days without moves may be missing
    :return: list of (date, quantity)
    """
    stock, found = on_hand - sum(net for day, net in net_moves.items() if day > today), []
    for ago in range(days + 1):
        day = today - timedelta(days=ago)
        found.append((day, stock))
        stock -= net_moves.get(day, 0.0)
    return found[::-1]


def projected_stock(on_hand, receipts, deliveries, demand, spread, today, days):
    """Return what is likely to be there at the end of today and of each of the next ``days`` days.

    Planned deliveries are demand of the past, the usual demand comes on top of them. Less than nothing is what will be
    missing. What was planned for before today is expected today.

    :param dict receipts, deliveries: planned quantities by date
    :param float demand, spread: mean and standard deviation of the demand of a day
    :return: list of (date, quantity, low, high), an interval of 80 %
    """
    found, nets = [], {}
    for planned, sign in ((receipts, 1), (deliveries, -1)):
        for day, quantity in planned.items():
            due = max(day, today)
            nets[due] = nets.get(due, 0.0) + sign * quantity
    planned_stock = on_hand
    for ahead in range(days + 1):
        day = today + timedelta(days=ahead)
        planned_stock += nets.get(day, 0.0)
        stock = planned_stock - demand * ahead
        width = SPREADS * spread * sqrt(ahead)
        found.append((day, stock, stock - width, stock + width))
    return found
