import secrets

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from .sales_rule_fact_field import Fact

#: document -> what the SQL of its families is called
DOCUMENTS = {'sale.order': 'order', 'sale.order.line': 'line', 'res.partner': 'partner'}
OPERATORS = {
    'in': SQL("IN"), 'not in': SQL("NOT IN"), **{operator: SQL(operator) for operator in ('<', '>', '<=', '>=')},
}
#: for reading all documents: compiling takes longer than it gains, and what is sorted fits into this memory (in kB)
BULK = {'jit': 'off', 'work_mem': '262144'}
#: families that look at the documents in a query of their own before they give their SQL
IN_ADVANCE = {'price'}
#: context key: the table in which facts were laid down by ``_materialize``
TABLE = 'sales_rule_facts'
#: a table that is never made, for searches that are compiled to see whether they can be
NOWHERE = 'sales_rule_facts_nowhere'


class SalesRuleFacts(models.AbstractModel):
    """What can be said of a document at the moment of its decision: discount given, credit used, stock missing, ...

    A quotation is decided on now, a confirmed order was at its ``date_order``. Facts that belong together are a
    *family*: one SQL, set-based, that serves one document and all of them: ``_select_order_money(docs)`` gives id
    and facts of the orders of ``docs``. What happened before each document is found by sorting documents and
    happenings together and running along (windows), never by a query for each document.

    ``docs`` is the SQL of a relation, see ``_select_docs``. A family may leave out documents that it has nothing to
    say of. Each belongs to one company, and only what is of that company counts, whoever asks.
    """
    _name = 'sales.rule.facts'
    _inherit = [
        'sales.rule.facts.lines', 'sales.rule.facts.money', 'sales.rule.facts.history', 'sales.rule.facts.quantity',
        'sales.rule.facts.price', 'sales.rule.facts.stock']
    _description = "Facts for the Rules of Sales"

    # -- what there is

    @api.model
    def _facts(self, model, names=None):
        """Return family -> its fields, of all facts of a model or of those with the given names."""
        families = {}
        for name, field in self.env[model]._fields.items():
            if isinstance(field, Fact) and field.family and (names is None or name in names):
                families.setdefault(field.family, []).append(field)
        return families

    @api.model
    def _fields_read(self):
        return super()._fields_read() | {
            'docs': {
                'sale.order': [
                    'amount_total', 'amount_untaxed', 'client_order_ref', 'commitment_date', 'company_id',
                    'currency_id', 'currency_rate', 'date_order', 'fiscal_position_id', 'partner_id',
                    'payment_term_id', 'picking_policy', 'pricelist_id', 'state', 'warehouse_id'],
                'sale.order.line': ['order_id'],
                'res.partner': ['commercial_partner_id'],
                'res.company': ['sales_timezone'],
            },
        }

    # -- the SQL

    @api.model
    def _select_docs(self, model, ids):
        """Return the SQL of the documents that facts are wanted of; of the orders of lines.

        :param SQL ids: a query of ids
        """
        now = fields.Datetime.now()
        if model == 'res.partner':
            return SQL(
                """
                SELECT p.id, c.id AS company_id, COALESCE(p.commercial_partner_id, p.id) AS partner_id,
                       FALSE AS is_confirmed, %(now)s::timestamp AS moment,
                       %(now)s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone AS local,
                       (%(now)s::timestamp AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date AS day
                  FROM res_partner p, res_company c
                 WHERE p.id IN (%(ids)s) AND c.id = %(company)s
                """, ids=ids, now=now, company=self.env.company.id)
        if model == 'sale.order.line':
            ids = SQL("SELECT order_id FROM sale_order_line WHERE id IN (%s)", ids)
        return SQL(
            """
            SELECT o.id, o.company_id, p.commercial_partner_id AS partner_id, o.state = 'sale' AS is_confirmed,
                   x.moment, y.local, y.local::date AS day, o.date_order,
                   COALESCE(NULLIF(o.currency_rate, 0), 1) AS rate, o.amount_untaxed, o.amount_total, o.commitment_date,
                   o.picking_policy, o.payment_term_id, o.pricelist_id, o.currency_id, o.fiscal_position_id,
                   o.warehouse_id, c.sales_timezone AS tz
              FROM sale_order o
              JOIN res_partner p ON p.id = o.partner_id
              JOIN res_company c ON c.id = o.company_id
             CROSS JOIN LATERAL (
                    SELECT CASE WHEN o.state = 'sale' THEN o.date_order ELSE %(now)s::timestamp END AS moment) x
             CROSS JOIN LATERAL (SELECT x.moment AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone AS local) y
             WHERE o.id IN (%(ids)s)
            """, ids=ids, now=now)

    @api.model
    def _select_family(self, model, family, docs):
        """Return the SQL of a family: id and facts, of those documents at least that have something to tell."""
        select = getattr(self, f'_select_{DOCUMENTS[model]}_{family}')(docs)
        return SQL("%s", select, to_flush=self._to_flush(family))

    @api.model
    def _select(self, model, ids, names):
        """Return the SQL of the facts with these names: one row per document, nothing empty.

        :param SQL ids: a query of ids of documents
        """
        docs = self._select_docs(model, ids)
        families = self._facts(model, names)
        # materialized: a planner that expects few rows would otherwise work them out anew for each document
        parts = [
            SQL("%s AS MATERIALIZED (%s)", SQL.identifier(family), self._select_family(model, family, docs))
            for family in families
        ]
        tables = {family: SQL.identifier(family) for family in families}
        return SQL("WITH %s %s", SQL(", ").join(parts), self._join(families, SQL("(%s)", ids), tables))

    def _join(self, families, ids, tables):
        return SQL(
            "SELECT d.id, %s FROM %s d %s",
            SQL(", ").join(
                SQL("COALESCE(%s, %s)::%s AS %s", SQL.identifier(family, field.name), field.nothing,
                    SQL(field.column), SQL.identifier(field.name))
                for family, facts in families.items() for field in facts),
            ids,
            SQL(" ").join(
                SQL("LEFT JOIN %s %s ON %s = d.id", table, SQL.identifier(family), SQL.identifier(family, 'id'))
                for family, table in tables.items()))

    # -- reading

    @api.model
    def _read(self, model, ids, names):
        """Return id -> name -> value of the facts of some documents, in one query for all families.

        The documents are laid down within it: with few of them, planning each family anew from its first table on
        would take longer than all the rest.
        """
        families = self._facts(model, names)
        if not ids or not families:
            return {id_: {} for id_ in ids}
        table = SQL.identifier(self.env[model]._table)
        query = SQL("SELECT id FROM %s WHERE id = ANY(%s)", table, list(ids))
        docs, shared = self._select_docs(model, query), SQL("SELECT * FROM asked_documents")
        parts = [
            SQL("asked_documents AS MATERIALIZED (%s)", docs),
            *(SQL("%s AS MATERIALIZED (%s)", SQL.identifier(family),
                  self._select_family(model, family, docs if family in IN_ADVANCE else shared)) for family in families),
        ]
        tables = {family: SQL.identifier(family) for family in families}
        columns = [field.name for facts in families.values() for field in facts]
        rows = self.env.execute_query(
            SQL("WITH %s %s", SQL(", ").join(parts), self._join(families, SQL("(%s)", query), tables)))
        return {id_: dict(zip(columns, row, strict=True)) for id_, *row in rows}

    @api.model
    def _compute(self, records, family):
        """Give the records the facts of a family; one that is not saved has those of the record it comes from."""
        facts = self._facts(records._name)[family]
        values = self._read(records._name, records._origin.ids, [field.name for field in facts])
        for record in records:
            row = values.get(record._origin.id) or {}
            for field in facts:
                record[field.name] = row.get(field.name, field.nothing)

    @api.model
    def _prefetch(self, records, names):
        """Read facts of saved records that are going to be asked for, in one query instead of one for each family."""
        values = self._read(records._name, records.ids, names)
        for name in names:
            field = records._fields[name]
            field._insert_cache(records, [values.get(id_, {}).get(name, field.nothing) for id_ in records._ids])

    @api.model
    def _forget(self, records):
        """Drop what is known of the facts of the records: other documents may have changed since."""
        records.invalidate_recordset([
            field.name for facts in self._facts(records._name).values() for field in facts], flush=False)

    # -- searching

    @api.model
    def _search_fact(self, model, name, operator, value):
        """Return the domain of a comparison with a fact: in SQL, and the same in Python."""
        field = self.env[model]._fields[name]
        compare = self._prepare_comparison(field, operator, value)
        if compare is None:
            return NotImplemented

        def to_sql(records, alias, _query):
            records._check_field_access(field, 'read')
            return SQL(
                "%s IN (WITH facts AS MATERIALIZED (%s) SELECT id FROM facts WHERE %s)", SQL.identifier(alias, 'id'),
                records.env['sales.rule.facts']._select_to_search(model, name), compare)

        positive = Domain.NEGATIVE_OPERATORS.get(operator, operator) if operator == 'not in' else operator
        holds = field.filter_function(self.env[model], name, positive, value)
        return Domain.custom(
            to_sql=to_sql, predicate=holds if positive == operator else lambda record: not holds(record))

    def _prepare_comparison(self, field, operator, value):
        if operator not in OPERATORS:
            return None
        convert = bool if field.type == 'boolean' else float
        try:
            values = tuple(convert(each or 0) for each in (value if operator.endswith('in') else [value]))
        except (TypeError, ValueError):
            return None
        return SQL(
            "%s %s %s", SQL.identifier('facts', field.name), OPERATORS[operator],
            values if operator.endswith('in') else values[0])

    def _select_to_search(self, model, name):
        """Return the SQL of one fact of all documents: from the table in which it was laid down, if there is one."""
        table = self.env.context.get(TABLE)
        if name in self.env.cr.cache.get(TABLE, {}).get((table, model), ()):
            return SQL("SELECT * FROM %s", SQL.identifier(table))
        return self._select(model, SQL("SELECT id FROM %s", SQL.identifier(self.env[model]._table)), [name])

    @api.model
    def _compile_only(self):
        """Return a context in which searches for facts are compiled without working any out. They cannot be run."""
        self.env.cr.cache.setdefault(TABLE, {}).update({
            (NOWHERE, model): frozenset(field.name for facts in self._facts(model).values() for field in facts)
            for model in DOCUMENTS})
        return {TABLE: NOWHERE}

    # -- laying down

    @api.model
    def _materialize(self, model, docs, names=None, scopes=None):
        """Lay down facts in a table that lasts until the transaction ends, and return its name.

        With the name in the context (``sales_rule_facts``), searches take the facts from there: whoever asks many
        questions about many documents has them worked out once. Documents that are not in the table are not found.

        :param docs: ids, or the SQL of a query of ids
        :param dict scopes: family -> SQL of a query of ids: of other documents, nobody will ask for that family
        """
        if not isinstance(docs, SQL):
            docs = SQL("SELECT unnest(%s::int[]) AS id", list(docs))
        self._set_planner(BULK)
        table = f'sales_rule_facts_{secrets.token_hex(6)}'
        families = self._facts(model, names)
        ids = self._create_table(f'{table}_ids', SQL("SELECT DISTINCT id FROM (%s) d", docs))
        rows = SQL("SELECT * FROM %s", self._create_table(
            f'{table}_docs', SQL("%s", self._select_docs(model, SQL("SELECT id FROM %s", ids)),
                                 to_flush=self._to_flush('docs'))))
        parts = {
            family: self._create_table(
                f'{table}_{family}', self._select_family(model, family, self._narrow(rows, (scopes or {}).get(family))))
            for family in families
        }
        self._create_table(table, self._join(families, ids, parts), index=True)
        self.env.cr.execute(SQL(
            "DROP TABLE %s", SQL(", ").join([ids, *parts.values(), SQL.identifier(f'{table}_docs')])))
        self._set_planner(dict.fromkeys(BULK))
        self.env.cr.cache.setdefault(TABLE, {})[table, model] = frozenset(
            field.name for facts in families.values() for field in facts)
        return table

    def _narrow(self, docs, scope):
        return SQL("SELECT * FROM (%s) d WHERE id IN (%s)", docs, scope) if scope else docs

    def _set_planner(self, settings):
        """Set what the planner of PostgreSQL goes by, until the transaction ends at the latest."""
        self.env.execute_query(SQL(
            "SELECT %s", SQL(", ").join(
                SQL("set_config(%(name)s, COALESCE(%(value)s,"
                    " (SELECT reset_val FROM pg_settings WHERE name = %(name)s)), TRUE)", name=name, value=value)
                for name, value in settings.items())))

    def _create_table(self, name, query, index=False):
        table = SQL.identifier(name)
        self.env.execute_query(SQL("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", table, query))
        if index:
            self.env.cr.execute(SQL("CREATE UNIQUE INDEX ON %s (id)", table))
        self.env.cr.execute(SQL("ANALYZE %s", table))
        return table
