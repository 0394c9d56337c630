"""What the ledger costs whoever confirms an order, and how fast it is read, small and large."""
import contextlib
import statistics
import time
from unittest.mock import patch

from bench.database import addon_database, say, vacuum
from bench.measure import at_least, at_most, seconds

ORDERS = 100
LINES_PER_ORDER = 5
ROUNDS = 6
EVENTS = 50_000
DISPATCHES = 9
SMALL, LARGE = 100_000, 10_000_000
TIMELINE = 200
READER = 'sales.reader.warehouse'


def run(lines):
    """Return the results of every promise about the ledger.

    :param lines: a hundredth of the rows of the large ledger, so that a shorter run can be asked for
    """
    with addon_database('sms_bench_ledger') as env:
        say('confirming orders')
        results = measure_confirmation(env)
        say('dispatch')
        results.append(measure_dispatch(env))
        results += measure_growth(env, lines * LARGE // 1_000_000)
    return results


# -- what it costs to write


def measure_confirmation(env):
    """Confirm orders with the ledger on and off in turns: one by one as people do, and many at once.

    One by one, the scheduled action that refreshes the reports is woken without the ledger too, as it was before
    there was one. Confirmed at once, off is without any of it.
    """
    product = env['product.product'].create(
        {'name': "Bench", 'is_storable': True, 'list_price': 10, 'invoice_policy': 'order'})
    partner = env['res.partner'].create({'name': "Bench", 'is_company': True})

    def make_orders(count):
        orders = env['sale.order'].create([{
            'partner_id': partner.id,
            'order_line': [
                (0, 0, {'product_id': product.id, 'product_uom_qty': 1 + n}) for n in range(LINES_PER_ORDER)],
        } for _order in range(count)])
        env.cr.commit()
        return orders

    confirm(env, make_orders(10))  # whatever is loaded on the first confirmation
    singly, at_once = {True: [], False: []}, {True: [], False: []}
    for number, order in enumerate(make_orders(4 * ORDERS)):
        on = is_on(number)
        with contextlib.nullcontext() if on else ledger_off(env, wake=True):
            singly[on].append(confirm(env, order))
    for number in range(2 * ROUNDS):
        orders, on = make_orders(ORDERS), is_on(number)
        with contextlib.nullcontext() if on else ledger_off(env):
            at_once[on].append(confirm(env, orders))
    return [
        ratio_of(f'confirming {ORDERS} orders one by one, ledger on against off', singly),
        ratio_of(f'confirming {ORDERS} orders at once, ledger on against off', at_once),
    ]


def is_on(number):
    """Return whether the ledger is on in a round: on, off, off, on, so that neither always comes after the other."""
    return number % 4 in (0, 3)


def ratio_of(measure, times):
    on, off = undisturbed(times[True]), undisturbed(times[False])
    return at_most(measure, on / off, 1.03, seconds={'on': on, 'off': off})


def undisturbed(times):
    """Return the mean of the fastest third: the rounds that nothing else on the machine got in the way of."""
    return statistics.mean(sorted(times)[:max(1, len(times) // 3)])


def confirm(env, orders):
    env.invalidate_all()
    start = time.perf_counter()
    orders.action_confirm()
    env.cr.commit()
    return time.perf_counter() - start


@contextlib.contextmanager
def ledger_off(env, wake=False):
    """Leave out all that the ledger does while documents change.

    :param wake: still have the scheduled action run after the transaction
    """
    mixin = env.registry['sales.event.mixin']
    with contextlib.ExitStack() as stack:
        for name in mixin._inherit_children:
            model = env.registry[name]
            stack.enter_context(patch.object(model, '_event_fields', ()))
            stack.enter_context(patch.object(model, '_event_notes', lambda self: []))
        if wake:
            env.cr.precommit.add(env['sales.consumer']._wake)
        yield


# -- how fast it is read


@contextlib.contextmanager
def idle_reader(env):
    """Give a consumer that does nothing, and no other to read."""
    consumers = env['sales.consumer'].search([])
    consumer = consumers.filtered(lambda consumer: consumer.reader == READER)
    (consumers - consumer).paused = True
    reader = env.registry[READER]
    with (
        patch.object(reader, '_consume', lambda self, events: None),
        patch.object(reader, '_reader_types', None), patch.object(reader, '_reader_history', True),
    ):
        yield consumer


def append_events(env, count, per_order=10):
    """Append events of made-up orders, in one statement."""
    env.cr.execute(
        """
        INSERT INTO sales_event (date, type, model, res_id, order_id, partner_id, company_id, payload)
        SELECT now() AT TIME ZONE 'UTC', 'order.changed', 'sale.order', -1 - n / %s, -1 - n / %s, 1 + n %% 50, 1,
               '{"name": "bench"}'
          FROM generate_series(0, %s - 1) n""", [per_order, per_order, count])
    env.cr.commit()


def dispatch_all(env, consumer):
    """Read all that waits, with a commit after each batch as the scheduled action does; return how many."""
    total = 0
    while done := consumer._dispatch_batch():
        env.cr.commit()
        total += done
    return total


def time_dispatch(env, consumer):
    """Return the seconds of one event, each time with :data:`EVENTS` waiting."""
    return undisturbed([time_dispatch_once(env, consumer) for _round in range(DISPATCHES)])


def time_dispatch_once(env, consumer):
    append_events(env, EVENTS)
    start = time.perf_counter()
    total = dispatch_all(env, consumer)
    if total < EVENTS:
        raise AssertionError(f"{total} events were read, {EVENTS} were written")
    return (time.perf_counter() - start) / total


def measure_dispatch(env):
    with idle_reader(env) as consumer:
        dispatch_all(env, consumer)
        taken = time_dispatch(env, consumer)
    return at_least('dispatch to a reader that does nothing', 1 / taken, 5000, 'events/s')


def measure_growth(env, large):
    """Compare dispatch and the timeline of one order on a small ledger and on one a hundred times as large."""
    figures = {}
    with idle_reader(env) as consumer:
        rows = 0
        for size in (SMALL, large):
            say(f'a ledger of {size:,} events')
            grow(env, size - rows)
            rows = size
            skip_to_end(env, consumer)
            figures[size] = (time_dispatch(env, consumer), time_timeline(env))
    small, large = figures[SMALL], figures[large]
    return [
        at_most('dispatch, large ledger against small', large[0] / small[0], 1.3,
                seconds={'large': large[0], 'small': small[0]}),
        at_most(f'timeline of {TIMELINE} events, large ledger against small', large[1] / small[1], 1.3,
                seconds={'large': large[1], 'small': small[1]}),
    ]


def grow(env, count, batch=1_000_000):
    for start in range(0, count, batch):
        append_events(env, min(batch, count - start), per_order=TIMELINE)
    vacuum(env.cr.dbname, 'sales_event')


def skip_to_end(env, consumer):
    env.cr.execute(
        "UPDATE sales_consumer SET (offset_xid, offset_id) ="
        " (SELECT xid, id FROM sales_event ORDER BY xid DESC, id DESC LIMIT 1) WHERE id = %s", [consumer.id])
    env.cr.commit()
    env.invalidate_all()


def time_timeline(env):
    order = env['sale.order'].search([('state', '=', 'sale')], limit=1)
    env.cr.execute("SELECT COUNT(*) FROM sales_event WHERE order_id = %s", [order.id])
    [known] = env.cr.fetchone()
    if known < TIMELINE:
        env['sales.event']._insert([
            {'type': 'order.changed', 'model': 'sale.order', 'res_id': order.id, 'order_id': order.id,
             'company_id': 1, 'payload': {'commitment_date': [False, '2027-01-01']}}
            for _event in range(TIMELINE - known)])
        env.cr.commit()
    return seconds(order.get_timeline, 20, before=env.invalidate_all)
