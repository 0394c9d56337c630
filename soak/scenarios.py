"""The faults, each a function of one round; its first line is its name in the table."""
import contextlib
import time

from soak.broker import Broker
from soak.server import Server
from soak.world import cluster

QUEUE = 400
#: a server reads in batches of the usual size
SERVER_QUEUE = 4000


def kill_worker(world):
    """kill -9 of the worker while it dispatches."""
    world.write(QUEUE)
    progress = world.watch()
    pid = world.dispatcher()
    world.interrupt(progress, lambda: world.kill(pid), QUEUE)


def kill_worker_publishing(world, broker):
    """kill -9 of the worker while it publishes to RabbitMQ."""
    world.write(QUEUE)
    progress = world.watch(broker.consumer_id)
    pid = world.dispatcher(broker.consumer_id)
    world.interrupt(progress, lambda: world.kill(pid), QUEUE)


def kill_server(world, broker):
    """kill -9 of an Odoo server whose scheduled action publishes."""
    world.write(SERVER_QUEUE)
    progress = world.watch(broker.consumer_id)
    with Server.running(world) as server:
        world.interrupt(progress, server.kill, SERVER_QUEUE, server.nudge)


def kill_broker(world, broker):
    """kill -9 of RabbitMQ while events are published, and its restart on the same data."""
    world.writer()
    world.dispatcher(broker.consumer_id)
    world.let_work()
    broker.kill()
    world.let_work()
    broker.restart()


def restart_postgresql(world):
    """PostgreSQL stopped at once and started again, while one process writes and another dispatches."""
    world.writer()
    world.dispatcher()
    world.let_work()
    server = cluster()
    server.stop(mode='immediate')
    server.start()
    world.forget_connections()
    world.let_work()


def two_workers(world):
    """two workers on the same reader at once, while a third process writes."""
    world.writer()
    world.dispatcher()
    world.dispatcher()
    for _turn in range(3):
        world.let_work()


def late_commit(world):
    """a long transaction that commits late, while others write and are read."""
    world.dispatcher()
    with world.environment() as env:
        env['sales.event']._insert(world.rows(20, documents=5, base=-500_000))
        env.cr.flush()
        pid = world.writer()
        world.let_work()
        world.kill(pid)
        time.sleep(0.1)
        env.cr.execute("SELECT COUNT(*) FROM soak_effect WHERE order_id < -500000 AND order_id > -500010"
                       " AND event_id > (SELECT MAX(id) - 20 FROM sales_event WHERE xid = pg_current_xact_id())")
        [early] = env.cr.fetchone()
        if early:
            raise AssertionError("An event was read before it was committed")
    world.let_work()


@contextlib.contextmanager
def broker_of_server(world):
    """Have a server do nothing but read the ledger: the shared scheduled action, and the one of the broker."""
    with Broker.open(world) as broker:
        with world.environment() as env:
            own = env['sales.consumer'].browse(broker.consumer_id).cron_id
            kept = own + env.ref('sms_addon.ir_cron_sales_consumer')
            env['ir.cron'].search([('id', 'not in', kept.ids)]).active = False
        yield broker


kill_worker_publishing.setting = kill_broker.setting = Broker.open
kill_server.setting = broker_of_server
SCENARIOS = (
    kill_worker, kill_worker_publishing, kill_server, kill_broker, restart_postgresql, two_workers, late_commit,
)
