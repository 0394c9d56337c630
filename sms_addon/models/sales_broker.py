import base64

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, LazyTranslate

from ..tools import broker as kombu_broker
from ..tools import cloudevents
from .sales_event import TYPES

_lt = LazyTranslate(__name__)

ADMIN = 'sms_addon.sms_addon_group_admin'
#: key of the data that is sent -> column of the event
NAMED = {
    'order': 'order_id', 'lead': 'lead_id', 'customer': 'partner_id', 'product': 'product_id', 'company': 'company_id',
}
COLUMNS = ('id', 'date', 'type', 'model', 'res_id', *NAMED.values(), 'payload')
#: what a person reads instead of, or before, the words of the library
PROBLEMS = {
    kombu_broker.BadAddress: _lt(
        "The address cannot be used. It looks like amqp://host:5672/virtual-host, and is one of: amqp, amqps, redis,"
        " rediss, kafka."),
    kombu_broker.MissingLibrary: _lt("A Python package is missing on the server."),
    kombu_broker.AccessDenied: _lt("The broker refuses the user name and password, or has no rights for this user."),
    kombu_broker.Untrusted: _lt(
        "No secure connection: the certificates do not match, or the port is not a secure one."),
    kombu_broker.Unroutable: _lt("No queue is bound to the exchange that takes this event."),
    kombu_broker.Rejected: _lt("The broker refuses the exchange, the queue or the message."),
    kombu_broker.Unreachable: _lt("The broker cannot be reached."),
}


class SalesBroker(models.Model):
    """A message broker that receives the events of the ledger, brings orders, or both.

    Outgoing, it is a reader of the ledger with a place of its own: a broker that is down is waited for, and everything
    arrives later. Incoming is in ``sales.broker.receiver``.
    """
    _name = 'sales.broker'
    _inherit = ['sales.event.reader', 'sales.broker.receiver']
    _description = "Message Broker"
    _order = 'name, id'
    _check_company_auto = True

    #: each batch makes a connection of its own, which costs as much as some hundred events
    _reader_batch = 2000

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    direction = fields.Selection(
        [('out', "Send events"), ('in', "Receive orders"), ('both', "Send events and receive orders")],
        required=True, default='out')
    company_id = fields.Many2one(
        'res.company', default=lambda self: self.env.company, index=True,
        help="Only events of this company are sent, those of all companies if left empty. Orders received are its.")

    url = fields.Char(
        string="Address", required=True, groups=ADMIN, exportable=False,
        help="Host, port and virtual host, as amqps://broker.example.com:5671/sales. User name and password go below;"
             " those found in the address are moved there.")
    username = fields.Char(string="User Name", copy=False, groups=ADMIN, exportable=False)
    password = fields.Char(
        compute='_compute_secrets', inverse='_inverse_password', groups=ADMIN, exportable=False,
        help="It can be replaced but not read again.")
    password_secret = fields.Char(copy=False, groups=fields.NO_ACCESS, exportable=False)
    has_password = fields.Boolean(compute='_compute_secrets', groups=ADMIN)
    tls_verify = fields.Boolean(string="Check the Broker's Certificate", default=True, groups=ADMIN)
    tls_ca = fields.Binary(
        string="Authorities", attachment=False, copy=False, groups=ADMIN, exportable=False,
        help="Certificates of the authorities to trust, in PEM; those of the system if left empty.")
    tls_certificate = fields.Binary(
        string="Own Certificate", attachment=False, copy=False, groups=ADMIN, exportable=False,
        help="In PEM, for brokers that ask for one.")
    tls_key = fields.Binary(
        string="Its Key", attachment=False, compute='_compute_secrets', inverse='_inverse_tls_key', groups=ADMIN,
        exportable=False, help="In PEM and without a password. It can be replaced but not read again.")
    tls_key_secret = fields.Binary(attachment=False, copy=False, groups=fields.NO_ACCESS, exportable=False)
    has_tls_key = fields.Boolean(compute='_compute_secrets', groups=ADMIN)

    exchange = fields.Char(
        default='odoo.sales', help="A durable topic exchange; it is created if it is not there.")
    routing_prefix = fields.Char(
        string="Routing Key Prefix", default='sales.',
        help="Comes before the type of the event: sales.order.confirmed. Queues bind to it with patterns, as"
             " sales.order.* or sales.#")
    event_types = fields.Char(
        string="Events", default='order, delivery, invoice, payment',
        help="Types or beginnings of types with commas between, as: order, invoice.paid. All if left empty.")
    require_queue = fields.Boolean(
        string="Wait for a Queue",
        help="When no queue is bound that takes an event, keep it and try again later. Otherwise the broker drops it.")

    consumer_id = fields.Many2one('sales.consumer', string="Ledger Reader", readonly=True, copy=False,
                                  ondelete='set null', index='btree_not_null')
    paused = fields.Boolean(readonly=True, copy=False)
    lag = fields.Integer(related='consumer_id.lag', string="Events Waiting")
    last_error = fields.Text(related='consumer_id.last_error')
    retry_at = fields.Datetime(related='consumer_id.retry_at')
    sent_at = fields.Datetime(related='consumer_id.read_at', string="Last Sent")
    state = fields.Selection([
        ('running', "Up to date"),
        ('behind', "Sending"),
        ('failing', "Failing"),
        ('paused', "Paused"),
    ], compute='_compute_state')

    @api.depends('password_secret', 'tls_key_secret')
    def _compute_secrets(self):
        for broker in self:
            broker.password = broker.tls_key = False
            broker.has_password = bool(broker.sudo().password_secret)
            broker.has_tls_key = bool(broker.sudo().tls_key_secret)

    def _inverse_password(self):
        for broker in self.filtered('password'):
            broker.sudo().password_secret = broker.password

    def _inverse_tls_key(self):
        for broker in self.filtered('tls_key'):
            broker.sudo().tls_key_secret = broker.tls_key

    @api.depends('paused', 'consumer_id.state', 'receive_error')
    def _compute_state(self):
        for broker in self:
            state = broker.sudo().consumer_id.state or 'running'
            if broker.paused or not broker.active:
                broker.state = 'paused'
            else:
                broker.state = 'failing' if broker.receive_error else state

    @api.constrains('url')
    def _check_url(self):
        for broker in self.sudo():
            try:
                kombu_broker.check_url(broker.url)
            except kombu_broker.BadAddress as error:
                raise ValidationError(self._explain(error)) from None

    @api.constrains('direction', 'exchange')
    def _check_exchange(self):
        if any(broker.direction != 'in' and not broker.exchange for broker in self):
            raise ValidationError(self.env._("Name the exchange to which events are sent."))

    @api.constrains('event_types')
    def _check_event_types(self):
        for broker in self:
            unknown = [name for name in broker._get_event_types()
                       if not any(known == name or known.startswith(f'{name}.') for known in TYPES)]
            if unknown:
                raise ValidationError(self.env._(
                    "There are no events of the type %(unknown)s. Types begin with: %(known)s.",
                    unknown=unknown[0], known=", ".join(dict.fromkeys(known.split('.')[0] for known in TYPES))))

    @api.model_create_multi
    def create(self, vals_list):
        brokers = super().create([self._move_credentials(vals) for vals in vals_list])
        brokers._sync_consumers()
        return brokers

    def write(self, vals):
        result = super().write(self._move_credentials(vals))
        self.invalidate_recordset(['password', 'tls_key'])  # or the client would be told what it has just set
        if {'direction', 'active', 'paused'} & vals.keys():
            self._sync_consumers()
        if {'url', 'username', 'password', 'tls_ca', 'tls_certificate', 'tls_key', 'tls_verify'} & vals.keys():
            self._try_again()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_received(self):
        if self.sudo().message_ids:
            raise UserError(self.env._("This broker has brought messages. Archive it instead, so that they stay."))

    def unlink(self):
        consumers = self.sudo().consumer_id
        result = super().unlink()
        consumers.unlink()
        return result

    # -- buttons

    def action_test(self):
        """Connect with what is saved, and say how that went."""
        self.ensure_one()
        self.check_access('write')
        try:
            found = kombu_broker.check(
                self._get_settings(),
                exchange=self.exchange if self.direction != 'in' else '',
                queue=self.queue if self.direction != 'out' else '')
        except kombu_broker.BrokerError as error:
            return self._notify('danger', self.env._("The test failed"), self._explain(error))
        text = self.env._("Connected to %(product)s %(version)s.", **{**found, 'version': found['version'] or ''})
        if 'waiting' in found:
            text += " " + self.env._("%(count)s messages are waiting.", count=found['waiting'])
        return self._notify('success', self.env._("It works"), text)

    def action_pause(self):
        """Stop sending and receiving; what happens meanwhile waits."""
        self.check_access('write')
        self.paused = True

    def action_resume(self):
        self.check_access('write')
        self.write({'paused': False})
        self._try_again()

    def action_forget_password(self):
        self.check_access('write')
        self.sudo().password_secret = False

    def action_open_consumer(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Ledger Reader"),
            'res_model': 'sales.consumer',
            'res_id': self.consumer_id.id,
            'views': [(False, 'form')],
        }

    # -- sending

    def _consume(self, events):
        """Publish events as CloudEvents, in their order; the broker has them all on disk when this returns."""
        self.ensure_one()
        try:
            kombu_broker.publish(
                self._get_settings(), self.exchange, self._prepare_messages(events), require_queue=self.require_queue)
        except kombu_broker.BrokerError as error:
            raise UserError(self._explain(error)) from error

    def _wants(self, event):
        return (
            super()._wants(event)
            and (not self.company_id or not event.company_id or event.company_id == self.company_id)
            and self._sends_type(event.type)
        )

    def _sends_type(self, type_):
        types = self._get_event_types()
        return not types or any(type_ == name or type_.startswith(f'{name}.') for name in types)

    def _get_event_types(self):
        return [name for name in (each.strip().strip('.*') for each in (self.event_types or '').split(',')) if name]

    def _prepare_messages(self, events):
        """Yield the messages of events. They are read in one query: the ORM's cache would take half of the time."""
        database = self.env['ir.config_parameter'].sudo().get_param('database.uuid')
        source, prefix = f'urn:uuid:{database}', self.routing_prefix or ''
        rows = self._read_events(events)
        names = self._read_names(rows)
        for row in rows:
            id_, subject, type_ = f'{database}-{row["id"]}', self._get_subject(row), f'odoo.sales.{row["type"]}'
            data = self._prepare_data(row, names)
            yield kombu_broker.Message(
                cloudevents.encode(cloudevents.build(id_, source, type_, subject, row['date'], data)),
                routing_key=prefix + row['type'],
                id=id_,
                type=type_,
                headers={'cloudEvents:type': type_, 'cloudEvents:subject': subject},
            )

    def _read_events(self, events):
        """Return the rows of events as dicts, in the order of the events."""
        rows = self.env.execute_query(SQL(
            "SELECT %s FROM sales_event WHERE id IN %s",
            SQL(", ").join(map(SQL.identifier, COLUMNS)), tuple(events.ids)))
        found = {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}
        return [found[event_id] for event_id in events.ids]

    def _get_subject(self, row):
        """Return the document whose events keep their order."""
        return f'sale.order/{row["order_id"]}' if row['order_id'] else f'{row["model"]}/{row["res_id"]}'

    def _prepare_data(self, row, names):
        """Return what a stranger needs to make sense of an event: numbers of this database, and names for them."""
        data = {'event': row['id'], 'model': row['model'], 'id': row['res_id']}
        for key, column in NAMED.items():
            if record_id := row[column]:
                data[key] = names[key].get(record_id) or {'id': record_id}
        data['details'] = row['payload'] or {}
        return data

    def _read_names(self, rows):
        """Return key -> id -> names, in one query for each kind of record; what is deleted is not found."""
        return {
            key: self._read_names_of(key, {row[column] for row in rows if row[column]})
            for key, column in NAMED.items()
        }

    def _read_names_of(self, key, ids):
        model, columns = self._get_named()[key]
        records = self.env[model].sudo().with_context(active_test=False)
        return {
            record.id: {'id': record.id, **{name: record[field] for field, name in columns.items() if record[field]}}
            for record in (records.search_fetch([('id', 'in', list(ids))], list(columns)) if ids else records)
        }

    def _get_named(self):
        """Return key of the data -> (model, field -> name outside)."""
        return {
            'order': ('sale.order', {'name': 'name', 'client_order_ref': 'reference'}),
            'lead': ('crm.lead', {'name': 'name'}),
            'customer': ('res.partner', {'name': 'name', 'ref': 'ref'}),
            'product': ('product.product', {'default_code': 'code', 'name': 'name'}),
            'company': ('res.company', {'name': 'name'}),
        }

    # -- settings

    def _get_settings(self):
        """Return how to reach the broker, secrets included: for the tools alone."""
        self.ensure_one()
        broker = self.sudo()
        return kombu_broker.Settings(
            url=broker.url,
            username=broker.username or '',
            password=broker.password_secret or '',
            verify=broker.tls_verify,
            **{name: base64.b64decode(broker[field] or b'') for name, field in (
                ('ca', 'tls_ca'), ('certificate', 'tls_certificate'), ('key', 'tls_key_secret'))},
        )

    @api.model
    def _move_credentials(self, vals):
        """Take user name and password out of an address: it is shown, and they must not be."""
        if '@' not in (vals.get('url') or ''):
            return vals
        try:
            url, username, password = kombu_broker.split_credentials(vals['url'])
        except ValueError:
            return vals
        moved = {'url': url, 'username': username, 'password': password}
        return {**vals, **{name: value for name, value in moved.items() if value}}

    def _sync_consumers(self):
        """Give those that send a place in the ledger, and stop those that do not."""
        for broker in self:
            consumer = broker.sudo().consumer_id
            if broker.direction == 'in':
                consumer.unlink()
                continue
            if not consumer:
                consumer = broker.sudo().consumer_id = broker._consumer_create(own_cron=True)
            if consumer.paused != (broker.paused or not broker.active):
                (consumer.action_resume if consumer.paused else consumer.action_pause)()

    def _try_again(self):
        """Do not wait for the next try, now that somebody has changed something."""
        self.sudo().write({'receive_retry_at': False})
        self.sudo().consumer_id.filtered('failure_count').action_retry()
        self._wake_receiver()

    def _explain(self, error):
        """Return an error of the broker in words, with those of its library behind."""
        text = next(str(self.env._(text)) for kind, text in PROBLEMS.items() if isinstance(error, kind))
        return f"{text} ({error})" if str(error) else text

    def _notify(self, kind, title, message):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {'type': kind, 'title': title, 'message': message, 'sticky': kind == 'danger'},
        }
