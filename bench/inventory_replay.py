"""What proposed order points would have done on public data they have not seen, beside the naive ones.

``online_retail``: a wholesaler's lines, 2010-12 to 2011-12, without those that were cancelled. Order points are made
from the days up to a cut, and replayed over the 13 weeks after it: once over a quiet summer, once into Christmas, when
half as much again is sold. The set has no lead times: receipts are taken to need 14 days, give or take 4.

A minimum that lasts the same number of days for all products is not bad where only the total counts: it leaves products
with irregular demand short and spends on the others. It has to be found, though; here it is the one that takes as much
stock as the proposals, which nobody can know before.
"""
import csv
import gzip
from collections import Counter

import numpy as np

from bench.quality import PRODUCT, SHARED

CUTS, DAYS = ('2011-06-10', '2011-09-09'), 91
LEAD_DAYS, LEAD_SPREAD = 14.0, 4.0
#: what a cost is of a price: the set has none
COST = 0.6
COVER_DAYS = 30
SERVICES = {'a': 0.98, 'b': 0.95, 'c': 0.90}
#: days of demand that people take as the minimum, beside the proposals
NAIVE_DAYS = (14, 21, 28)
MIN_SALES, MIN_DAYS = 10, 60


def run(_env=None, _lines=None):
    """Return the rows; none where the public data is not there."""
    if not SHARED.exists():
        return []
    sales = read_sales()
    return [row for cut in CUTS for row in cut_rows(cut, sales)]


def cut_rows(cut, sales):
    """Return what became of order points that were made on a day."""
    from odoo.addons.sms_addon.tools.reorder_policy import Aim, Policy  # the path is known when a database was opened
    items, future, price, classes = read_items(cut, *sales)
    proposed = np.array([
        Policy(item).levels(Aim(SERVICES[of], cover_days=COVER_DAYS)) for item, of in zip(items, classes, strict=True)])
    mine = outcome(items, future, price, proposed)
    rows = [row(cut, 'proposed', mine)]
    for days in NAIVE_DAYS:
        naive = outcome(items, future, price, naive_levels(items, days))
        rows.append(row(cut, f'minimum of {days} days', naive, less_than=mine['served']))
        if days == NAIVE_DAYS[1]:
            verdicts = verdict_row(cut, mine, naive)
    same, days = same_stock(items, future, price, mine['stock'])
    rows.append(row(cut, f'minimum of {days:.1f} days, with as much stock as proposed', same))
    for of, service in SERVICES.items():
        members = classes == of
        found = outcome(*(column[members] for column in (items, future, price, proposed)))
        same, _days = same_stock(items[members], future[members], price[members], found['stock'])
        rows.append({
            'measure': f'online_retail, {cut}: served of class {of.upper()}, {int(members.sum())} products',
            'value': found['mean'], 'bound': f"wanted {service}; days for all, as much stock: {same['mean']:.4f}",
            'holds': True})
    return [*rows, verdicts]


def read_items(cut, sold, revenue):
    """Return what was known of each product, what was sold after, prices and classes by revenue."""
    from odoo.addons.sms_addon.tools.reorder_policy import Item, estimate_daily
    first = min(day for days in sold.values() for day in days)
    length = int((np.datetime64(cut) - first).astype(int)) + 1
    items, future, price, earned = [], [], [], []
    for product, days in sold.items():
        demand = np.zeros(length + DAYS)
        for day, quantity in days.items():
            if 0 <= (place := int((day - first).astype(int))) < len(demand):
                demand[place] += quantity
        history = demand[:length]
        begun = np.flatnonzero(history)
        if len(begun) < MIN_SALES or length - begun[0] < MIN_DAYS:
            continue
        history = np.where(np.arange(length) < begun[0], np.nan, history)
        items.append(Item(*estimate_daily(history), LEAD_DAYS, LEAD_SPREAD, history, seed=len(items)))
        future.append(demand[length:])
        price.append(revenue[product] / sum(days.values()))
        earned.append(np.nansum(history) * price[-1])
    return as_objects(items), np.array(future), np.array(price), classes_by(np.array(earned))


def read_sales():
    """Return product -> day -> quantity, and product -> revenue; an order that was taken back is none."""
    lines, taken_back = [], Counter()
    with gzip.open(SHARED / 'retail/online_retail.csv.gz', 'rt', newline='') as file:
        for line in csv.DictReader(file):
            quantity, price = float(line['quantity']), float(line['unit_price'])
            if price > 0 and PRODUCT.match(line['stock_code']):
                key = line['customer_id'], line['stock_code'], abs(quantity)
                if quantity < 0:
                    taken_back[key] += 1
                else:
                    lines.append((key, np.datetime64(line['invoice_date'][:10]), price))
    sold, revenue = {}, {}
    # what is taken back was ordered last
    for key, day, price in reversed(lines):
        if taken_back[key]:
            taken_back[key] -= 1
            continue
        _customer, product, quantity = key
        days = sold.setdefault(product, {})
        days[day] = days.get(day, 0) + quantity
        revenue[product] = revenue.get(product, 0) + quantity * price
    return sold, revenue


def as_objects(items):
    column = np.empty(len(items), object)
    column[:] = items
    return column


def classes_by(earned):
    """Return the class of each product: 80 % of the revenue, the next 15 %, the rest."""
    order = np.argsort(-earned)
    share = np.empty(len(earned))
    share[order] = np.cumsum(earned[order]) / earned.sum()
    return np.where(share <= 0.8, 'a', np.where(share <= 0.95, 'b', 'c'))


def naive_levels(items, days):
    """Return a minimum of so many days of demand, and as much more as the proposals order."""
    mean = np.array([item.daily_mean for item in items])
    minimum = np.ceil(mean * days)
    return np.column_stack((minimum, minimum + np.ceil(mean * COVER_DAYS)))


def play(items, future, levels):
    from odoo.addons.sms_addon.tools.stock_replay import draw_leads, replay
    leads = draw_leads(
        [item.lead_days for item in items], [item.lead_sd for item in items], DAYS, [item.seed for item in items])
    return replay(future, *levels.T, leads)


def outcome(items, future, price, levels):
    found = play(items, future, levels)
    return {
        'served': float(found.served @ price / (found.demand @ price)), 'mean': float(np.nanmean(found.service)),
        'stock': float(found.average_stock @ price * COST),
        'orders': int(found.orders.sum()), 'replay': found}


def same_stock(items, future, price, stock):
    """Return what a minimum of the same number of days for all does with as much stock, and the days."""
    low, high = 0.0, 200.0
    for _round in range(25):
        days = (low + high) / 2
        found = outcome(items, future, price, naive_levels(items, days))
        low, high = (days, high) if found['stock'] < stock else (low, days)
    return found, days


def verdict_row(cut, mine, naive):
    """Return how many proposals do better than a naive minimum, and how many do worse."""
    from odoo.addons.sms_addon.tools.stock_replay import judge
    verdicts = Counter(
        judge(0.95, before, after) for before, after in zip(
            zip(naive['replay'].service, naive['replay'].average_stock, strict=True),
            zip(mine['replay'].service, mine['replay'].average_stock, strict=True), strict=True))
    return {
        'measure': f'online_retail, {cut}: proposals that do better than a minimum of {NAIVE_DAYS[1]} days',
        'value': verdicts['better'],
        'bound': f"not promised: {verdicts['worse']} do worse (most: more stock than needed),"
                 f" {verdicts['same']} the same",
        'holds': True}


def row(cut, name, found, less_than=None):
    """Return a row of the table; what is promised is that a naive minimum serves less than the proposals."""
    promised = '' if less_than is None else f'< {less_than:.4f} (proposed); '
    return {
        'measure': f'online_retail, {cut}: served, {name}', 'value': found['served'],
        'bound': f"{promised}stock {found['stock']:,.0f}, {found['orders']:,} orders",
        'holds': less_than is None or found['served'] < less_than}
