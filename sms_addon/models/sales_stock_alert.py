from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_amount

from .sales_rule import PLACEHOLDER
from .sales_rule_action_alert import KINDS, POSITION, SEVERITIES
from .sales_stock_position import VALUE_GROUPS

#: figures that every alert keeps, besides those that the rules of its set ask for or speak of
FIGURES = (
    'qty_on_hand', 'qty_free', 'qty_incoming', 'qty_forecast', 'daily_demand', 'days_of_cover', 'stockout_date',
    'value',
)
STATES = [('open', "Open"), ('snoozed', "Snoozed"), ('closed', "Closed")]
REASONS = [
    ('cause', "The cause ended"),
    ('person', "Handled"),
    ('rule', "The rule is off or gone"),
]
#: what stands in a sentence for an amount that is not for whoever reads it
HIDDEN = "…"
#: what people write; the rest comes from the rules and the buttons
WRITABLE = ('user_id',)
WRITABLE_PREFIXES = ('activity_', 'message_', 'rating_')


class SalesStockAlert(models.Model):
    """Something about a stock position that should not stay so, from when a rule begins to hold until it ceases to.

    There is one for each rule and position as long as the rule holds (``holds``), whatever people do with it: one that
    was closed by hand does not open again for the same cause. What comes of another time is another alert. Rows are
    written by SQL, see ``sales_stock_alert_evaluation.py``; people are told in ``sales_stock_alert_telling.py``.
    """
    _name = 'sales.stock.alert'
    _inherit = ['mail.thread', 'mail.activity.mixin', 'sales.selection.order']
    _description = "Stock Alert"
    _order = 'severity desc, value_at_risk desc, id desc'
    _rec_names_search = ['product_id', 'rule_id']
    _mail_post_access = 'read'
    _stage_fields = ('state',)

    name = fields.Char(string="What Is the Matter", compute='_compute_name')
    position_id = fields.Many2one(
        POSITION, string="Stock Position", readonly=True, ondelete='set null', index='btree_not_null')
    product_id = fields.Many2one('product.product', required=True, readonly=True, ondelete='cascade', index=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True, ondelete='set null')
    warehouse_id = fields.Many2one('stock.warehouse', required=True, readonly=True, ondelete='cascade')
    company_id = fields.Many2one('res.company', required=True, readonly=True, ondelete='cascade')
    currency_id = fields.Many2one(related='company_id.currency_id')
    rule_id = fields.Many2one('sales.rule', required=True, readonly=True, ondelete='restrict')
    set_id = fields.Many2one('sales.rule.set', string="Rule Set", required=True, readonly=True, ondelete='restrict')
    version_id = fields.Many2one('sales.rule.version', required=True, readonly=True, ondelete='restrict')
    kind = fields.Selection(KINDS, string="About", required=True, readonly=True, default='other')
    severity = fields.Selection(SEVERITIES, required=True, readonly=True, default='1', group_expand=True)
    value_at_risk = fields.Monetary(
        string="Value at Risk", readonly=True, groups=VALUE_GROUPS,
        help="What of the stock may be lost, or what may not be sold: the revenue of what was promised, of the usual"
             " demand until goods come, or the value of what lies there for nothing.")
    user_id = fields.Many2one('res.users', string="Owner", tracking=True, ondelete='set null', index='btree_not_null',
                              domain=[('share', '=', False)])
    state = fields.Selection(STATES, required=True, readonly=True, default='open', tracking=True)
    holds = fields.Boolean(
        string="Cause Persists", readonly=True, default=True,
        help="The rule still holds. One that was handled opens anew only after it has ceased to.")
    opened_at = fields.Datetime(string="Opened", readonly=True, default=fields.Datetime.now)
    closed_at = fields.Datetime(string="Closed", readonly=True)
    close_reason = fields.Selection(REASONS, string="Why Closed", readonly=True)
    closed_by_id = fields.Many2one('res.users', string="Handled By", readonly=True, ondelete='set null')
    snoozed_until = fields.Datetime(readonly=True, tracking=True)
    escalate_at = fields.Datetime(string="Escalation Due", readonly=True)
    escalated_at = fields.Datetime(string="Escalated", readonly=True)
    escalated_to_id = fields.Many2one('res.users', readonly=True, ondelete='set null')
    occurrence = fields.Integer(
        readonly=True, default=1, aggregator=None,
        help="How often the rule has opened an alert about this position, this time included.")
    duration_days = fields.Float(
        string="Days Open", compute='_compute_duration_days', help="Until it was closed, or until now.")
    figures = fields.Json(
        readonly=True, groups=VALUE_GROUPS, help="What the rule saw when it was last asked and held.")
    figures_text = fields.Text(string="What the Rule Saw", compute='_compute_figures_text')
    details = fields.Json(
        string="Details for Other Systems", compute='_compute_details',
        help="What webhooks send and brokers publish: names instead of numbers, severity (0 to 3), value at risk.")
    in_digest = fields.Boolean(readonly=True, default=True)
    to_tell = fields.Boolean(readonly=True, help="People have yet to be told that it opened or closed.")
    may_handle = fields.Boolean(compute='_compute_may_handle')

    _cause_uniq = models.UniqueIndex("(rule_id, position_id) WHERE holds", "There is an alert for this cause already.")
    _homeless_idx = models.Index("(id) WHERE holds AND position_id IS NULL")
    _history_idx = models.Index("(rule_id, position_id)")
    _open_idx = models.Index("(company_id, severity) WHERE state = 'open'")
    _tell_idx = models.Index("(id) WHERE to_tell")
    _snoozed_idx = models.Index("(snoozed_until) WHERE state = 'snoozed'")
    _escalate_idx = models.Index("(escalate_at) WHERE state = 'open' AND escalated_at IS NULL")

    # what a rule says comes from the version that decided, in the language of whoever reads it
    @api.depends('figures', 'version_id')
    @api.depends_context('lang', 'uid')
    def _compute_name(self):
        # the sentence is for whoever may read the alert, whatever else he may read; but for amounts
        self.sudo()._read_names()
        shown = self._may_see_values()
        for alert in self:
            alert.name = alert.sudo()._get_sentence(shown)

    @api.depends('figures')
    @api.depends_context('lang', 'uid')
    def _compute_figures_text(self):
        rules, shown = self.env['sales.rule'], self._may_see_values()
        for alert in self:
            snapshot = alert.sudo()._get_snapshot()
            alert.figures_text = "\n".join(
                f"{rules._label_path(snapshot, name)}: {rules._show_value(snapshot, name)}"
                for name in alert.sudo()._get_shown_figures()
                if name in snapshot._fields and (shown or not self._is_value(name)))

    @api.depends('figures', 'version_id', 'state', 'close_reason', 'user_id')
    @api.depends_context('lang', 'uid')
    def _compute_details(self):
        # no group on the field: a webhook of the host refuses those, and runs as the superuser
        shown = self._may_see_values()
        for alert in self:
            alert.details = {
                'alert': alert.sudo()._get_sentence(shown), **alert.sudo()._prepare_details(shown)}

    @api.depends('opened_at', 'closed_at')
    def _compute_duration_days(self):
        now = fields.Datetime.now()
        for alert in self:
            seconds = ((alert.closed_at or now) - (alert.opened_at or now)).total_seconds()
            alert.duration_days = round(seconds / 86400, 1)

    @api.depends('user_id')
    @api.depends_context('uid')
    def _compute_may_handle(self):
        planner = self.has_access('write')
        for alert in self:
            alert.may_handle = planner or alert.user_id == self.env.user

    @api.depends('name')
    @api.depends_context('lang')
    def _compute_display_name(self):
        self.sudo()._read_names()
        # goes into activities and mails, of which nobody knows who will read them
        for alert in self:
            alert.display_name = alert.sudo()._get_sentence(False)

    def _order_field_to_sql(self, alias, field_name, direction, nulls, query):
        # the worst come first for everybody; their places tell no amount
        alerts = self.sudo() if field_name == 'value_at_risk' else self
        return super(SalesStockAlert, alerts)._order_field_to_sql(alias, field_name, direction, nulls, query)

    def write(self, vals):
        """Let people hand an alert over; what it says and when it closes is not theirs to write."""
        if not self.env.su and any(
                name not in WRITABLE and not name.startswith(WRITABLE_PREFIXES) for name in vals):
            raise AccessError(self.env._("An alert is written by its rule; use the buttons."))
        result = super().write(vals)
        if 'user_id' in vals:
            self.sudo()._tell_new_owner()  # their activities are not those of whoever hands the alert over
        return result

    # -- who sees what

    def _may_see_values(self):
        """Return whether whoever reads sees amounts."""
        return self._has_field_access(self._fields['value_at_risk'], 'read')

    def _is_value(self, path):
        """Return whether a path from a position leads to an amount that not everybody sees."""
        field = self.env[POSITION]._fields.get(path.partition('.')[0])
        return bool(field and field.groups)

    # -- what it is about

    def _get_sentence(self, shown):
        """Return what its rule says of it, in the language of the environment.

        :param bool shown: with the amounts that not everybody sees
        """
        rule = self._get_rule()
        if not rule:
            return self.rule_id.name
        text = rule.message(self.env.lang)
        if not shown:
            text = PLACEHOLDER.sub(lambda match: HIDDEN if self._is_value(match[1]) else match[0], text)
        return self.env['sales.rule']._fill_placeholders(text, self._get_snapshot())

    def _prepare_details(self, shown):
        """Return what other systems are told of it, without its sentence: of thousands that takes its time."""
        details = {
            'state': self.state, 'kind': self.kind, 'severity': self.severity, 'rule': self.rule_id.name,
            'product': self.product_id.display_name, 'product_code': self.product_id.default_code or '',
            'warehouse': self.warehouse_id.name, 'owner': self.user_id.login or '',
        }
        if shown:
            details |= {
                'value_at_risk': self.value_at_risk, 'currency': self.currency_id.name, 'figures': self.figures or {}}
        if self.state == 'closed':
            details['reason'] = self.close_reason
        return details

    def _get_rule(self):
        """Return the rule as it was published, see ``tools.rule_sets``; nothing if the version lacks it."""
        self.ensure_one()
        rule_set, _conditions = self.env['sales.rule.engine']._load(self.version_id.id)
        return next((rule for rule in rule_set.rules if rule.id == self.rule_id.id), None)

    def _get_terms(self):
        """Return what the published rule says about alerts: columns of ``sales.rule.action``."""
        rule = self._get_rule()
        return next((action for action in rule.actions if action['kind'] == 'alert'), {}) if rule else {}

    def _get_shown_figures(self):
        """Return the names of the figures that its rule asked for or speaks of, then of those that are not empty."""
        rules, rule = self.env['sales.rule'], self._get_rule()
        names = {}
        if rule:
            _rule_set, conditions = self.env['sales.rule.engine']._load(self.version_id.id)
            names = dict.fromkeys([
                *rules._iter_paths(conditions[rule.id]), *rules._get_placeholders(rule.message(self.env.lang))])
        figures = self.figures or {}
        own = [name for name in names if name in figures]
        return own + [name for name in FIGURES if name not in own and figures.get(name)]

    def _read_names(self):
        """Read what the alerts are about, all together: a snapshot knows of no other one."""
        for name in ('product_id', 'warehouse_id'):
            self[name].mapped('display_name')
        self.position_id.mapped('qty_on_hand')
        self.company_id.currency_id.mapped('symbol')

    def _get_snapshot(self):
        """Return the position as the rule saw it, not saved; what was not kept is as it is now."""
        self.ensure_one()
        positions = self.env[POSITION]
        figures = {name: value for name, value in (self.figures or {}).items() if name in positions._fields}
        return positions.new({
            **figures, 'product_id': self.product_id.id, 'warehouse_id': self.warehouse_id.id,
            'company_id': self.company_id.id, 'categ_id': self.categ_id.id,
        }, origin=self.position_id)

    def _describe_value(self):
        """Return the value at risk as people write it."""
        self.ensure_one()
        return format_amount(self.env, self.value_at_risk, self.currency_id) if self._may_see_values() else ""
