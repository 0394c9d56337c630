from odoo import api, fields, models
from odoo.tools import SQL


class Reference(fields.Many2one):
    """A reference that the database does not watch over: hundreds of thousands are written at once, for a few hours."""

    def update_db_foreign_key(self, model, column):
        """Leave the column without a foreign key."""


class SalesRuleSimulationLine(models.TransientModel):
    """A rule that would have decided on a document. Of all that decide on one, the strictest is marked."""
    _name = 'sales.rule.simulation.line'
    _description = "Simulated Decision"
    _order = 'date desc, id'
    _rec_name = 'rule_name'
    _transient_max_count = 0  # they go with their simulation

    simulation_id = Reference('sales.rule.simulation', readonly=True, required=True)
    side = fields.Selection([('a', "Simulated"), ('b', "Compared with")], readonly=True, required=True)
    model = fields.Char(string="Kind of Document", readonly=True)
    res_id = fields.Many2oneReference(string="Number of Document", model_field='model', readonly=True)
    asked_id = fields.Integer(
        string="Number of What Was Asked", readonly=True,
        help="The line or the customer for which the rule holds, where the document is their order; of several the"
             " first.")
    asked_count = fields.Integer(readonly=True, help="For how many lines of the document the rule holds.")
    document_name = fields.Char(string="Document", compute='_compute_document_name')
    order_id = Reference('sale.order', readonly=True)
    partner_id = Reference('res.partner', string="Customer", readonly=True)
    user_id = Reference('res.users', string="Salesperson", readonly=True)
    date = fields.Date(readonly=True)
    company_id = Reference('res.company', readonly=True)
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount = fields.Monetary(string="Value", readonly=True, help="Of the document, in the currency of the company.")
    rule_id = Reference('sales.rule', readonly=True)
    rule_name = fields.Char(string="Rule Is Called", readonly=True)
    decision = fields.Selection([
        ('allow', "Let through"), ('note', "Only act"), ('warn', "Warn"), ('hold', "Hold for approval"),
        ('stop', "Block"), ('failed', "Fails, does not block"), ('blocked', "Fails, blocks"),
    ], readonly=True)
    decisive = fields.Boolean(
        readonly=True, help="The strictest of the decisions on a document: only these are counted.")
    change = fields.Selection([
        ('new', "Newly caught"),
        ('gone', "No longer caught"),
        ('stricter', "Stricter"),
        ('milder', "Milder"),
        ('same', "As before"),
    ], readonly=True)
    message = fields.Char(string="Reason", compute='_compute_message')

    create_uid = Reference('res.users', string="Created by", readonly=True)
    write_uid = Reference('res.users', string="Last Updated by", readonly=True)

    # they are written at once and lie together: this index is a page or two
    _simulation_idx = models.Index("USING brin (simulation_id)")

    @api.depends('model', 'res_id')
    def _compute_document_name(self):
        for model, lines in self.grouped('model').items():
            documents = self.env[model].browse(lines.mapped('res_id'))
            names = {document.id: document.display_name for document in documents.exists()}
            for line in lines:
                line.document_name = names.get(line.res_id, '')

    @api.depends('rule_id', 'asked_id', 'asked_count')
    def _compute_message(self):
        rules = self.env['sales.rule']
        for (simulation, side), lines in self.grouped(lambda line: (line.simulation_id, line.side)).items():
            said = simulation._get_messages(side)
            errors = {rule['id']: rule['error'] for rule in simulation.rules[side]}
            documents = self.env[simulation.model].browse(lines.mapped('asked_id')).exists()
            known = {document.id: document for document in documents}
            for line in lines:
                rule, document = said.get(line.rule_id.id), known.get(line.asked_id)
                text = rule.message(self.env.lang) if rule else line.rule_name
                if line.decision in ('failed', 'blocked'):
                    text = self.env._(
                        "The rule %(rule)s failed: %(error)s", rule=line.rule_name, error=errors.get(line.rule_id.id))
                elif document:
                    text = rules._fill_placeholders(text, document)
                if line.asked_count > 1:
                    text += " " + self.env._("(And on %(count)s more lines.)", count=line.asked_count - 1)
                line.message = text

    @api.autovacuum
    def _gc_lines(self):
        """Remove what is left of simulations that are gone."""
        self.env.cr.execute(SQL(
            """DELETE FROM sales_rule_simulation_line l
                WHERE NOT EXISTS (SELECT FROM sales_rule_simulation s WHERE s.id = l.simulation_id)"""))

    def _transient_clean_rows_older_than(self, seconds):
        """Leave them to their simulation: one by one they would take minutes."""
        return False

    def action_open_document(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'res_model': self.model, 'res_id': self.res_id,
            'views': [(False, 'form')],
        }
