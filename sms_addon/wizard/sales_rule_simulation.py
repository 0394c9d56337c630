import logging

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..tools.rule_sets import RuleSet
from .sales_rule_simulation_run import CAUGHT, StopSimulation

_logger = logging.getLogger(__name__)

#: documents up to which nobody is kept waiting
AT_ONCE = 50_000
SALESPEOPLE = 15


class SalesRuleSimulation(models.TransientModel):
    """What a rule set would have decided on the documents of a period. Nothing happens to them."""
    _name = 'sales.rule.simulation'
    _inherit = ['sales.rule.simulation.run']
    _description = "Simulate Rules"
    _transient_max_hours = 24.0  # a result is looked at for longer than a dialog is open

    set_id = fields.Many2one('sales.rule.set', string="Rule Set", required=True, ondelete='cascade')
    model = fields.Selection(related='set_id.model')
    version_id = fields.Many2one(
        'sales.rule.version', string="Rules", ondelete='cascade', domain="[('set_id', '=', set_id)]",
        help="A published version; what is being edited if empty. The dates between which rules are valid are left"
             " aside: every rule is asked about every document of the period.")
    compare = fields.Boolean(help="Show which documents are caught by one version and not by the other.")
    other_version_id = fields.Many2one(
        'sales.rule.version', string="Compared With", ondelete='cascade', domain="[('set_id', '=', set_id)]",
        help="A published version; what is being edited if empty.")
    date_from = fields.Date(
        string="From", default=lambda self: fields.Date.context_today(self) - relativedelta(years=1))
    date_to = fields.Date(string="Until", default=fields.Date.context_today)
    include_drafts = fields.Boolean(
        string="Quotations Not Sent", help="Look at quotations, too, that no customer has seen yet.")
    company_id = fields.Many2one('res.company', required=True, readonly=True, default=lambda self: self.env.company)
    currency_id = fields.Many2one(related='company_id.currency_id')
    of_orders = fields.Boolean(compute='_compute_of_orders')
    expected_count = fields.Integer(string="Documents", compute='_compute_expected_count')

    state = fields.Selection([
        ('draft', "New"), ('running', "Running"), ('done', "Done"), ('stopped', "Stopped"), ('failed', "Failed"),
    ], default='draft', readonly=True)
    progress_id = fields.Many2one('sales.rule.simulation.progress', readonly=True)
    definition = fields.Json(readonly=True, help="What was simulated: edited rules go on changing.")
    other_definition = fields.Json(readonly=True)
    document_count = fields.Integer(readonly=True)
    document_amount = fields.Monetary(readonly=True)
    rules = fields.Json(string="Rules Asked", readonly=True)
    seconds = fields.Float(readonly=True)
    error = fields.Text(readonly=True)

    @api.depends('set_id', 'date_from', 'date_to', 'include_drafts')
    def _compute_expected_count(self):
        for simulation in self:
            simulation.expected_count = simulation._count_documents() if simulation.set_id else 0

    @api.depends('set_id')
    def _compute_of_orders(self):
        for simulation in self:
            simulation.of_orders = bool(simulation._get_documents()._rule_order_field) if simulation.set_id else False

    @api.depends('set_id')
    def _compute_display_name(self):
        for simulation in self:
            simulation.display_name = self.env._("Simulation of %(set)s", set=simulation.set_id.name)

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for simulation in self:
            if simulation.date_from and simulation.date_to and simulation.date_from > simulation.date_to:
                raise ValidationError(self.env._("The period ends before it begins."))

    def unlink(self):
        self._drop_lines()
        return super().unlink()

    def _drop_lines(self):
        # one statement: there may be hundreds of thousands
        if self.ids:
            self.env.cr.execute(SQL(
                "DELETE FROM sales_rule_simulation_line WHERE simulation_id IN %s", tuple(self.ids)))
            self.env['sales.rule.simulation.line'].invalidate_model(flush=False)

    def _count_documents(self):
        domain = self._get_documents_domain()
        return self._get_documents().with_context(active_test=False).search_count(domain)

    # -- buttons

    def action_simulate(self):
        """Simulate and show what comes of it; what takes long is done behind the scenes."""
        self.ensure_one()
        self.write({
            'definition': self._get_definition(self.version_id),
            'other_definition': self.compare and self._get_definition(self.other_version_id),
            'error': False,
        })
        if self._count_documents() <= AT_ONCE:
            self._run()
        else:
            self.write({
                'state': 'running', 'progress_id': self.env['sales.rule.simulation.progress'].create({}).id})
            self.env.ref('sms_addon.ir_cron_sales_rule_simulation').sudo()._trigger()
        return self.action_open_result()

    def action_open_result(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.actions']._for_xml_id('sms_addon.sales_rule_simulation_action_result'),
            'name': self.display_name,
            'context': {'active_id': self.id, 'active_model': self._name},
        }

    def action_stop(self):
        """Stop at once, and show what is being worked on as stopped."""
        self.progress_id.request_stop()

    def _get_definition(self, version):
        if version and version.set_id != self.set_id:
            raise UserError(self.env._("%(version)s is not of this rule set.", version=version.display_name))
        return version.definition if version else self.set_id._prepare_definition()

    def _get_definitions(self):
        """Return side -> definition, or nothing where nothing is compared."""
        return {'a': self.definition, 'b': self.other_definition}

    # -- behind the scenes

    @api.model
    def _cron_run(self):
        """Work on the simulations that wait."""
        for simulation in self.search([('state', '=', 'running')], order='id'):
            user = simulation.create_uid
            simulation = simulation.with_user(user).with_company(simulation.company_id).with_context(lang=user.lang)
            simulation._run_apart()
            if not self.env['ir.cron']._commit_progress(1):
                break

    def _run_apart(self):
        """Run, telling others how far it is, and stop when told to."""
        try:
            self._run(self._publish)
        except StopSimulation:
            self.env.cr.rollback()
            self.state = 'stopped'
        except Exception as error:
            _logger.info("Simulation %s failed", self.id, exc_info=True)
            self.env.cr.rollback()
            self.write({'state': 'failed', 'error': str(error)})

    def _publish(self, done, total):
        if self.progress_id.publish(done, total):
            raise StopSimulation

    # -- what comes of it

    @api.readonly
    def get_result(self):
        """Return everything that the screen shows."""
        self.ensure_one()
        self.check_access('read')
        result = {
            'state': self.state,
            'name': self.set_id.name,
            'model': self.model,
            'is_order': self._get_document_model() == 'sale.order',
            'period': [fields.Date.to_string(self.date_from) or False, fields.Date.to_string(self.date_to) or False],
            'company': self.company_id.name,
            'currency_id': self.currency_id.id,
            'has_amount': bool(self._get_documents()._rule_amount_field),
            'progress': self.progress_id._read_progress(),
            'error': self.error,
        }
        if self.state == 'done':
            result |= {
                'documents': {'count': self.document_count, 'amount': self.document_amount},
                'sides': {side: self._get_side(side) for side, rules in self.rules.items()},
                'changes': self._get_changes(),
                'seconds': self.seconds,
            }
        return result

    def _get_side(self, side):
        return {
            'label': self._get_label(self.version_id if side == 'a' else self.other_version_id),
            'decisions': self._sum_lines(side, 'decision', decisive=True),
            'months': self._sum_lines(side, "date:month", 'decision', decisive=True),
            'rules': self._get_rules(side),
            'together': self._get_together(side),
            'salespeople': self._get_salespeople(side),
        }

    def _get_label(self, version):
        if version:
            return self.env._("version %(number)s", number=version.number)
        return self.env._("as being edited")

    def _get_lines_domain(self, side):
        return [('simulation_id', '=', self.id), ('side', '=', side)]

    def _sum_lines(self, side, *groupby, decisive=False):
        """Return the groups of lines, each as its keys, number and value."""
        domain = self._get_lines_domain(side) + ([('decisive', '=', True)] if decisive else [])
        groups = self.env['sales.rule.simulation.line']._read_group(
            domain, groupby, ['__count', 'amount:sum'], order=', '.join(groupby))
        return [{
            'keys': [self._get_key(key) for key in keys], 'count': count, 'amount': amount or 0,
        } for *keys, count, amount in groups]

    def _get_key(self, key):
        if isinstance(key, models.BaseModel):
            return {'id': key.id, 'name': key.sudo().display_name or ''}
        return fields.Date.to_string(key) if not isinstance(key, (str, bool)) else key

    def _get_rules(self, side):
        """Return what each rule would have done: held, decided, decided alone what comes of the document."""
        lines = self.env['sales.rule.simulation.line']
        decided = {rule_id: values for rule_id, *values in self.env.execute_query(SQL(
            """SELECT rule_id, COUNT(*), COUNT(*) FILTER (WHERE decisive), COALESCE(SUM(amount), 0)::float
                 FROM %s WHERE simulation_id = %s AND side = %s GROUP BY rule_id""",
            SQL.identifier(lines._table), self.id, side))}
        found = []
        for rule in self.rules[side]:
            count, decisive, amount = decided.get(rule['id'], (0, 0, 0))
            found.append({
                **{name: rule[name] for name in ('id', 'name', 'decision', 'error')},
                'holds': rule['signature'][0], 'count': count, 'decisive': decisive, 'amount': amount,
            })
        return found

    def _get_together(self, side):
        """Return the names of the rules that always hold for the same documents."""
        groups = {}
        for rule in self.rules[side]:
            if rule['signature'][0] and not rule['error']:
                groups.setdefault(tuple(rule['signature']), []).append(rule['name'])
        return [names for names in groups.values() if len(names) > 1]

    def _get_salespeople(self, side):
        """Return whose documents are caught, most of them first."""
        people = {}
        for group in self._sum_lines(side, 'user_id', 'decision', decisive=True):
            user, decision = group['keys']
            person = people.setdefault(user['id'], {
                **user, 'name': user['name'] or self.env._("Nobody"), 'count': 0, 'amount': 0, 'decisions': {}})
            person['decisions'][decision] = group['count']
            if decision in CAUGHT:
                person['count'] += group['count']
                person['amount'] += group['amount']
        found = sorted(people.values(), key=lambda person: (-person['count'], person['name']))
        return found[:SALESPEOPLE]

    def _get_changes(self):
        """Return change -> number and value of the documents; of those no longer caught as they were before."""
        if 'b' not in self.rules:
            return False
        found = {}
        for side, changes in (('a', ('new', 'stricter', 'milder', 'same')), ('b', ('gone',))):
            for group in self._sum_lines(side, 'change', decisive=True):
                if group['keys'][0] in changes:
                    found[group['keys'][0]] = {'count': group['count'], 'amount': group['amount']}
        return found

    def _get_messages(self, side):
        """Return the rules by their ids, for the sentences of lines."""
        definition = self._get_definitions()[side]
        return {rule.id: rule for rule in RuleSet.load(definition).rules} if definition else {}
