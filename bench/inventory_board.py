"""What it takes to open the board of stock positions and what hangs on it."""
import statistics
import time

from bench.measure import at_most

#: of a page, that is its records, sums and columns; the browser keeps the views
QUERIES = 19
PAGE = 80
ROUNDS = 5


def run(env, lines):
    """Return the results of the board.

    :param lines: with the usual 1,000,000 there are 100,000 positions
    """
    board = env['sales.stock.position']
    count = f'{board.search_count([]):,}'
    page, kanban = specification(env, 'list'), specification(env, 'kanban')

    def open_list():
        board.web_search_read([], page, limit=PAGE, count_limit=10001)

    def open_cards():
        board.web_read_group(
            [], ['status'], ['__count', 'value:sum'], auto_unfold=True, unfold_read_specification=kanban,
            unfold_read_default_limit=PAGE)
        board.read_progress_bar([], 'status', {'field': 'abc_revenue', 'colors': {name: name for name in 'abc'}})

    position = board.search([], limit=1)
    results = []
    for name, opening in (('list', open_list), ('cards', open_cards)):
        seconds, queries = measure(env, opening)
        results += [
            at_most(f'queries of the board ({name})', queries, QUERIES, 'queries'),
            at_most(f'the board opened among {count} positions ({name})', seconds, 2, 'seconds'),
        ]
    movements = env['sales.stock.movement']
    fields = {'date': {}, 'product_id': {'fields': {'display_name': {}}}, 'quantity': {}, 'balance': {}}
    for name, call in (
        ('chart of a product', position.get_stock_curve),
        ('map of a product', position.get_stock_map),
        ('movements of 30 days, a page', lambda: movements.web_search_read(
            [('date', '>=', 'today -30d')], fields, limit=PAGE)),
        ('movements of a product, a page', lambda: movements.web_search_read(
            [('product_id', '=', position.product_id.id)], fields, limit=PAGE)),
    ):
        results.append(at_most(f'{name} among {count} positions', measure(env, call)[0], 2, 'seconds'))
    return results


def specification(env, kind):
    """Return what the browser reads of each record."""
    board = env['sales.stock.position']
    view = board.get_view(env.ref(f'sms_addon.sales_stock_position_view_{kind}').id, kind)
    return {
        name: {'fields': {'display_name': {}}} if board._fields[name].relational else {}
        for name in view['models']['sales.stock.position'] if name in board._fields
    }


def measure(env, call):
    """Return the median seconds and the queries of a call with an empty cache of records."""
    times = []
    for _round in range(ROUNDS):
        env.invalidate_all()
        start, before = time.perf_counter(), env.cr.sql_log_count
        call()
        times.append(time.perf_counter() - start)
        queries = env.cr.sql_log_count - before
    env.cr.rollback()
    return statistics.median(times), queries
