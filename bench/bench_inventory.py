"""How long the stock positions take to build and to follow a delivery, and what they cost whoever delivers.

The other parts of the inventory have their rows in ``inventory_*.py`` beside this file.
"""
import contextlib
import importlib
import pkgutil
import statistics
import time
from unittest.mock import patch

import bench
from bench.database import addon_database, say, vacuum
from bench.measure import at_most

POSITIONS, SMALL = 100_000, 10_000
DELIVERED = 50
DELIVERIES = 9
ORDERS, ROUNDS = 100, 8
#: of each product in the last year
FACTS, MOVES = 12, 8
TABLES = ('product_template', 'product_product', 'stock_quant', 'stock_move', 'stock_move_line', 'sales_fact')
# products number %(first)s to %(last)s; each has stock, a year of receipts, deliveries and orders, and open moves
STATEMENTS = [
    """CREATE TEMP TABLE g ON COMMIT DROP AS
       SELECT w.company_id AS company, w.id AS warehouse, w.lot_stock_id AS stock,
              (SELECT id FROM uom_uom WHERE factor = 1 ORDER BY id LIMIT 1) AS unit,
              (SELECT id FROM product_category ORDER BY id LIMIT 1) AS category,
              (SELECT id FROM stock_location WHERE usage = 'supplier' ORDER BY id LIMIT 1) AS vendors,
              (SELECT id FROM stock_location WHERE usage = 'customer' ORDER BY id LIMIT 1) AS customers,
              (SELECT COALESCE(MAX(id), 0) FROM product_template) AS template,
              (SELECT COALESCE(MAX(id), 0) FROM product_product) AS product,
              (SELECT COALESCE(MAX(id), 0) FROM stock_move) AS move,
              (SELECT COALESCE(MAX(id), 0) FROM sales_fact) AS fact
         FROM stock_warehouse w ORDER BY w.id LIMIT 1""",
    """INSERT INTO product_template (id, name, type, is_storable, tracking, uom_id, categ_id, active, sale_ok,
                                     purchase_ok, list_price, create_date, service_type, invoice_policy,
                                     expense_policy, service_tracking)
       SELECT g.template + n, jsonb_build_object('en_US', 'Goods ' || n), 'consu', true, 'none', g.unit, g.category,
              true, true, true, 10, now(), 'manual', 'order', 'no', 'no'
         FROM g, generate_series(1, %(count)s) n""",
    """INSERT INTO product_product (id, product_tmpl_id, active, standard_price, create_date)
       SELECT g.product + n, g.template + n, true, jsonb_build_object(g.company::text, 1 + n %% 50), now()
         FROM g, generate_series(1, %(count)s) n""",
    """INSERT INTO stock_quant (product_id, company_id, location_id, quantity, reserved_quantity, in_date)
       SELECT g.product + n, g.company, g.stock, 20 + n %% 100, n %% 3, now() - n %% 300 * interval '1 day'
         FROM g, generate_series(1, %(count)s) n""",
    """INSERT INTO stock_move (id, company_id, product_id, product_uom, product_uom_qty, product_qty, quantity,
                               location_id, location_dest_id, state, date, date_deadline, create_date, procure_method,
                               price_unit)
       SELECT g.move + (n - 1) * (%(moves)s + 1) + m + 1, g.company, g.product + n, g.unit, q.qty, q.qty,
              CASE WHEN m > 0 THEN q.qty ELSE 0 END,
              CASE WHEN m %% 4 = 1 THEN g.vendors ELSE g.stock END,
              CASE WHEN m %% 4 = 1 THEN g.stock ELSE g.customers END,
              CASE WHEN m > 0 THEN 'done' ELSE 'confirmed' END, d.day, d.day, d.day - interval '9 days',
              'make_to_stock', 0
         FROM g, generate_series(1, %(count)s) n, generate_series(0, %(moves)s) m
        CROSS JOIN LATERAL (SELECT CASE WHEN m %% 4 = 1 THEN 30 ELSE 1 + (n + m) %% 9 END AS qty) q
        CROSS JOIN LATERAL (SELECT CASE WHEN m > 0 THEN now() - (m * 40 + n %% 30) * interval '1 day'
                                        ELSE now() + n %% 20 * interval '1 day' END AS day) d""",
    """INSERT INTO stock_move_line (move_id, company_id, product_id, product_uom_id, quantity, quantity_product_uom,
                                    location_id, location_dest_id, state, date, picked)
       SELECT m.id, m.company_id, m.product_id, m.product_uom, m.quantity, m.quantity, m.location_id,
              m.location_dest_id, m.state, m.date, true
         FROM g, stock_move m WHERE m.id > g.move AND m.state = 'done'""",
    """INSERT INTO sales_fact (id, order_id, date, company_id, state, product_id, categ_id, warehouse_id,
                               product_uom_qty, price_subtotal, margin, discount)
       SELECT g.fact + (n - 1) * %(facts)s + f, g.fact + (n - 1) * %(facts)s + f,
              CURRENT_DATE - (f * 29 + n %% 29) %% 365, g.company, 'sale', g.product + n, g.category, g.warehouse,
              q.qty, q.qty * (5 + n %% 500),
              q.qty * 2, 0
         FROM g, generate_series(1, %(count)s) n, generate_series(1, %(facts)s) f
        CROSS JOIN LATERAL (SELECT (1 + (n + f) %% 9) * 1000000::bigint AS qty) q""",
    *(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))"  # noqa: S608
      for table in ('product_template', 'product_product', 'stock_move')),
]


def run(lines):
    """Return the results of the promises about inventory.

    :param lines: with the usual 1,000,000 the promised 100,000 positions
    """
    share = lines / 1_000_000
    small, large = int(SMALL * share), int(POSITIONS * share)
    with addon_database('sms_bench_inventory') as env:
        pause_others(env)
        say(f'{small:,} stock positions')
        generate(env, small)
        rebuild(env)
        before = measure_delivery(env)
        say(f'{large:,} stock positions')
        generate(env, large - small)
        results = [
            at_most(f'{large:,} stock positions built', rebuild(env), 60, 'seconds'),
            at_most(f'{large:,} stock positions read again', rebuild(env), 60, 'seconds'),
        ]
        after = measure_delivery(env)
        results += [
            at_most(f'positions after a delivery of {DELIVERED} products', after, 1, 'seconds'),
            at_most(f'the same on {large:,} positions against {small:,}', after / before, 1.2,
                    seconds={'large': after, 'small': before}),
            measure_check(env),
        ]
        say('confirming and delivering orders')
        results.append(measure_orders(env, max(2, round(ROUNDS * share))))
        for module in pkgutil.iter_modules(bench.__path__):
            if module.name.startswith('inventory_'):
                results += importlib.import_module(f'bench.{module.name}').run(env, lines)
    return results


def pause_others(env):
    """Have only the positions read the ledger, so that what is measured is theirs."""
    consumers = env['sales.consumer'].search([])
    consumers.filtered(lambda consumer: consumer.reader != 'sales.reader.stock').paused = True
    env.cr.commit()


def generate(env, count):
    cr = env.cr
    cr.execute("SET LOCAL session_replication_role = replica")
    for statement in STATEMENTS:
        cr.execute(statement, {'count': count, 'moves': MOVES, 'facts': FACTS})
    cr.execute("SET LOCAL session_replication_role = DEFAULT")
    for table in TABLES:
        cr.execute(f'ANALYZE {table}')  # noqa: S608  (names of this file)
    cr.commit()
    env.invalidate_all()


def rebuild(env):
    start = time.perf_counter()
    env['sales.stock.position']._rebuild_all()
    env.cr.commit()
    taken = time.perf_counter() - start
    vacuum(env.cr.dbname, 'sales_stock_position')
    env.cr.execute("ANALYZE sales_stock_position")
    env.cr.commit()
    return taken


def measure_delivery(env):
    """Return the seconds that the positions take to follow a delivery, the median of some.

    From the commit of the delivery to that of the positions.
    """
    consumer = env['sales.consumer'].search([('reader', '=', 'sales.reader.stock')])
    products = env['product.product'].search([('is_storable', '=', True)], order='id', limit=DELIVERIES * DELIVERED)
    times = []
    for number in range(DELIVERIES):
        deliver(env, products[number * DELIVERED:][:DELIVERED])
        start = time.perf_counter()
        while consumer._dispatch_batch():
            env.cr.commit()
        env.cr.commit()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def deliver(env, products):
    warehouse = env['stock.warehouse'].search([], order='id', limit=1)
    moves = env['stock.move'].create([
        {'product_id': product.id, 'product_uom_qty': 1, 'location_id': warehouse.lot_stock_id.id,
         'location_dest_id': env.ref('stock.stock_location_customers').id} for product in products])
    moves._action_confirm(merge=False)
    moves._action_assign()
    moves.quantity = 1
    moves.picked = True
    moves._action_done()
    env.cr.commit()
    env.invalidate_all()


def measure_check(env):
    # all at once; the button has so many compared in the background, part by part
    start = time.perf_counter()
    count = env['sales.stock.difference']._check(env.company)
    taken = time.perf_counter() - start
    env.cr.rollback()
    if count:
        raise AssertionError("positions differ from the host")
    return at_most('all positions checked against the host', taken, 60, 'seconds')


def measure_orders(env, rounds):
    """Confirm and deliver orders with and without the notes that positions follow by, in turns."""
    products = env['product.product'].create([
        {'name': f"Ordered {n}", 'is_storable': True, 'list_price': 10} for n in range(20)])
    location = env['stock.warehouse'].search([], order='id', limit=1).lot_stock_id
    for product in products:
        env['stock.quant']._update_available_quantity(product, location, 1_000_000)
    partner = env['res.partner'].create({'name': "Bench", 'is_company': True})
    env.cr.commit()
    times = {True: [], False: []}
    process(env, make_orders(env, partner, products, 5))
    for number in range(2 * rounds):
        on = number % 4 in (0, 3)
        orders = make_orders(env, partner, products, ORDERS)
        with contextlib.nullcontext() if on else positions_off(env):
            times[on].append(process(env, orders))
    on, off = (statistics.mean(sorted(times[each])[:max(1, rounds // 3)]) for each in (True, False))
    return at_most(
        f'confirming and delivering {ORDERS} orders, positions on against off', on / off, 1.05,
        seconds={'on': on, 'off': off})


def make_orders(env, partner, products, count):
    orders = env['sale.order'].create([{
        'partner_id': partner.id,
        'order_line': [(0, 0, {'product_id': products[(n + m) % len(products)].id, 'product_uom_qty': 1 + m})
                       for m in range(3)],
    } for n in range(count)])
    env.cr.commit()
    return orders


def process(env, orders):
    env.invalidate_all()
    start = time.perf_counter()
    orders.action_confirm()
    orders.picking_ids.move_ids.picked = True
    orders.picking_ids.with_context(skip_sms=True).button_validate()
    env.cr.commit()
    taken = time.perf_counter() - start
    if set(orders.picking_ids.mapped('state')) != {'done'}:
        raise AssertionError("orders were not delivered")
    return taken


@contextlib.contextmanager
def positions_off(env):
    """Leave out all that is done for the positions while goods move."""
    with contextlib.ExitStack() as stack:
        for name in env.registry['sales.stock.source']._inherit_children:
            stack.enter_context(patch.object(env.registry[name], '_stock_fields', frozenset()))
            stack.enter_context(patch.object(env.registry[name], '_note_stock', lambda self: None))
        yield
