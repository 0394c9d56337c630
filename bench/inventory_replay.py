"""What proposed order points would have done on public data they have not seen, beside the naive ones.

``online_retail``: a wholesaler's lines, 2010-12 to 2011-12. Order points are made from the days up to 2011-09-09, and
replayed over the 13 weeks after that. The set has no lead times: receipts are taken to need 14 days, give or take 4.
"""
import csv
import gzip
from dataclasses import replace

import numpy as np

from bench.measure import at_least
from bench.quality import PRODUCT, SHARED

CUT, DAYS = '2011-09-09', 91
LEAD_DAYS, LEAD_SPREAD = 14.0, 4.0
#: what a cost is of a price: the set has none
COST = 0.6
COVER_DAYS = 30
SERVICES = {'a': 0.98, 'b': 0.95, 'c': 0.90}
#: days of demand that people take as the minimum, beside the proposals
NAIVE_DAYS = (14, 21, 28)
MIN_SALES = 10


def run():
    """Return the rows; none where the public data is not there."""
    if not SHARED.exists():
        return []
    from odoo.addons.sms_addon.tools.reorder_policy import Aim, Policy  # the path is known when a database was opened
    items, future, price, classes = read_items()
    proposed = np.array([
        Policy(item).levels(Aim(SERVICES[of], cover_days=COVER_DAYS)) for item, of in zip(items, classes, strict=True)])
    mine = outcome(items, future, price, proposed)
    rows = [row('proposed', mine)]
    naive = {}
    for days in NAIVE_DAYS:
        naive[days] = outcome(items, future, price, naive_levels(items, days))
        rows.append(row(f'minimum of {days} days', naive[days]))
    same, days = same_stock(items, future, price, mine['stock'])
    rows += [
        row(f'minimum of {days:.1f} days, as much stock as proposed', same),
        at_least('online_retail: served, proposed against as much stock in naive order points',
                 mine['served'], round(same['served'], 4), 'of the demand'),
    ]
    for of, service in SERVICES.items():
        members = classes == of
        found = outcome(*(column[members] for column in (items, future, price, proposed)))
        same_class, _days = same_stock(items[members], future[members], price[members], found['stock'])
        rows.append({
            'measure': f'online_retail: served of class {of.upper()}, {int(members.sum())} products', 'value': found['served'],
            'bound': f"wanted {service}; naive with as much stock {same_class['served']:.4f}", 'holds': True})
    return rows + worse_rows(items, future, price, proposed, naive[NAIVE_DAYS[1]])


def read_items():
    """Return what was known of each product, what was sold after, prices and classes by revenue."""
    from odoo.addons.sms_addon.tools.reorder_policy import Item, estimate_daily
    sold, revenue = read_sales()
    first, cut = min(day for days in sold.values() for day in days), np.datetime64(CUT)
    length = int((cut - first).astype(int)) + 1
    items, future, price, earned = [], [], [], []
    for product, days in sold.items():
        demand = np.zeros(length + DAYS)
        for day, quantity in days.items():
            if 0 <= (place := int((day - first).astype(int))) < len(demand):
                demand[place] += quantity
        history = demand[:length]
        begun = np.flatnonzero(history)
        if len(begun) < MIN_SALES or length - begun[0] < 60:
            continue
        history = np.where(np.arange(length) < begun[0], np.nan, history)
        items.append(Item(
            *estimate_daily(history), LEAD_DAYS, LEAD_SPREAD, history, seed=len(items)))
        future.append(demand[length:])
        price.append(revenue[product] / sum(days.values()))
        earned.append(np.nansum(history) * price[-1])
    return as_objects(items), np.array(future), np.array(price), classes_by(np.array(earned))


def read_sales():
    """Return product -> day -> quantity, and product -> revenue."""
    sold, revenue = {}, {}
    with gzip.open(SHARED / 'retail/online_retail.csv.gz', 'rt', newline='') as file:
        for line in csv.DictReader(file):
            quantity, price = float(line['quantity']), float(line['unit_price'])
            if quantity > 0 and price > 0 and PRODUCT.match(line['stock_code']):
                product, day = line['stock_code'], np.datetime64(line['invoice_date'][:10])
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
        'served': float(found.served @ price / (found.demand @ price)), 'stock': float(found.average_stock @ price * COST),
        'orders': int(found.orders.sum()), 'replay': found}


def same_stock(items, future, price, stock):
    """Return what a minimum of the same number of days for all does with as much stock, and the days."""
    low, high = 0.0, 200.0
    for _round in range(25):
        days = (low + high) / 2
        found = outcome(items, future, price, naive_levels(items, days))
        low, high = (days, high) if found['stock'] < stock else (low, days)
    return found, days


def worse_rows(items, future, price, proposed, naive):
    """Return how many proposals do worse than the usual naive minimum, and whether the year before tells which."""
    from odoo.addons.sms_addon.tools.stock_replay import judge
    mine = play(items, future, proposed)
    verdicts = [
        judge(0.95, (naive['replay'].service[n], naive['replay'].average_stock[n]),
              (mine.service[n], mine.average_stock[n])) for n in range(len(items))]
    counts = {verdict: verdicts.count(verdict) for verdict in ('better', 'same', 'worse')}
    return [{
        'measure': f'online_retail: proposals that do better than a minimum of {NAIVE_DAYS[1]} days', 'value': counts['better'],
        'bound': f"{counts['worse']} do worse, {counts['same']} the same", 'holds': counts['better'] > counts['worse']}]


def row(name, found):
    return {
        'measure': f'online_retail: served, {name}', 'value': found['served'],
        'bound': f"average stock {found['stock']:,.0f}, {found['orders']:,} orders", 'holds': True}


def without_spread(items):
    """Return the items as if receipts always came on their day."""
    return as_objects([replace(item, lead_sd=0.0) for item in items])
