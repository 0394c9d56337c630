from odoo import api, fields, models
from odoo.exceptions import UserError

from .sales_rule_set import MODES

EFFECTS = [
    ('logged', "Only logged"),
    ('foreseen', "Foreseen"),
    ('acted', "Acted"),
    ('let_through', "Let through"),
    ('warned', "Warned"),
    ('held', "Held"),
    ('stopped', "Stopped"),
    ('error', "Rule failed"),
]


class SalesRuleDecision(models.Model):
    """The log of what rules decided: on which document, what they saw, what came of it. Nobody edits it."""
    _name = 'sales.rule.decision'
    _description = "Decision"
    _order = 'id desc'
    _rec_name = 'message'

    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now, index=True)
    set_id = fields.Many2one('sales.rule.set', readonly=True, ondelete='restrict', index=True)
    version_id = fields.Many2one('sales.rule.version', string="Version", readonly=True, ondelete='restrict')
    rule_id = fields.Many2one('sales.rule', readonly=True, ondelete='set null', index='btree_not_null')
    rule_name = fields.Char(string="Rule Was Called", readonly=True)
    model = fields.Char(string="Kind of Document", readonly=True, required=True)
    res_id = fields.Many2oneReference(string="Document", model_field='model', readonly=True, required=True)
    order_id = fields.Many2one('sale.order', readonly=True, index='btree_not_null', ondelete='cascade')
    partner_id = fields.Many2one('res.partner', string="Customer", readonly=True, ondelete='set null')
    company_id = fields.Many2one('res.company', readonly=True)
    salesman_id = fields.Many2one('res.users', string="Salesperson", readonly=True)
    user_id = fields.Many2one('res.users', string="Met By", readonly=True, help="Whose action met the rule.")
    when = fields.Selection([
        ('save', "On save"), ('confirm', "At confirmation"), ('event', "On an event"), ('schedule', "At night"),
    ], string="Asked", readonly=True)
    mode = fields.Selection(MODES, readonly=True)
    decision = fields.Selection([
        ('allow', "Let through"), ('note', "Only act"), ('warn', "Warn"), ('hold', "Hold for approval"),
        ('stop', "Stop"),
    ], readonly=True)
    effect = fields.Selection(EFFECTS, readonly=True, required=True)
    message = fields.Char(string="Reason", readonly=True)
    inputs = fields.Json(readonly=True)
    inputs_text = fields.Text(string="Values Seen", compute='_compute_inputs_text')
    told = fields.Char(string="Told", readonly=True, help="Who was told, and how.")
    current = fields.Boolean(string="Still Holds", readonly=True, default=True)
    error = fields.Text(readonly=True)

    _document_idx = models.Index("(model, res_id) WHERE current IS TRUE")

    @api.depends('inputs')
    def _compute_inputs_text(self):
        for decision in self:
            decision.inputs_text = "\n".join(f"{name}: {value}" for name, value in (decision.inputs or {}).items())

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise UserError(self.env._("Decisions are written by the rules, not by hand."))
        return super().create(vals_list)

    def action_open_document(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'res_model': self.model, 'res_id': self.res_id,
            'views': [(False, 'form')],
        }
