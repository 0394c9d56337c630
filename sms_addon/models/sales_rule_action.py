import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command

COLUMNS = (
    'sequence', 'kind', 'field_name', 'value', 'tag_id', 'category_id', 'activity_type_id', 'summary', 'days', 'whom',
    'server_action_id', 'notify_by',
)
#: kind -> columns of which one must be given
OBJECTS = {'tag': ('tag_id', 'category_id'), 'server_action': ('server_action_id',)}
#: kinds of fields that no plain value can be given to
UNSETTABLE = ('one2many', 'many2many', 'binary', 'properties', 'properties_definition', 'json')


class SalesRuleAction(models.Model):
    """What a rule does to the document for which it holds, besides its decision."""
    _name = 'sales.rule.action'
    _description = "Action of a Rule"
    _order = 'sequence, id'

    rule_id = fields.Many2one('sales.rule', required=True, ondelete='cascade', index=True)
    model = fields.Selection(related='rule_id.set_id.model')
    sequence = fields.Integer(default=10)
    kind = fields.Selection([
        ('set_field', "Set a field"),
        ('tag', "Add a tag"),
        ('activity', "Schedule an activity"),
        ('server_action', "Run a server action"),
        ('notify', "Notify"),
    ], required=True, default='activity')
    field_name = fields.Char(string="Field", help="Technical name of a field of the document.")
    value = fields.Char(help="As it is written in JSON: 5, \"text\", true, or the number of a record.")
    tag_id = fields.Many2one('crm.tag', ondelete='cascade')
    category_id = fields.Many2one('res.partner.category', string="Customer Tag", ondelete='cascade')
    activity_type_id = fields.Many2one('mail.activity.type', ondelete='cascade')
    summary = fields.Char(
        help="What the activity or the notification says; the reason of the rule if empty.")
    days = fields.Integer(string="Due In (Days)")
    whom = fields.Selection([
        ('responsible', "The salesperson"),
        ('team_leader', "The team leader"),
        ('users', "These users"),
    ], default='responsible')
    user_ids = fields.Many2many('res.users', string="Users")
    server_action_id = fields.Many2one('ir.actions.server', ondelete='cascade')
    notify_by = fields.Selection([
        ('bus', "A notification on the screen"),
        ('mail', "A message by mail"),
    ], default='bus')
    description = fields.Char(compute='_compute_description')

    @api.depends('kind', 'field_name', 'value', 'tag_id', 'category_id', 'activity_type_id', 'summary', 'whom',
                 'server_action_id')
    def _compute_description(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for action in self:
            details = {
                'set_field': f"{action.field_name} = {action.value}",
                'tag': action.tag_id.name or action.category_id.name,
                'activity': action.summary or action.activity_type_id.name,
                'server_action': action.sudo().server_action_id.name,
                'notify': action.summary,
            }
            detail = details.get(action.kind or 'activity')
            action.description = f"{kinds.get(action.kind)}: {detail}" if detail else kinds.get(action.kind)

    @api.constrains('kind', 'field_name', 'value', 'tag_id', 'category_id', 'server_action_id')
    def _check_complete(self):
        for action in self:
            if action.kind == 'set_field':
                action._check_field()
            objects = OBJECTS.get(action.kind)
            if objects and not any(action.sudo()[name] for name in objects):
                raise ValidationError(self.env._(
                    "%(rule)s has an action without its object.", rule=action.rule_id.name))

    def _check_field(self):
        """See to it that there is a plain field of that name, and that the value is one of it."""
        self.ensure_one()
        field = self.env[self.rule_id.set_id.model]._fields.get(self.field_name or '')
        if not field or field.readonly and not field.inverse or field.type in UNSETTABLE:
            raise ValidationError(self.env._(
                "%(rule)s sets %(field)s, which is no field that can be set.",
                rule=self.rule_id.name, field=self.field_name))
        try:
            self._parse_value()
        except ValueError as error:
            raise ValidationError(self.env._(
                "%(rule)s sets %(field)s to something that is no JSON: %(value)s",
                rule=self.rule_id.name, field=self.field_name, value=self.value)) from error

    def _parse_value(self):
        return json.loads(self.value or 'false')

    @api.model
    def _check_rights(self, rule_name, action, model):
        """See to it that the user of the environment of a model may do what a published action does."""
        model.check_access('write')
        field = action['kind'] == 'set_field' and model._fields[action['field_name']]
        if field and not model._has_field_access(field, 'write'):
            raise AccessError(self.env._(
                "%(rule)s sets %(field)s, which %(user)s may not.",
                rule=rule_name, field=field.name, user=model.env.user.name))
        if action['kind'] == 'server_action' and not self._may_run(action['server_action_id'], model.env):
            raise AccessError(self.env._(
                "%(rule)s runs a server action that %(user)s may not run.", rule=rule_name, user=model.env.user.name))

    @api.model
    def _may_run(self, server_action_id, env):
        """Return whether the user of an environment may run a server action, as the host sees it."""
        # its groups are readable by system administrators alone
        server_action = self.env['ir.actions.server'].sudo().browse(server_action_id).exists()
        if server_action.group_ids:
            return bool(server_action.group_ids & env.user.sudo().all_group_ids)
        return bool(server_action) and env[server_action.model_id.model].has_access('write')

    @api.model
    def _prepare_restored(self, action):
        """Return the values of a published action without what has been deleted since; nothing if nothing is left."""
        values = {**action, 'user_ids': [Command.set(self._exists('user_ids', action['user_ids']).ids)]}
        for name in COLUMNS:
            if self._fields[name].type == 'many2one':
                values[name] = self._exists(name, action[name]).id
        if action['kind'] in OBJECTS and not any(values[name] for name in OBJECTS[action['kind']]):
            return {}
        return values

    @api.model
    def _exists(self, name, ids):
        """Return those records of a published action that are still there."""
        # what a version names need not be readable to whoever restores it
        return self.env[self._fields[name].comodel_name].sudo().browse(ids or []).exists()

    def _prepare_definition(self):
        self.ensure_one()
        values = {name: self[name] for name in COLUMNS}
        return {
            name: value.id if isinstance(value, models.BaseModel) else value for name, value in values.items()
        } | {'user_ids': self.user_ids.ids}
