"""The processes that faults happen to: a database server of our own, workers, a broker; and what arrived."""
import contextlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import psycopg2

READER = 'sales.reader.screen'
BATCH = 40
WORK_TIME = (0.02, 0.25)
PATIENCE = 60


class World:
    """A registry on the database that the environment names, whose one ledger reader notes what it got.

    Workers are forked from here, so that each is a process of its own that can be killed, and is there at once.
    """

    def __init__(self):
        self.name = os.environ['SMS_SOAK_DB']
        self.random = random.Random(20261124)
        self.workers = []
        self.abandoned = []
        self.interrupted = None

    def __enter__(self):
        from odoo.modules.registry import Registry
        from odoo.tools import config

        config.parse_config(['-c', os.environ['SMS_ODOO_CONFIG'], '--log-level=warn'])
        self.registry = Registry(self.name)
        self._prepare()
        with self.environment() as env:
            env['sales.event']._adopt_moved()  # the database comes from another server
        return self

    def __exit__(self, *exc):
        self.kill_workers()

    def _prepare(self):
        with self.environment() as env:
            env.cr.execute("""
                CREATE TABLE IF NOT EXISTS soak_effect (
                    n bigserial PRIMARY KEY, event_id bigint, order_id int, worker int)""")
            consumers = env['sales.consumer'].search([])
            consumers.paused = True
            consumers.filtered(lambda consumer: consumer.reader == READER).write({'paused': False})
        reader = self.registry[READER]
        reader._consume = note_effects
        reader._reader_batch = BATCH

    @contextlib.contextmanager
    def environment(self):
        from odoo.api import SUPERUSER_ID, Environment

        with self.registry.cursor() as cr:
            yield Environment(cr, SUPERUSER_ID, {})

    def run(self, scenario, rounds):
        """Run the rounds of a fault and return what became of the events."""
        start = self.last_event()
        arrived = self.interrupted = None
        with scenario.setting(self) if hasattr(scenario, 'setting') else contextlib.nullcontext() as setting:
            for _round in range(rounds):
                scenario(self, setting) if setting is not None else scenario(self)
                self.kill_workers()
                self.settle(setting)
            arrived = setting.arrived() if setting is not None else self.effects(start)
        return self.judge(scenario, rounds, start, arrived, setting)

    def settle(self, setting):
        """Let one worker finish what the fault left."""
        consumer = setting.consumer_id if setting is not None else None
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self.environment() as env:
                    waiting = env['sales.consumer'].browse(consumer) if consumer else self.consumer(env)
                    waiting.write({'retry_at': False})
                    env.cr.commit()
                    while waiting._dispatch_batch():
                        env.cr.commit()
                    if not waiting.failure_count and not waiting._has_waiting():
                        return
                    state = waiting.read(['failure_count', 'last_error', 'lag', 'paused', 'retry_at'])
            except psycopg2.Error as error:
                state = error
                self.forget_connections()
            if time.monotonic() > deadline:
                raise AssertionError(f"The reader did not recover: {state}")
            time.sleep(0.2)

    def consumer(self, env):
        return env['sales.consumer'].search([('reader', '=', READER), ('paused', '=', False)])

    # -- workers

    def worker(self, work):
        """Fork a process that does a piece of work over and over until it is killed."""
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                self.forget_connections()
                self.random.seed(os.getpid())
                work()
            finally:
                os._exit(0)
        self.workers.append(pid)
        return pid

    def dispatcher(self, consumer_id=None):
        """Fork a worker that dispatches as the scheduled action does, and goes on after a lost connection."""
        def work():
            while True:
                try:
                    with self.environment() as env:
                        consumer = env['sales.consumer'].browse(consumer_id) if consumer_id else self.consumer(env)
                        consumer._cron_dispatch()
                except psycopg2.Error:
                    self.forget_connections()
                time.sleep(0.005)
        return self.worker(work)

    def writer(self, documents=20):
        """Fork a worker that writes events of a few documents of its own, as fast as it can."""
        def work():
            while True:
                try:
                    self.write(self.random.randint(1, 40), documents, base=-1000 * (os.getpid() % 10_000))
                except psycopg2.Error:
                    self.forget_connections()
        return self.worker(work)

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self.workers.remove(pid)

    def kill_workers(self):
        for pid in list(self.workers):
            self.kill(pid)

    def watch(self, consumer_id=None):
        """Return how far a reader, or else the one that notes what it got, comes from now on."""
        if not consumer_id:
            with self.environment() as env:
                consumer_id = self.consumer(env).id
        return Progress(self, consumer_id)

    def interrupt(self, progress, kill, queue, nudge=None):
        """Kill a worker somewhere in the first half of a queue, and note whether events were left."""
        progress.wait_for(self.random.randint(1, queue // 2), nudge)
        time.sleep(self.random.uniform(0, 0.01))  # anywhere between two commits
        kill()
        self.interrupted = (self.interrupted or 0) + bool(progress.waiting())

    def let_work(self):
        time.sleep(self.random.uniform(*WORK_TIME))

    def forget_connections(self):
        """Start over with the connections of this process; those of a parent are not ours to close."""
        from odoo import sql_db

        # kept, for letting go of them would end the parent's sessions
        self.abandoned.append((sql_db._Pool, sql_db._Pool_readonly, self.registry._db))
        sql_db._Pool = sql_db._Pool_readonly = None
        self.registry._db = sql_db.db_connect(self.name)

    # -- events

    def rows(self, count, documents, base=0):
        return [
            {'type': 'order.changed', 'model': 'sale.order', 'res_id': document, 'order_id': document}
            for document in (base - 1 - self.random.randrange(documents) for _event in range(count))
        ]

    def write(self, count, documents=20, base=0):
        with self.environment() as env:
            env['sales.event']._insert(self.rows(count, documents, base))

    def last_event(self):
        with self.environment() as env:
            env.cr.execute("SELECT COALESCE(MAX(id), 0) FROM sales_event")
            return env.cr.fetchone()[0]

    def effects(self, start):
        """Return (event, document) in the order in which the reader's effects were committed."""
        with self.environment() as env:
            env.cr.execute("SELECT event_id, order_id FROM soak_effect WHERE event_id > %s ORDER BY n", [start])
            return env.cr.fetchall()

    def judge(self, scenario, rounds, start, arrived, setting):
        with self.environment() as env:
            env.cr.execute("SELECT id, order_id FROM sales_event WHERE id > %s ORDER BY xid, id", [start])
            written = env.cr.fetchall()
        counts = Counter(event for event, _document in arrived)
        lost = [event for event, _document in written if event not in counts]
        strange = set(counts) - {event for event, _document in written}
        disordered = sum(
            by_document(written)[document] != events for document, events in by_document(first_only(arrived)).items())
        doubled = sum(count - 1 for count in counts.values())
        exactly_once = setting is None
        interrupted = self.interrupted
        return {
            'fault': scenario.__doc__.strip().rstrip('.'),
            'rounds': rounds,
            'interrupted': interrupted,
            'written': len(written),
            'lost': len(lost),
            'disordered': disordered,
            'doubled': doubled,
            'allowed': 'none allowed' if exactly_once else 'allowed, removable by id',
            'holds': bool(written) and not lost and not strange and not disordered
                     and not (exactly_once and doubled)
                     and (interrupted is None or 2 * interrupted >= rounds),
        }


class Progress:
    """What a reader has read since this was made, and what it has still to read."""

    def __init__(self, world, consumer_id):
        self.world, self.consumer_id = world, consumer_id
        self.start = self._get("read_count")

    def wait_for(self, count, nudge=None):
        """Wait until so many events are read.

        :param nudge: called every now and then
        """
        begin = nudged = time.monotonic()
        while (read := self._get("read_count") - self.start) < count:
            now = time.monotonic()
            if now - begin > PATIENCE:
                raise AssertionError(f"Only {read} events are read after {PATIENCE} s")
            if nudge and now - nudged > 0.2:
                nudge()
                nudged = now
            time.sleep(0.001)

    def waiting(self):
        return self._get("(SELECT COUNT(*) FROM sales_event e WHERE (e.xid, e.id) > (c.offset_xid, c.offset_id))")

    def _get(self, expression):
        with self.world.environment() as env:
            env.cr.execute(f"SELECT {expression} FROM sales_consumer c WHERE id = %s", [self.consumer_id])
            return int(env.cr.fetchone()[0] or 0)


def note_effects(self, events):
    """Stand in for a reader: its effect is a row for each event, committed with the place in the ledger."""
    self.env.cr.execute(
        "INSERT INTO soak_effect (event_id, order_id, worker)"
        " SELECT e, o, %s FROM unnest(%s::bigint[], %s::int[]) AS u (e, o)",
        [os.getpid(), events.ids, [event.order_id.id for event in events]])


def first_only(arrived):
    seen = set()
    return [pair for pair in arrived if pair[0] not in seen and not seen.add(pair[0])]


def by_document(pairs):
    documents = {}
    for event, document in pairs:
        documents.setdefault(document, []).append(event)
    return documents


def cluster():
    """Return the database server of this run, which may be restarted."""
    from scripts.project.postgres import Cluster
    return Cluster(Path(os.environ['SMS_SOAK_PROGRAMS']), Path(os.environ['SMS_SOAK_CLUSTER']))
