import logging

from odoo import api, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

BATCH = 200


class SalesRuleEngine(models.AbstractModel):
    """Rules that are asked without anybody waiting: when something happened, and every night."""
    _name = 'sales.rule.engine'
    _inherit = ['sales.rule.engine']

    @api.model
    def _decide_later(self, records, when):
        """Ask the rules about documents, do what they say, and write it down. Nothing is left to stop."""
        with self._deciding(records, when):
            found = self._decide(records, when, run=self._start_run(records, when))
        for record in records:
            hits = found.get(record, [])
            for hit in hits:
                if hit.effect == 'stopped' or hit.effect == 'held' and not self._can_hold(record):
                    hit.effect = 'warned'
            self.env['sales.rule.decision']._write_down(record, hits, (when,))

    def _can_hold(self, record):
        return record._name == 'sale.order' and record.state in ('draft', 'sent')

    # -- events

    @api.model
    def _decide_events(self, events):
        """Ask the rules about the documents of events."""
        for model in self.env.registry['sales.rule.mixin']._inherit_children:
            if self._is_left_aside(model) or not self._is_asked(model, ('event',)):
                continue
            types = {}
            for event in events:
                for record in self._get_documents(model, event):
                    types.setdefault(record, set()).add(event.type)
            for record, of_record in types.items():
                self.with_context(sales_event_types=tuple(sorted(of_record)))._decide_later(record, 'event')

    def _is_left_aside(self, model):
        """Return whether there are no documents of a model, or they are not asked about one by one."""
        return self.env[model]._abstract or self.env[model]._rule_set_based

    def _get_documents(self, model, event):
        """Return the documents of a kind that an event is about, those that are still there."""
        if model == 'sale.order':
            found = event.order_id
        elif model == 'sale.order.line':
            found = event.order_id.exists().order_line.filtered(lambda line: not line.display_type)
        elif model == 'res.partner':
            found = event.partner_id
        elif model == 'crm.lead':
            found = event.lead_id
        else:
            found = self.env[model].browse(event.res_id if event.model == model else ())
        return found.exists()

    # -- every night

    @api.model
    def _cron_decide(self):
        """Ask the rules of the night about all documents, and act on those for which a rule holds since last time."""
        commit = self.env['ir.cron']._commit_progress
        waiting = self._find_fresh()
        commit(remaining=sum(map(len, waiting.values())))
        for (model, company), ids in waiting.items():
            for start in range(0, len(ids), BATCH):
                records = self.env[model].browse(ids[start:start + BATCH]).exists()
                self.with_company(company)._decide_later(records, 'schedule')
                if not commit(len(ids[start:start + BATCH])):
                    return

    def _find_fresh(self):
        """Return (model, company) -> ids of documents for which a rule of the night holds that did not before."""
        fresh = {}
        for model in self.env.registry['sales.rule.mixin']._inherit_children:
            if self._is_left_aside(model):
                continue
            for company in self.env['res.company'].search(Domain.TRUE):
                for set_id, version_id, _mode in self._get_sets(model, 'schedule', company.id):
                    ids = self._find_of_set(model, company, set_id, version_id)
                    fresh[model, company] = sorted({*fresh.get((model, company), ()), *ids})
        return fresh

    def _find_of_set(self, model, company, set_id, version_id):
        """Return the documents of a company that fulfil a rule of a set anew, and close what does not hold any more.

        A rule that cannot be asked is told of on its set, and does not keep the others from being asked.
        """
        rule_set, conditions = self._load(version_id)
        if reason := self._check_publisher(version_id):
            self._tell_not_asked(set_id, version_id, reason)
            return []
        documents = self._as_publisher(self.env[model], version_id, company)
        scope = Domain(documents._rule_company_field, 'in', [company.id, False])
        found = set()
        for rule in rule_set.valid_rules(self._get_today(company), company.id):
            try:
                with self.env.cr.savepoint():
                    now = set(documents._search(conditions[rule.id] & scope))
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                self._tell_not_asked(set_id, version_id, error, rule)
                continue
            found |= now - self._close_gone(set_id, rule, company, now)
        return found

    def _close_gone(self, set_id, rule, company, now):
        """Close the decisions on documents for which a rule does not hold any more; return those it held for."""
        of_rule = self.env['sales.rule.decision'].sudo().search_fetch([
            ('set_id', '=', set_id), ('company_id', '=', company.id), ('when', '=', 'schedule'), ('current', '=', True),
            ('rule_id', '=', rule.id)], ['res_id'])
        of_rule.filtered(lambda decision: decision.res_id not in now).current = False
        return set(of_rule.mapped('res_id'))

    def _tell_not_asked(self, set_id, version_id, reason, rule=None):
        """Tell whoever looks after a set that it, or a rule of it, could not be asked."""
        rule_set = self.env['sales.rule.set'].sudo().browse(set_id)
        name = rule.name(self.env.lang) if rule else rule_set.name
        _logger.warning("%s of version %s could not be asked at night: %s", name, version_id, reason)
        rule_set.message_post(body=self.env._(
            "%(rule)s could not be asked at night: %(reason)s", rule=name, reason=reason))
