from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain

from .sales_rule import PLACEHOLDER


class SalesRuleVersion(models.Model):
    """What a rule set said when it was published: the only thing that decides, and never changed afterwards."""
    _name = 'sales.rule.version'
    _description = "Published Rules"
    _order = 'set_id, number desc'
    _rec_name = 'number'

    set_id = fields.Many2one('sales.rule.set', required=True, readonly=True, ondelete='cascade', index=True)
    number = fields.Integer(readonly=True, required=True)
    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)
    user_id = fields.Many2one(
        'res.users', string="Published By", readonly=True, required=True, ondelete='restrict', index=True,
        help="The rules look and act with the rights of this user.")
    definition = fields.Json(readonly=True, required=True)
    # parts of the definition by which the versions are found that are to be asked
    model = fields.Char(string="Document", readonly=True, required=True)
    when = fields.Char(string="Asked", readonly=True, required=True)
    company_id = fields.Many2one('res.company', readonly=True, ondelete='restrict')
    rule_count = fields.Integer(string="Rules", compute='_compute_rule_count')
    note = fields.Char(readonly=True)

    _number_uniq = models.UniqueIndex("(set_id, number)", "A version is published once.")

    @api.depends('definition')
    def _compute_rule_count(self):
        for version in self:
            version.rule_count = len((version.definition or {}).get('rules', ()))

    @api.depends('number', 'set_id.name')
    def _compute_display_name(self):
        for version in self:
            version.display_name = self.env._(
                "%(set)s, version %(number)s", set=version.set_id.name, number=version.number)

    @api.constrains('definition')
    def _check_holds(self):
        """The same as of the rules: their set may have become one of another moment."""
        for version in self:
            said = version.definition
            for rule in said['rules']:
                self.env['sales.rule']._check_can_hold(
                    version._get_rule_name(rule), rule['decision'], said['model'], said['when'])

    def _get_rule_name(self, rule):
        return rule['name'].get(self.env.lang) or rule['name'].get('en_US', '')

    def write(self, vals):
        if vals.keys() - {'note'}:
            raise UserError(self.env._("A published version is not changed; publish another one."))
        return super().write(vals)

    def _check_rights(self):
        """See to it that the publisher may read what the rules ask, and do what they do."""
        self.ensure_one()
        if not self.user_id.active:
            raise UserError(self.env._("%(user)s, who published the rules, is archived.", user=self.user_id.name))
        rules = self.env['sales.rule']
        model = self.env(user=self.user_id.id, su=False)[self.definition['model']]
        for rule in self.definition['rules']:
            name = self._get_rule_name(rule)
            condition = Domain(literal_eval(rule['domain']))
            paths = {*rules._iter_paths(condition)}
            paths.update(path for text in rule['message'].values() for path in PLACEHOLDER.findall(text))
            for path in sorted(paths):
                rules._check_path(name, path, model)
            self._check_searchable(name, condition, model)
            for action in rule['actions']:
                self.env['sales.rule.action']._check_rights(name, action, model)

    def _check_searchable(self, name, condition, model):
        """See to it that the database can be asked: of many documents, and at night, nothing else is."""
        try:
            model.with_context(**model.env['sales.rule.facts']._compile_only())._search(condition).select()
        except AccessError:
            raise
        except Exception as error:
            raise ValidationError(self.env._(
                "The condition of %(rule)s cannot be searched for: %(error)s", rule=name, error=error)) from error

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        raise UserError(self.env._("A published version stays: decisions refer to it."))
