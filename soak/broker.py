"""A RabbitMQ that can be killed, a ``sales.broker`` that publishes to it, and a queue that gets everything."""
import contextlib
import json

from soak.world import BATCH

EXCHANGE, QUEUE = 'soak', 'soak.all'


class Broker:

    def __init__(self, world, node):
        self.world, self.node = world, node
        self._declare()
        with world.environment() as env:
            broker = env['sales.broker'].create({
                'name': "Soak", 'url': node.url, 'exchange': EXCHANGE, 'event_types': False, 'require_queue': True})
            self.broker_id, self.consumer_id = broker.id, broker.consumer_id.id
        world.registry['sales.broker']._reader_batch = BATCH

    @classmethod
    @contextlib.contextmanager
    def open(cls, world):
        from scripts.project import rabbitmq

        with rabbitmq.running() as node:
            broker = cls(world, node)
            try:
                yield broker
            finally:
                with world.environment() as env:
                    env['sales.broker'].browse(broker.broker_id).unlink()

    def kill(self):
        self.node.kill()

    def restart(self):
        self.node.start()
        self.node.wait()

    def _declare(self):
        with self._channel() as channel:
            channel.exchange_declare(EXCHANGE, 'topic', durable=True, auto_delete=False)
            channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            channel.queue_bind(QUEUE, EXCHANGE, routing_key='#')

    @contextlib.contextmanager
    def _channel(self):
        import kombu

        with kombu.Connection(self.node.url, connect_timeout=10) as connection, connection.channel() as channel:
            yield channel

    def arrived(self):
        """Return (event, document) of all that came into the queue, in its order."""
        pairs = []
        with self._channel() as channel:
            while message := channel.basic_get(QUEUE, no_ack=True):
                data = json.loads(message.body)['data']
                pairs.append((data['event'], data['id']))
        return pairs
