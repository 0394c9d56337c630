from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

MODES = [('off', "Off"), ('shadow', "Shadow: only log"), ('warn', "Warn"), ('stop', "In force")]
#: fields of a set that are part of what is published
PUBLISHED = ('model', 'when', 'event_types', 'hit_policy', 'on_error')


class SalesRuleSet(models.Model):
    """A policy: rules on one kind of document, and when they are asked.

    It may be edited at any time. What decides is the version published last, with the rights of whoever published
    it, in each company as far as its mode lets it.
    """
    _name = 'sales.rule.set'
    _inherit = ['mail.thread']
    _description = "Rule Set"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    description = fields.Text(translate=True, help="What the policy is for, in words for whoever meets it.")
    model = fields.Selection(
        selection='_selection_model', string="Document", required=True, default='sale.order', tracking=True)
    when = fields.Selection([
        ('save', "When a document is saved"),
        ('confirm', "When an order is to be confirmed"),
        ('event', "When something happens"),
        ('schedule', "Every night"),
    ], string="Asked", required=True, default='confirm', tracking=True,
        help="Rules asked at the confirmation already warn on the quotation.")
    event_types = fields.Char(
        string="Events",
        help="Types or beginnings of types with commas between, as: delivery, invoice.paid. All if empty.")
    hit_policy = fields.Selection([
        ('all', "All rules that hold"),
        ('first', "The first rule that holds"),
    ], string="What Decides", required=True, default='all', tracking=True)
    on_error = fields.Selection([
        ('block', "Do not let the document pass"),
        ('pass', "Go on without the rule"),
    ], string="If a Rule Fails", required=True, default='block', tracking=True)
    company_id = fields.Many2one(
        'res.company', help="Only documents of this company; those of all companies if empty.", tracking=True)
    mode = fields.Selection(
        MODES, company_dependent=True, tracking=True,
        help="Takes effect at once, in the current company. Shadow writes down what would be decided, and nothing else"
             " happens. Warn makes a warning of whatever would stop or hold.")
    rule_ids = fields.One2many('sales.rule', 'set_id', string="Rules", copy=True)
    rule_count = fields.Integer(string="Number of Rules", compute='_compute_rule_count')
    version_ids = fields.One2many('sales.rule.version', 'set_id', string="Versions")
    published_id = fields.Many2one(
        'sales.rule.version', string="Version in Force", readonly=True, copy=False, ondelete='restrict')
    published_by_id = fields.Many2one(related='published_id.user_id', string="With the Rights Of")
    edited = fields.Boolean(compute='_compute_edited', help="What is shown differs from what is in force.")
    decision_count = fields.Integer(compute='_compute_decision_count')

    @api.depends('rule_ids')
    def _compute_rule_count(self):
        for rule_set in self:
            rule_set.rule_count = len(rule_set.rule_ids)

    # what is published depends on every field of the rules; none of them is looked at otherwise
    def _compute_edited(self):
        for rule_set in self:
            rule_set.edited = not rule_set.published_id or bool(
                rule_set._origin and rule_set._origin._prepare_definition() != rule_set.published_id.definition)

    def _compute_decision_count(self):
        counts = dict(self.env['sales.rule.decision']._read_group(
            [('set_id', 'in', self.ids)], ['set_id'], ['__count']))
        for rule_set in self:
            rule_set.decision_count = counts.get(rule_set._origin, 0)

    def _selection_model(self):
        names = self.env.registry['sales.rule.mixin']._inherit_children
        return sorted(
            ((name, self.env['ir.model'].sudo()._get(name).name) for name in names if not self.env[name]._abstract),
            key=lambda item: item[1])

    @api.constrains('model', 'when')
    def _check_when(self):
        for rule_set in self:
            if rule_set.when not in self.env[rule_set.model]._rule_moments:
                raise ValidationError(self.env._(
                    "%(set)s: documents of this kind are not asked at that moment.", set=rule_set.name))

    @api.constrains('model')
    def _check_rules(self):
        self.rule_ids._check_domain()

    @api.model_create_multi
    def create(self, vals_list):
        self._check_values(*vals_list)
        sets = super().create(vals_list)
        self.env.registry.clear_cache()
        return sets

    def write(self, vals):
        self._check_values(vals)
        result = super().write(vals)
        self.env.registry.clear_cache()
        return result

    def _check_values(self, *vals_list):
        if not self.env.su and any('published_id' in vals for vals in vals_list):
            raise AccessError(self.env._("A version is put in force by publishing it, with your own rights."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        if self.sudo().version_ids:
            raise UserError(self.env._(
                "A rule set that has been published is archived, not deleted: decisions refer to it."))

    def unlink(self):
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    def copy_data(self, default=None):
        return [
            {**vals, 'name': self.env._("%(name)s (copy)", name=rule_set.name), 'mode': 'off'}
            for rule_set, vals in zip(self, super().copy_data(default), strict=True)
        ]

    # -- publishing

    def action_publish(self):
        """Put what is shown in force, with the rights of the current user."""
        for rule_set in self:
            rule_set.check_access('write')
            if not rule_set.rule_ids:
                raise UserError(self.env._("%(set)s has no rules yet.", set=rule_set.name))
            definition = rule_set._prepare_definition()
            version = self.env['sales.rule.version'].sudo().create({
                'set_id': rule_set.id,
                **{name: definition[name] for name in ('model', 'when', 'company_id')},
                'number': max(rule_set.sudo().version_ids.mapped('number'), default=0) + 1,
                'user_id': self.env.uid,
                'definition': definition,
            })
            version._check_rights()
            rule_set.sudo().published_id = version  # nobody puts a version of somebody else's rights in force by hand
            rule_set.message_post(body=self.env._("Version %(number)s is in force.", number=version.number))
        return True

    def action_discard(self):
        """Take back what was edited since the version in force."""
        for rule_set in self:
            if rule_set.published_id:
                rule_set._restore(rule_set.published_id)
        return True

    def _restore(self, version):
        """Make what is edited the same as a version, which may be an older one."""
        self.ensure_one()
        definition = version.definition
        rules = self.with_context(active_test=False).rule_ids
        kept = {values['id'] for values in definition['rules']}
        self.write({
            **{name: definition.get(name, False) for name in PUBLISHED},
            'company_id': definition['company_id'],
        })
        rules.filtered(lambda rule: rule.id not in kept).active = False
        for sequence, values in enumerate(definition['rules']):
            rules.browse(values['id'])._restore(values, sequence)
        self.invalidate_recordset()

    def _prepare_definition(self):
        """Return what would be published now."""
        self.ensure_one()
        return {
            **{name: self[name] for name in PUBLISHED},
            'company_id': self.company_id.id,
            'rules': [rule._prepare_definition() for rule in self.rule_ids.filtered('active').sorted()],
        }

    # -- buttons

    def action_open_decisions(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_rule_decision_action'),
            'domain': [('set_id', '=', self.id)],
        }

    def action_open_versions(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Versions of %(set)s", set=self.name),
            'res_model': 'sales.rule.version',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [('set_id', '=', self.id)],
        }
