"""When can a quantity be promised without breaking a promise that was made before."""
from datetime import timedelta


def earliest_day(quantity, free, moves, today, tolerance=1e-6):
    """Return the first day on which the quantity can leave, from then on leaving enough for all that is planned.

    Available to promise: what is there at the end of a day and of every later one. A delivery that is overdue leaves
    today; a receipt that is overdue is not counted before tomorrow.

    :param float free: what is there and not reserved
    :param moves: pairs of (date, quantity), receipts above zero and deliveries below, without what is reserved
    :param float tolerance: less than this is no difference
    :return: a date, or None when what is planned never suffices
    """
    tomorrow = today + timedelta(days=1)
    nets = {today: free}
    for day, moved in moves:
        due = max(day, today if moved < 0 or day == today else tomorrow)
        nets[due] = nets.get(due, 0.0) + moved
    stock, path = 0.0, []
    for day in sorted(nets):
        stock += nets[day]
        path.append((day, stock))
    found = None
    for day, stock in reversed(path):
        if stock < quantity - tolerance:
            break
        found = day
    return found
