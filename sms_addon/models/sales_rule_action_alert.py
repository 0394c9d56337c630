from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

POSITION = 'sales.stock.position'
ALERT = 'sales.stock.alert'
KINDS = [
    ('stockout', "Stock-out"),
    ('uncovered', "Uncovered Promises"),
    ('overstock', "Overstock"),
    ('dead', "Dead Stock"),
    ('negative', "Negative Stock"),
    ('expiry', "Expiry"),
    ('surge', "Sudden Demand"),
    ('lead_time', "Lead Time"),
    ('other', "Other"),
]
SEVERITIES = [('0', "Low"), ('1', "Medium"), ('2', "High"), ('3', "Critical")]
#: what of an alert is published with its rule
COLUMNS = (
    'alert_kind', 'alert_severity', 'alert_user_id', 'alert_activity', 'alert_notify', 'alert_digest', 'alert_publish',
    'alert_escalate_hours', 'alert_escalate_to', 'alert_escalate_user_id',
)


class SalesRuleAction(models.Model):
    """What a rule on stock positions does: it keeps an alert open as long as it holds."""
    _name = 'sales.rule.action'
    _inherit = ['sales.rule.action']

    kind = fields.Selection(selection_add=[('alert', "Raise an alert")], ondelete={'alert': 'cascade'})
    alert_kind = fields.Selection(KINDS, string="About", default='other')
    alert_severity = fields.Selection(SEVERITIES, string="Severity", default='1')
    alert_user_id = fields.Many2one(
        'res.users', string="Owner", domain=[('share', '=', False)], ondelete='set null',
        help="Who looks after it; the responsible of the product if empty.")
    alert_activity = fields.Boolean(
        string="Activity", default=True, help="The owner gets an activity, which is done when the alert closes.")
    alert_notify = fields.Boolean(string="Notification", default=True, help="On the screen of the owner, at once.")
    alert_digest = fields.Boolean(string="Digest", default=True, help="Listed in the digest mail while it is open.")
    alert_publish = fields.Boolean(
        string="Event", default=True,
        help="Opening and closing are written to the ledger, from where brokers and automations take them.")
    alert_escalate_hours = fields.Integer(string="Escalate After (Hours)", help="Never if 0.")
    alert_escalate_to = fields.Selection(
        [('manager', "The manager of the owner"), ('user', "This user")], string="Escalate To", default='manager')
    alert_escalate_user_id = fields.Many2one(
        'res.users', string="Escalated To", domain=[('share', '=', False)], ondelete='set null')

    _hours_check = models.Constraint('CHECK(alert_escalate_hours >= 0)', "An alert is escalated after it opens.")

    @api.depends('alert_kind', 'alert_severity')
    def _compute_description(self):
        result = super()._compute_description()
        kinds = dict(self._fields['alert_kind']._description_selection(self.env))
        severities = dict(self._fields['alert_severity']._description_selection(self.env))
        for action in self.filtered(lambda action: action.kind == 'alert'):
            detail = ', '.join(filter(None, (kinds.get(action.alert_kind), severities.get(action.alert_severity))))
            action.description = f"{action.description}: {detail}"
        return result

    @api.constrains('kind', 'rule_id', 'server_action_id', 'alert_escalate_hours', 'alert_escalate_to',
                    'alert_escalate_user_id')
    def _check_alert(self):
        for action in self:
            rule = action.rule_id
            if (action.kind == 'alert') != (rule.set_id.model == POSITION):
                raise ValidationError(self.env._(
                    "%(rule)s: rules on stock positions raise alerts, other rules do not.", rule=rule.name))
            if action.kind == 'alert':
                action._check_alert_complete()

    def _check_alert_complete(self):
        rule = self.rule_id
        if len(rule.action_ids.filtered(lambda action: action.kind == 'alert')) > 1:
            raise ValidationError(self.env._("%(rule)s raises one alert, not several.", rule=rule.name))
        if self.alert_escalate_hours and self.alert_escalate_to == 'user' and not self.alert_escalate_user_id:
            raise ValidationError(self.env._("%(rule)s escalates, but to whom?", rule=rule.name))
        server_action = self.sudo().server_action_id
        if server_action and server_action.model_id.model != ALERT:
            raise ValidationError(self.env._("%(rule)s runs an action that is not one on alerts.", rule=rule.name))

    @api.model
    def _check_rights(self, rule_name, action, model):
        """An alert is nothing that its publisher writes; what runs on it is."""
        if action['kind'] != 'alert':
            return super()._check_rights(rule_name, action, model)
        if action['server_action_id'] and not self._may_run(action['server_action_id'], model.env):
            raise AccessError(self.env._(
                "%(rule)s runs a server action that %(user)s may not run.", rule=rule_name, user=model.env.user.name))
        return None

    def _prepare_definition(self):
        values = super()._prepare_definition()
        if self.kind == 'alert':  # other actions stay as they were published
            values |= {
                name: self[name].id if self._fields[name].relational else self[name] for name in COLUMNS}
        return values

    @api.model
    def _prepare_restored(self, action):
        values = super()._prepare_restored(action)
        for name in ('alert_user_id', 'alert_escalate_user_id'):
            if values.get(name):
                values[name] = self._exists(name, values[name]).id
        return values
