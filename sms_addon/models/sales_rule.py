import re
from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_amount, format_date, format_datetime

PLACEHOLDER = re.compile(r'\{([a-z][a-z0-9_.]*)\}')
#: values of a reference to many records that are shown
SHOWN = 5
NESTED = ('any', 'not any')
PLAIN = ('domain', 'decision')
#: (kind of document, moment) at which rules decide on an order, which alone can be held
ON_ORDERS = {
    ('sale.order', 'save'), ('sale.order', 'confirm'), ('sale.order.line', 'save'), ('sale.order.line', 'confirm'),
    ('res.partner', 'confirm'),
}


class SalesRule(models.Model):
    """A condition on a document, and what happens to the document that fulfils it."""
    _name = 'sales.rule'
    _description = "Rule"
    _order = 'priority desc, sequence, id'

    set_id = fields.Many2one('sales.rule.set', required=True, ondelete='cascade', index=True)
    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    priority = fields.Selection([('0', "Normal"), ('1', "First")], default='0', help="Asked before the others.")
    model = fields.Selection(related='set_id.model')
    domain = fields.Char(string="Condition", required=True, default='[]')
    date_from = fields.Date(string="Valid From")
    date_to = fields.Date(string="Valid Until")
    company_id = fields.Many2one('res.company', help="Only for documents of this company.")
    decision = fields.Selection([
        ('allow', "Let through"),
        ('note', "Only act"),
        ('warn', "Warn"),
        ('hold', "Hold for approval"),
        ('stop', "Block"),
    ], required=True, default='warn', help="Let through ends the set: rules below are not asked for this document.")
    message = fields.Char(
        translate=True,
        help="One sentence on why, for whoever meets the rule. Fields may stand in it in braces, as {amount_total} or"
             " {partner_id.name}. The name of the rule if empty.")
    approval_policy_id = fields.Many2one('sales.approval.policy', ondelete='restrict', index='btree_not_null')
    action_ids = fields.One2many('sales.rule.action', 'rule_id', string="Actions", copy=True)
    hit_count = fields.Integer(string="Hits", compute='_compute_hit_count')

    _dates_check = models.Constraint(
        'CHECK(date_from IS NULL OR date_to IS NULL OR date_from <= date_to)', "A rule ends after it begins.")

    def _compute_hit_count(self):
        counts = dict(self.env['sales.rule.decision']._read_group(
            [('rule_id', 'in', self.ids)], ['rule_id'], ['__count']))
        for rule in self:
            rule.hit_count = counts.get(rule._origin, 0)

    @api.constrains('domain', 'set_id')
    def _check_domain(self):
        for rule in self:
            try:
                rule._get_domain().validate(self.env[rule.set_id.model])
            except Exception as error:
                raise ValidationError(self.env._(
                    "The condition of %(rule)s cannot be read: %(error)s", rule=rule.name, error=error)) from error

    @api.constrains('message', 'set_id')
    def _check_message(self):
        for rule in self:
            for path in PLACEHOLDER.findall(rule.message or ''):
                self._check_path(rule.name, path, self.env[rule.set_id.model])

    @api.constrains('decision', 'set_id')
    def _check_hold(self):
        for rule in self:
            self._check_can_hold(rule.name, rule.decision, rule.set_id.model, rule.set_id.when)

    @api.model
    def _check_can_hold(self, name, decision, model, when):
        """See to it that nothing is held but orders: there would be nothing to approve, and it would pass."""
        if decision == 'hold' and (model, when) not in ON_ORDERS:
            raise ValidationError(self.env._(
                "%(rule)s cannot hold anything: only orders are held, by rules on orders or their lines when they are"
                " saved or confirmed, and by rules on customers when an order is confirmed.", rule=name))

    @api.constrains('decision', 'approval_policy_id')
    def _check_policy(self):
        for rule in self:
            if rule.decision == 'hold' and not rule.approval_policy_id:
                raise ValidationError(self.env._("%(rule)s holds orders, but for whose approval?", rule=rule.name))

    def unlink(self):
        """Archive a rule that has been published; its decisions refer to it, and discarding brings it back."""
        published = {
            values['id'] for version in self.set_id.sudo().version_ids for values in version.definition['rules']}
        known = self.filtered(lambda rule: rule.id in published)
        known.active = False
        return super(SalesRule, self - known).unlink()

    # -- what it says

    def _get_domain(self):
        self.ensure_one()
        return Domain(literal_eval(self.domain or '[]'))

    @api.model
    def _iter_paths(self, domain, prefix=''):
        """Yield the fields that a condition reads, as paths from the document."""
        for condition in domain.iter_conditions():
            path = prefix + condition.field_expr
            if condition.operator in NESTED and isinstance(condition.value, Domain):
                yield from self._iter_paths(condition.value, f'{path}.')
            else:
                yield path

    @api.model
    def _check_path(self, rule_name, path, model):
        """See to it that a path leads somewhere, and that the user of the environment of the model may go there."""
        for name in path.split('.'):
            field = model._fields.get(name)
            if not field:
                raise ValidationError(self.env._(
                    "%(rule)s names %(path)s, which is no field of the document.", rule=rule_name, path=path))
            if not model.has_access('read') or not model._has_field_access(field, 'read'):
                raise AccessError(self.env._(
                    "%(rule)s asks for %(path)s, which %(user)s may not read.",
                    rule=rule_name, path=path, user=model.env.user.name))
            if not field.relational:
                break  # what follows is a part of a date, or a property
            model = model.env[field.comodel_name]

    @api.model
    def _fill_placeholders(self, text, record):
        """Return a sentence with the values of a document in it, as people write them."""
        return PLACEHOLDER.sub(lambda match: self._show_value(record, match[1]), text)

    @api.model
    def _show_value(self, record, path):
        """Return a value of a document as text, in the language of the environment of the document."""
        name, _dot, rest = path.partition('.')
        field = record._fields[name]
        if rest and field.relational:
            return ", ".join(filter(None, (self._show_value(each, rest) for each in record[name][:SHOWN])))
        value = record[name]
        if field.relational:
            return ", ".join(value.mapped('display_name'))
        if field.type == 'selection':
            return dict(field._description_selection(record.env)).get(value, '')
        if field.type == 'monetary':
            currency = record[field.get_currency_field(record)] if record else record.env.company.currency_id
            return format_amount(record.env, value, currency or record.env.company.currency_id)
        if field.type == 'date':
            return format_date(record.env, value)
        if field.type == 'datetime':
            return format_datetime(record.env, value)
        if field.type == 'float':
            return f"{value:.2f}".rstrip('0').rstrip('.')
        if field.type == 'boolean':
            return record.env._("yes") if value else record.env._("no")
        return str(value or 0 if field.type == 'integer' else value or '')

    @api.model
    def _get_placeholders(self, text):
        return PLACEHOLDER.findall(text)

    @api.model
    def _label_path(self, model, path):
        """Return what the field at the end of a path is called, with the way to it."""
        name, _dot, rest = path.partition('.')
        label = model._fields[name]._description_string(model.env)
        if rest and model._fields[name].relational:
            return f"{label}: {self._label_path(model[name], rest)}"
        return label

    # -- publishing

    def _prepare_definition(self):
        self.ensure_one()
        return {
            'id': self.id,
            'name': self._get_texts('name'),
            'message': self._get_texts('message'),
            **{name: self[name] for name in PLAIN},
            'date_from': self.date_from and self.date_from.isoformat(),
            'date_to': self.date_to and self.date_to.isoformat(),
            'company_id': self.company_id.id,
            'policy_id': self.approval_policy_id.id,
            'priority': self.priority,
            'actions': [action._prepare_definition() for action in self.action_ids.sorted()],
        }

    def _get_texts(self, name):
        """Return a text in all languages it was translated to."""
        self.flush_recordset([name])
        return self._fields[name]._get_stored_translations(self) or {}

    def _restore(self, values, sequence):
        """Make the rule what it was when it was published."""
        if not self.exists():
            raise UserError(self.env._("A rule of that version is gone."))
        self.write({
            **{name: values[name] for name in (*PLAIN, 'date_from', 'date_to', 'company_id', 'priority')},
            'approval_policy_id': self.env['sales.approval.policy'].browse(values['policy_id'] or []).exists().id,
            'active': True,
            'sequence': sequence,
        })
        for name, texts in (('name', values['name']), ('message', values['message'])):
            self._restore_texts(name, texts)
        self.action_ids.unlink()
        actions = self.env['sales.rule.action']
        actions.create([
            {**restored, 'rule_id': self.id}
            for action in values['actions'] if (restored := actions._prepare_restored(action))
        ])

    def _restore_texts(self, name, texts):
        self.with_context(lang='en_US')[name] = texts.get('en_US', False)
        self.update_field_translations(name, {lang: text for lang, text in texts.items() if lang != 'en_US'})
