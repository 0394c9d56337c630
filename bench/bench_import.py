"""How long the import of a sales history takes, and how much memory."""

import base64
import csv
import io
import random
import time

from bench.database import addon_database, say
from bench.measure import at_least, at_most, memory_growth

LINES = 10_000


def run(_lines):
    """Return the results of the promises about the importer; they are about files of :data:`LINES`."""
    with addon_database('sms_bench_import') as env:
        say(f'importing {LINES:,} lines')
        return measure_import(env)


def measure_import(env):
    """Import a made-up file, orders, customers and products all being new; the caller rolls back."""
    record = env['sales.import'].create(
        {'name': "Bench", 'source': 'bench', 'filename': 'bench.csv', 'file': base64.b64encode(make_file(LINES))}
    )
    record._prepare_run('load')
    start = time.perf_counter()
    growth = memory_growth(record._run)
    taken = time.perf_counter() - start
    return [
        at_least('lines imported', record.imported_count, LINES, 'lines'),
        at_most(f'{LINES:,} lines imported in', taken, 180, 'seconds'),
        at_most(f'memory for {LINES:,} lines', growth, 300, 'MB'),
    ]


def make_file(lines):
    """Return a CSV file: five lines an order, a customer for every ten orders, 500 products."""
    rng, target = random.Random(7), io.StringIO()
    writer = csv.writer(target)
    writer.writerow(
        ['Order ID', 'Order Date', 'Customer ID', 'Product ID', 'Category', 'Quantity', 'Discount', 'Sales', 'Region']
    )
    for n in range(lines):
        order = n // 5
        writer.writerow(
            [
                f'B{order}',
                f'{2020 + order % 5}-{1 + order % 12:02}-{1 + order % 28:02}',
                f'K{order % (lines // 50 + 1)}',
                f'P{rng.randrange(500)}',
                f'Category {n % 8}',
                rng.randint(1, 20),
                rng.choice([0, 0.1, 0.2]),
                f'{rng.uniform(1, 2000):.2f}',
                f'Region {order % 4}',
            ]
        )
    return target.getvalue().encode()
