import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

WAKE = 'sales.consumer'
FIRST_RETRY = timedelta(seconds=5)
LAST_RETRY = timedelta(minutes=15)
#: a lag above this is shown as "more than"
LAG_SHOWN = 10_000


class SalesConsumer(models.Model):
    """The place of one reader in the ledger.

    Ids are handed out before a commit, so "everything above the last id" would skip the event of a transaction
    that commits late. A place is a pair of transaction and id, and only transactions below the oldest one still
    running are read: nothing can appear before a place any more. Effects and place are committed together, so a
    reader that dies does its last batch again.
    """
    _name = 'sales.consumer'
    _description = "Reader of the Sales Ledger"
    _order = 'sequence, id'

    name = fields.Char(compute='_compute_name')
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    reader = fields.Char(string="Technical Name", required=True, readonly=True)
    reader_res_id = fields.Many2oneReference(string="Reader Record", model_field='reader', readonly=True)
    cron_id = fields.Many2one('ir.cron', string="Scheduled Action", readonly=True, ondelete='set null')
    paused = fields.Boolean(readonly=True)
    offset_id = fields.Integer(string="Last Event Read", readonly=True, default=0)
    read_at = fields.Datetime(string="Last Read", readonly=True)
    read_count = fields.Float(string="Events Read", digits=(16, 0), readonly=True, default=0)
    failure_count = fields.Integer(string="Failures in a Row", readonly=True)
    failed_event_id = fields.Integer(string="Failing Event", readonly=True)
    last_error = fields.Text(readonly=True)
    retry_at = fields.Datetime(string="Next Try", readonly=True)
    exclusion_ids = fields.One2many('sales.consumer.exclusion', 'consumer_id', string="Events Set Aside")
    lag = fields.Integer(string="Events Waiting", compute='_compute_lag')
    oldest_waiting = fields.Datetime(string="Waiting Since", compute='_compute_lag')
    held_since = fields.Datetime(
        string="Held Back Since", compute='_compute_held_since',
        help="A transaction of the database that began then is still running; events written since wait for it, "
             "so that none of its own is overtaken.")
    state = fields.Selection([
        ('running', "Up to date"),
        ('behind', "Reading"),
        ('failing', "Failing"),
        ('paused', "Paused"),
    ], compute='_compute_state')

    _reader_uniq = models.UniqueIndex("(reader, COALESCE(reader_res_id, 0))", "The reader has its place already.")

    def init(self):
        super().init()
        self.env.cr.execute("ALTER TABLE sales_consumer ADD COLUMN IF NOT EXISTS offset_xid xid8 NOT NULL DEFAULT '0'")

    def _register_hook(self):
        super()._register_hook()
        self._create_missing()

    @api.depends('reader', 'reader_res_id')
    def _compute_name(self):
        for consumer in self:
            # the title of a model is not a secret, its record is
            title = self.env['ir.model'].sudo()._get(consumer.reader).name
            record = consumer.reader_res_id and self.env[consumer.reader].sudo().browse(consumer.reader_res_id).exists()
            consumer.name = record.display_name if record else title or consumer.reader

    def _compute_lag(self):
        for consumer in self:
            [(count, oldest)] = self.env.execute_query(SQL(
                """
                SELECT COUNT(*), MIN(date) FROM (
                    SELECT e.date FROM sales_event e, sales_consumer c
                     WHERE c.id = %s AND (e.xid, e.id) > (c.offset_xid, c.offset_id)
                     ORDER BY e.xid, e.id LIMIT %s) waiting
                """, consumer.id, LAG_SHOWN + 1)) if consumer.id else [(0, None)]
            consumer.lag, consumer.oldest_waiting = count, oldest

    def _compute_held_since(self):
        # transactions of others that have written something; reading ones do not hold the ledger back
        [(since,)] = self.env.execute_query(SQL(
            """SELECT MIN(xact_start AT TIME ZONE 'UTC') FROM pg_stat_activity
                WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()"""))
        self.held_since = since

    @api.depends('lag', 'paused', 'failure_count')
    def _compute_state(self):
        for consumer in self:
            consumer.state = (
                'paused' if consumer.paused else 'failing' if consumer.failure_count
                else 'behind' if consumer.lag else 'running')

    # -- buttons

    def action_retry(self):
        """Try a failing reader again now instead of later."""
        self.check_access('write')
        self.sudo().retry_at = False
        self._wake_up()

    def action_pause(self):
        self.check_access('write')
        self.sudo().paused = True

    def action_resume(self):
        self.check_access('write')
        self.sudo().write({'paused': False, 'retry_at': False})
        self._wake_up()

    def action_read_history(self):
        """Have the ledger filled up from the records of the host, in the background."""
        self.browse().check_access('write')
        self.env['sales.event.history']._request()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("The history is read in the background; the ledger fills up in a moment."),
            },
        }

    def action_set_aside(self):
        """Ask why the failing event is to be passed over."""
        self.ensure_one()
        if not self.failed_event_id:
            raise UserError(self.env._("No single event is failing; there is nothing to set aside."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Set Aside"),
            'res_model': 'sales.consumer.exclusion',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_consumer_id': self.id, 'default_event_id': self.failed_event_id},
        }

    def action_open_waiting(self):
        """Open the events that the reader has yet to read."""
        self.ensure_one()
        [(xid, last)] = self.env.execute_query(SQL(
            "SELECT offset_xid::text, offset_id FROM sales_consumer WHERE id = %s", self.id))
        rows = self.env.execute_query(SQL(
            "SELECT id FROM sales_event WHERE (xid, id) > (%s::xid8, %s) ORDER BY xid, id LIMIT %s", xid, last, 1000))
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_event_action'),
            'name': self.env._("Events waiting for %(reader)s", reader=self.name),
            'domain': [('id', 'in', [event_id for (event_id,) in rows])],
            'context': {},
        }

    # -- one place for each reader

    @api.model
    def _create_missing(self):
        """Give every abstract reader of the registry its place, those of other addons included."""
        names = {
            name for name, model in self.env.registry.items()
            if model._abstract and 'sales.event.reader' in model._inherit and name != 'sales.event.reader'
        }
        everyone = self.with_context(active_test=False).search(Domain.TRUE)
        known = set(everyone.mapped('reader'))
        # the reader of an addon that is gone must hold back neither the others nor the retention
        for consumer in everyone:
            if consumer.active != (consumer.reader in self.env):
                consumer.active = not consumer.active
        for name in sorted(names - known):
            self._create_for(self.env[name])

    @api.model
    def _create_for(self, readers, own_cron=False):
        consumers = self.create([
            {'reader': readers._name, 'reader_res_id': res_id} for res_id in readers.ids or [False]])
        self.flush_model()
        if not (readers._reader_history and readers._reader_from_start):
            # what happened so far is not news to a new reader
            self.env.cr.execute(SQL(
                "UPDATE sales_consumer SET offset_xid = pg_snapshot_xmin(pg_current_snapshot()) WHERE id IN %s",
                tuple(consumers.ids)))
        if own_cron:
            consumers._create_crons()
        return consumers

    def _create_crons(self):
        for consumer in self:
            consumer.cron_id = self.env['ir.cron'].sudo().create({
                'name': self.env._("Sales Management: read events, %(reader)s", reader=consumer.name),
                'model_id': self.env['ir.model']._get_id(self._name),
                'state': 'code',
                'code': f'model.browse({consumer.id})._cron_dispatch()',
                'interval_number': 1,
                'interval_type': 'minutes',
                'user_id': self.env.ref('base.user_root').id,
            })

    @api.ondelete(at_uninstall=False)
    def _unlink_except_reader(self):
        if any(not consumer.reader_res_id and consumer.reader in self.env for consumer in self):
            raise UserError(self.env._("The reader is part of the system. Pause it instead."))

    def unlink(self):
        crons = self.cron_id
        result = super().unlink()
        crons.sudo().unlink()
        return result

    # -- waking

    @api.model
    def _wake(self):
        """Have the consumers run right after this transaction, once however many events it writes."""
        done = self.env.cr.postcommit.data
        trigger = done.get(WAKE)
        # a rolled back savepoint takes the trigger along, and clears the cache
        if trigger is not None and self.env.cache.contains(trigger, trigger._fields['cron_id']):
            return
        # an admin may have deleted it; what happens is written all the same
        if cron := self.env.ref('sms_addon.ir_cron_sales_consumer', raise_if_not_found=False):
            done[WAKE] = cron.sudo()._trigger()

    def _wake_up(self):
        shared = self.env.ref('sms_addon.ir_cron_sales_consumer', raise_if_not_found=False)
        for cron in {consumer.cron_id or shared for consumer in self.sudo()}:
            if cron:
                cron.sudo()._trigger()

    # -- reading

    @api.model
    def _horizon(self):
        """Return the SQL of the first transaction that may not be read yet; a test moves it beyond its own.

        That is ``pg_snapshot_xmin``, the oldest one running, but for those known to run in other databases of the
        server: they cannot write here, and one may run for hours. A transaction that ends while we look is taken
        for one of ours.
        """
        return SQL("""(
            SELECT COALESCE(MIN(running), pg_snapshot_xmax(pg_current_snapshot()))
              FROM pg_snapshot_xip(pg_current_snapshot()) running
             WHERE NOT EXISTS (SELECT FROM pg_stat_activity session
                                WHERE session.backend_xid = running::xid AND session.datname <> current_database()))""")

    def _cron_dispatch(self):
        """Let each reader read what there is, in turns, so that a long queue of one keeps no other waiting."""
        commit = self.env['ir.cron']._commit_progress
        consumers = self or self.search(Domain('cron_id', '=', False))
        self.env['sales.event']._adopt_moved()
        if not self:
            for other in self.search(Domain('cron_id', '!=', False)):
                if other._is_due() and other._has_waiting():
                    other.cron_id.sudo()._trigger()
        waiting = list(consumers)
        while waiting:
            for consumer in list(waiting):
                done = consumer._dispatch_guarded()
                if not done:
                    waiting.remove(consumer)
                if not commit(done, remaining=len(waiting)):
                    return

    def _dispatch_guarded(self):
        """Read one batch; whatever is wrong with this reader, the others go on."""
        try:
            return self._dispatch_batch()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            self.env.cr.rollback()  # somebody else reads, or changes what is read; it is tried again next time
        except Exception:
            self.env.cr.rollback()
            _logger.exception("Reader %s cannot be asked", self.reader)
        return 0

    def _is_due(self):
        return not self.paused and (not self.retry_at or self.retry_at <= fields.Datetime.now())

    def _has_waiting(self):
        return bool(self._next_rows(1))

    def _dispatch_batch(self):
        """Read one batch and return how many events that were; 0 when there is nothing to do or it failed."""
        self.ensure_one()
        # a commit freed locks and cache: look again
        if not self.try_lock_for_update() or not self._is_due():
            return 0
        reader = self._get_reader()
        rows = self._next_rows(reader._reader_batch)
        if not rows:
            return 0
        events = self.env['sales.event'].sudo().browse([event_id for _xid, event_id in rows])
        try:
            self._deliver(reader, events)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.info("Reader %s failed", self.reader, exc_info=True)
            return self._deliver_singly(reader, events, rows, error)
        self._advance(rows)
        return len(rows)

    def _deliver(self, reader, events):
        """Hand events to the reader within a savepoint."""
        excluded = set(self.exclusion_ids.mapped('event_id'))
        wanted = events.filtered(lambda event: event.id not in excluded and reader._wants(event))
        if wanted:
            with self.env.cr.savepoint():
                reader._consume(wanted)

    def _deliver_singly(self, reader, events, rows, error):
        """Go as far as the first event that fails, so that it can be named and all before it are done."""
        for index, event in enumerate(events):
            try:
                self._deliver(reader, event)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as single:
                if index:
                    self._advance(rows[:index])
                self._note_failure(single, event)
                return 0
        # together they fail, one by one they do not: a passing fault
        _logger.info("Reader %s went on one by one after: %s", self.reader, error)
        self._advance(rows)
        return len(rows)

    def _get_reader(self):
        reader = self.env[self.reader].sudo()
        return reader.browse(self.reader_res_id) if self.reader_res_id else reader

    def _next_rows(self, limit):
        """Return (transaction, id) of the next events, in order."""
        [(xid, last)] = self.env.execute_query(SQL(
            "SELECT offset_xid::text, offset_id FROM sales_consumer WHERE id = %s", self.id))
        return self.env.execute_query(SQL(
            """
            SELECT event.xid::text, event.id FROM sales_event event
             WHERE (event.xid, event.id) > (%s::xid8, %s) AND event.xid < %s
             ORDER BY event.xid, event.id LIMIT %s
            """, xid, last, self._horizon(), limit))

    def _advance(self, rows):
        xid, event_id = rows[-1]
        self.write({
            'offset_id': event_id,
            'read_at': fields.Datetime.now(),
            'read_count': self.read_count + len(rows),
            'failure_count': 0,
            'failed_event_id': False,
            'last_error': False,
            'retry_at': False,
        })
        self.flush_recordset()
        self.env.cr.execute(SQL("UPDATE sales_consumer SET offset_xid = %s::xid8 WHERE id = %s", xid, self.id))

    def _note_failure(self, error, event):
        """Keep the place, say what is wrong, and try again later and later."""
        delay = min(FIRST_RETRY * 2 ** min(self.failure_count, 12), LAST_RETRY)
        self.write({
            'failure_count': self.failure_count + 1,
            'failed_event_id': event.id,
            # what is meant for a person needs no name of a class before it
            'last_error': (str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}")[:2000],
            'retry_at': fields.Datetime.now() + delay,
        })
        if cron := self.cron_id or self.env.ref('sms_addon.ir_cron_sales_consumer', raise_if_not_found=False):
            cron.sudo()._trigger(at=self.retry_at)
