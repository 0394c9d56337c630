from odoo import api, models
from odoo.tools import SQL


class SalesRuleEngine(models.AbstractModel):
    """Rules asked about a whole set of documents in one query, none of which is read: for models that are
    ``_rule_set_based``."""
    _name = 'sales.rule.engine'
    _inherit = ['sales.rule.engine']

    @api.model
    def _find_matches(self, model, version_id, company, scope):
        """Return which rules of a version hold for documents of a company.

        Days are those of the company: nobody is there whose time zone it could be.

        :param Domain scope: which documents, besides that the publisher may see them
        :return: (document id -> rules in their order, [(rule, error)] of those that could not be asked)
        """
        rule_set, conditions = self._load(version_id)
        rules = rule_set.valid_rules(self._get_today(company), company.id)
        if not rules:
            return {}, []
        if reason := self._check_publisher(version_id):
            return {}, [(rule, reason) for rule in rules]
        documents = self._as_publisher(self.env[model], version_id, company).with_context(
            active_test=False, tz=company.sales_timezone)
        return self._ask_together(rules, lambda some: self._select_matches(documents, some, conditions, scope))

    def _select_matches(self, documents, rules, conditions, scope):
        """Ask with a column for each rule; only documents for which one holds come out of the database."""
        query = documents._search(scope)
        places = [
            SQL("CASE WHEN %s THEN %s END",
                conditions[rule.id].optimize_full(documents)._to_sql(documents, documents._table, query), place)
            for place, rule in enumerate(rules)]
        rows = self.env.execute_query(SQL(
            "SELECT id, held FROM (%s) asked WHERE held <> '{}'",
            query.select(
                SQL.identifier(documents._table, 'id'),
                SQL("array_remove(ARRAY[%s]::int[], NULL) AS held", SQL(", ").join(places)))))
        return {document_id: [rules[place] for place in held] for document_id, held in rows}
