import logging

from odoo import api, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)


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
        try:
            with self.env.cr.savepoint(flush=False):
                return self._select_matches(documents, rules, conditions, scope), []
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception:
            _logger.info("Rules cannot be asked together; one by one it shows which", exc_info=True)
        return self._select_matches_singly(documents, rules, conditions, scope)

    def _select_matches_singly(self, documents, rules, conditions, scope):
        matches, failed = {}, []
        for rule in rules:
            try:
                with self.env.cr.savepoint(flush=False):
                    for document_id in self._select_matches(documents, [rule], conditions, scope):
                        matches.setdefault(document_id, []).append(rule)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                raise
            except Exception as error:
                _logger.warning("Rule %s failed", rule.name(), exc_info=True)
                failed.append((rule, str(error)))
        return matches, failed

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
