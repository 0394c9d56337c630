import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.sales_columns import guess_mapping, missing_targets
from ..tools.sales_import import parse_row
from ..tools.sales_table import TableError
from .sales_import_column import TARGETS

PREVIEW_ROWS = 20
COUNTS = ('imported_count', 'present_count', 'refused_count', 'skipped_count', 'order_count', 'new_order_count')


class SalesImport(models.Model):
    """A file of sales on its way into orders.

    A run goes through three phases: the rows are *read* and put aside, *checked* order by order without
    writing anything, and *loaded*. It stands between two batches at all times, so that it can be stopped and
    resumed, by a person or by a crash.
    """
    _name = 'sales.import'
    _inherit = ['mail.thread', 'sales.import.rules']
    _description = "Sales History Import"
    _order = 'id desc'

    name = fields.Char(required=True, default=lambda self: self.env._("Sales history"), tracking=True)
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company, index=True)
    user_id = fields.Many2one('res.users', string="Imported by", default=lambda self: self.env.user, readonly=True)
    file = fields.Binary(attachment=True, copy=False)
    filename = fields.Char(copy=False)
    file_note = fields.Char(string="File Format", readonly=True, copy=False)
    preset_id = fields.Many2one(
        'sales.import.preset', domain="[('company_id', 'in', [False, company_id])]",
        help="Columns and rules used before; one that fits the file is found by itself.")
    column_ids = fields.One2many('sales.import.column', 'import_id', copy=False)
    currency_id = fields.Many2one(
        'res.currency', string="Currency", help="Of lines that do not state one; the company's if left empty.")
    make_deliveries = fields.Boolean(help="Create the delivery orders, as if the orders were confirmed today.")
    make_invoices = fields.Boolean(help="Create and post the invoices, dated as the orders.")
    state = fields.Selection(
        [('draft', "New"), ('checked', "Checked"), ('running', "Running"), ('done', "Done"),
         ('stopped', "Stopped"), ('failed', "Failed")],
        default='draft', required=True, readonly=True, copy=False, tracking=True, index=True)
    goal = fields.Selection([('check', "Check"), ('load', "Import")], readonly=True, copy=False)
    phase = fields.Selection(
        [('read', "Reading"), ('check', "Checking"), ('load', "Importing")], readonly=True, copy=False)
    error = fields.Text(readonly=True, copy=False)
    last_line = fields.Integer(readonly=True, copy=False)
    position = fields.Char(help="Reference of the last order dealt with.", readonly=True, copy=False)
    newest_date = fields.Date(readonly=True, copy=False)
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
    progress_id = fields.Many2one('sales.import.progress', string="Progress Record", readonly=True, copy=False)
    progress = fields.Float(compute='_compute_progress')
    progress_note = fields.Char(compute='_compute_progress')
    issue_ids = fields.One2many('sales.import.issue', 'import_id', readonly=True, copy=False)
    issue_count = fields.Integer(string="Import Messages", compute='_compute_issue_count')
    preview = fields.Json(compute='_compute_preview')

    @api.depends('state', 'phase', 'progress_id.done')
    def _compute_progress(self):
        labels = dict(self._fields['phase']._description_selection(self.env))
        for record in self:
            if record.state == 'done':
                record.progress, record.progress_note = 100, False
                continue
            done, total = record.progress_id.done, record.progress_id.total
            record.progress = 100.0 * done / total if total else 0
            record.progress_note = record.phase and self.env._(
                "%(phase)s: %(done)s of %(total)s lines", phase=labels[record.phase], done=done, total=total or '?')

    def _compute_issue_count(self):
        counts = dict(self.env['sales.import.issue']._read_group(
            [('import_id', 'in', self.ids)], ['import_id'], ['__count']))
        for record in self:
            record.issue_count = counts.get(record._origin, 0)

    @api.depends('file', 'column_ids.target', 'date_format', 'decimal_separator', 'discount_format', 'cancelled_pattern',
                 'cancelled_rule', 'negative_rule', 'missing_customer_rule', 'anonymous_name', 'service_codes', 'service_rule')
    def _compute_preview(self):
        for record in self:
            try:
                record.preview = record._preview_rows() if record.file and record.column_ids else False
            except TableError:
                record.preview = False

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
        inputs = {'file', 'column_ids', 'company_id', 'currency_id', *self._get_rule_names()}
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

    def _read_headers(self):
        """Describe the columns of the file and guess what they mean, by a preset that fits or by their names."""
        self.ensure_one()
        try:
            with self._open_table() as table:
                headers, samples = table.headers, []
                for _line, cells in table.rows:
                    samples.append(cells)
                    if len(samples) == 3:
                        break
                legacy = 'legacy_encoding' in table.notes
                encoding, delimiter = table.encoding, table.delimiter
        except TableError as error:
            raise UserError(self._explain_table_error(error)) from None
        preset = self.preset_id or self.env['sales.import.preset']._find_for(headers)
        if preset and preset != self.preset_id:
            self.update({'preset_id': preset.id, **preset._get_rule_values()})
        mapping = preset.mapping or guess_mapping(headers)
        self.file_note = self._describe_format(encoding, delimiter, legacy)
        self.column_ids = [fields.Command.clear()] + [
            fields.Command.create({
                'sequence': sequence,
                'name': header,
                'sample': " · ".join(str(row.get(header, '')) for row in samples)[:200],
                'target': mapping.get(header),
            })
            for sequence, header in enumerate(headers)
        ]

    def _describe_format(self, encoding, delimiter, legacy):
        if not encoding:
            return self.env._("Excel workbook, first sheet")
        delimiter = {'\t': self.env._("tab")}.get(delimiter, delimiter)
        if legacy:
            return self.env._(
                "CSV separated by %(delimiter)s; not in UTF-8, so read as %(encoding)s: check names with accents.",
                delimiter=delimiter, encoding=encoding)
        return self.env._("CSV separated by %(delimiter)s, %(encoding)s", delimiter=delimiter, encoding=encoding)

    def _explain_table_error(self, error):
        return {
            'empty': self.env._("The file is empty."),
            'headers': self.env._("Two columns of the file have the same header."),
            'broken': self.env._("The file is neither a CSV nor an Excel (XLSX) table, or it is damaged."),
        }[error.code]

    @api.onchange('file')
    def _onchange_file(self):
        if self.file:
            self._read_headers()

    @api.onchange('preset_id')
    def _onchange_preset_id(self):
        if self.preset_id:
            self.update(self.preset_id._get_rule_values())
            for column in self.column_ids:
                column.target = (self.preset_id.mapping or {}).get(column.name)

    def _get_mapping(self):
        """Return the header of each mapped target field.

        :raise UserError: a field is mapped twice, or a required one not at all
        """
        mapping = {}
        for column in self.column_ids.filtered('target'):
            if column.target in mapping:
                raise UserError(self.env._(
                    "Two columns mean “%(target)s”: %(first)s and %(second)s.", target=self._get_target_label(column.target),
                    first=mapping[column.target], second=column.name))
            mapping[column.target] = column.name
        if missing := missing_targets(mapping):
            raise UserError(self.env._(
                "No column means: %(targets)s.",
                targets=", ".join(" / ".join(map(self._get_target_label, targets)) for targets in missing)))
        return mapping

    def _get_target_label(self, target):
        return dict(self.env['sales.import.column']._fields['target']._description_selection(self.env))[target]

    def _preview_rows(self):
        """Return the first rows as they are understood: headers, and rows of cells with their problems."""
        mapping = {column.target: column.name for column in self.column_ids if column.target}
        shown = [target for target, _label in TARGETS if target in mapping]
        rules, rows = self._get_rules(), []
        with self._open_table() as table:
            for line, cells in table.rows:
                parsed = parse_row(line, cells, mapping, rules)
                problems = self.env['sales.import.issue'].new
                rows.append({
                    'line': line,
                    'cells': [self._preview_cell(target, parsed.row, cells.get(mapping[target])) for target in shown],
                    'outcome': parsed.outcome,
                    'problem': " ".join(
                        problems({'code': issue.code, 'value': issue.value}).reason for issue in parsed.issues),
                })
                if len(rows) == PREVIEW_ROWS:
                    break
        return {'headers': [self._get_target_label(target) for target in shown], 'rows': rows}

    @api.model
    def _preview_cell(self, target, row, text):
        name = {'order_ref': 'order', 'date': 'moment'}.get(target, target)
        value = getattr(row, name, None) if row else None
        if target == 'date' and row:
            return value.strftime('%Y-%m-%d %H:%M')
        if value in (None, True, False, ''):
            return '' if text is None else str(text)
        return f'{value:f}' if hasattr(value, 'quantize') else str(value)

    # -- buttons

    def action_check(self):
        """Read the file and report every bad line, without writing anything else."""
        return self._start('check')

    def action_import(self):
        """Import the orders of the file."""
        return self._start('load')

    def action_stop(self):
        """Stop after the batch that is being worked on."""
        self.filtered(lambda record: record.state == 'running').state = 'stopped'

    def action_resume(self):
        """Carry on where a stopped or failed import was left."""
        for record in self.filtered(lambda record: record.state in ('stopped', 'failed')):
            record.write({'state': 'running', 'error': False})
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
                {**values, 'name': self.name, 'company_id': self.company_id.id})

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
            values.update(self._prepare_phase('load'))
        else:
            self._reset()
            values['phase'] = 'read'
        if not self.progress_id:
            self.progress_id = self.env['sales.import.progress'].sudo().create({})
        self.write(values)

    def _reset(self):
        """Forget what was read from the file and found out about it."""
        for record in self:
            record.env['sales.import.issue'].sudo().search([('import_id', '=', record.id)]).unlink()
            record._drop_rows()
        super().write({
            'state': 'draft', 'phase': False, 'goal': False, 'error': False, 'last_line': 0, 'row_count': 0, 'newest_date': False,
            'position': False, 'read_refused_count': 0, 'read_skipped_count': 0, **dict.fromkeys(COUNTS, 0),
        })

    def _wake(self):
        self.env.ref('sms_addon.ir_cron_sales_import')._trigger()

    def _decode_file(self):
        return base64.b64decode(self.with_context(bin_size=False).file or b'')
