import logging
import secrets
from contextlib import contextmanager
from typing import NamedTuple

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..tools.rule_sets import pick, soften
from .sales_rule_action_alert import POSITION
from .sales_rule_engine import EFFECTS
from .sales_rule_facts import BULK
from .sales_stock_alert import FIGURES

_logger = logging.getLogger(__name__)

MOMENTS = ('event', 'schedule')
#: hits that are handed over within the statements; more are laid down in a table, so that the planner knows of them
FEW = 1000
#: for many: the planner may not know yet of the alerts that the same night opened, and go through them one by one
PLANNER = {**BULK, 'enable_nestloop': 'off'}
#: days of demand at risk where nobody knows how long a receipt takes
USUAL_LEAD = 7


class Asked(NamedTuple):
    """A set whose rules were asked about positions of a company.

    :param hits: the SQL of a relation of (position_id, rule_id, effect, alerts): the rules that decide on positions,
        what comes of it as in ``sales.rule.decision``, and whether there is to be an alert
    :param effects: rule id -> what comes of it
    :param terms: rule id -> what it says about alerts, of the rules that raise one now
    :param failed: ids of the rules that could not be asked: nothing is known of them, so nothing changes
    """

    set_id: int
    version_id: int
    mode: str
    when: str
    company: models.BaseModel
    ids: list | None
    rules: dict
    hits: SQL
    effects: dict
    terms: dict
    failed: list


class SalesStockAlert(models.Model):
    """Opening and closing alerts, all positions of a company together.

    Two sessions that look at one position at once: what is opened or closed is so for a position that is locked as
    the session saw it, and the database refuses a second alert for one cause. The one that comes too late fails with a
    serialization error and is run again by whoever called it.
    """
    _name = 'sales.stock.alert'
    _inherit = ['sales.stock.alert']

    @api.model
    def _evaluate(self, ids=None, moments=('event',), company=None):
        """Ask the rules about positions, open and close alerts, and tell of it.

        :param ids: of the positions; all of them if None
        :param moments: which sets are asked, see ``sales.rule.set.when``
        :param company: only positions of this one
        :return: (opened alerts, closed alerts)
        """
        self.env.flush_all()
        opened, closed = self.browse(), self.browse()
        for each, positions in self._get_scopes(ids, company):
            for set_id, version_id, mode, when in self._get_sets(each, moments):
                with self._asking(set_id, version_id, mode, when, each, positions) as asked:
                    self._write_decisions(asked)
                    self._refresh_figures(asked)
                    closed += self._close_ended(asked)
                    opened += self._open_new(asked)
            if positions is None and set(moments) == set(MOMENTS):
                closed += self._close_orphans(each)
        closed += self._close_homeless()
        if opened or closed:
            self.env['sales.rule.decision'].invalidate_model(flush=False)
            self._evaluated(opened, closed)
        return opened, closed

    def _get_scopes(self, ids, company):
        """Return [(company, ids of its positions or None for all)]."""
        if ids is None:
            companies = company or self.env['res.company'].search(Domain.TRUE)
            return [(each, None) for each in companies]
        rows = self.env.execute_query(SQL(
            "SELECT company_id, array_agg(id) FROM sales_stock_position WHERE id = ANY(%s) GROUP BY company_id",
            list(ids)))
        return [
            (self.env['res.company'].browse(company_id), positions) for company_id, positions in rows
            if not company or company.id == company_id]

    # -- asking

    def _get_sets(self, company, moments):
        engine = self.env['sales.rule.engine']
        return [(*each, when) for when in moments for each in engine._get_sets(POSITION, when, company.id)]

    @contextmanager
    def _asking(self, set_id, version_id, mode, when, company, ids):
        """Ask the rules of a set, and keep what they say as long as it is looked at."""
        engine = self.env['sales.rule.engine']
        scope = Domain('company_id', '=', company.id)
        if ids is not None:
            scope &= Domain('id', 'in', ids)
        many = ids is None or len(ids) > FEW
        if many:
            self.env['sales.rule.facts']._set_planner(PLANNER)
        matches, failed = engine._find_matches(POSITION, version_id, company, scope)
        if ids is None:  # as often as the night comes, not with every delivery
            for rule, error in failed:
                engine._tell_not_asked(set_id, version_id, error, rule)
        rule_set, _conditions = engine._load(version_id)
        effects = {rule.id: self._get_effect(rule, mode) for rule in rule_set.rules}
        terms = {
            rule.id: action for rule in rule_set.rules for action in rule.actions
            if action['kind'] == 'alert' and effects[rule.id] not in ('logged', 'let_through')}
        hits = [
            (position_id, rule.id, effects[rule.id], rule.id in terms)
            for position_id, rules in pick(matches, rule_set.hit_policy).items() for rule in rules]
        with self._laying_down(hits) as relation:
            yield Asked(
                set_id, version_id, mode, when, company, ids, {rule.id: rule for rule in rule_set.rules}, relation,
                effects, terms, [rule.id for rule, _error in failed])
        if many:
            self.env['sales.rule.facts']._set_planner(dict.fromkeys(PLANNER))

    def _get_effect(self, rule, mode):
        decision = soften(rule.decision, mode)
        effect = EFFECTS.get(decision, decision)
        return 'warned' if effect in ('held', 'stopped') else effect  # there is nothing to stop

    @contextmanager
    def _laying_down(self, hits):
        """Give the SQL of hits as a relation; many are in a table of their own meanwhile."""
        columns = zip(*hits, strict=True) if hits else ([], [], [], [])
        query = SQL(
            "SELECT * FROM unnest(%s::int[], %s::int[], %s::varchar[], %s::bool[]) AS"
            " u (position_id, rule_id, effect, alerts)", *map(list, columns))
        if len(hits) <= FEW:
            yield SQL("(%s)", query)
            return
        table = self.env['sales.rule.facts']._create_table(f'sales_stock_alert_hits_{secrets.token_hex(6)}', query)
        yield table
        self.env.cr.execute(SQL("DROP TABLE %s", table))

    def _in_scope(self, asked, column):
        return SQL("TRUE") if asked.ids is None else SQL("%s = ANY(%s)", column, asked.ids)

    def _get_figure_names(self, asked):
        """Return what alerts of a set keep: the plain figures that its rules ask for or speak of."""
        rules, (_rule_set, conditions) = self.env['sales.rule'], self.env['sales.rule.engine']._load(asked.version_id)
        positions = self.env[POSITION]
        paths = dict.fromkeys(FIGURES)
        for rule in asked.rules.values():
            paths.update(dict.fromkeys(rules._iter_paths(conditions[rule.id])))
            for text in rule.messages.values():
                paths.update(dict.fromkeys(rules._get_placeholders(text)))
        return [
            path for path in paths
            if (field := positions._fields.get(path)) and not field.relational
            and (field.store or path == 'lead_slip') and path not in ('id', 'refreshed_at', 'status_sequence')]

    def _get_figures(self, asked, labelled=False):
        """Return the SQL of the figures of a position ``p``, by the names of the fields or by their labels."""
        positions = self.env[POSITION]
        return SQL("jsonb_build_object(%s)", SQL(", ").join(
            SQL("%s::text, %s", positions._fields[name]._description_string(self.env) if labelled else name,
                positions._get_figure_sql('p', name))
            for name in self._get_figure_names(asked)))

    # -- the log

    def _write_decisions(self, asked):
        """Write down what the rules decided anew, and that others do not hold any more.

        A decision names its rule and has the figures; the sentence about them is that of the alert.
        """
        parameters = {
            'hits': asked.hits, 'model': POSITION, 'set': asked.set_id, 'when': asked.when,
            'company': asked.company.id, 'failed': asked.failed, 'scope': self._in_scope(asked, SQL("d.res_id")),
        }
        self.env.cr.execute(SQL(
            """
            UPDATE sales_rule_decision d SET current = FALSE
             WHERE d.current AND d.model = %(model)s AND d.set_id = %(set)s AND d."when" = %(when)s
               AND d.company_id = %(company)s AND d.rule_id <> ALL(%(failed)s::int[]) AND %(scope)s
               AND NOT EXISTS (SELECT FROM %(hits)s h WHERE h.position_id = d.res_id AND h.rule_id = d.rule_id
                                  AND h.effect = d.effect)
            """, **parameters))
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_rule_decision (
                date, set_id, version_id, rule_id, rule_name, model, res_id, company_id, salesman_id, user_id, "when",
                mode, decision, effect, message, inputs, current, create_uid, create_date, write_uid, write_date)
            SELECT %(now)s, %(set)s, %(version)s, h.rule_id, r.name, %(model)s, p.id, p.company_id, p.user_id, %(uid)s,
                   %(when)s, %(mode)s, r.decision, h.effect, r.name, %(figures)s, TRUE, %(uid)s, %(now)s, %(uid)s,
                   %(now)s
              FROM %(hits)s h
              JOIN sales_stock_position p ON p.id = h.position_id
              JOIN %(rules)s r (rule_id, decision, name) ON r.rule_id = h.rule_id
             WHERE NOT EXISTS (SELECT FROM sales_rule_decision d
                                WHERE d.current AND d.model = %(model)s AND d.res_id = p.id AND d.set_id = %(set)s
                                  AND d.rule_id = h.rule_id AND d.effect = h.effect AND d."when" = %(when)s)
            """,
            **parameters, rules=self._describe_rules(asked), now=fields.Datetime.now(), version=asked.version_id,
            uid=self.env.uid, mode=asked.mode, figures=self._get_figures(asked, labelled=True)))

    def _describe_rules(self, asked):
        """Return the SQL of (rule_id, decision, name)."""
        return SQL("(VALUES %s)", SQL(", ").join(
            SQL("(%s::int, %s::varchar, %s::varchar)", rule.id, rule.decision, rule.name(self.env.lang))
            for rule in asked.rules.values()))

    # -- alerts

    def _refresh_figures(self, asked):
        """Have open alerts say how things stand now."""
        if not asked.terms:
            return
        self.env.cr.execute(SQL(
            """
            UPDATE sales_stock_alert a
               SET figures = now.figures, value_at_risk = now.value, version_id = %(version)s
              FROM (SELECT h.rule_id, p.id AS position_id, %(figures)s AS figures, %(value)s AS value
                      FROM %(hits)s h
                      JOIN %(terms)s ON t.rule_id = h.rule_id
                      JOIN sales_stock_position p ON p.id = h.position_id
                      JOIN res_company company ON company.id = p.company_id
                      JOIN res_currency currency ON currency.id = company.currency_id) now
             WHERE a.holds AND a.rule_id = now.rule_id AND a.position_id = now.position_id
               AND (a.figures IS DISTINCT FROM now.figures OR a.value_at_risk IS DISTINCT FROM now.value
                    OR a.version_id <> %(version)s)
            """,
            figures=self._get_figures(asked), value=self._get_value(), hits=asked.hits,
            terms=self._get_terms_sql(asked.terms), version=asked.version_id))
        if self.env.cr.rowcount:
            self.invalidate_model(flush=False)

    def _close_ended(self, asked):
        """Close the alerts whose rule holds no more; return those that were open till now."""
        return self._close(SQL(
            """
            SELECT a.id, CASE WHEN a.rule_id = ANY(%(raising)s::int[]) THEN 'cause' ELSE 'rule' END AS reason
              FROM sales_stock_alert a JOIN sales_stock_position p ON p.id = a.position_id
             WHERE a.holds AND a.set_id = %(set)s AND a.company_id = %(company)s
               AND a.rule_id <> ALL(%(failed)s::int[]) AND %(scope)s
               AND NOT EXISTS (SELECT FROM %(hits)s h
                                WHERE h.alerts AND h.position_id = a.position_id AND h.rule_id = a.rule_id)
               FOR SHARE OF p
            """,
            set=asked.set_id, company=asked.company.id, failed=asked.failed, hits=asked.hits,
            raising=list(asked.terms), scope=self._in_scope(asked, SQL("a.position_id"))))

    def _close_orphans(self, company):
        """Close what no rule in force speaks of any more."""
        engine = self.env['sales.rule.engine']
        sets = [set_id for when in MOMENTS for set_id, _version, _mode in engine._get_sets(POSITION, when, company.id)]
        return self._close(SQL(
            """
            SELECT id, 'rule' AS reason FROM sales_stock_alert
             WHERE holds AND company_id = %s AND set_id <> ALL(%s::int[])
            """, company.id, sets))

    def _close_homeless(self):
        """Close what is about positions that are gone."""
        return self._close(SQL(
            "SELECT id, 'cause' AS reason FROM sales_stock_alert WHERE holds AND position_id IS NULL"))

    def _close(self, ended):
        """Close the alerts of a query of ids and reasons; one that was handled only ends with its cause."""
        rows = self.env.execute_query(SQL(
            """
            WITH ended AS (%(ended)s)
            UPDATE sales_stock_alert a
               SET holds = FALSE, state = 'closed', snoozed_until = NULL, closed_at = COALESCE(a.closed_at, %(now)s),
                   close_reason = COALESCE(a.close_reason, ended.reason), write_date = %(now)s,
                   to_tell = EXISTS (SELECT FROM mail_activity m
                                      WHERE m.res_model = 'sales.stock.alert' AND m.res_id = a.id AND m.active)
              FROM ended, sales_stock_alert old
             WHERE a.id = ended.id AND old.id = a.id
            RETURNING a.id, old.state <> 'closed'
            """, ended=ended, now=fields.Datetime.now()))
        if rows:
            self.invalidate_model(flush=False)
        return self.browse([alert_id for alert_id, was_open in rows if was_open])

    def _open_new(self, asked):
        """Open the alerts that are missing, and return them."""
        if not asked.terms:
            return self.browse()
        now = fields.Datetime.now()
        rows = self.env.execute_query(SQL(
            """
            INSERT INTO sales_stock_alert (
                position_id, product_id, categ_id, warehouse_id, company_id, rule_id, set_id, version_id, kind,
                severity, value_at_risk, user_id, state, holds, opened_at, escalate_at, occurrence, figures, in_digest,
                to_tell, create_uid, create_date, write_uid, write_date)
            SELECT p.id, p.product_id, p.categ_id, p.warehouse_id, p.company_id, t.rule_id, %(set)s, %(version)s,
                   t.kind, t.severity, %(value)s, COALESCE(t.user_id, p.user_id), 'open', TRUE, %(now)s,
                   %(now)s + NULLIF(t.hours, 0) * INTERVAL '1 hour',
                   1 + (SELECT COUNT(*) FROM sales_stock_alert b WHERE b.rule_id = t.rule_id AND b.position_id = p.id),
                   %(figures)s, t.digest, TRUE, %(uid)s, %(now)s, %(uid)s, %(now)s
              FROM %(hits)s h
              JOIN %(terms)s ON t.rule_id = h.rule_id
              JOIN sales_stock_position p ON p.id = h.position_id
              JOIN res_company company ON company.id = p.company_id
              JOIN res_currency currency ON currency.id = company.currency_id
             WHERE NOT EXISTS (SELECT FROM sales_stock_alert a
                                WHERE a.holds AND a.rule_id = t.rule_id AND a.position_id = p.id)
               FOR SHARE OF p
            ON CONFLICT (rule_id, position_id) WHERE holds DO NOTHING
            RETURNING id
            """,
            set=asked.set_id, version=asked.version_id, value=self._get_value(), now=now, uid=self.env.uid,
            figures=self._get_figures(asked), hits=asked.hits, terms=self._get_terms_sql(asked.terms)))
        return self.browse([alert_id for (alert_id,) in rows])

    def _get_terms_sql(self, terms):
        """Return the SQL of what rules say about alerts, ``t``."""
        users = self.env['res.users'].browse(
            {each['alert_user_id'] for each in terms.values() if each['alert_user_id']}).exists().ids
        return SQL(
            "(VALUES %s) t (rule_id, kind, severity, user_id, hours, digest)",
            SQL(", ").join(
                SQL("(%s::int, %s::varchar, %s::varchar, %s::int, %s::int, %s::bool)", rule_id, each['alert_kind'],
                    each['alert_severity'], each['alert_user_id'] if each['alert_user_id'] in users else None,
                    each['alert_escalate_hours'], each['alert_digest'])
                for rule_id, each in terms.items()))

    def _get_value(self):
        """Return the SQL of what is at risk for position ``p`` by the kind of alert ``t``, rounded as money is."""
        return SQL(
            """
            (ROUND((CASE t.kind
                WHEN 'uncovered' THEN COALESCE(p.revenue_at_risk, 0)
                WHEN 'overstock' THEN COALESCE(p.overstock_value, 0)
                WHEN 'expiry' THEN COALESCE(
                    p.value * LEAST(p.qty_expiring::numeric / NULLIF(p.qty_on_hand, 0)::numeric, 1), 0)
                WHEN 'dead' THEN COALESCE(p.value, 0)
                WHEN 'negative' THEN ABS(COALESCE(p.value, 0))
                WHEN 'other' THEN COALESCE(p.value, 0)
                ELSE COALESCE(p.revenue_at_risk, 0)
                   + COALESCE(p.revenue_12, 0) / 365 * COALESCE(NULLIF(p.lead_days, 0)::numeric, %(usual)s)
                END)::numeric / currency.rounding::numeric) * currency.rounding::numeric)
            """, usual=USUAL_LEAD)
