"""How long it takes to ask twenty rules about stock positions, and from a move of goods to its alert."""
import re
import statistics
import time

from bench.database import addon_database, say
from bench.measure import at_most, seconds

RULES, POSITIONS, DELIVERED = 20, 100_000, 50
ROUNDS, MOVES = 5, 8
#: each rule holds for a few of a thousand positions; the number makes each another one
CONDITIONS = (
    "[('qty_on_hand', '<', -2.5 + %d * 0.01)]",
    "[('stockout_date', '<=', 'today +7d'), ('daily_demand', '>', 9.8 + %d * 0.001)]",
    "[('qty_uncovered', '>', 995 + %d * 0.1)]",
    "[('overstock_value', '>', 9950 + %d)]",
    "[('status', '=', 'dead'), ('value', '>', 9900 + %d)]",
    "[('demand_surprise', '>', 3), ('demand_recent', '>', 95 + %d * 0.1)]",
    "[('lead_slip', '>', 37 + %d * 0.01), ('lead_count', '>=', 5)]",
    "[('product_id.categ_id.name', '=', 'Bench 3'), ('days_of_cover', '<', 0.5 + %d * 0.001)]",
    "['&', '|', ('abc_revenue', '=', 'a'), ('abc_margin', '=', 'a'), ('qty_free', '<', 2 + %d * 0.01)]",
    "[('warehouse_id.name', '!=', 'none'), ('revenue_at_risk', '>', 9950 + %d)]",
)


def run(_env, lines):
    """Return the results of the promises about alerts, on a database of its own: the figures are drawn, not counted.

    :param lines: with the usual 1,000,000 the promised 100,000 positions
    """
    with addon_database('sms_bench_alerts') as env:
        return measure(env, int(POSITIONS * lines / 1_000_000))


def measure(env, positions):
    say(f'{env.cr.dbname}: generating {positions:,} positions')
    generate(env, positions)
    env['sales.rule.set'].search([]).mode = 'off'
    make_rules(env)
    alerts = env['sales.stock.alert']
    opened, first = timed(lambda: len(alerts._evaluate()[0]))
    env.cr.commit()
    say(f'{opened:,} alerts')
    everything = seconds(lambda: alerts._evaluate(), ROUNDS, env.invalidate_all)
    env.cr.commit()
    return [
        at_most(f'{RULES} rules over {positions:,} positions with {opened:,} open alerts', everything, 2, 's',
                seconds={'opening all of them': first}),
        measure_delivery(env),
        *measure_way(env),
    ]


def timed(function):
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def generate(env, count):
    """Write positions by SQL, each of a product of its own, with figures drawn from even distributions."""
    warehouse = env['stock.warehouse'].search([], limit=1)
    categories = env['product.category'].create([{'name': f"Bench {n}"} for n in range(20)])
    env.flush_all()
    env.cr.execute("SELECT setseed(0.42)")
    env.cr.execute(
        """
        WITH templates AS (
            INSERT INTO product_template (name, type, is_storable, categ_id, uom_id, list_price, active, sale_ok,
                                          purchase_ok, service_tracking, tracking, create_date, write_date)
            SELECT jsonb_build_object('en_US', 'Bench ' || n), 'consu', TRUE, %(categ)s + n %% 20, %(uom)s, 10, TRUE,
                   TRUE, TRUE, 'no', 'none', now(), now()
              FROM generate_series(1, %(count)s) n
            RETURNING id, categ_id),
        products AS (
            INSERT INTO product_product (product_tmpl_id, active, create_date, write_date)
            SELECT id, TRUE, now(), now() FROM templates RETURNING id, product_tmpl_id)
        INSERT INTO sales_stock_position (
            product_id, product_tmpl_id, categ_id, warehouse_id, company_id, uom_id, qty_on_hand, qty_free,
            qty_uncovered, revenue_at_risk, value, daily_demand, demand_recent, demand_surprise, days_of_cover,
            stockout_date, overstock_value, lead_recent, lead_days,
            lead_spread, lead_count, abc_revenue, abc_margin, status, revenue_12, refreshed_at)
        SELECT p.id, p.product_tmpl_id, t.categ_id, %(warehouse)s, %(company)s, %(uom)s, random() * 1000 - 3,
               random() * 500, random() * 1000, random() * 10000, random() * 10000, random() * 10, random() * 100,
               random() * 4, random() * 100, CURRENT_DATE + (random() * 90)::int, random() * 10000, random() * 20, 1,
               random(), (random() * 20)::int, (ARRAY['a', 'b', 'c'])[1 + (random() * 2)::int],
               (ARRAY['a', 'b', 'c'])[1 + (random() * 2)::int],
               (ARRAY['out', 'risk', 'ok', 'over', 'slow', 'dead'])[1 + (random() * 5)::int], random() * 5000, now()
          FROM products p JOIN templates t ON t.id = p.product_tmpl_id
        """, {
            'count': count, 'categ': categories.ids[0], 'uom': env.ref('uom.product_uom_unit').id,
            'warehouse': warehouse.id, 'company': warehouse.company_id.id})
    env.cr.execute("ANALYZE product_template; ANALYZE product_product; ANALYZE sales_stock_position")
    env.cr.commit()


def prepare_condition(number):
    """Return the condition of a rule, its sums done: a domain is written in literals."""
    return re.sub(r"(-?[\d.]+) ([+-]) (\d+)(?: \* ([\d.]+))?", add, CONDITIONS[number % len(CONDITIONS)] % number)


def add(match):
    start, sign, number, factor = match.groups()
    return str(float(start) + (-1 if sign == '-' else 1) * float(number) * float(factor or 1))


def make_rules(env):
    admin = env.ref('base.user_admin')
    rule_set = env['sales.rule.set'].with_user(admin).create({
        'name': "Bench Alerts", 'model': 'sales.stock.position', 'when': 'event', 'mode': 'stop', 'rule_ids': [
            (0, 0, {
                'name': f"Rule {n}", 'domain': prepare_condition(n), 'decision': 'note',
                'message': "{product_id} in {warehouse_id}: {qty_on_hand} on hand", 'sequence': n,
                'action_ids': [(0, 0, {'kind': 'alert', 'alert_kind': 'other', 'alert_activity': False})]})
            for n in range(RULES)]})
    rule_set.action_publish()
    env.cr.commit()
    return rule_set


def measure_delivery(env):
    """Positions of fifty products change, so that some alerts open and some close."""
    env.cr.execute("SELECT id FROM sales_stock_position ORDER BY id LIMIT %s", [DELIVERED])
    ids = [position_id for (position_id,) in env.cr.fetchall()]

    def change():
        env.cr.execute(
            "UPDATE sales_stock_position SET revenue_at_risk = random() * 10000 + 5000 WHERE id = ANY(%s)", [ids])
        env.cr.commit()
        env.invalidate_all()

    def ask():
        env['sales.stock.alert']._evaluate(ids)
        env.cr.commit()

    return at_most(f'{RULES} rules about the {DELIVERED} products of a delivery', seconds(ask, 10, change), 1, 's')


def measure_way(env):
    """From the move that is done to the alert and the message to the screens, reading the ledger included."""
    admin = env.ref('base.user_admin')
    env['sales.rule.set'].with_user(admin).create({
        'name': "Way", 'model': 'sales.stock.position', 'when': 'event', 'mode': 'stop', 'rule_ids': [(0, 0, {
            'name': "Negative", 'domain': "[('qty_on_hand', '<', 0)]", 'decision': 'note',
            'action_ids': [(0, 0, {'kind': 'alert', 'alert_user_id': admin.id})]})]}).action_publish()
    goods = env['product.product'].create([{'name': f"Way {n}", 'is_storable': True} for n in range(MOVES)])
    stock = env['stock.warehouse'].search([], limit=1).lot_stock_id
    customers = env.ref('stock.stock_location_customers')
    reader = env['sales.consumer'].search([('reader', '=', 'sales.reader.stock')])
    env.cr.commit()
    while reader._dispatch_batch():
        env.cr.commit()
    times = []
    for product in goods:
        move = env['stock.move'].create({
            'product_id': product.id, 'product_uom_qty': 2, 'location_id': stock.id,
            'location_dest_id': customers.id})
        move._action_confirm()
        move.quantity, move.picked = 2, True
        env.cr.commit()
        start = time.perf_counter()
        move._action_done()
        env.cr.commit()
        while reader._dispatch_batch():
            env.cr.commit()
        env.cr.commit()
        times.append(time.perf_counter() - start)
        if not env['sales.stock.alert'].search_count([('product_id', '=', product.id), ('state', '=', 'open')]):
            raise AssertionError("no alert came of the move")
    return [at_most(
        'from the move of goods to the alert', max(times), 2, 's', seconds={'median': statistics.median(times)})]
