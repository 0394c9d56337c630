from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_datetime

#: what a run is made with, as it was when it began
PARAMETERS = (
    'date_from', 'date_to', 'horizon_days', 'segment_count', 'max_depth', 'seed', 'min_support', 'min_confidence',
    'month_count', 'week_count', 'exclude_marked')


class SalesStudy(models.Model):
    """One run of an analysis: on which data, how, by whom, how good it is, and what came of it.

    Each run stays as it was; one that is run again is a copy that points to the run before. What a kind of study does
    is told by :class:`SalesStudyRun`.
    """
    _name = 'sales.study'
    _inherit = ['sales.study.run', 'mail.thread', 'mail.activity.mixin']
    _description = "Study"
    _order = 'id desc'
    _check_company_auto = True

    name = fields.Char(compute='_compute_name', store=True, readonly=False, required=True, precompute=True)
    kind = fields.Selection([
        ('segmentation', "Customer Segments"),
        ('lifetime', "Customer Lifetime"),
        ('churn', "Customers Who Leave"),
        ('needs', "Next Needs"),
        ('affinity', "Bought Together"),
    ], required=True, default='segmentation', index=True)
    company_id = fields.Many2one('res.company', required=True, default=lambda self: self.env.company, index=True)
    user_id = fields.Many2one('res.users', string="Responsible", default=lambda self: self.env.user, copy=False)
    state = fields.Selection([
        ('draft', "New"), ('running', "Running"), ('done', "Done"), ('abstained', "Abstained"),
        ('failed', "Failed"),
    ], default='draft', required=True, readonly=True, copy=False, tracking=True, index=True)
    reason = fields.Text(readonly=True, copy=False, help="Why there is no result.")
    attempts = fields.Integer(readonly=True, copy=False, default=0)
    is_current = fields.Boolean(
        string="In Use", readonly=True, copy=False, help="The last run of its kind that came to a result.")

    date_from = fields.Date(string="From", help="Nothing before this day is looked at; all there is if empty.")
    date_to = fields.Date(
        string="Until", help="What is known on this day is looked at; on the day of the run if empty.")
    horizon_days = fields.Integer(string="Days Ahead", default=90)
    segment_count = fields.Integer(string="Segments", help="Found by the study if zero.")
    max_depth = fields.Integer(string="Questions per Rule", default=4)
    seed = fields.Integer(help="Runs on the same data with the same seed come to the same result.")
    min_support = fields.Float(string="Least Share of Orders", default=0.001, digits=(16, 6))
    min_confidence = fields.Float(string="Least Confidence", default=0.1)
    parameters = fields.Json(readonly=True, copy=False)

    progress_id = fields.Many2one('sales.study.progress', string="Progress Record", readonly=True, copy=False)
    progress = fields.Float(compute='_compute_progress')
    phase = fields.Char(compute='_compute_progress')
    started_at = fields.Datetime(string="Started", readonly=True, copy=False)
    finished_at = fields.Datetime(string="Finished", readonly=True, copy=False)
    duration = fields.Float(string="Duration (s)", compute='_compute_duration', store=True, aggregator='avg')

    data_description = fields.Text(string="Data", readonly=True, copy=False)
    data_rows = fields.Integer(string="Rows", readonly=True, copy=False)
    data_digest = fields.Char(string="Fingerprint", readonly=True, copy=False, help="The same for the same data.")
    quality = fields.Json(readonly=True, copy=False)
    result = fields.Json(readonly=True, copy=False)
    measure_ids = fields.One2many('sales.study.measure', 'study_id', readonly=True, copy=False)

    interval_number = fields.Integer(string="Every", default=1)
    interval_type = fields.Selection([
        ('never', "Not Repeated"), ('days', "Days"), ('weeks', "Weeks"), ('months', "Months"),
    ], string="Repeat", default='never', required=True)
    next_run = fields.Datetime(
        compute='_compute_next_run', store=True, readonly=False, copy=False, index='btree_not_null')
    previous_id = fields.Many2one(
        'sales.study', string="Run Before", readonly=True, copy=False, index='btree_not_null', ondelete='set null')

    _positive_numbers = models.Constraint(
        'CHECK(horizon_days > 0 AND segment_count >= 0 AND max_depth > 0 AND interval_number > 0)',
        "Numbers of days, questions and runs are above zero.")
    _shares = models.Constraint(
        'CHECK(min_support BETWEEN 0 AND 1 AND min_confidence BETWEEN 0 AND 1)',
        "A share is between 0 and 1.")

    @api.depends('kind')
    def _compute_name(self):
        labels = dict(self._fields['kind']._description_selection(self.env))
        for study in self:
            study.name = labels.get(study.kind)

    @api.depends('name', 'finished_at')
    def _compute_display_name(self):
        for study in self:
            finished = study.finished_at and format_datetime(self.env, study.finished_at, dt_format='short')
            study.display_name = f"{study.name} ({finished})" if finished else study.name

    @api.depends('state', 'progress_id.phase', 'progress_id.done', 'progress_id.total')
    def _compute_progress(self):
        for study in self:
            shown = study.progress_id.sudo() if study.state == 'running' else study.progress_id.browse()
            study.progress = 100.0 * shown.done / shown.total if shown.total else 0
            study.phase = shown.phase

    @api.depends('started_at', 'finished_at')
    def _compute_duration(self):
        for study in self:
            ended = study.started_at and study.finished_at
            study.duration = (study.finished_at - study.started_at).total_seconds() if ended else 0

    @api.depends('interval_number', 'interval_type')
    def _compute_next_run(self):
        for study in self:
            study.next_run = study._get_next_run()

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for study in self:
            if study.date_from and study.date_to and study.date_from > study.date_to:
                raise ValidationError(self.env._("The period ends before it begins."))

    def write(self, vals):
        if {'kind', 'company_id', *PARAMETERS} & vals.keys() and self.filtered(lambda study: study.state != 'draft'):
            raise UserError(self.env._("A study stays as it was run. Run it again to change what it is made with."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if self.filtered(lambda study: study.state == 'running'):
            raise UserError(self.env._("Stop a study before you delete it."))

    # -- buttons

    def action_run(self):
        """Have the studies done behind the scenes."""
        for study in self:
            if study.state != 'draft':
                raise UserError(self.env._("%(study)s was run already. Run it again as a new study.", study=study.name))
            study.user_id = study.user_id or self.env.user
        self._start()

    def action_stop(self):
        """Stop what is being worked on after its next step, and what waits at once."""
        self.check_access('write')
        for study in self.filtered(lambda study: study.state == 'running'):
            # whoever works on it has its row
            if study.try_lock_for_update(allow_referencing=True):
                study._end('draft', self.env._("Stopped before it was done; nothing was changed."))
            else:
                study.progress_id.sudo().request_stop()

    def action_run_again(self):
        """Run the same once more on the data of today, and show it."""
        self.ensure_one()
        study = self._copy_for_next_run()
        study._start()
        return study._get_records_action()

    def action_compare(self):
        """Show two runs beside each other; one beside the run before it."""
        runs = (self if len(self) > 1 else self + self.previous_id).sorted('id', reverse=True)
        if len(runs) != 2 or len(set(runs.mapped('kind'))) > 1:
            raise UserError(self.env._("Choose two runs of the same kind."))
        study, other = runs
        title = self.env._("%(study)s compared with %(other)s", study=study.display_name, other=other.display_name)
        return {
            **self.env['ir.actions.actions']._for_xml_id('sms_addon.sales_study_measure_action_compare'),
            'name': title,
            'display_name': title,
            'domain': [('study_id', '=', study.id)],
            'context': {'compare_study_id': other.id},
        }

    def action_open_quality(self):
        """Show how good the runs of this kind have been over time."""
        self.ensure_one()
        return {
            **self.env['ir.actions.actions']._for_xml_id('sms_addon.sales_study_measure_action'),
            'domain': [('kind', '=', self.kind), ('company_id', '=', self.company_id.id)],
        }

    # -- runs and their times

    def _start(self):
        progress = self.env['sales.study.progress'].sudo().create([{} for _study in self])
        for study, shown in zip(self, progress, strict=True):
            study.progress_id.sudo().unlink()
            study.write({'state': 'running', 'progress_id': shown.id, 'attempts': 0, 'reason': False})
        self.env.ref('sms_addon.ir_cron_sales_study').sudo()._trigger()

    def _copy_for_next_run(self):
        """Return a new run, which takes over the schedule."""
        self.ensure_one()
        run = self.copy({'previous_id': self.id, 'user_id': self.user_id.id})
        self.interval_type = 'never'
        return run

    def _get_next_run(self):
        if self.interval_type in (False, 'never'):
            return False
        return fields.Datetime.now() + relativedelta(**{self.interval_type: self.interval_number})

    def _prepare_parameters(self):
        """Return what the run is made with, dates as text."""
        return {**self.read(PARAMETERS, load=None)[0], **{
            name: fields.Date.to_string(self[name]) or False for name in ('date_from', 'date_to')}}

    @api.model
    def _ensure_defaults(self, companies=None):
        """Have a study of each kind in each company: nobody need know what to create to press Run."""
        companies = companies or self.env['res.company'].search(Domain.TRUE)
        kinds = list(self._fields['kind'].get_values(self.env))
        there = set(self._read_group([('company_id', 'in', companies.ids)], ['company_id', 'kind']))
        self.with_context(tracking_disable=True).create([
            {'kind': kind, 'company_id': company.id, 'user_id': False}
            for company in companies for kind in kinds if (company, kind) not in there
        ])
