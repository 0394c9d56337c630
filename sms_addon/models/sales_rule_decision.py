import logging

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.rule_sets import soften
from .sales_rule_set import MODES

_logger = logging.getLogger(__name__)

EFFECTS = [
    ('logged', "Only logged"),
    ('foreseen', "Foreseen"),
    ('acted', "Acted"),
    ('let_through', "Let through"),
    ('warned', "Warned"),
    ('held', "Held"),
    ('stopped', "Blocked"),
    ('error', "Rule failed"),
]
#: what makes two decisions on a document the same
SAME = ('rule_id', 'version_id', 'when', 'effect', 'message')


class SalesRuleDecision(models.Model):
    """The log of what rules decided: on which document, what they saw, what came of it. Nobody edits it."""
    _name = 'sales.rule.decision'
    _description = "Decision"
    _order = 'id desc'
    _rec_name = 'message'

    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now, index=True)
    set_id = fields.Many2one('sales.rule.set', string="Rule Set", readonly=True, ondelete='restrict', index=True)
    version_id = fields.Many2one('sales.rule.version', readonly=True, ondelete='restrict')
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
        ('stop', "Block"),
    ], readonly=True)
    effect = fields.Selection(EFFECTS, readonly=True, required=True)
    message = fields.Char(string="Reason", readonly=True)
    inputs = fields.Json(readonly=True)
    inputs_text = fields.Text(string="Values Seen", compute='_compute_inputs_text')
    told = fields.Char(readonly=True, help="Who was told, and how.")
    current = fields.Boolean(string="Still Holds", readonly=True, default=True)
    error = fields.Text(readonly=True)

    _document_idx = models.Index("(model, res_id) WHERE current IS TRUE")

    @api.depends('inputs')
    def _compute_inputs_text(self):
        for decision in self:
            decision.inputs_text = "\n".join(f"{name}: {value}" for name, value in (decision.inputs or {}).items())

    # -- writing

    @api.model
    def _write_down(self, record, hits, moments, accepted=False):
        """Write down what rules decided on a document, see :meth:`_insert`."""
        self._insert([(record, [self._prepare_row(record, hit, moments[0]) for hit in hits])], moments, accepted)

    @api.model
    def _insert(self, entries, moments, accepted=False):
        """Write down what was decided on documents of one kind; what is no news is left as it was written.

        :param entries: [(document, rows)]
        :param moments: whose earlier decisions on these documents do not hold any more, if they are not among the rows
        """
        if not entries:
            return
        # the log is ours to write, whoever met the rule
        log, model = self.sudo(), entries[0][0]._name
        domain = Domain([
            ('model', '=', model), ('res_id', 'in', [record.id for record, _rows in entries]),
            ('when', 'in', moments), ('current', '=', True)])
        if 'event' in moments:  # what other things that happen called for still holds
            sets = self.env['sales.rule.engine']._get_asked_sets(model, 'event')
            domain &= Domain('set_id', 'in', sets)
        known = log.search(domain)
        same = {decision._get_key(): decision for decision in known}
        kept, fresh = log.browse(), []
        for record, rows in entries:
            for row in rows:
                decision = same.get((record.id, *(row[name] for name in SAME)))
                # who met a rule at the confirmation met it again
                if decision and row['effect'] not in ('held', 'stopped'):
                    kept += decision
                else:
                    fresh.append(row)
        if gone := known - kept:
            gone.current = False
        decisions = log.create(fresh)
        if held := decisions.filtered(lambda decision: decision.effect == 'held'):
            self.env['sales.order.hold']._request(held, accepted=accepted)

    def _get_key(self):
        values = (self[name] for name in SAME)
        return self.res_id, *(value.id if isinstance(value, models.BaseModel) else value for value in values)

    @api.model
    def _prepare_row(self, record, hit, when):
        engine = self.env['sales.rule.engine']
        context = hit.records[0]._rule_context()
        if record._name == 'sale.order':  # the hit may be one of its customer or its lines
            context = record._rule_context()
        return {
            **context,
            'set_id': hit.set_id,
            'version_id': hit.version_id,
            'rule_id': hit.rule.id,
            'rule_name': hit.rule.name(self.env.lang),
            'user_id': self.env.uid,
            'when': when,
            'mode': hit.mode,
            'decision': hit.rule.decision,
            'effect': hit.effect,
            'message': engine._get_reason(hit),
            'inputs': engine._get_inputs(hit),
            'told': ", ".join(hit.told),
            'error': hit.error,
        }

    @api.model
    def _write_down_later(self, record, hits, when):
        """Write down what made this transaction fail, once it is rolled back, or committed by whoever caught it.

        What the rules did is undone with it; whom they were to tell is told then.
        """
        rows = [{**self._prepare_row(record, hit, when), 'told': ''} for hit in hits]
        acting = [(hit.version_id, hit.rule, hit.records.ids, hit.records._name) for hit in hits]
        cr, uid, context = self.env.cr, self.env.uid, dict(self.env.context)
        registry, model, res_id, done = self.env.registry, record._name, record.id, []

        def write_down():
            if done:
                return
            done.append(True)
            try:
                with registry.cursor() as own:
                    env = api.Environment(own, uid, context)
                    # what was made in that transaction is gone with it
                    if document := env[model].browse(res_id).exists():
                        env[self._name]._insert_again(document, rows, acting, when)
            except Exception:
                # the user is being told why their own call failed, which this must not hide
                _logger.exception("What rules decided on %s %s could not be written down", model, res_id)

        cr.postrollback.add(write_down)
        cr.postcommit.add(write_down)

    def _insert_again(self, document, rows, acting, when):
        engine = self.env['sales.rule.engine']
        run = engine._start_run(document, when)
        for row, (version_id, rule, ids, model) in zip(rows, acting, strict=True):
            row.update(
                rule_id=self.env['sales.rule'].sudo().browse(rule.id).exists().id,
                partner_id=self.env['res.partner'].sudo().browse(row['partner_id']).exists().id)
            if records := self.env[model].browse(ids).exists():
                row['told'] = ", ".join(engine._tell_again(records[0], version_id, rule, run))
        self._insert([(document, rows)], (when,))

    def _explain(self):
        """Return the decision as it stands above a quotation."""
        self.ensure_one()
        expected = soften(self.decision, self.mode) if self.effect == 'foreseen' else ''
        if expected == 'hold':
            return self.env._("Will need approval: %(reason)s", reason=self.message)
        if expected == 'stop':
            return self.env._("Cannot be confirmed: %(reason)s", reason=self.message)
        return self.message

    def action_open_document(self):
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window', 'res_model': self.model, 'res_id': self.res_id,
            'views': [(False, 'form')],
        }
