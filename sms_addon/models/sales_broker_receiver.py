import logging
from datetime import timedelta
from itertools import islice

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..tools import broker as kombu_broker

_logger = logging.getLogger(__name__)

BATCH = 20
FIRST_RETRY = timedelta(minutes=1)
LAST_RETRY = timedelta(minutes=30)


class SalesBrokerReceiver(models.AbstractModel):
    """The incoming side of a broker: a queue of messages that ask for orders.

    A message leaves its queue after the transaction that has dealt with it, so none is lost; one that comes twice is
    known by its id and changes nothing.
    """
    _name = 'sales.broker.receiver'
    _description = "Receiving from a Message Broker"

    queue = fields.Char(string="Incoming Queue", help="A durable queue; it is created if it is not there.")
    user_id = fields.Many2one(
        'res.users', string="Create Orders As", domain="[('share', '=', False)]",
        help="Quotations are created with this user's rights. Choose one that may do just that.")
    team_id = fields.Many2one('crm.team', string="Sales Team", check_company=True)
    pricelist_id = fields.Many2one(
        'product.pricelist', check_company=True, help="The customer's if left empty.")
    create_customers = fields.Boolean(string="Create Missing Customers")
    message_ids = fields.One2many('sales.broker.message', 'broker_id')
    message_count = fields.Integer(string="Messages", compute='_compute_message_count')
    failed_count = fields.Integer(string="Failed Messages", compute='_compute_message_count')
    received_at = fields.Datetime(string="Last Received", readonly=True, copy=False)
    receive_error = fields.Text(string="Error on Receiving", readonly=True, copy=False)
    receive_failure_count = fields.Integer(readonly=True, copy=False)
    receive_retry_at = fields.Datetime(string="Next Try to Receive", readonly=True, copy=False)

    def _compute_message_count(self):
        counts = {}
        for broker, state, count in self.env['sales.broker.message']._read_group(
                [('broker_id', 'in', self.ids)], ['broker_id', 'state'], ['__count']):
            counts.setdefault(broker.id, {})[state] = count
        for broker in self:
            found = counts.get(broker._origin.id, {})
            broker.message_count, broker.failed_count = sum(found.values()), found.get('failed', 0)

    @api.constrains('direction', 'queue', 'user_id', 'company_id')
    def _check_receiving(self):
        for broker in self.filtered(lambda broker: broker.direction != 'out'):
            if not (broker.queue and broker.user_id and broker.company_id):
                raise ValidationError(self.env._(
                    "Receiving orders takes a queue, a user with whose rights they are created, and a company."))
            if broker.user_id.id == SUPERUSER_ID or broker.user_id.sudo().share:
                raise ValidationError(self.env._(
                    "Orders are created with the rights of an internal user, not of the system or a customer."))
            if broker.company_id not in broker.user_id.sudo().company_ids:
                raise ValidationError(self.env._(
                    "%(user)s has no access to %(company)s.",
                    user=broker.user_id.name, company=broker.company_id.name))

    # -- buttons

    def action_receive(self):
        """Fetch what is waiting now instead of within the minute."""
        self.check_access('write')
        self.sudo().write({'receive_retry_at': False})
        self._wake_receiver()

    def action_open_messages(self):
        return self._open_messages({})

    def action_open_failed(self):
        return self._open_messages({'search_default_failed': 1})

    def _open_messages(self, context):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_broker_message_action')
        return {**action, 'domain': [('broker_id', '=', self.id)], 'context': context}

    # -- receiving

    def _wake_receiver(self):
        cron = self.env.ref('sms_addon.ir_cron_sales_broker_receive', raise_if_not_found=False)
        if cron and any(broker.direction != 'out' for broker in self):
            cron.sudo()._trigger()

    @api.model
    def _cron_receive(self):
        """Empty the queues of all brokers that receive, as far as the time goes."""
        commit = self.env['ir.cron']._commit_progress
        brokers = self.search([
            ('direction', '!=', 'out'), ('paused', '=', False),
            '|', ('receive_retry_at', '=', False), ('receive_retry_at', '<=', fields.Datetime.now())])
        for broker in brokers:
            if not broker._receive(commit):
                commit(remaining=1)
                return
        commit(remaining=0)

    def _receive(self, commit):
        """Empty the queue in batches, committing each before the broker is told, and return the seconds left.

        A broker that fails is left alone for a while, longer each time.
        """
        self.ensure_one()
        time_left = 1
        try:
            with kombu_broker.open_queue(self._get_settings(), self.queue) as fetch:
                while time_left and (batch := list(islice(iter(fetch, None), BATCH))):
                    for delivery in batch:
                        self._take(delivery.body)
                    self.received_at = fields.Datetime.now()
                    time_left = commit(len(batch))
                    for delivery in batch:
                        delivery.acknowledge()
            if self.receive_error:
                self.write({'receive_error': False, 'receive_failure_count': 0, 'receive_retry_at': False})
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # someone else deals with the same message: the broker still has all of them, and brings them again
            self.env.cr.rollback()
            self._wake_receiver()
        except kombu_broker.BrokerError as error:
            _logger.info("Receiving from broker %s failed: %s", self.id, error)
            self.env.cr.rollback()
            self._note_receive_failure(error)
        return time_left and commit()

    def _take(self, body):
        """Deal with one message; nothing that is in it can stop the others."""
        if message := self.env['sales.broker.message'].sudo()._record(self, body):
            message._process()

    def _note_receive_failure(self, error):
        delay = min(FIRST_RETRY * 2 ** min(self.receive_failure_count, 10), LAST_RETRY)
        self.write({
            'receive_error': self._explain(error),
            'receive_failure_count': self.receive_failure_count + 1,
            'receive_retry_at': fields.Datetime.now() + delay,
        })

    def _get_order_builder(self):
        """Return the builder of orders with the rights of the configured user, in the broker's company."""
        self.ensure_one()
        if not self.user_id.active:
            raise UserError(self.env._("The user with whose rights orders are created is archived."))
        return self.env['sales.broker.order'].with_user(self.user_id).with_context(
            allowed_company_ids=self.company_id.ids, lang=self.user_id.lang)
