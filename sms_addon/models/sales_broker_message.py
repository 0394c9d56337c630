import hashlib
import json
import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL, LazyTranslate

from ..tools import cloudevents, order_message
from ..tools.cloudevents import CloudEventError
from .sales_broker_order import MessageRefused

_logger = logging.getLogger(__name__)
_lt = LazyTranslate(__name__)

#: of a message that is too large to be kept
KEPT = 2000
PROBLEMS = {
    'size': _lt("The message has %(value)s bytes, which is too large."),
    'text': _lt("The text cannot be read: %(value)s"),
    'json': _lt("This is not valid JSON: %(value)s"),
    'depth': _lt("The message is nested too deep."),
    'object': _lt("A CloudEvent is a JSON object, not %(value)s"),
    'missing': _lt("It is missing."),
    'attribute': _lt("This is not an attribute of a CloudEvent: %(value)s"),
    'version': _lt("The version is not 1.0 but %(value)s"),
    'content': _lt("The data is not JSON but %(value)s"),
    'type': _lt("The type is not order.create but %(value)s"),
    'date': _lt("There is no such date: %(value)s"),
    'conflict': _lt("A message with this id came before, with other contents. A new message needs a new id."),
}


class SalesBrokerMessage(models.Model):
    """A message that came in, what became of it, and why not; those that failed wait here for a person."""
    _name = 'sales.broker.message'
    _description = "Incoming Message"
    _order = 'id desc'
    _rec_name = 'message_id'

    broker_id = fields.Many2one('sales.broker', required=True, readonly=True, ondelete='restrict', index=True)
    company_id = fields.Many2one(related='broker_id.company_id', store=True, index=True)
    key = fields.Char(
        required=True, readonly=True, help="Source and id of the message, or what is in it where it has none.")
    message_id = fields.Char(readonly=True)
    source = fields.Char(readonly=True)
    reference = fields.Char(string="Customer Reference", readonly=True)
    digest = fields.Char(readonly=True)
    date = fields.Datetime(string="Received", readonly=True, default=fields.Datetime.now)
    processed_at = fields.Datetime(string="Last Try", readonly=True)
    attempt_count = fields.Integer(string="Tries", readonly=True)
    size = fields.Integer(string="Bytes", readonly=True, aggregator=False)
    body = fields.Text(readonly=True)
    state = fields.Selection([
        ('new', "New"),
        ('done', "Order Created"),
        ('failed', "Failed"),
        ('aside', "Set Aside"),
    ], required=True, readonly=True, default='new', index=True)
    reason = fields.Text(readonly=True)
    order_id = fields.Many2one('sale.order', readonly=True, index='btree_not_null')
    is_retryable = fields.Boolean(compute='_compute_is_retryable')

    _message_uniq = models.UniqueIndex("(broker_id, key)", "A message is received once.")

    @api.depends('message_id', 'key')
    def _compute_display_name(self):
        for message in self:
            message.display_name = message.message_id or self.env._("Message without id")

    @api.depends('state', 'message_id')
    def _compute_is_retryable(self):
        for message in self:
            # one that could not be read is not kept as it came, and will not get better
            message.is_retryable = bool(message.message_id) and message.state in ('failed', 'aside')

    # -- buttons

    def action_retry(self):
        """Try the failed ones among these again; the customer or product may be there by now."""
        self._check_may_handle()
        messages = self.sudo().filtered('is_retryable')
        for message in messages:
            # whoever came first may have done it
            if message.try_lock_for_update() and message.is_retryable:
                message._process()
        done = self.filtered(lambda message: message.state == 'done')
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success' if done == self else 'warning',
                'message': self.env._(
                    "%(done)s of %(count)s messages became orders.", done=len(done), count=len(self)),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_set_aside(self):
        """Take the failed ones among these off the list: nothing more is to become of them."""
        self._check_may_handle()
        self.sudo().filtered(lambda message: message.state == 'failed').state = 'aside'

    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()

    def _check_may_handle(self):
        self.check_access('read')
        if not self.env.user.has_group('sales_team.group_sale_manager'):
            raise AccessError(self.env._("Incoming messages are for sales managers."))

    # -- receiving

    @api.model
    def _record(self, broker, body):
        """Keep a message and return it if it is to be processed: not when it came before, nor when it cannot be read.

        Two workers that get the same one wait for each other here; the later one finds it done, or has to start over.
        """
        try:
            values = self._prepare_identity(cloudevents.parse(body))
        except CloudEventError as error:
            digest = hashlib.sha256(body).hexdigest()
            self._insert(broker, {'key': f'sha256:{digest}', 'digest': digest}, body)._fail(error)
            return self
        if message := self._insert(broker, values, body):
            return message
        known = self.search([('broker_id', '=', broker.id), ('key', '=', values['key'])])
        if known.digest != values['digest']:
            values['key'] += f' {values["digest"]}'
            self._insert(broker, values, body)._fail(CloudEventError('conflict', 'id', values['message_id']))
        return self

    def _prepare_identity(self, event):
        """Return what tells a message from others, and what tells whether it is the same one again."""
        data = event.get('data')
        # who sends it again may note another time in the envelope
        contents = json.dumps([event['type'], data], sort_keys=True)
        reference = data.get('reference') if isinstance(data, dict) else None
        return {
            'key': json.dumps([event['source'], event['id']], ensure_ascii=False),
            'digest': hashlib.sha256(contents.encode()).hexdigest(),
            'message_id': event['id'],
            'source': event['source'],
            'reference': reference[:200] if isinstance(reference, str) else None,
        }

    def _insert(self, broker, values, body):
        text = body.decode(errors='replace').replace('\x00', '\ufffd')
        row = {
            **values,
            'broker_id': broker.id,
            'company_id': broker.company_id.id,
            'date': fields.Datetime.now(),
            'size': len(body),
            'body': text if len(body) <= cloudevents.MAX_BYTES else text[:KEPT],
            'state': 'new',
            'attempt_count': 0,
        }
        query = SQL(
            "INSERT INTO sales_broker_message (%s) VALUES %s ON CONFLICT (broker_id, key) DO NOTHING RETURNING id",
            SQL(", ").join(map(SQL.identifier, row)), tuple(row.values()))
        # that another worker was faster is no news for the log
        self.env.cr.execute(query, log_exceptions=False)
        return self.browse([message_id for (message_id,) in self.env.cr.fetchall()])

    # -- processing

    def _process(self):
        """Make the order, or say why not. Each message has a savepoint of its own: one does not undo another."""
        for message in self:
            try:
                with self.env.cr.savepoint():
                    order = message._create_order()
                    message._finish({'state': 'done', 'order_id': order.id, 'reason': False})
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                message._fail(error)

    def _create_order(self):
        asked = order_message.parse_order(self.body.encode())
        return self.broker_id._get_order_builder()._create_order(self.broker_id, asked.data)

    def _fail(self, error):
        self._finish({'state': 'failed', 'reason': self._explain(error)})

    def _finish(self, values):
        self.write({'processed_at': fields.Datetime.now(), 'attempt_count': self.attempt_count + 1, **values})

    def _explain(self, error):
        """Return why there is no order: the place in the message, the value and the reason."""
        if isinstance(error, order_message.SchemaError):
            return "\n".join(f"{path}: {text}" for path, text in error.errors)
        if isinstance(error, CloudEventError):
            text = self.env._(PROBLEMS[error.code])
            text = text % {'value': error.value}
            return f"{error.path}: {text}" if error.path else text
        if isinstance(error, (MessageRefused, UserError)):
            return str(error)
        _logger.warning("Incoming message %s failed", self.id, exc_info=error)
        return f"{type(error).__name__}: {error}"[:1000]
