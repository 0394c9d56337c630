from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError
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
            name = rule['name'].get(self.env.lang) or rule['name'].get('en_US', '')
            paths = {*rules._iter_paths(Domain(literal_eval(rule['domain'])))}
            paths.update(path for text in rule['message'].values() for path in PLACEHOLDER.findall(text))
            for path in sorted(paths):
                rules._check_path(name, path, model)
            for action in rule['actions']:
                self.env['sales.rule.action']._check_rights(name, action, model)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_published(self):
        raise UserError(self.env._("A published version stays: decisions refer to it."))
