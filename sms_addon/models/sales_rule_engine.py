import itertools
import logging
from ast import literal_eval
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timezone
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from odoo import api, fields, models, tools
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..tools.rule_sets import LoopGuard, Rule, RuleLoop, RuleSet, pick, soften

_logger = logging.getLogger(__name__)

#: documents times rules up to which conditions are looked at in memory, above in the database
IN_MEMORY = 6000
#: actions that are repeated at each save while a rule holds; doing them twice changes nothing
REPEATED = ('set_field', 'tag')
#: kinds of documents whose rules are asked about an order
PART_OF_ORDER = ('sale.order', 'sale.order.line', 'res.partner')
#: actions that are still due when everything else is undone for what the rules decided
TELLING = ('activity', 'notify')
BUSY = 'sales.rule.deciding'
#: set while a customer signs or pays
ACCEPTED = 'sales.order.accepted'
EFFECTS = {'allow': 'let_through', 'note': 'acted', 'warn': 'warned', 'hold': 'held', 'stop': 'stopped'}


@dataclass
class Hit:
    """A rule that holds for a document; of several lines of an order, for all of them together.

    :param effect: what comes of it, as in ``sales.rule.decision``
    """

    set_id: int
    version_id: int
    mode: str
    rule: Rule
    records: models.BaseModel
    effect: str
    error: str = ''
    told: list = field(default_factory=list)


class Facts(NamedTuple):
    """The facts that a condition asks for.

    :param families: those of the document and of whatever it refers to
    :param names: fields of the document itself
    """

    families: frozenset
    names: frozenset


@dataclass
class Run:
    """What rules did while documents were decided on."""

    guard: LoopGuard = field(default_factory=LoopGuard)
    #: document -> rule id -> hit
    acted: dict = field(default_factory=dict)
    #: returns (document or its order, rule id) that held when they were last asked; only who acts needs to know
    read_known: object = set
    known: set | None = None

    def is_known(self, hit):
        """Return whether people have been told of a rule; of all lines of an order for which it holds, once."""
        if self.known is None:
            self.known = self.read_known()
        return self._get_key(hit) in self.known

    def remember(self, hit):
        self.known.add(self._get_key(hit))

    def _get_key(self, hit):
        record = hit.records
        path = record._rule_order_field
        owner = record[path] if path not in (None, 'id') else record
        return (owner._name, owner.id), hit.rule.id


class SalesRuleEngine(models.AbstractModel):
    """Asks the published rules about documents.

    Conditions are domains. A few documents are looked at in memory, as the host looks at record rules, many in the
    database; both with the rights of whoever published the rules.
    """
    _name = 'sales.rule.engine'
    _description = "Rule Engine"

    # -- what is in force

    @api.model
    @tools.ormcache('model', 'when', 'company_id')
    def _get_sets(self, model, when, company_id):
        """Return (set, version, mode) of each set that is asked, in order."""
        # whoever meets a rule need not be allowed to read it
        sets = self.env['sales.rule.set'].sudo().with_company(company_id).search([
            # as they were published, whatever is being edited
            ('published_id.model', '=', model), ('published_id.when', '=', when),
            ('published_id.company_id', 'in', [False, company_id]),
        ])
        return tuple((each.id, each.published_id.id, each.mode) for each in sets if each.mode not in ('off', False))

    @api.model
    @tools.ormcache('model', 'moments')
    def _is_asked(self, model, moments):
        """Return whether rules on a kind of document are on in any company."""
        companies = self.env['res.company'].sudo().with_context(active_test=False).search(Domain.TRUE)
        return any(self._get_sets(model, when, company.id) for company in companies for when in moments)

    @api.model
    @tools.ormcache('version_id')
    def _load(self, version_id):
        """Return what a version says, and the conditions of its rules by their ids."""
        rule_set = RuleSet.load(self.env['sales.rule.version'].sudo().browse(version_id).definition)
        return rule_set, {rule.id: Domain(literal_eval(rule.domain)) for rule in rule_set.rules}

    @api.model
    @tools.ormcache('version_id')
    def _load_predicates(self, version_id):
        """Return the conditions by rule id as they are looked at in memory: comparisons with facts made once."""
        rule_set, conditions = self._load(version_id)
        return {rule_id: self._prepare_predicate(rule_set.model, each) for rule_id, each in conditions.items()}

    @api.model
    @tools.ormcache('version_id')
    def _load_stored_parts(self, version_id):
        """Return what conditions ask for besides facts, by rule id."""
        rule_set, conditions = self._load(version_id)

        def is_fact(path):
            return bool(getattr(self._get_last_field(rule_set.model, path), 'family', None))

        return {rule_id: self._get_stored_part(each, is_fact) for rule_id, each in conditions.items()}

    @api.model
    def _get_stored_part(self, condition, is_fact):
        """Return what a condition asks for besides facts, so far as all of it must hold.

        :param is_fact: whether a path leads to a fact
        """
        parts = condition.children if getattr(condition, 'OPERATOR', '') == '&' else [condition]
        paths = self.env['sales.rule']._iter_paths
        return Domain.AND(part for part in parts if not any(map(is_fact, paths(part))))

    def _prepare_predicate(self, model, condition):
        facts = self.env['sales.rule.facts']

        def prepare(part):
            if '.' in part.field_expr or not getattr(self.env[model]._fields.get(part.field_expr), 'family', None):
                return part
            operator = {'=': 'in', '!=': 'not in'}.get(part.operator, part.operator)
            value = [part.value] if operator != part.operator else part.value
            prepared = facts._search_fact(model, part.field_expr, operator, value)
            return part if prepared is NotImplemented else prepared

        return condition.map_conditions(prepare)

    @api.model
    @tools.ormcache('version_id')
    def _get_facts(self, version_id):
        """Return rule id -> :class:`Facts` that its condition asks for."""
        rule_set, conditions = self._load(version_id)
        facts = {}
        for rule_id, condition in conditions.items():
            paths = {*self.env['sales.rule']._iter_paths(condition)}
            families = {path: getattr(self._get_last_field(rule_set.model, path), 'family', None) for path in paths}
            facts[rule_id] = Facts(
                frozenset(filter(None, families.values())),
                frozenset(path for path, family in families.items() if family and '.' not in path))
        return facts

    def _get_last_field(self, model, path):
        """Return the field at the end of a path; nothing if it has been taken away since the rule was published."""
        field = None
        for name in path.split('.'):
            field = self.env[model]._fields.get(name)
            if field is None or not field.relational:
                break
            model = field.comodel_name
        return field

    @api.model
    @tools.ormcache('when', 'company_id')
    def _get_families(self, when, company_id):
        """Return the families of facts that rules on orders, their lines and their customers ask for."""
        return frozenset(
            family for model in PART_OF_ORDER for _set_id, version_id, _mode in self._get_sets(model, when, company_id)
            for facts in self._get_facts(version_id).values() for family in facts.families)

    @api.model
    @tools.ormcache('version_id', 'self.env.lang')
    def _check_publisher(self, version_id):
        """Return why the publisher of a version may not ask its rules any more, or nothing."""
        version = self.env['sales.rule.version'].sudo().browse(version_id)
        try:
            version._check_rights()
        except UserError as error:  # an AccessError and a ValidationError, too
            return str(error)
        return ''

    # -- asking

    @api.model
    def _ask(self, records, when, company=None, foresee=False):
        """Return the hits of all rules on some documents of one kind, by the document.

        :param company: whose rules are asked; those of the company of each document if None
        :param foresee: only what would come of it at the confirmation
        :return: document -> list of :class:`Hit`
        """
        found = {}
        self.env['sales.rule.facts']._forget(records)  # other documents may have changed since they were read
        groups = {company: records} if company else records.grouped(self._get_company)
        for company, documents in groups.items():
            for set_id, version_id, mode in self._get_sets(records._name, when, company.id):
                if when == 'event' and not self._load(version_id)[0].wants(self.env.context['sales_event_types']):
                    continue
                for record, rules in self._ask_set(documents, version_id, company).items():
                    found.setdefault(record, []).extend(
                        self._make_hit(set_id, version_id, mode, rule, record, error, foresee)
                        for rule, error in rules)
        return found

    @api.model
    def _get_today(self, company):
        """Return the day it is where a company is, wherever the user may be."""
        return fields.Datetime.now().replace(tzinfo=timezone.utc).astimezone(ZoneInfo(company.sales_timezone)).date()

    def _get_company(self, record):
        # a user of another company may be who meets the rules
        return record.sudo()[record._rule_company_field] or self.env.company

    def _make_hit(self, set_id, version_id, mode, rule, record, error, foresee):
        if error:
            effect = 'error'
        else:
            decision = soften(rule.decision, mode)
            effect = EFFECTS.get(decision, decision)
            if foresee and decision in ('warn', 'hold', 'stop'):
                effect = 'foreseen'
        return Hit(set_id, version_id, mode, rule, record, effect, error)

    def _ask_set(self, documents, version_id, company):
        """Return document -> [(rule, error or '')] for the rules of a version that decide on it."""
        rule_set, _conditions = self._load(version_id)
        rules = rule_set.valid_rules(self._get_today(company), company.id)
        if rules and (reason := self._check_publisher(version_id)):
            _logger.warning("Version %s of rules cannot be asked: %s", version_id, reason)
            # of all that would be asked, the first one says so
            return {record: [(rules[0], reason)] for record in documents}
        publisher = self._as_publisher(documents, version_id, company).with_context(active_test=False)
        matches, failed = self._match(publisher, rules, version_id)
        picked = pick(matches, rule_set.hit_policy)
        return {
            record: [*((rule, '') for rule in picked.get(record.id, ())), *failed]
            for record in documents if failed or record.id in picked
        }

    @api.model
    @tools.ormcache('version_id')
    def _get_publisher(self, version_id):
        """Return id and time zone of whoever published a version."""
        user = self.env['sales.rule.version'].sudo().browse(version_id).user_id
        return user.id, user.tz

    def _as_publisher(self, documents, version_id, company):
        uid, tz = self._get_publisher(version_id)
        return documents.with_env(self.env(user=uid, su=False, context={
            'allowed_company_ids': company.ids, 'lang': self.env.lang, 'tz': tz}))

    def _match(self, documents, rules, version_id):
        """Return which rules hold, by the ids of the documents, and [(rule, error)] of those that fail."""
        # what waits to be written must not be lost with a rule that fails
        self.env.flush_all()
        many = len(documents) * len(rules) > IN_MEMORY
        match = self._match_in_database if many else self._match_in_memory
        return self._ask_together(rules, lambda some: match(documents, some, version_id))

    def _ask_together(self, rules, ask):
        """Ask rules all at once; where that fails, one by one, so that one that fails keeps no other back.

        :param ask: returns document id -> rules in their order, for some rules
        :return: what it returns, and [(rule, error)] of the rules that fail
        """
        try:
            with self.env.cr.savepoint(flush=False):
                return ask(rules), []
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.info("Rules cannot be asked together; one by one it shows which", exc_info=True)
        matches, failed = {}, []
        for rule in rules:
            try:
                with self.env.cr.savepoint(flush=False):
                    for document_id in ask([rule]):
                        matches.setdefault(document_id, []).append(rule)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                _logger.warning("Rule %s failed", rule.name(), exc_info=True)
                failed.append((rule, str(error)))
        return matches, failed

    def _match_in_memory(self, documents, rules, version_id):
        documents.check_access('read')  # what the publisher may not see must not pass for that
        return self._gather(rules, self._filter(dict.fromkeys(rules, documents), version_id))

    def _match_in_database(self, documents, rules, version_id):
        """Look at many documents in one query, with a column for each rule.

        Of rules that ask for facts, the query looks at the rest of what they ask, and memory at what that leaves.
        """
        documents.check_access('read')
        facts, parts = self._get_facts(version_id), self._load_stored_parts(version_id)
        query = documents._search(Domain('id', 'in', documents.ids))
        columns = [
            parts[rule.id].optimize_full(documents)._to_sql(documents, documents._table, query) for rule in rules]
        found = {rule: [] for rule in rules}
        for record_id, *flags in self.env.execute_query(
                query.select(SQL.identifier(documents._table, 'id'), *columns)):
            if any(flags):
                for rule in itertools.compress(rules, flags):
                    found[rule].append(record_id)
        left = {rule: documents.browse(ids) for rule, ids in found.items() if ids and facts[rule.id].families}
        return self._gather(rules, found | self._filter(left, version_id))

    def _filter(self, left, version_id):
        """Return rule -> ids of the documents that fulfil it in memory, of rule -> documents to look at."""
        facts, predicates = self._get_facts(version_id), self._load_predicates(version_id)
        wanted = {}
        for rule, documents in left.items():
            for name in facts[rule.id].names:
                wanted[name] = wanted.get(name, documents) | documents
        by_documents = {}
        for name, documents in wanted.items():
            by_documents.setdefault(documents, []).append(name)
        for documents, names in by_documents.items():
            self.env['sales.rule.facts']._prefetch(documents, sorted(names))
        return {rule: documents.filtered_domain(predicates[rule.id])._ids for rule, documents in left.items()}

    def _gather(self, rules, found):
        """Return document id -> rules in their order."""
        matches = {}
        for rule in rules:
            for record_id in found[rule]:
                matches.setdefault(record_id, []).append(rule)
        return matches

    @api.model
    def _get_asked_sets(self, model, when):
        """Return the sets of any company that are asked at the moment; of events, those that want what happened."""
        types = self.env.context.get('sales_event_types', ())
        companies = self.env['res.company'].sudo().with_context(active_test=False).search(Domain.TRUE)
        return [
            set_id for company in companies
            for set_id, version_id, _mode in self._get_sets(model, when, company.id)
            if when != 'event' or self._load(version_id)[0].wants(types)]

    # -- asking, acting, asking again

    @api.model
    def _start_run(self, records, when):
        return Run(read_known=partial(self._read_known, records, when))

    def _read_known(self, records, when):
        known = self.env['sales.rule.decision'].sudo().search_fetch([
            ('model', '=', records._name), ('res_id', 'in', records.ids), ('when', '=', when), ('current', '=', True),
            ('effect', '!=', 'foreseen')], ['model', 'res_id', 'rule_id'])
        return {((each.model, each.res_id), each.rule_id.id) for each in known}

    @api.model
    def _decide(self, records, when, company=None, run=None):
        """Ask the rules about documents of one kind, and do what they say besides deciding.

        Actions may change what the rules look at: they are asked again until nothing new holds.

        :param run: what happened so far, when documents of several kinds are decided on together
        :return: document -> list of :class:`Hit`, those whose action made them untrue included
        """
        run = run or Run()
        while True:
            found = self._ask(records, when, company)
            fresh = []
            for record in records:
                fresh += self._look(run.guard, record, [hit for hit in found.get(record, ()) if not hit.error])
            if not self._run_actions(fresh, run):
                break
        for record in records:
            if record in run.acted:
                self._keep_acted(found.setdefault(record, []), run.acted[record])
        return found

    def _keep_acted(self, found, acted):
        """Add what rules did to the hits of a document, though they may not hold any more for what they did."""
        known = {hit.rule.id: hit for hit in found}
        for rule_id, hit in acted.items():
            if rule_id in known:
                known[rule_id].told = hit.told
                if hit.error:
                    known[rule_id].effect, known[rule_id].error = 'error', hit.error
            else:
                hit.effect = hit.effect if hit.error else 'acted'
                found.append(hit)

    def _look(self, guard, record, hits):
        """Return the hits whose actions are due; a loop is a failure of the rules in it."""
        by_rule = {hit.rule: hit for hit in hits}
        try:
            return [by_rule[rule] for rule in guard.look(record, by_rule) if by_rule[rule].effect != 'logged']
        except RuleLoop as loop:
            error = self.env._("The rules go round in a circle: %(chain)s", chain=loop)
            for hit in hits:
                hit.effect, hit.error = 'error', error
            return []

    def _run_actions(self, hits, run):
        """Run the actions of hits and return whether any of them may have changed a document."""
        acted = False
        for hit in hits:
            if not (actions := self._get_actions(hit, run)):
                continue
            acted = True
            run.remember(hit)
            publisher = self._as_publisher(hit.records, hit.version_id, self._get_company(hit.records))
            try:
                with self._running(hit), self.env.cr.savepoint():
                    hit.told += self.env['sales.rule.execution']._run(publisher, hit.rule, actions)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                _logger.warning("An action of rule %s failed", hit.rule.name(), exc_info=True)
                hit.effect, hit.error = 'error', str(error)
            run.acted.setdefault(hit.records, {})[hit.rule.id] = hit
        return acted

    def _get_actions(self, hit, run):
        """Return the actions that are due: people are told once, as long as a rule holds without interruption."""
        if not hit.rule.actions or not run.is_known(hit):
            return list(hit.rule.actions)
        return [action for action in hit.rule.actions if action['kind'] in REPEATED]

    @api.model
    def _tell_again(self, record, version_id, rule, run):
        """Tell whom a rule tells, after what else it did was undone; return who was told."""
        hit = Hit(False, version_id, '', rule, record, '')
        actions = [action for action in rule.actions if action['kind'] in TELLING]
        if not actions or run.is_known(hit):
            return []
        run.remember(hit)
        publisher = self._as_publisher(record, version_id, self._get_company(record))
        return self.env['sales.rule.execution']._run(publisher, rule, actions)

    @contextmanager
    def _running(self, hit):
        """Remember which rules are acting, one within the other; a rule within itself goes round in a circle."""
        stack = self.env.cr.cache.setdefault('sales.rule.running', [])
        if any(each.rule == hit.rule and each.records == hit.records for each in stack):
            raise RuleLoop(each.rule.name() for each in (*stack, hit))
        stack.append(hit)
        try:
            yield
        finally:
            stack.pop()

    @contextmanager
    def _deciding(self, records, when):
        """Leave to the rules that are asked about documents until they settle what their own actions save meanwhile."""
        busy = self.env.cr.cache.setdefault(BUSY, set())
        added = {(when, records._name, res_id) for res_id in records.ids} - busy
        busy |= added
        try:
            yield
        finally:
            busy -= added

    @api.model
    def _is_deciding(self, record, when):
        return (when, record._name, record.id) in self.env.cr.cache.get(BUSY, ())

    def _blocks(self, hit):
        """Return whether a rule that failed is one without which a document must not pass."""
        return hit.effect == 'error' and hit.mode == 'stop' and self._load(hit.version_id)[0].on_error == 'block'

