import json

from odoo import models
from odoo.tools import SQL

#: the customers of the documents, with all their contacts
CUSTOMERS = SQL(
    """
    contacts AS NOT MATERIALIZED (
        SELECT c.partner_id, p.id AS contact_id
          FROM (SELECT DISTINCT partner_id FROM docs) c
          JOIN res_partner p ON p.commercial_partner_id = c.partner_id)
    """)
#: an array, of which the planner knows better than of a join how much it leaves
COMPANIES = SQL("= ANY(ARRAY(SELECT DISTINCT company_id FROM docs))")
RECEIVABLES = SQL(
    """
    receivables AS MATERIALIZED (
        SELECT l.company_id, c.partner_id, l.id, l.move_id, l.date, l.balance, l.reconciled,
               GREATEST(COALESCE(l.date_maturity, l.date), l.date) AS due
          FROM contacts c
          JOIN account_move_line l ON l.partner_id = c.contact_id
          JOIN account_account a ON a.id = l.account_id
         WHERE l.company_id %s AND a.account_type = 'asset_receivable' AND l.parent_state = 'posted'
           AND l.balance <> 0)
    """, COMPANIES)


class SalesRuleFactsMoney(models.AbstractModel):
    """What a customer owed at the moment, and what of that was overdue."""
    _name = 'sales.rule.facts.money'
    _inherit = ['sales.rule.family']
    _description = "Facts of Sales: Money"

    def _fields_read(self):
        receivables = {
            'account.move.line': [
                'account_id', 'balance', 'company_id', 'date', 'date_maturity', 'move_id', 'parent_state',
                'partner_id', 'reconciled'],
            'account.account': ['account_type'],
            'account.partial.reconcile': ['amount', 'credit_move_id', 'debit_move_id', 'max_date'],
        }
        return super()._fields_read() | {
            'overdue': receivables,
            'credit': receivables | {
                'account.move': ['amount_total'],
                'account.move.line': [
                    *receivables['account.move.line'], 'currency_id', 'price_subtotal', 'price_total'],
                'sale.order': ['delivery_status', 'invoice_status', 'sales_history'],
                'sale.order.line': ['invoice_lines', 'order_id'],
                'res.company': ['account_use_credit_limit'],
                'res.partner': ['credit_limit'],
            },
        }

    # -- credit

    def _select_credit(self, docs):
        """Return what the customer of each document owed: receivables up to the day, and orders not invoiced.

        An order counts with its total from its confirmation on, and with what is invoiced of it less from the
        dates of its invoices on. Where all that is to be delivered is delivered and invoiced, nothing is left.
        A quotation comes after the orders of its very second, so that two at once do not overlook each other.
        """
        return SQL(
            """
            WITH docs AS NOT MATERIALIZED (%(docs)s), %(customers)s, %(receivables)s,
            orders AS MATERIALIZED (
                SELECT o.company_id, c.partner_id, o.id, o.currency_id, GREATEST(o.amount_total / x.rate, 0) AS total,
                       x.rate, o.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.sales_timezone AS at,
                       o.invoice_status = 'invoiced'
                       OR o.delivery_status = 'full' AND o.invoice_status <> 'to invoice' AS is_settled
                  FROM contacts c
                  JOIN sale_order o ON o.partner_id = c.contact_id
                  JOIN res_company company ON company.id = o.company_id
                 CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(o.currency_rate, 0), 1) AS rate) x
                 WHERE o.company_id %(companies)s AND o.state = 'sale' AND o.sales_history IS NOT TRUE),
            invoiced AS MATERIALIZED (
                -- credit notes count less, and so do the down payments that an invoice takes off
                SELECT o.id AS order_id, i.move_id, i.date,
                       SUM(CASE WHEN i.currency_id = o.currency_id
                                THEN -SIGN(i.balance) * ABS(i.price_total) / o.rate
                                ELSE -i.balance * COALESCE(i.price_total / NULLIF(i.price_subtotal, 0), 1)
                           END) AS amount,
                       SUM(ABS(i.price_total)) AS share
                  FROM orders o
                  JOIN sale_order_line l ON l.order_id = o.id
                  JOIN sale_order_line_invoice_rel rel ON rel.order_line_id = l.id
                  JOIN account_move_line i ON i.id = rel.invoice_line_id
                 WHERE i.parent_state = 'posted'
                 GROUP BY o.id, i.move_id, i.date),
            steps AS MATERIALIZED (
                SELECT o.*, i.date, i.amount, i.order_id IS NULL AS is_alone,
                       SUM(i.amount) OVER past AS past,
                       ROW_NUMBER() OVER (PARTITION BY o.id ORDER BY i.date DESC, i.move_id DESC) = 1 AS is_last
                  FROM orders o
                  LEFT JOIN invoiced i ON i.order_id = o.id
                WINDOW past AS (PARTITION BY o.id ORDER BY i.date, i.move_id ROWS UNBOUNDED PRECEDING)),
            owed AS (
                SELECT company_id, partner_id, date::timestamp AS at, 0 AS rank, NULL::int AS id, balance AS amount
                  FROM receivables
                UNION ALL
                SELECT company_id, partner_id, at, 2, NULL, total FROM orders
                UNION ALL
                SELECT company_id, partner_id, GREATEST(date::timestamp, at), 2, NULL,
                       CASE WHEN is_settled AND is_last THEN 0 ELSE GREATEST(total - past, 0) END
                       - GREATEST(total - past + amount, 0)
                  FROM steps
                 WHERE NOT is_alone
                UNION ALL
                SELECT company_id, partner_id, at, 2, NULL, -total FROM steps WHERE is_alone AND is_settled
                UNION ALL
                SELECT company_id, partner_id, local, CASE WHEN is_confirmed THEN 1 ELSE 3 END, id, 0 FROM docs),
            running AS (
                SELECT id, SUM(amount) OVER (
                           PARTITION BY company_id, partner_id ORDER BY at, rank ROWS UNBOUNDED PRECEDING) AS amount
                  FROM owed),
            own AS MATERIALIZED (%(own)s)
            SELECT running.id, running.amount - COALESCE(own.amount, 0) AS used
              FROM running
              LEFT JOIN own ON own.id = running.id
             WHERE running.id IS NOT NULL
            """, docs=docs, customers=CUSTOMERS, companies=COMPANIES, receivables=RECEIVABLES,
            own=self._select_own_receivables())

    def _select_own_receivables(self):
        """Return what was open of the order's own invoices: those of the very day of its confirmation, or before."""
        return SQL(
            """
            SELECT docs.id,
                   SUM((r.balance - COALESCE(paid.amount, 0)) * LEAST(i.share / NULLIF(m.amount_total, 0), 1)) AS amount
              FROM docs
              JOIN invoiced i ON i.order_id = docs.id AND i.date <= docs.day
              JOIN account_move m ON m.id = i.move_id
              JOIN receivables r ON r.move_id = i.move_id AND r.balance > 0
              LEFT JOIN LATERAL (
                   SELECT SUM(part.amount) AS amount
                     FROM account_partial_reconcile part
                    WHERE part.debit_move_id = r.id AND part.max_date <= docs.day) paid ON TRUE
             WHERE docs.is_confirmed
             GROUP BY docs.id
            """)

    def _select_order_credit(self, docs):
        fallback = json.loads(self.env['ir.default'].sudo()._get_field_column_fallbacks('res.partner', 'credit_limit'))
        return SQL(
            """
            WITH credit AS MATERIALIZED (%(credit)s)
            SELECT d.id, x.used AS sales_credit_used, x.after AS sales_credit_after, y.credit AS sales_credit_limit,
                   CASE WHEN y.credit > 0 THEN GREATEST(x.after - y.credit, 0) ELSE 0 END AS sales_credit_excess
              FROM (%(docs)s) d
              JOIN credit c ON c.id = d.id
              JOIN res_partner p ON p.id = d.partner_id
              JOIN res_company company ON company.id = d.company_id
             CROSS JOIN LATERAL (
                    SELECT ROUND(c.used, 6) AS used, ROUND(c.used + d.amount_total / d.rate, 6) AS after) x
             CROSS JOIN LATERAL (
                    SELECT CASE WHEN company.account_use_credit_limit
                           THEN COALESCE((p.credit_limit ->> d.company_id::text)::numeric,
                                         (%(fallback)s::jsonb ->> d.company_id::text)::numeric, 0)
                           ELSE 0 END AS credit) y
            """, docs=docs, credit=self._select_credit(docs), fallback=json.dumps(fallback))

    def _select_partner_credit(self, docs):
        return SQL("SELECT id, ROUND(used, 6) AS sales_credit_used FROM (%s) c", self._select_credit(docs))

    # -- overdue

    def _select_overdue(self, docs):
        """Return the oldest open due date and what was overdue.

        A receivable leads, as the oldest, from the day after its due date, or from when all that were due before it
        are settled, until it is settled itself. These times follow each other without overlapping, so the last one
        that began is the greatest one, and a running maximum finds it.
        """
        return SQL(
            """
            WITH docs AS NOT MATERIALIZED (%(docs)s), %(customers)s, %(receivables)s,
            parts AS MATERIALIZED (
                SELECT r.id, part.max_date AS day, part.amount
                  FROM receivables r
                  JOIN account_partial_reconcile part ON part.debit_move_id = r.id
                 WHERE r.balance > 0),
            late AS MATERIALIZED (
                SELECT r.company_id, r.partner_id, r.id, r.balance, r.due, r.due + 1 AS since, x.settled
                  FROM receivables r
                  LEFT JOIN (SELECT id, MAX(day) AS day FROM parts GROUP BY id) p ON p.id = r.id
                 CROSS JOIN LATERAL (
                        SELECT CASE WHEN r.reconciled THEN COALESCE(p.day, r.due) ELSE 'infinity' END AS settled) x
                 WHERE r.balance > 0 AND x.settled > r.due + 1),
            oldest AS (
                SELECT company_id, partner_id, due, settled,
                       GREATEST(since, MAX(settled) OVER (
                           PARTITION BY company_id, partner_id ORDER BY due, id
                           ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) AS since
                  FROM late),
            happened AS (
                SELECT company_id, partner_id, since AS day, 0 AS rank, NULL::int AS id, balance AS amount,
                       NULL::date AS due, NULL::date AS settled
                  FROM late
                UNION ALL
                SELECT late.company_id, late.partner_id, GREATEST(late.since, parts.day), 0, NULL, -parts.amount,
                       NULL, NULL
                  FROM late
                  JOIN parts ON parts.id = late.id
                UNION ALL
                SELECT company_id, partner_id, since, 0, NULL, 0, due, settled FROM oldest WHERE since < settled
                UNION ALL
                SELECT company_id, partner_id, day, 1, id, 0, NULL, NULL FROM docs),
            running AS (
                SELECT id, day, SUM(amount) OVER past AS amount, MAX(due) OVER past AS due,
                       MAX(settled) OVER past AS settled
                  FROM happened
                WINDOW past AS (PARTITION BY company_id, partner_id ORDER BY day, rank ROWS UNBOUNDED PRECEDING))
            SELECT id, CASE WHEN settled > day THEN day - due ELSE 0 END AS sales_overdue_days,
                   ROUND(GREATEST(amount, 0), 6) AS sales_overdue_amount
              FROM running
             WHERE id IS NOT NULL
            """, docs=docs, customers=CUSTOMERS, receivables=RECEIVABLES)

    def _select_order_overdue(self, docs):
        return self._select_overdue(docs)

    def _select_partner_overdue(self, docs):
        return self._select_overdue(docs)
