import logging
import time

from psycopg2.errors import QueryCanceled

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from .sales_star import BUILD_SUFFIX

_logger = logging.getLogger(__name__)

BATCH_ORDERS = 2000
# what a person waits for; the scheduled action does the rest
REFRESH_BATCHES = 5
WORK_MEM = '256MB'
LOCK_TIMEOUT = '5s'
# order lines that a check gets through while a person waits
CHECK_LINES = 200_000
STALE = 'sms_addon.warehouse_stale'
ACTIVITY = 'sales_warehouse: '


class WarehouseBusy(UserError):
    """Somebody else loads the warehouse."""


class SalesWarehouse(models.Model):
    """The loader of the sales warehouse; its one record is the screen that says how fresh it is.

    Whoever changes the facts locks that record first and writes it at the end. A transaction that
    began before another loader committed is then refused by PostgreSQL and tried again, so nobody
    loads from an older view of the host than the one that was loaded last.
    """
    _name = 'sales.warehouse'
    _description = "Sales Warehouse"
    _log_access = False

    name = fields.Char(translate=True, required=True, readonly=True)
    refreshed_at = fields.Datetime(string="Last Change Read", readonly=True)
    rebuilt_at = fields.Datetime(string="Last Rebuild", readonly=True)
    rebuild_seconds = fields.Float(readonly=True, digits=(16, 1))
    rebuild_stopped = fields.Boolean(readonly=True)
    checked_at = fields.Datetime(string="Last Check", readonly=True)
    check_requested = fields.Boolean(readonly=True)
    difference_ids = fields.One2many(
        'sales.warehouse.difference', 'warehouse_id', string="Differences", readonly=True,
        groups='sms_addon.sms_addon_group_admin')
    # not more than a number, for whoever reads the figures
    difference_count = fields.Integer(compute='_compute_difference_count', compute_sudo=True)
    line_count = fields.Integer(string="Order Lines", compute='_compute_status')
    backlog = fields.Integer(string="Changes Waiting", compute='_compute_status')
    stage = fields.Char(string="Now Doing", compute='_compute_status')
    state = fields.Selection([
        ('fresh', "Up to date"),
        ('behind', "Reading changes"),
        ('stale', "Waiting for a rebuild"),
        ('rebuilding', "Rebuilding"),
        ('checking', "Checking"),
    ], compute='_compute_status')

    def _compute_status(self):
        running = self._running_stage()
        # the name of a model is not a secret, its record is
        stage = running and self.env['ir.model'].sudo()._get(running).name
        [(backlog,)] = self.env.execute_query(SQL("SELECT COUNT(DISTINCT (kind, res_id)) FROM sales_touch"))
        # the planner's estimate: exact enough for a screen, and free at any size
        [(estimate,)] = self.env.execute_query(SQL(
            "SELECT reltuples::bigint FROM pg_class WHERE oid = 'sales_fact'::regclass"))
        stale = self._is_stale()
        for warehouse in self:
            warehouse.stage = stage
            warehouse.backlog = backlog
            warehouse.line_count = max(estimate, 0)
            checking = running == 'sales.warehouse.difference' or not running and warehouse.check_requested
            warehouse.state = (
                'checking' if checking else 'rebuilding' if running else 'stale' if stale
                else 'behind' if backlog else 'fresh')

    @api.depends('difference_ids')
    def _compute_difference_count(self):
        for warehouse in self:
            warehouse.difference_count = len(warehouse.difference_ids)

    # -- buttons

    def action_refresh(self):
        """Read what changed since the last time, at once; what is too much for a request is left to the cron."""
        self.check_access('read')
        warehouse = self._get()
        if warehouse._is_stale():
            self._wake()
            return self._notify(self.env._("A rebuild is waiting; it starts in a moment."), 'warning')
        if warehouse._read_all():
            return self._notify(self.env._("The figures are up to date."))
        self._wake()
        return self._notify(self.env._("There is much to read; the rest follows in the background."), 'warning')

    def action_rebuild(self):
        """Load everything again in the background."""
        self.check_access('write')
        if not self._is_stale():
            self.env['ir.config_parameter'].sudo().set_param(STALE, 'requested')
        self._get().rebuild_stopped = False
        self._wake()
        return self._notify(self.env._("The rebuild starts in a moment; reports keep showing the present figures."))

    def action_stop(self):
        """Stop a running rebuild or check; the tables stay as they were before it.

        A rebuild that an upgrade asked for has nothing to fall back on: it begins again.
        """
        self.check_access('write')
        if not self._running_stage():
            self._get().check_requested = False
        if self._is_stale() != 'empty':
            self.env['ir.config_parameter'].sudo().set_param(STALE, False)
        self.env.cr.execute(SQL(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE %s", ACTIVITY + '%'))

    def action_check(self):
        """Compare the warehouse with the host's own report and with its invoices, a large one in the background."""
        self.check_access('write')
        warehouse = self._get()
        if warehouse._is_stale() or not warehouse._read_all():
            raise UserError(self.env._("The warehouse is still reading changes. Check again when it is up to date."))
        if warehouse.line_count > CHECK_LINES:
            warehouse.check_requested = True
            self._wake()
            return self._notify(self.env._("The check starts in a moment; what differs is listed here afterwards."))
        warehouse._run_check()
        if not warehouse.difference_ids:
            return self._notify(self.env._("The warehouse agrees with the host's sales report and invoices."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Differences"),
            'res_model': 'sales.warehouse.difference',
            'views': [(False, 'list')],
        }

    def _run_check(self):
        self._show_stage(self.env['sales.warehouse.difference'])
        self.env['sales.warehouse.difference'].sudo()._check(self)
        self.write({'checked_at': fields.Datetime.now(), 'check_requested': False})
        self._show_stage()

    def _read_all(self):
        """Read what a request has time for and tell whether that was all."""
        return any(not self._refresh_batch() for _batch in range(REFRESH_BATCHES))

    def _notify(self, message, kind='success'):
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': kind,
                'message': message,
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    # -- the loader

    @api.model
    def _get(self):
        # the loader writes tables that nobody may write through the ORM
        return self.env.ref('sms_addon.sales_warehouse').sudo()

    @api.model
    def _cubes(self):
        return [self.env[name] for name in self.env['sales.analysis']._roll_ups()]

    @api.model
    def _is_stale(self):
        """Return False, 'requested', or 'empty' after an upgrade that made the tables anew."""
        return self.env['ir.config_parameter'].sudo().get_param(STALE)

    def _lock(self):
        """Become the only loader until the end of the transaction."""
        self.env.flush_all()
        if not self.try_lock_for_update():
            raise WarehouseBusy(self.env._(
                "The sales warehouse is being loaded. Its figures will be up to date in a moment."))

    def _refresh_batch(self):
        """Read a batch of touched orders again and return how many there were."""
        self._lock()
        touch = self.env['sales.touch']
        touch._expand()
        order_ids = touch._take_orders(BATCH_ORDERS)
        if not order_ids:
            return 0
        cubes = self._cubes()
        customers, stock = self.env['sales.customer.touch'], self.env['sales.stock.touch']
        customers._touch_orders(order_ids)
        stock._touch_orders(order_ids)
        for cube in cubes:
            cube._cube_apply(order_ids, -1)
        self.env['sales.fact']._replace_orders(order_ids)
        customers._touch_orders(order_ids)
        stock._touch_orders(order_ids)
        self.env['sales.customer.profile']._wake()
        self.env['sales.stock.position']._wake()
        for cube in cubes:
            cube._cube_apply(order_ids, 1)
            cube._cube_purge()
        self.refreshed_at = fields.Datetime.now()
        return len(order_ids)

    def _rebuild(self):
        """Load everything anew beside the tables in use, then swap, all in one transaction.

        Killed at any point it leaves what was there before.
        """
        self._lock()
        # one session sorts and hashes a million rows, once in a while
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", WORK_MEM))
        start = time.monotonic()
        cubes = self._cubes()
        self.env.cr.execute(SQL("DELETE FROM sales_touch"))
        fact = self.env['sales.fact']
        self._show_stage(fact)
        fact._star_build(fact._star_query())
        for cube in reversed(cubes):
            self._show_stage(cube)
            cube._cube_build(fact._table + BUILD_SUFFIX)
        self._swap([fact, *cubes])
        self._show_stage()
        self.env['sales.customer.profile']._request_rebuild()
        self.env['sales.stock.position']._request_rebuild()
        self.env['ir.config_parameter'].sudo().set_param(STALE, False)
        self.write({
            'rebuilt_at': fields.Datetime.now(),
            'refreshed_at': fields.Datetime.now(),
            'rebuild_seconds': time.monotonic() - start,
            'rebuild_stopped': False,
        })
        _logger.info("Sales warehouse: rebuilt in %.1f s", time.monotonic() - start)

    @api.model
    def _swap(self, tables):
        """Put the new tables in the place of those in use; a report that takes long is not waited for."""
        self.env.cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
        self.env.cr.execute(SQL(
            "LOCK TABLE %s IN ACCESS EXCLUSIVE MODE",
            SQL(", ").join(SQL.identifier(table._table) for table in tables)))
        for table in tables:
            table._star_swap()

    @api.model
    def _show_stage(self, table=None):
        """Let other sessions see what a rebuild or check is at, before it commits."""
        _logger.info("Sales warehouse: %s", f'at {table._table}' if table is not None else 'done')
        self.env.cr.execute(SQL(
            "SELECT set_config('application_name', %s, true)", ACTIVITY + table._name if table is not None else ''))

    @api.model
    def _running_stage(self):
        """Return the model that a running rebuild makes or a running check fills; False when none runs."""
        rows = self.env.execute_query(SQL(
            "SELECT application_name FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE %s", ACTIVITY + '%'))
        return rows[0][0].removeprefix(ACTIVITY) if rows else False

    # -- waking it

    @api.model
    def _wake(self):
        """Have the refresh run right after this transaction, once however often it is called."""
        precommit = self.env.cr.precommit
        if 'sales.warehouse' not in precommit.data:
            precommit.data['sales.warehouse'] = True
            # an admin may have deleted it; orders are saved all the same
            if cron := self.env.ref('sms_addon.ir_cron_sales_warehouse', raise_if_not_found=False):
                precommit.add(cron.sudo()._trigger)

    @api.model
    def _cron_refresh(self):
        commit = self.env['ir.cron']._commit_progress
        warehouse, stopped = self._get(), {}
        try:
            if warehouse._is_stale():
                stopped = {'rebuild_stopped': True}
                warehouse._rebuild()
                commit()
            stopped = {}
            while done := warehouse._refresh_batch():
                if not commit(done, remaining=self.env['sales.touch']._count_orders()):
                    break
            if warehouse.check_requested:
                stopped = {'check_requested': False}
                warehouse._run_check()
                commit()
        except (WarehouseBusy, *PG_CONCURRENCY_EXCEPTIONS_TO_RETRY) as error:
            # somebody refreshes or reads for long meanwhile; what is left waits for the next run
            self.env.cr.rollback()
            _logger.info("Sales warehouse: waiting for another session (%s)", type(error).__name__)
        except QueryCanceled:
            self.env.cr.rollback()
            _logger.info("Sales warehouse: stopped")
            warehouse.write(stopped)
