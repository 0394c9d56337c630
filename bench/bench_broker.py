"""Events on their way to RabbitMQ against bare kombu, and messages that two workers take at once, all in one run."""

import json
import os
import statistics
import threading
import time
from functools import partial

from bench.database import addon_database, say
from bench.measure import at_least, at_most

EVENTS = 20_000
ORDERS = 100
ROUNDS = 5
MESSAGES = 100
EXCHANGE, QUEUE = 'sms.bench', 'sms.bench'


def run(_lines):
    """Return the results of the promises about the broker; ``make bench`` starts a RabbitMQ for it."""
    with addon_database('sms_bench_broker') as env:
        say(f'{EVENTS:,} events to RabbitMQ')
        results = measure_sending(env)
        say(f'{MESSAGES} messages, each taken by two workers')
        return results + measure_two_workers(env)


def make_broker(env, **values):
    return env['sales.broker'].create({
        'name': "Bench", 'url': os.environ['SMS_TEST_AMQP_URL'], 'event_types': False, 'company_id': False,
        'exchange': EXCHANGE, **values})


def make_events(env):
    """Write events of real orders, as the addon would if they were changed again and again."""
    products = env['product.product'].create([{'name': f"Product {n}", 'default_code': f'P{n}'} for n in range(20)])
    partners = env['res.partner'].create([{'name': f"Customer {n}", 'ref': f'C{n}'} for n in range(50)])
    orders = env['sale.order'].create([
        {
            'partner_id': partners[n % 50].id, 'client_order_ref': f'W{n}',
            'order_line': [(0, 0, {'product_id': products[n % 20].id, 'product_uom_qty': 2})],
        }
        for n in range(ORDERS)
    ])
    env.flush_all()
    env.cr.commit()
    env.cr.execute(
        """
        INSERT INTO sales_event
               (date, type, model, res_id, order_id, partner_id, product_id, company_id, user_id, payload, history)
        SELECT now() AT TIME ZONE 'UTC', CASE n %% 3 WHEN 0 THEN 'line.changed' ELSE 'order.changed' END,
               'sale.order', o.id, o.id, o.partner_id, CASE n %% 3 WHEN 0 THEN %s END, o.company_id, 2,
               '{"amount_total": [120.5, 240.75], "currency": "EUR", "product_uom_qty": [1, 2]}', false
          FROM generate_series(1, %s) n
          JOIN sale_order o ON o.id = (%s::int[])[1 + n %% %s]
         ORDER BY n
        """, [products[0].id, EVENTS, orders.ids, ORDERS])
    env.cr.commit()


def measure_sending(env):
    import kombu

    from odoo.tools import SQL

    broker = make_broker(env)
    env.cr.commit()
    make_events(env)
    # Transactions in other databases of this server, however long, are none of ours.
    type(env['sales.consumer'])._horizon = lambda self: SQL("'9223372036854775807'::xid8")
    with kombu.Connection(os.environ['SMS_TEST_AMQP_URL']) as connection:
        channel = connection.channel()
        queue = kombu.Queue(QUEUE, kombu.Exchange(EXCHANGE, 'topic', durable=True), routing_key='#')(channel)
        queue.declare()
        batches, ratios, ours, bare = prepare_batches(env, broker), [], [], []
        count = sum(map(len, batches))
        for _round in range(ROUNDS):  # in turns: the machine is not ours alone
            bare.append(publish_bare(connection, batches))
            queue.purge()
            ours.append(dispatch(env, broker, count))
            if (arrived := queue.queue_declare(passive=True).message_count) != count:
                raise AssertionError(f'{arrived} of {count} events arrived')
            queue.purge()
            ratios.append(bare[-1] / ours[-1])
        queue.delete()
    env.cr.commit()
    return [
        at_least(
            'events to RabbitMQ with confirms, against bare kombu (median)', statistics.median(ratios), 0.6,
            seconds={f'{count:,} events': statistics.median(ours), 'kombu': statistics.median(bare)}),
    ]


def prepare_batches(env, broker):
    """Return the messages of all events in the batches in which the consumer sends them."""
    size, batches = broker._reader_batch, []
    rows = broker.consumer_id._next_rows(10 * EVENTS)
    for start in range(0, len(rows), size):
        events = env['sales.event'].browse([event_id for _xid, event_id in rows[start : start + size]])
        batches.append(list(broker._prepare_messages(events.filtered(broker._wants))))
        env.invalidate_all()
    return batches


def dispatch(env, broker, count):
    """Return the seconds the consumer takes for all events, from the beginning, committing as its scheduled action."""
    consumer = broker.consumer_id
    env.cr.execute(
        "UPDATE sales_consumer SET offset_id = 0, offset_xid = '0', read_count = 0 WHERE id = %s", [consumer.id])
    env.cr.commit()
    env.invalidate_all()
    start = time.perf_counter()
    while consumer._dispatch_batch():
        env['ir.cron']._commit_progress()
        env.invalidate_all()
    taken = time.perf_counter() - start
    if consumer.last_error or consumer.read_count < count:
        raise AssertionError(f'{consumer.read_count} events were read: {consumer.last_error}')
    return taken


def publish_bare(connection, batches):
    """Return the seconds kombu takes for the same bodies, waiting for the confirms of each batch at its end."""
    import kombu

    channel, confirmed = connection.channel(), [0]
    channel.confirm_select()
    channel.events['basic_ack'].add(lambda tag, multiple: confirmed.__setitem__(0, max(confirmed[0], tag)))
    producer = kombu.Producer(channel, exchange=kombu.Exchange(EXCHANGE, 'topic', durable=True))
    sent, start = 0, time.perf_counter()
    for batch in batches:
        for message in batch:
            producer.publish(
                message.body, routing_key=message.routing_key, delivery_mode=2, headers=message.headers,
                content_type='application/cloudevents+json', content_encoding='utf-8', message_id=message.id,
                type=message.type)
        sent += len(batch)
        while confirmed[0] < sent:
            connection.drain_events(timeout=30)
    taken = time.perf_counter() - start
    channel.close()
    return taken


def measure_two_workers(env):
    """Have two workers, each with its own transactions, take the same messages at the same time."""
    user = env['res.users'].create({
        'name': "Shop", 'login': 'bench shop',
        'group_ids': [(4, env.ref('sales_team.group_sale_salesman').id)]})
    partner = env['res.partner'].create({'name': "Buyer", 'ref': 'BENCH'})
    env['product.product'].create({'name': "Thing", 'default_code': 'BENCH'})
    broker = make_broker(
        env, name="Bench two workers", direction='in', queue=QUEUE, user_id=user.id, company_id=env.company.id)
    env.cr.commit()
    bodies = [make_order(number) for number in range(MESSAGES)]
    barrier, failures = threading.Barrier(2), []
    threads = [
        threading.Thread(target=take_all, args=(env.registry, broker.id, bodies, barrier, failures)) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    env.cr.rollback()
    orders = env['sale.order'].search_count([('partner_id', '=', partner.id)])
    messages = env['sales.broker.message'].search_count([('broker_id', '=', broker.id), ('state', '=', 'done')])
    return [
        at_least('orders of messages taken by two workers', min(orders, messages), MESSAGES, 'orders'),
        at_most('orders of messages taken by two workers', max(orders, messages), MESSAGES, 'orders'),
    ]


def make_order(number):
    return json.dumps({
        'specversion': '1.0', 'id': str(number), 'source': 'bench', 'type': 'order.create',
        'data': {'customer': {'ref': 'BENCH'}, 'lines': [{'code': 'BENCH', 'quantity': 1}]},
    }).encode()


def take_all(registry, broker_id, bodies, barrier, failures):
    """Take messages as a worker does: each committed by itself here, tried again where the other one was faster."""
    from odoo.api import SUPERUSER_ID, Environment
    from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

    def take(body):
        with registry.cursor() as cr:
            Environment(cr, SUPERUSER_ID, {})['sales.broker'].browse(broker_id)._take(body)

    for body in bodies:
        barrier.wait(60)
        try:
            retry(partial(take, body), PG_CONCURRENCY_EXCEPTIONS_TO_RETRY)
        except Exception as error:  # noqa: BLE001
            failures.append(error)
            barrier.abort()
            return


def retry(function, exceptions, tries=20):
    for _number in range(tries):
        try:
            return function()
        except exceptions:
            time.sleep(0.01)
    raise AssertionError('a message was in the way of another worker too often')
