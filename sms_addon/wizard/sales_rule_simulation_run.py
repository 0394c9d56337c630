import logging
from ast import literal_eval
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytz

from odoo import models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..models.sales_rule import ON_ORDERS
from ..models.sales_rule_facts import TABLE
from ..tools.rule_sets import SEVERITY, RuleSet

_logger = logging.getLogger(__name__)

#: what comes of a rule that fails: the document goes on without it, or does not pass
FAILED = {'pass': 'failed', 'block': 'blocked'}
#: decisions that a salesperson notices
CAUGHT = ('warn', 'hold', 'stop', 'blocked')
#: how strict what comes of a rule is
RANK = {decision: rank for rank, decision in enumerate((*SEVERITY, 'blocked'))} | {'failed': SEVERITY.index('note')}


class StopSimulation(Exception):
    """Someone does not want to wait any longer."""


class SalesRuleSimulationRun(models.AbstractModel):
    """The work of a simulation: all of it in SQL, so that neither memory nor the number of queries grows with it.

    The documents of the period are laid down in a temporary table, once, as far as the user may see them; then each
    condition is asked about all of them, and the hit policy is a window over what holds. Conditions are searched
    with the rights of the user who simulates, as in any list on the screen.

    The documents are what is decided on. Rules on lines and customers that are asked when an order is saved or
    confirmed decide on the order: what is asked then are the lines and customers of the orders of the period.
    """
    _name = 'sales.rule.simulation.run'
    _description = "Work of a Simulation"

    def _run(self, publish=None):
        """Fill the lines with what the rules would have decided.

        :param publish: called before each condition with the number of those done and of all; raises
            :class:`StopSimulation` when it has been told to
        """
        self.ensure_one()
        start = datetime.now()
        self._drop_lines()
        sides = self._get_sides()
        conditions = list(dict.fromkeys(rule.domain for side in sides.values() for rule in side.rules))
        self._create_tables()
        self._add_documents()
        self._add_asked()
        errors = self._add_hits(conditions, publish)
        self._add_lines(sides, conditions, errors)
        [(count, amount)] = self.env.execute_query(SQL(
            "SELECT COUNT(*), COALESCE(SUM(amount), 0) FROM %s", self._table_name('documents')))
        self.write({
            'state': 'done',
            'document_count': count,
            'document_amount': amount,
            'rules': self._describe_rules(sides, conditions, errors),
            'seconds': (datetime.now() - start).total_seconds(),
        })
        self._drop_tables()

    # -- which rules

    def _get_sides(self):
        """Return side -> rule set, with the rules that may decide on documents of the company."""
        return {side: self._load(definition) for side, definition in self._get_definitions().items() if definition}

    def _load(self, definition):
        loaded = RuleSet.load(definition)
        here = loaded.company_id in (None, self.company_id.id)
        rules = tuple(rule for rule in loaded.rules if here and rule.company_id in (None, self.company_id.id))
        return replace(loaded, rules=rules)

    # -- which documents

    def _get_documents(self):
        """Return the model of what is decided on."""
        return self._get_asked().env[self._get_document_model()]

    def _get_document_model(self):
        when = (self.definition or {}).get('when') or self.set_id.when
        return 'sale.order' if (self.model, when) in ON_ORDERS else self.model

    def _get_asked(self):
        """Return the model of the rules, with the rights of the user and nothing but the company in sight."""
        return self.env(su=False)[self.model].with_context(
            allowed_company_ids=self.company_id.ids, active_test=True).with_company(self.company_id)

    def _get_documents_domain(self):
        documents = self._get_documents()
        domain = Domain(documents._rule_company_field, 'in', [self.company_id.id, False])
        moment = documents._rule_date_field
        if self.date_from:
            domain &= Domain(moment, '>=', self._get_moment(self.date_from))
        if self.date_to:
            domain &= Domain(moment, '<', self._get_moment(self.date_to + timedelta(days=1)))
        if order := documents._rule_order_field:
            states = ['sent', 'sale', *(['draft'] if self.include_drafts else [])]
            domain &= Domain('state' if order == 'id' else f'{order}.state', 'in', states)
        if 'display_type' in documents._fields:
            domain &= Domain('display_type', '=', False)
        return domain

    def _get_moment(self, day):
        """Return when a day begins where the company is, in UTC."""
        local = self._get_timezone().localize(datetime.combine(day, time.min))
        return local.astimezone(pytz.UTC).replace(tzinfo=None)

    def _get_timezone(self):
        return pytz.timezone(self.company_id.sales_timezone or 'UTC')

    def _select_documents(self):
        """Return the SQL of the documents: whose they are, when they were, what they are worth."""
        documents = self._get_documents()
        # archived documents were documents then
        query = documents._search(self._get_documents_domain(), active_test=False)
        columns = {
            'id': SQL.identifier(documents._table, 'id'),
            'order_id': self._get_column(documents, documents._rule_order_field, query, 'int4'),
            'partner_id': self._get_column(documents, documents._rule_partner_field, query, 'int4'),
            'user_id': self._get_column(documents, documents._rule_user_field, query, 'int4'),
            'date': self._get_day(documents, query),
            'amount': self._get_amount(documents, query),
        }
        return query.select(*(SQL("%s AS %s", sql, SQL.identifier(name)) for name, sql in columns.items()))

    def _get_column(self, documents, path, query, column):
        return self._path_to_sql(documents, path, query) if path else SQL("NULL::%s", SQL(column))

    def _get_day(self, documents, query):
        path = documents._rule_date_field
        moment = self._path_to_sql(documents, path, query)
        *_links, field = self._resolve(documents, path)
        if field.type == 'date':
            return moment
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)::date", moment, self._get_timezone().zone)

    def _get_amount(self, documents, query):
        """Return the value of a document in the currency of the company: orders have their own rate."""
        path = documents._rule_amount_field
        if not path:
            return SQL("NULL::numeric")
        amount = SQL("COALESCE(%s, 0)::numeric", self._path_to_sql(documents, path, query))
        order = documents._rule_order_field
        if order:
            rate = self._path_to_sql(
                documents, 'currency_rate' if order == 'id' else f'{order}.currency_rate', query)
            amount = SQL("ROUND(%s / COALESCE(NULLIF(%s, 0), 1)::numeric, 6)", amount, rate)
        return amount

    def _resolve(self, model, path):
        """Return the fields on a path."""
        found = []
        for name in path.split('.'):
            found.append(model._fields[name])
            model = model.env[found[-1].comodel_name] if found[-1].relational else model
        return found

    def _path_to_sql(self, model, path, query):
        alias = model._table
        *links, name = path.split('.')
        for link in links:
            model, alias = model._fields[link].join(model, alias, query)
        return model._field_to_sql(alias, name, query)

    # -- asking

    def _table_name(self, name):
        return SQL.identifier(f'sales_rule_simulation_{self.id}_{name}')

    def _create_tables(self):
        self._drop_tables()
        self.env.cr.execute(SQL(
            "CREATE TEMP TABLE %s (condition int2, id int4) ON COMMIT DROP", self._table_name('hits')))

    def _drop_tables(self):
        self.env.cr.execute(SQL(
            "DROP TABLE IF EXISTS %s, %s, %s",
            self._table_name('documents'), self._table_name('asked'), self._table_name('hits')))

    def _add_documents(self):
        table = self._table_name('documents')
        self.env.execute_query(SQL("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", table, self._select_documents()))
        self.env.cr.execute(SQL("CREATE UNIQUE INDEX ON %s (id)", table))
        self.env.cr.execute(SQL("ANALYZE %s", table))

    def _add_asked(self):
        """Lay down whom the rules are asked about, where that is not the document itself, with its place in it."""
        if self._get_asked_name() == 'documents':
            return
        table, documents = self._table_name('asked'), self._table_name('documents')
        if self.model == 'sale.order.line':
            lines = self.env['sale.order.line']
            query = SQL(
                """SELECT l.id, d.id AS document_id, l.sequence
                     FROM %s d JOIN sale_order_line l ON l.order_id = d.id
                    WHERE l.display_type IS NULL""", documents,
                to_flush=lines._fields['display_type'])
            lines.flush_model(['order_id', 'sequence'])
        else:
            self.env['res.partner'].flush_model(['commercial_partner_id'])
            query = SQL(
                """SELECT COALESCE(p.commercial_partner_id, p.id) AS id, d.id AS document_id, 0 AS sequence
                     FROM %s d JOIN res_partner p ON p.id = d.partner_id""", documents)
        self.env.execute_query(SQL("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", table, query))
        self.env.cr.execute(SQL("CREATE INDEX ON %s (id)", table))
        self.env.cr.execute(SQL("ANALYZE %s", table))

    def _get_asked_name(self):
        return 'documents' if self._get_document_model() == self.model else 'asked'

    def _add_hits(self, conditions, publish):
        """Note for whom each condition holds; return the errors of those that cannot be asked.

        One that cannot be asked fails for every document, as it does when it is in force.
        """
        documents, errors = self._lay_down_facts(conditions), {}
        for number, condition in enumerate(conditions):
            if publish:
                publish(number, len(conditions))
            try:
                with self.env.cr.savepoint(flush=False):
                    self._add_hits_of(documents, number, condition)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                _logger.info("A rule of simulation %s failed", self.id, exc_info=True)
                errors[number] = str(error)
                self._add_hits_of_all(number)
        self.env.cr.execute(SQL("ANALYZE %s", self._table_name('hits')))
        return errors

    def _add_hits_of(self, documents, number, condition):
        query = documents._search(literal_eval(condition or '[]'), active_test=False)
        if not query.is_empty():
            self.env.execute_query(SQL(
                "INSERT INTO %s SELECT %s, d.id FROM %s d WHERE d.id IN %s",
                self._table_name('hits'), number, self._select_asked(), query.subselect()))

    def _add_hits_of_all(self, number):
        self.env.cr.execute(SQL(
            "INSERT INTO %s SELECT %s, d.id FROM %s d", self._table_name('hits'), number, self._select_asked()))

    def _select_asked(self):
        """Return the relation of the ids of all that the rules are asked about: a customer once, not once an order."""
        table = self._table_name(self._get_asked_name())
        return SQL("(SELECT DISTINCT id FROM %s)", table) if self.model == 'res.partner' else table

    def _lay_down_facts(self, conditions):
        """Return the documents as they are searched: with the facts that the conditions name worked out once."""
        documents = self._get_asked()
        facts = documents.env['sales.rule.facts']
        family_of = {field.name: family for family, fields in facts._facts(self.model).items() for field in fields}
        names, parts = set(), {}
        for condition in conditions:
            asked = family_of.keys() & self._get_names(condition)
            names |= asked
            for family in {family_of[name] for name in asked}:
                parts.setdefault(family, []).append(self.env['sales.rule.engine']._get_stored_part(
                    Domain(literal_eval(condition)), lambda path: path.partition('.')[0] in family_of))
        if not names:
            return documents
        ids = SQL("SELECT id FROM %s", self._table_name(self._get_asked_name()))
        # whoever is left out by the rest of a condition need not be known so well
        scopes = {} if self.model != 'sale.order' else {
            family: documents._search(part, active_test=False).subselect()
            for family, found in parts.items() if not (part := Domain.OR(found)).is_true()
        }
        return documents.with_context(**{TABLE: facts._materialize(self.model, ids, sorted(names), scopes)})

    def _get_names(self, condition):
        """Return the fields of the document that a condition asks for."""
        try:
            return {leaf.field_expr.partition('.')[0] for leaf in Domain(literal_eval(condition)).iter_conditions()}
        except (ValueError, SyntaxError, TypeError):
            return set()  # an error that is told when its turn comes

    # -- deciding

    def _values_of_rules(self, sides, conditions, errors):
        """Return the rules as a relation. One that fails fails whatever others say, and ends nothing."""
        number = {condition: index for index, condition in enumerate(conditions)}
        rows = []
        for side, rule_set in sides.items():
            for seq, rule in enumerate(rule_set.rules):
                fails = number[rule.domain] in errors
                decision = self._get_failure(rule_set) if fails else rule.decision
                ends = not fails and (rule.decision == 'allow' or rule_set.hit_policy == 'first')
                rows.append(SQL(
                    "(%s, %s::int, %s::int, %s::int, %s, %s, %s::int, %s::bool, %s::bool)", side, seq,
                    number[rule.domain], rule.id, rule.name(self.env.lang), decision, RANK[decision], ends, fails))
        return SQL(
            "(VALUES %s) AS r (side, seq, condition, rule_id, rule_name, decision, severity, ends, fails)",
            SQL(", ").join(rows))

    def _get_failure(self, rule_set):
        """Return what comes of a rule that fails; there is nothing to stop after the fact."""
        return FAILED[rule_set.on_error if rule_set.when in ('save', 'confirm') else 'pass']

    def _select_picked(self):
        """Return the SQL of the rules that decide on each document, and for whom of it they hold."""
        picked = SQL("last IS NULL OR seq <= last OR fails")
        if self._get_asked_name() == 'documents':
            return SQL("SELECT *, id AS asked_id, 1 AS asked_count FROM holding WHERE %s", picked)
        return SQL(
            """SELECT side, seq, rule_id, rule_name, decision, severity, a.document_id AS id,
                      (ARRAY_AGG(a.id ORDER BY a.sequence, a.id))[1] AS asked_id, COUNT(*) AS asked_count
                 FROM holding h
                 JOIN %s a ON a.id = h.id
                WHERE %s
                GROUP BY a.document_id, side, seq, rule_id, rule_name, decision, severity
            """, self._table_name('asked'), picked)

    def _add_lines(self, sides, conditions, errors):
        """Write what is decided: the rules that hold up to the one that ends the set, the strictest marked."""
        if not conditions:
            return
        caught = SEVERITY.index('warn')
        self.env.cr.execute(SQL(
            """
            WITH holding AS (
                SELECT r.*, h.id, MIN(r.seq) FILTER (WHERE r.ends) OVER (PARTITION BY h.id, r.side) AS last
                  FROM %(rules)s
                  JOIN %(hits)s h ON h.condition = r.condition
            ), deciding AS (
                SELECT *, ROW_NUMBER() OVER (PARTITION BY id, side ORDER BY severity DESC, seq) = 1 AS decisive,
                       COALESCE(MAX(severity) FILTER (WHERE side = 'a' AND severity >= %(caught)s) OVER w, 0) AS now,
                       COALESCE(MAX(severity) FILTER (WHERE side = 'b' AND severity >= %(caught)s) OVER w, 0) AS before
                  FROM (%(picked)s) picked
                WINDOW w AS (PARTITION BY id)
            )
            INSERT INTO sales_rule_simulation_line (
                   simulation_id, side, model, res_id, asked_id, asked_count, order_id, partner_id, user_id, date,
                   amount, rule_id, rule_name, decision, decisive, change, company_id, create_uid, create_date,
                   write_uid, write_date)
            SELECT %(simulation)s, d.side, %(model)s, d.id, d.asked_id, d.asked_count, s.order_id, s.partner_id,
                   s.user_id, s.date, s.amount, d.rule_id, d.rule_name, d.decision, d.decisive,
                   CASE WHEN NOT %(compared)s OR d.severity < %(caught)s THEN NULL
                        WHEN d.before = 0 THEN 'new' WHEN d.now = 0 THEN 'gone'
                        WHEN d.now > d.before THEN 'stricter' WHEN d.now < d.before THEN 'milder' ELSE 'same' END,
                   %(company)s, %(uid)s, %(now)s, %(uid)s, %(now)s
              FROM deciding d
              JOIN %(documents)s s ON s.id = d.id
            """,
            rules=self._values_of_rules(sides, conditions, errors), hits=self._table_name('hits'), caught=caught,
            picked=self._select_picked(), simulation=self.id, model=self._get_document_model(),
            compared='b' in sides, company=self.company_id.id, uid=self.env.uid, now=self.env.cr.now(),
            documents=self._table_name('documents')))

    def _select_holding(self):
        """Return the relation of the documents for which conditions hold, whatever of them they hold for."""
        hits = self._table_name('hits')
        if self._get_asked_name() == 'documents':
            return hits
        return SQL(
            "(SELECT DISTINCT condition, a.document_id AS id FROM %s h JOIN %s a ON a.id = h.id)",
            hits, self._table_name('asked'))

    def _describe_rules(self, sides, conditions, errors):
        """Return side -> what there is to tell of each rule.

        Two conditions that hold for exactly the same documents have the same number of them and the same sums over
        their ids, plain and scattered.
        """
        signatures = {number: signature for number, *signature in self.env.execute_query(SQL(
            "SELECT condition, COUNT(*), SUM(id)::text, SUM(hashint8extended(id, 4))::text FROM %s h GROUP BY 1",
            self._select_holding()))}
        number = {condition: index for index, condition in enumerate(conditions)}
        return {
            side: [{
                'id': rule.id,
                'name': rule.name(self.env.lang),
                'decision': self._get_failure(rule_set) if number[rule.domain] in errors else rule.decision,
                'condition': number[rule.domain],
                'signature': signatures.get(number[rule.domain]) or [0, '0', '0'],
                'error': errors.get(number[rule.domain]) or False,
            } for rule in rule_set.rules]
            for side, rule_set in sides.items()
        }
