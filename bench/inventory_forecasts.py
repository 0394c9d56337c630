"""How good forecasts are on public series whose last part they have not seen, and how long a study of many takes.

The study is the whole of it: orders are read, series forecast by two processes, and forecasts of all levels made to
agree and written. It is stopped in the middle and run again; the time is that of both runs.

M3: 3,003 series of six fields, the last 6 years, 8 quarters, 18 months or 8 other periods held out, as in the
competition; beside its NAIVE2 and its winner, as published (m3_method_smape.csv). Carparts: 2,509 parts with sales in
few of 51 months, the last 12 held out. Beside them weekly sales, of which nothing is promised.

The constants of `tools/back_test.py` were chosen on every fifth series of M3, and on carparts, with what came after in
sight; on the other four fifths of M3 sMAPE was the same. What is chosen per series sees the past of that series only.
"""
import csv
import gzip
import os
import time
from collections import defaultdict
from datetime import date
from unittest.mock import patch

import numpy as np

from bench.database import say
from bench.measure import at_least, at_most
from bench.quality import SHARED

DATA = SHARED / 'forecast'
HORIZONS = {'YEARLY': 6, 'QUARTERLY': 8, 'MONTHLY': 18, 'OTHER': 8}
SEASONS = {'YEARLY': 1, 'QUARTERLY': 4, 'MONTHLY': 12, 'OTHER': 1}
SERIES, MINUTES, JOBS = 10_000, 10, 2
#: of the products of the study
CATEGORIES = 50
SMAPE = 13.3
COVERED = 75, 88
#: series in the shortest run of the speed; with fewer, most of the time is the start of the processes
FEWEST = 1000


def run(env, lines):
    """Return the results of the promises about forecasts, and print the tables.

    :param lines: with the usual 1,000,000 the promised 10,000 series; the minutes are as many fewer
    """
    rows = measure_study(env, max(FEWEST, int(SERIES * lines / 1_000_000)))
    if DATA.exists():
        say('forecasts of M3')
        rows += m3_rows()
        say('forecasts of carparts and of weekly sales')
        rows += carparts_rows()
        weekly_tables()
    return rows


def measure_study(env, count):
    """Return how long a study of many monthly series takes that is stopped once, and what it does twice."""
    from odoo.addons.sms_addon.models import sales_study_demand
    say(f'study of {count:,} generated monthly series')
    study = env['sales.study'].create({
        'kind': 'demand', 'company_id': generate_orders(env, count).id, 'month_count': 12, 'week_count': 0})
    env['ir.config_parameter'].sudo().set_param('sms_addon.forecast_jobs', str(JOBS))
    env.cr.commit()
    made, steps, times, states = [], [], [], []
    forecast, progress = sales_study_demand.iter_forecasts, type(env['sales.study.progress'])
    publish = progress.publish

    def watch(self, done, total, **columns):
        steps.append((done, total))
        if not times and done >= total / 2:
            self.request_stop()
        return publish(self, done, total, **columns)

    def counted(series, *args, **kwargs):
        made.append(0)
        for forecasts in forecast(series, *args, **kwargs):
            made[-1] += len(forecasts)
            yield forecasts

    with patch.object(progress, 'publish', watch), patch.object(sales_study_demand, 'iter_forecasts', counted):
        for _run in range(2):
            study.action_run()
            env.cr.commit()
            start = time.perf_counter()
            study._run_apart()
            env.cr.commit()
            times.append(time.perf_counter() - start)
            states.append(study.state)
    if states != ['draft', 'done']:
        raise AssertionError(f"the study was to stop, and then to be done: {states}, {study.reason}")
    found = env['sales.forecast'].search_count([
        ('study_id', '=', study.id), ('level', '=', 'product_warehouse')])
    # a few were not sold within a year, and are not forecast
    if found < 0.98 * count:
        raise AssertionError(f"{found} of {count} products were forecast")
    # what was made of products in the first run, and what of them was left for the second
    twice = (made[0] + made[1]) / found
    return [
        at_most(f'study of {count:,} monthly series, {JOBS} processes on {os.cpu_count()} cores', sum(times) / 60,
                round(MINUTES * count / SERIES, 2), 'minutes', seconds={'stopped': times[0], 'resumed': times[1]}),
        at_most('series forecast by a study that was stopped, over those there are', twice, 1.02),
        at_least('times it told how far it was', len(steps), count / 100),
    ]


def generate_orders(env, count):
    """Return a company of its own with the months of as many products, each ordered on one day."""
    company = env['res.company'].create({'name': "Forecasts", 'sales_timezone': 'UTC'})
    warehouse = env['stock.warehouse'].search([('company_id', '=', company.id)], limit=1) or (
        env['stock.warehouse'].create({'name': "Forecasts", 'code': 'FORE', 'company_id': company.id}))
    products = env['product.product'].search([], order='id', limit=count)
    if len(products) < count:
        products += env['product.product'].create([
            {'name': f"Forecast {number}", 'is_storable': True} for number in range(count - len(products))])
    this_month = date.today().replace(day=1)
    places, months, quantities = [], [], []
    for place, values in enumerate(generate_months(count)):
        sold = np.flatnonzero(values)
        places.append(np.full(len(sold), place))
        months.append(len(values) - sold)
        quantities.append(values[sold])
    columns = [np.concatenate(column).tolist() for column in (places, months, quantities)]
    env.cr.execute("SELECT COALESCE(MAX(id), 0) FROM sales_fact")
    [last] = env.cr.fetchone()
    env.cr.execute(
        """
        INSERT INTO sales_fact (id, order_id, date, company_id, state, product_id, categ_id, warehouse_id,
                                product_uom_qty, price_subtotal, margin, discount)
        SELECT %(last)s + n, %(last)s + n, (%(month)s::date - ago * interval '1 month')::date, %(company)s, 'sale',
               p.id, (%(categories)s::int[])[1 + p.id %% %(many)s], %(warehouse)s, quantity * 1000000::bigint,
               quantity * (5 + p.id %% 500) * 1000000::bigint, 0, 0
          FROM unnest(%(places)s::int[], %(ago)s::int[], %(quantities)s::float8[]) WITH ORDINALITY
               AS sold (place, ago, quantity, n)
          JOIN unnest(%(products)s::int[]) WITH ORDINALITY AS p (id, place) ON p.place = sold.place + 1
        """, {
            'last': last, 'month': this_month, 'company': company.id, 'warehouse': warehouse.id,
            'categories': generate_categories(env), 'many': CATEGORIES, 'places': columns[0], 'ago': columns[1],
            'quantities': columns[2], 'products': products.ids})
    env.cr.execute("ANALYZE sales_fact")
    env.cr.commit()
    env.invalidate_all()
    return company


def generate_categories(env):
    return env['product.category'].create([{'name': f"Forecast {number}"} for number in range(CATEGORIES)]).ids


def generate_months(count):
    """Return 3 to 8 years of sales that have a level, a trend and a season; of every fourth one, of few demands."""
    rng = np.random.default_rng(1)
    series = []
    for number in range(count):
        months = np.arange(rng.integers(36, 97))
        mean = rng.lognormal(4, 1) * (1 + rng.normal(0, 0.005) * months).clip(0.1)
        mean *= 1 + rng.uniform(0, 0.5) * np.sin((months + rng.integers(12)) * np.pi / 6)
        y = rng.poisson(mean * rng.gamma(20, 1 / 20, len(months))).astype(float)
        series.append(y if number % 4 else np.where(rng.random(len(y)) < 0.3, rng.poisson(3, len(y)), 0.0))
    return series


def m3_rows():
    """Return sMAPE over all points beside what was promised, and by frequency beside NAIVE2; print it by field."""
    from odoo.addons.sms_addon.tools.forecast_models import smooth_means
    from odoo.addons.sms_addon.tools.forecasting import forecast_many
    published = read_published()
    errors, naive, covered = defaultdict(list), defaultdict(list), []
    series = read_m3()
    for period, horizon in HORIZONS.items():
        chosen = [row for row in series if row[0] == period]
        forecasts = forecast_many([row[2] for row in chosen], horizon, SEASONS[period], jobs=JOBS)
        for (_period, field, known, later), found in zip(chosen, forecasts, strict=True):
            errors[period, field].append(smape(later, found.mean))
            last = smooth_means(known, horizon, SEASONS[period])['NAIVE2']
            naive[period, field].append(smape(later, last))
            covered.append((later >= found.lo) & (later <= found.hi))
    print_table(
        "M3, sMAPE: ours, the last value with its season, and which of the two is better",
        [(' '.join(key), len(errors[key]), mean_of(errors[key]), mean_of(naive[key])) for key in sorted(errors)])
    rows = [at_most('M3: sMAPE of all points', mean_of(sum(errors.values(), [])), SMAPE, '%')]
    for period in HORIZONS:
        ours = mean_of(sum((parts for key, parts in errors.items() if key[0] == period), []))
        rows.append(less(f'M3: sMAPE, {period.lower()}', ours, published['NAIVE2'][period.lower()], 'NAIVE2'))
    print(f"M3 winner THETA, as published: {published['THETA']['all_points']} %")
    return rows + coverage_rows('M3', covered)


def carparts_rows():
    """Return RMSSE beside forecasts of zero, of the mean and seasonal naive; print it by how often parts are sold."""
    from odoo.addons.sms_addon.tools.forecast_models import seasonal_naive
    naive = {
        'zero': lambda known: np.zeros(12), 'mean': lambda known: np.full(12, known.mean()),
        'seasonal naive': lambda known: seasonal_naive(known, 12, 12)}
    errors, sold, covered = defaultdict(list), [], []
    for known, later in read_carparts():
        found = forecast_one(known, 12, 12)
        covered.append((later >= found.lo) & (later <= found.hi))
        if not np.ptp(known):
            continue  # nothing to scale errors by
        sold.append(min(int(np.mean(known > 0) * 10), 5))
        for name, mean in {'ours': found.mean, **{key: rule(known) for key, rule in naive.items()}}.items():
            errors[name].append(np.sqrt(np.mean((later - mean) ** 2) / np.mean(np.diff(known) ** 2)))
    sold, errors = np.array(sold), {name: np.array(values) for name, values in errors.items()}
    print_table(
        "carparts, RMSSE: ours, the best of zero, mean and seasonal naive, and which is better",
        [(f'sold in {10 * part}-{10 * part + 10} % of months' if part < 5 else 'sold in half of the months or more',
          (sold == part).sum(), errors['ours'][sold == part].mean(),
          min(errors[name][sold == part].mean() for name in naive)) for part in np.unique(sold)])
    rows = [
        less('carparts: RMSSE', errors['ours'].mean(), errors[name].mean(), name) for name in naive]
    return rows + coverage_rows('carparts', covered)


def weekly_tables():
    """Print the scaled absolute errors of weekly sales, of which nothing is promised."""
    from odoo.addons.sms_addon.tools.forecast_models import seasonal_naive
    rows = []
    for name, series, horizon in (
            ('811 products, 8 weeks', read_weeks(), 8), ('Walmart, 7 departments, 13 weeks', read_walmart(), 13)):
        errors = []
        for y in series:
            known, later = y[:-horizon], y[-horizon:]
            if np.ptp(known):
                scale = np.mean(np.abs(np.diff(known)))
                errors.append([np.mean(np.abs(later - mean)) / scale for mean in (
                    forecast_one(known, horizon, 52).mean, seasonal_naive(known, horizon, 52))])
        rows.append((name, len(errors), *np.mean(errors, axis=0)))
    print_table("weekly sales, scaled absolute error: ours, seasonal naive, and which is better", rows)


def forecast_one(known, horizon, season_length):
    from odoo.addons.sms_addon.tools.forecasting import forecast
    return forecast(known, horizon, season_length)


def read_m3():
    """Return frequency, field, the known part and the later one of each series."""
    series = {}
    for name, period, field, part, _index, value in read_rows('m3'):
        series.setdefault(name, (period, field, [], []))[2 if part == 'train' else 3].append(float(value))
    return [(period, field, np.array(known), np.array(later)) for period, field, known, later in series.values()]


def read_published():
    """Return {method: {frequency: sMAPE}} of the competition."""
    with open(DATA / 'm3_method_smape.csv', newline='') as file:
        return {
            row.pop('method'): {name: float(value or 'nan') for name, value in row.items()}
            for row in csv.DictReader(file)}


def read_carparts():
    """Return the known 39 months and the later 12 of the parts of which all are known."""
    parts = [np.array([float(value or 'nan') for value in row[1:]]) for row in read_rows('carparts')]
    return [(part[:39], part[39:]) for part in parts if np.isfinite(part).all()]


def read_weeks():
    return [np.array(row[1:53], dtype=float) for row in read_rows('uci_weekly_sales_811')]


def read_walmart():
    departments = defaultdict(list)
    for row in read_rows('walmart_store1_weekly'):
        departments[row[2]].append(float(row[4]))
    return [np.array(values) for values in departments.values()]


def read_rows(name):
    """Return the rows of a shared file, without the first."""
    with gzip.open(DATA / f'{name}.csv.gz', 'rt', newline='') as file:
        return list(csv.reader(file))[1:]


def smape(actual, mean):
    return 200 * np.abs(actual - mean) / (np.abs(actual) + np.abs(mean))


def mean_of(parts):
    return float(np.concatenate(parts).mean())


def less(measure, value, naive, label):
    """Return a row of the table: it holds where our error is below that of a naive rule."""
    return {
        'measure': f'{measure} ({label})', 'value': value, 'bound': f'< {naive:.4f} ({label})', 'holds': value < naive}


def coverage_rows(data, covered):
    """Return the share of held-out values between the bounds, beside its own bounds."""
    share = 100 * float(np.concatenate(covered).mean())
    low, high = COVERED
    return [at_least(f'{data}: covered by 80 % intervals', share, low, '%'),
            at_most(f'{data}: covered by 80 % intervals, at the most', share, high, '%')]


def print_table(title, rows):
    """Print rows of name, number of series, our error and that of a naive rule."""
    print(f'\n{title}')
    width = max(len(row[0]) for row in rows)
    for name, count, ours, naive in rows:
        print(f"  {name:{width}}  {count:5}  {ours:8.3f}  {naive:8.3f}  {'ours' if ours < naive else 'NAIVE'}")
