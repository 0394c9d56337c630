from odoo import api, fields, models
from odoo.exceptions import UserError

from .sales_import_run import COUNTS


class SalesImport(models.Model):
    """A file of sales on its way into orders.

    A run goes through three phases: the rows are *read* and put aside, *checked* order by order without
    writing anything, and *loaded*. It stands between two batches at all times, so that it can be stopped and
    resumed, by a person or by a crash.
    """

    _name = 'sales.import'
    _inherit = [
        'mail.thread',
        'sales.import.rules',
        'sales.import.file',
        'sales.import.run',
        'sales.import.load',
        'sales.import.demonstration',
    ]
    _description = "Sales History Import"
    _order = 'id desc'

    name = fields.Char(required=True, default=lambda self: self.env._("Sales history"), tracking=True)
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company, index=True)
    user_id = fields.Many2one('res.users', string="Imported by", default=lambda self: self.env.user, readonly=True)
    file = fields.Binary(attachment=True, copy=False)
    filename = fields.Char(copy=False)
    file_note = fields.Char(string="File Format", readonly=True, copy=False)
    preset_id = fields.Many2one(
        'sales.import.preset',
        domain="[('company_id', 'in', [False, company_id])]",
        help="Columns and rules used before; one that fits the file is found by itself.",
    )
    column_ids = fields.One2many('sales.import.column', 'import_id', copy=False)
    currency_id = fields.Many2one(
        'res.currency', help="Of lines that do not state one; the company's if left empty."
    )
    make_deliveries = fields.Boolean(help="Create the delivery orders, as if the orders were confirmed today.")
    make_invoices = fields.Boolean(help="Create and post the invoices, dated as the orders.")
    state = fields.Selection(
        [
            ('draft', "New"),
            ('checked', "Checked"),
            ('running', "Running"),
            ('done', "Done"),
            ('stopped', "Stopped"),
            ('failed', "Failed"),
        ],
        default='draft',
        required=True,
        readonly=True,
        copy=False,
        tracking=True,
        index=True,
    )
    goal = fields.Selection([('check', "Check"), ('load', "Import")], readonly=True, copy=False)
    phase = fields.Selection(
        [('read', "Reading"), ('check', "Checking"), ('load', "Importing")], readonly=True, copy=False
    )
    error = fields.Text(readonly=True, copy=False)
    last_line = fields.Integer(readonly=True, copy=False)
    position = fields.Char(help="Reference of the last order dealt with.", readonly=True, copy=False)
    newest_date = fields.Date(readonly=True, copy=False)
    recognised = fields.Json(help="How the columns write their numbers, by all of their cells.", copy=False)
    day_shift = fields.Integer(string="Dates Moved By (days)", readonly=True, copy=False)
    row_count = fields.Integer(string="Lines", readonly=True, copy=False)
    imported_count = fields.Integer(string="Imported", readonly=True, copy=False)
    present_count = fields.Integer(string="Already There", readonly=True, copy=False)
    refused_count = fields.Integer(string="Refused", readonly=True, copy=False)
    skipped_count = fields.Integer(string="Left Out by Rule", readonly=True, copy=False)
    read_refused_count = fields.Integer(readonly=True, copy=False)
    read_skipped_count = fields.Integer(readonly=True, copy=False)
    order_count = fields.Integer(string="Orders in the File", readonly=True, copy=False)
    new_order_count = fields.Integer(string="New Orders", readonly=True, copy=False)
    return_count = fields.Integer(string="As Returns", readonly=True, copy=False)
    anonymous_count = fields.Integer(string="To the Collective Customer", readonly=True, copy=False)
    service_count = fields.Integer(string="As Services", readonly=True, copy=False)
    cancelled_count = fields.Integer(string="In Cancelled Orders", readonly=True, copy=False)
    progress_id = fields.Many2one('sales.import.progress', string="Progress Record", readonly=True, copy=False)
    progress = fields.Float(compute='_compute_progress')
    progress_note = fields.Char(compute='_compute_progress')
    issue_ids = fields.One2many('sales.import.issue', 'import_id', readonly=True, copy=False)
    issue_count = fields.Integer(string="Import Messages", compute='_compute_issue_count')
    preview = fields.Json(compute='_compute_preview')

    @api.depends('state', 'progress_id.done')
    def _compute_progress(self):
        labels = dict(self._fields['phase']._description_selection(self.env))
        for record in self:
            if record.state == 'done':
                record.progress, record.progress_note = 100, False
                continue
            shown = record.progress_id
            record.progress = 100.0 * shown.done / shown.total if shown.total else 0
            record.progress_note = labels.get(shown.phase) and self.env._(
                "%(phase)s: line %(done)s of %(total)s",
                phase=labels[shown.phase],
                done=shown.done,
                total=shown.total or '?',
            )

    def _compute_issue_count(self):
        counts = dict(
            self.env['sales.import.issue']._read_group([('import_id', 'in', self.ids)], ['import_id'], ['__count'])
        )
        for record in self:
            record.issue_count = counts.get(record._origin, 0)

    # -- the file and its columns

    @api.model_create_multi
    def create(self, vals_list):
        presets = self.env['sales.import.preset']
        vals_list = [
            {**presets.browse(vals['preset_id'])._get_rule_values(), **vals} if vals.get('preset_id') else vals
            for vals in vals_list
        ]
        records = super().create(vals_list)
        for record in records.filtered('file'):
            if not record.column_ids:
                record._read_headers()
        return records

    def write(self, vals):
        busy = self.filtered(lambda record: record.state == 'running')
        inputs = {'file', 'column_ids', 'company_id', 'currency_id', *self._get_rule_names()} - {'error_rule'}
        if busy and not inputs.isdisjoint(vals):
            raise UserError(self.env._("Stop the import before you change its file or its rules."))
        result = super().write(vals)
        if vals.get('file'):
            for record in self:
                record._read_headers()
        if not inputs.isdisjoint(vals):
            self._reset()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if self.filtered(lambda record: record.state == 'running'):
            raise UserError(self.env._("Stop the import before you delete it."))

    # -- buttons

    def action_check(self):
        """Read the file and report every bad line, without writing anything else."""
        return self._start('check')

    def action_import(self):
        """Import the orders of the file."""
        return self._start('load')

    def action_stop(self):
        """Stop after the batch that is being worked on.

        Whoever works on it holds its row, for as long as it takes to load a small file: then it sets the state
        itself, once it has read the request.
        """
        self.check_access('write')
        for record in self.filtered(lambda record: record.state == 'running'):
            if record.try_lock_for_update(allow_referencing=True):
                record.state = 'stopped'
            else:
                record.progress_id.sudo().request_stop()

    def action_resume(self):
        """Carry on where a stopped or failed import was left."""
        for record in self.filtered(lambda record: record.state in ('stopped', 'failed')):
            record.write({'state': 'running', 'error': False})
            record.progress_id.sudo().stop_requested = False
            record._wake()

    def action_reset(self):
        """Go back to the choice of columns and rules; what has been imported stays."""
        self.action_stop()
        self._reset()

    def action_save_preset(self):
        """Keep the columns and rules of this import for other files."""
        self.ensure_one()
        mapping = {column.name: column.target for column in self.column_ids if column.target}
        values = {**{name: self[name] for name in self._get_rule_names()}, 'mapping': mapping}
        if self.preset_id and not self.preset_id.get_external_id()[self.preset_id.id]:
            self.preset_id.write(values)
        else:
            self.preset_id = self.env['sales.import.preset'].create(
                {**values, 'name': self.name, 'company_id': self.company_id.id}
            )

    def action_open_issues(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_import_issue_action')
        return {**action, 'domain': [('import_id', '=', self.id)], 'context': {'search_default_errors': 1}}

    def action_open_orders(self):
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id('sale.action_orders')
        return {**action, 'domain': [('sales_import_id', '=', self.id)], 'context': {}}

    def _start(self, goal):
        """Start a run in the background: it is watched, stopped and resumed from the form."""
        self.ensure_one()
        self.check_access('write')
        self._prepare_run(goal)
        self._wake()

    def _prepare_run(self, goal):
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        self._get_mapping()
        if self.state == 'running':
            raise UserError(self.env._("The import is running already."))
        values = {'state': 'running', 'goal': goal, 'error': False, 'user_id': self.env.uid}
        if self.state == 'checked' and goal == 'load':
            if self.refused_count and self.error_rule == 'stop':
                raise UserError(
                    self.env._(
                        "Lines are refused, and the rules say to import nothing then: correct the file, or choose to"
                        " leave out their orders."
                    )
                )
            values.update(self._prepare_phase('load'))
        else:
            self._reset()
            values['phase'] = 'read'
        if not self.progress_id:
            self.progress_id = self.env['sales.import.progress'].sudo().create({})
        self.progress_id.sudo().write(
            {'phase': values.get('phase'), 'done': 0, 'total': self.row_count, 'stop_requested': False}
        )
        self.write(values)

    def _reset(self):
        """Forget what was read from the file and found out about it."""
        for record in self:
            record.env['sales.import.issue'].sudo().search([('import_id', '=', record.id)]).unlink()
            record._drop_rows()
        self.write(
            {
                'state': 'draft',
                'phase': False,
                'goal': False,
                'error': False,
                'last_line': 0,
                'row_count': 0,
                'newest_date': False,
                'recognised': False,
                'position': False,
                'read_refused_count': 0,
                'read_skipped_count': 0,
                **dict.fromkeys(COUNTS, 0),
            }
        )

    def _wake(self):
        self.env.ref('sms_addon.ir_cron_sales_import')._trigger()
