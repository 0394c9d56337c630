"""How good the answers about customers are on public data they have not seen, beside rules that anybody would think of.

``cdnow_master``: 23,570 customers of one shop, their first order in the first quarter of 1997; known to 1997-09-30, the
39 weeks after that held out. ``online_retail``: a wholesaler's orders, 2010-12 to 2011-12; the last 13 weeks held out,
and for suggestions each customer's last basket.
"""
import csv
import gzip
import re
from pathlib import Path

import numpy as np

SHARED = Path(__file__).resolve().parents[2] / 'shared/data'
#: products of `online_retail`; the other codes are postage, discounts, manual corrections, samples, bank charges
PRODUCT = re.compile(r'\d{5}')
SUGGESTIONS = 10


def run():
    """Return the rows of all comparisons; none where the public data is not there."""
    if not SHARED.exists():
        return []
    rows = lifetime_rows('cdnow', read_cdnow(), '1997-09-30', 39)
    retail = read_retail()
    rows += lifetime_rows('online_retail', (retail[0], retail[2], retail[3]), '2011-09-09', 13)
    return rows + suggestion_rows('online_retail', *retail[:3])


def read_cdnow():
    """Return customers, days and amounts."""
    with gzip.open(SHARED / 'customers/cdnow_master.csv.gz', 'rt', newline='') as file:
        rows = [(row['customer_id'], row['date'], float(row['amount'])) for row in csv.DictReader(file)]
    customer, day, amount = zip(*rows, strict=True)
    return np.array(customer), np.array(day, 'datetime64[D]'), np.array(amount)


def read_retail():
    """Return customers, products, days and amounts of the lines that are sales of products to known customers."""
    with gzip.open(SHARED / 'retail/online_retail.csv.gz', 'rt', newline='') as file:
        rows = [
            (row['customer_id'], row['stock_code'], row['invoice_date'][:10], quantity * price)
            for row in csv.DictReader(file)
            if row['customer_id'] and PRODUCT.match(row['stock_code'])
            and (quantity := float(row['quantity'])) > 0 and (price := float(row['unit_price'])) > 0]
    customer, product, day, amount = zip(*rows, strict=True)
    return np.array(customer), np.array(product), np.array(day, 'datetime64[D]'), np.array(amount)


def lifetime_rows(data, orders, day, weeks):
    """Return what orders to expect after a day, and who will not order any more, against what happened.

    :param orders: customers, days, amounts
    :param weeks: how long from that day on is looked at
    """
    from odoo.addons.sms_addon.tools import lifetime  # the addons path is known when a database was opened
    day = np.datetime64(day)
    known = orders[1] <= day
    history = lifetime.summarise(*(column[known] for column in orders), day)
    later = (orders[1] > day) & (orders[1] <= day + np.timedelta64(7 * weeks, 'D'))
    actual = count_days(history.customer_ids, orders[0][later], orders[1][later])
    figures = history.frequency, history.recency, history.age
    model = lifetime.fit_bg_nbd(*figures)
    expected = model.expected_purchases(weeks, *figures)
    past = history.frequency / np.maximum(history.age, 1 / 7) * weeks
    everybody = np.full(len(past), actual_mean(history, weeks))
    rows = []
    for naive, label in ((past, 'past rate goes on'), (everybody, 'mean of the past for all')):
        for name, error in (('MAE', mean_error), ('RMSE', root_error)):
            rows.append(compare(
                f'{data}: orders in {weeks} weeks, {name}', error(expected, actual), error(naive, actual), label))
    rows += churn_rows(data, model, history, actual == 0, weeks)
    return rows


def churn_rows(data, model, history, silent, weeks):
    """Return how well the model tells those who will not order, beside the time since the last order.

    The probability of being alive is 1 after one order only, by definition: it is judged on those who came back.
    """
    from sklearn.metrics import roc_auc_score
    figures = history.frequency, history.recency, history.age
    since = history.age - history.recency
    back = history.frequency > 0
    gone, none = 1 - model.probability_alive(*figures), model.probability_of_silence(weeks, *figures)
    return [
        compare(f'{data}: AUC of no order in {weeks} weeks, {name}', roc_auc_score(silent[of], score[of]),
                roc_auc_score(silent[of], since[of]), 'time since last order', True)
        for name, score, of in (
            ('1 - alive, came back', gone, back), ('chance of none, came back', none, back),
            ('chance of none, all', none, np.ones(len(back), bool)))]


def count_days(customer_ids, customers, days):
    """Return the number of days with an order of each of the customers, who are sorted."""
    pairs = np.unique(np.column_stack((np.searchsorted(customer_ids, customers), days.astype(np.int64))), axis=0)
    known = np.isin(customers, customer_ids)
    if not known.all():  # new ones have no place among them
        return count_days(customer_ids, customers[known], days[known])
    return np.bincount(pairs[:, 0], minlength=len(customer_ids))


def actual_mean(history, weeks):
    """Return how many orders a customer had in so many weeks, after the first, in the mean of all."""
    return history.frequency.sum() / history.age.sum() * weeks


def mean_error(expected, actual):
    return float(np.abs(expected - actual).mean())


def root_error(expected, actual):
    return float(((expected - actual) ** 2).mean() ** 0.5)


def suggestion_rows(data, customers, products, days):
    """Return how often suggestions are in the last baskets; the constants were chosen on those before the last."""
    from odoo.addons.sms_addon.tools.suggestion_quality import judge
    found = judge(customers, products, days, SUGGESTIONS)
    return [
        compare(f'{data}: {name}@{SUGGESTIONS} of suggestions', figures['model'], figures[naive], label, True)
        for naive, label in (('popular', 'most popular'), ('own', 'most bought by the customer'))
        for name, figures in (('hit rate', found.hit_rate), ('recall', found.recall))]


#: where a naive rule is better, as far as is known; these are told and not promised
WORSE = {
    # half of the customers do not order at all in 13 weeks, and an expectation is never quite 0
    'online_retail: orders in 13 weeks, MAE (past rate goes on)',
    # most customers of CDNOW bought once, and of them the model knows no more than when that was
    'cdnow: AUC of no order in 39 weeks, chance of none, all (time since last order)',
    # whether somebody is a customer still is not whether he orders soon
    'cdnow: AUC of no order in 39 weeks, 1 - alive, came back (time since last order)',
    'online_retail: AUC of no order in 13 weeks, 1 - alive, came back (time since last order)',
}


def compare(measure, value, naive, label, higher=False):
    """Return a row of the table: it holds where the model is better than the naive rule, or nothing is promised."""
    better = value > naive if higher else value < naive
    promised = f'{measure} ({label})' not in WORSE
    sign = 'not promised: ' * (not promised) + ('>' if higher else '<')
    return {'measure': measure, 'value': value, 'bound': f'{sign} {naive:.4f} ({label})',
            'holds': better or not promised}
