"""The sales warehouse against the host's sale.report, DuckDB and PostgreSQL itself, all in one run."""
import random
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

from bench.database import addon_database, say, vacuum
from bench.generate import generate
from bench.measure import at_least, at_most, memory_growth, seconds

MEASURES = ['price_subtotal:sum', 'product_uom_qty:sum']
ROUNDS = 5
TOUCHED_ORDERS = 1000


def run(lines):
    """Return the results of every promise about the warehouse.

    :param lines: order lines of the large database; the small one has a tenth
    """
    results = []
    with addon_database('sms_bench_small') as small, addon_database('sms_bench_large') as large:
        for env, count in ((small, lines // 10), (large, lines)):
            say(f'{env.cr.dbname}: generating {count:,} order lines')
            generate(env, count)
            env['sales.warehouse']._get()._rebuild()
            env.cr.commit()
            vacuum(env.cr.dbname, 'sales_fact')  # within a minute or so, autovacuum does it
        say('questions')
        results += measure_questions(large)
        say('rebuild')
        results += measure_rebuild(large)
        say('export')
        results.append(measure_export(large))
        say('refresh')
        results += measure_refresh(small, large)
    return results


def as_manager(env, model):
    return env(user=env.ref('base.user_admin'), context={'tz': 'UTC'})[model]


def questions():
    """Return name -> (domain, groupings, order, limit), and the SQL of DuckDB for those at the grain of lines."""
    since = str(date.today() - timedelta(days=90))
    roll_up = {
        'by month': ([], ['date:month'], None, None),
        'by salesperson': ([], ['user_id'], None, None),
        'by team': ([], ['team_id'], None, None),
        'by category and month': ([], ['categ_id', 'date:month'], None, None),
        'by country': ([], ['country_id'], None, None),
        'by company and year': ([], ['company_id', 'date:year'], None, None),
    }
    line = {
        'top 20 customers': (
            ([], ['commercial_partner_id'], 'price_subtotal:sum desc', 20),
            "GROUP BY commercial_partner_id ORDER BY sum(price_subtotal) DESC LIMIT 20"),
        'products of the last 90 days': (
            ([('date', '>=', since)], ['product_id'], None, None), f"WHERE date >= '{since}' GROUP BY product_id"),
    }
    return roll_up, line


def arbitrary_domains(env):
    """Return (domain, grouping, condition for DuckDB) of filters on lines, from broad to narrow."""
    env.cr.execute("SELECT MIN(categ_id), MIN(commercial_partner_id) FROM sales_fact")
    category, customer = env.cr.fetchone()
    customers = list(range(customer, customer + 50))
    start, end = (str(date.today() - timedelta(days=days)) for days in (200, 183))
    return [
        ([('product_uom_qty', '>=', 6), ('state', '=', 'sale')], 'team_id', "product_uom_qty >= 6 AND state = 'sale'"),
        ([('price_subtotal', '>', 300), ('discount', '>', 0)], 'product_id', "price_subtotal > 300 AND discount > 0"),
        ([('discount', '>=', 20), ('state', '=', 'sale')], 'user_id', "discount >= 20 AND state = 'sale'"),
        ([('categ_id', '=', category), ('price_subtotal', '<', 50)], 'product_id',
         f"categ_id = {category} AND price_subtotal < 50"),
        ([('commercial_partner_id', 'in', customers), ('margin', '<', 100)], 'product_id',
         f"commercial_partner_id IN {tuple(customers)} AND margin < 100"),
        ([('date', '>=', start), ('date', '<', end), ('discount', '=', 0)], 'product_id',
         f"date >= '{start}' AND date < '{end}' AND discount = 0"),
    ]


def measure_arbitrary_domains(env, duckdb):
    """Compare filters of very different width; the bound is on the median, the widest ones are the slowest."""
    analysis, report = as_manager(env, 'sales.analysis'), as_manager(env, 'sale.report')
    against_report, against_duckdb = [], []
    for domain, column, condition in arbitrary_domains(env):
        ours = time_question(analysis, (domain, [column], None, None), ROUNDS)
        against_report.append(time_question(report, (domain, [column], None, None), 1) / ours)
        query = (
            f"SELECT {column}, sum(price_subtotal), sum(product_uom_qty)"  # noqa: S608
            f" FROM facts WHERE {condition} GROUP BY {column}")
        against_duckdb.append(ours / seconds(lambda query=query: duckdb.execute(query).fetchall(), ROUNDS))
    return [
        at_least('arbitrary domains, against sale.report (median)', statistics.median(against_report), 10,
                 seconds={'worst ratio': min(against_report)}),
        at_most('arbitrary domains, against DuckDB (median)', statistics.median(against_duckdb), 10,
                seconds={'worst ratio': max(against_duckdb)}),
    ]


def measure_questions(env):
    roll_up, line = questions()
    analysis, report = as_manager(env, 'sales.analysis'), as_manager(env, 'sale.report')
    results = []
    with tempfile.TemporaryDirectory() as folder:
        duckdb = connect_to_parquet(env, Path(folder) / 'facts.parquet')
        for name, question in roll_up.items():
            ours, theirs = time_question(analysis, question, ROUNDS), time_question(report, question, 1)
            results.append(at_least(
                f'{name}, against sale.report', theirs / ours, 100, seconds={'ours': ours, 'sale.report': theirs}))
        for name, (question, sql) in line.items():
            ours, theirs = time_question(analysis, question, ROUNDS), time_question(report, question, 1)
            results.append(at_least(
                f'{name}, against sale.report', theirs / ours, 10, seconds={'ours': ours, 'sale.report': theirs}))
            column = question[1][0]
            query = f"SELECT {column}, sum(price_subtotal), sum(product_uom_qty) FROM facts {sql}"  # noqa: S608
            engine = seconds(lambda query=query: duckdb.execute(query).fetchall(), ROUNDS)
            results.append(at_most(
                f'{name}, against DuckDB', ours / engine, 10, seconds={'ours': ours, 'DuckDB': engine}))
        results += measure_arbitrary_domains(env, duckdb)
    return results


def time_question(model, question, rounds):
    domain, groupby, order, limit = question
    return seconds(
        lambda: model._read_group(domain, groupby, MEASURES, order=order, limit=limit), rounds,
        before=model.env.invalidate_all)


def connect_to_parquet(env, file):
    """Write the facts to Parquet and return a DuckDB connection that sees them as ``facts``."""
    import duckdb

    from odoo.addons.sms_addon.models.sales_fixed_point import SCALE, FixedPoint

    csv = file.with_suffix('.csv')
    fields = env['sales.fact']._fields
    names = env['sales.fact']._columns()
    columns = ', '.join(f'{name} / {SCALE}::float8' if isinstance(fields[name], FixedPoint) else name for name in names)
    with csv.open('w', encoding='utf-8') as output:
        env.cr._obj.copy_expert(f'COPY (SELECT {columns} FROM sales_fact) TO STDOUT (FORMAT csv)', output)
    connection = duckdb.connect()
    connection.execute(
        f"COPY (SELECT * FROM read_csv('{csv}', header = false, names = {names!r})) TO '{file}' (FORMAT parquet)")
    csv.unlink()
    connection.execute(f"CREATE VIEW facts AS SELECT * FROM '{file}'")
    return connection


def measure_rebuild(env):
    from odoo.tools import SQL

    fact, warehouse = env['sales.fact'], env['sales.warehouse']._get()

    def bare():
        env.cr.execute(SQL("CREATE TABLE sms_bench_bare AS %s", fact._star_query()))

    growth = []
    bare_time = seconds(bare, 2, before=env.cr.rollback)
    env.cr.rollback()
    rebuild_time = seconds(lambda: growth.append(memory_growth(warehouse._rebuild)), 2, before=env.cr.rollback)
    env.cr.commit()
    return [
        at_most('full rebuild, against the bare CREATE TABLE AS', rebuild_time / bare_time, 2.5,
                seconds={'rebuild': rebuild_time, 'bare': bare_time}),
        at_most('worker memory during a rebuild', max(growth), 100, 'MB'),
    ]


def measure_export(env):
    """Export every customer, one row each, to XLSX; a small export first loads what any export loads."""
    exports = as_manager(env, 'sales.report.export')
    exports.create({'report': 'revenue', 'period': 'year'})._build_xlsx()
    export = exports.create({'report': 'customers', 'period': 'all'})
    growth = memory_growth(export._build_xlsx)
    env.cr.rollback()
    return at_most('worker memory during an export of all customers', growth, 100, 'MB')


def measure_refresh(small, large):
    """Time a refresh after 1,000 touched orders on both databases, in turns."""
    times = {env: [] for env in (small, large)}
    rng = random.Random(7)
    for _round in range(ROUNDS):
        for env, measured in times.items():
            env.cr.execute("SELECT id FROM sale_order WHERE origin = 'bench'")
            orders = [order_id for (order_id,) in env.cr.fetchall()]
            touched = rng.sample(orders, min(TOUCHED_ORDERS, len(orders)))
            env.cr.execute(
                "UPDATE sale_order_line SET qty_delivered = qty_delivered + 1 WHERE order_id = ANY(%s)", [touched])
            env.cr.commit()
            measured.append(seconds_once(env['sales.warehouse']._get()))
            env.cr.commit()
    on_small, on_large = (sorted(times[env])[ROUNDS // 2] for env in (small, large))
    timings = {'large': on_large, 'small': on_small}
    return [
        at_most('refresh of 1,000 orders, large against a tenth of it', on_large / on_small, 1.3, seconds=timings),
        at_most('refresh of 1,000 orders on the large database', on_large, 2, 's', seconds=timings),
    ]


def seconds_once(warehouse):
    start = time.perf_counter()
    done = warehouse._refresh_batch()
    if done != TOUCHED_ORDERS:
        raise AssertionError(f"{done} orders were read, {TOUCHED_ORDERS} were touched")
    return time.perf_counter() - start
