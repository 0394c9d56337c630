"""How long the lists of order tracking take to open, and its reader to follow."""
from bench.database import addon_database, say, vacuum
from bench.generate import generate
from bench.measure import at_most, seconds

ROUNDS = 5
#: what a delivery would leave behind: the generator makes none
MOVES = """
    INSERT INTO stock_move (company_id, product_id, product_uom, product_uom_qty, product_qty, quantity, location_id,
                            location_dest_id, state, date, procure_method, sale_line_id, price_unit)
    SELECT l.company_id, l.product_id, l.product_uom_id, l.product_uom_qty, l.product_uom_qty, l.qty_delivered,
           w.lot_stock_id, c.id, CASE WHEN l.qty_delivered > 0 THEN 'done' ELSE 'confirmed' END,
           s.date_order + (l.id % 5 - 2) * INTERVAL '1 day', 'make_to_stock', l.id, 0
      FROM sale_order_line l
      JOIN sale_order s ON s.id = l.order_id
      JOIN stock_warehouse w ON w.id = s.warehouse_id,
           (SELECT id FROM stock_location WHERE usage = 'customer' ORDER BY id LIMIT 1) c
     WHERE s.state = 'sale'"""
LATE_FIRST = 'is_late desc, days_late desc, promised_date, id'
TRACKED = ['stage', 'reason', 'days_late', 'value']
# what a screen reads: name -> (model, domain, order, fields)
LISTS = {
    'open orders': ('sales.order.tracking', [('is_open', '=', True)], LATE_FIRST, TRACKED),
    'late now': ('sales.order.tracking', [('is_late', '=', True)], LATE_FIRST, TRACKED),
    'stuck for 30 days': (
        'sales.order.tracking', [('is_open', '=', True), ('days_in_stage', '>=', 30)], LATE_FIRST,
        TRACKED),
    'worklist of all': (
        'sales.worklist', [('is_snoozed', '=', False)], 'priority desc, id', ['sentence', 'amount', 'priority_text']),
    'missed lines': (
        'sales.delivery.performance', [('otif', '=', False)], 'promised_date desc, id desc',
        ['promised_date', 'days_late']),
}


def run(lines):
    """Return the results of the promises about order tracking.

    :param lines: order lines; a fifth as many orders
    """
    with addon_database('sms_bench_tracking') as env:
        say(f'generating {lines:,} order lines')
        generate(env, lines)
        env.cr.execute("SET LOCAL session_replication_role = replica")
        env.cr.execute(MOVES)
        env.cr.execute("ANALYZE stock_move")
        env['sales.order.tracking']._read_all()
        env.cr.commit()
        for table in env['sales.order.tracking']._tables():
            vacuum(env.cr.dbname, table._table)
        say('order tracking')
        return [*measure_lists(env), measure_months(env), measure_reader(env)]


def measure_lists(env):
    for name, (model, domain, order, names) in LISTS.items():
        records = env(user=env.ref('base.user_admin'))[model]
        taken = seconds(
            lambda: records.web_search_read(domain, dict.fromkeys(names, {}), limit=80, order=order),  # noqa: B023
            ROUNDS, env.invalidate_all)
        yield at_most(f'list: {name}', taken, 1, 'seconds')


def measure_months(env):
    report = env(user=env.ref('base.user_admin'))['sales.delivery.performance']
    taken = seconds(
        lambda: report.formatted_read_group([], ['promised_date:month'], ['otif_rate:avg']), ROUNDS, env.invalidate_all)
    return at_most('on time in full by month', taken, 1, 'seconds')


def measure_reader(env):
    orders = env['sale.order'].search([], limit=500, order='id desc')
    taken = seconds(lambda: env['sales.order.tracking']._read_orders(orders.ids), ROUNDS)
    return at_most('500 orders read again', taken, 1, 'seconds')
