from odoo import models
from odoo.tools import SQL

from .sales_rule_facts_money import COMPANIES, CUSTOMERS

#: two orders of the same goods within these days may be one that was entered twice
DUPLICATE_DAYS = 7


class SalesRuleFactsHistory(models.AbstractModel):
    """What a customer had ordered before the moment."""
    _name = 'sales.rule.facts.history'
    _inherit = ['sales.rule.family']
    _description = "Facts of Sales: History"

    def _fields_read(self):
        quantities = {
            'sale.order.line': ['display_type', 'is_downpayment', 'order_id', 'product_id', 'product_uom_id',
                                'product_uom_qty'],
            'product.template': ['type', 'uom_id'],
            'uom.uom': ['factor'],
        }
        return super()._fields_read() | {'duplicates': quantities}

    # -- orders before

    def _select_history(self, docs):
        """Return how many orders the customer had confirmed before the moment, and the day of the last one."""
        return SQL(
            """
            WITH docs AS NOT MATERIALIZED (%(docs)s), %(customers)s,
            happened AS (
                SELECT o.company_id, c.partner_id, o.date_order AS at, 1 AS rank, NULL::int AS id
                  FROM contacts c
                  JOIN sale_order o ON o.partner_id = c.contact_id
                 WHERE o.company_id %(companies)s AND o.state = 'sale'
                UNION ALL
                SELECT company_id, partner_id, moment, CASE WHEN is_confirmed THEN 0 ELSE 2 END, id FROM docs),
            running AS MATERIALIZED (
                SELECT id, COUNT(*) FILTER (WHERE rank = 1) OVER past AS orders,
                       MAX(at) FILTER (WHERE rank = 1) OVER past AS last
                  FROM happened
                WINDOW past AS (PARTITION BY company_id, partner_id ORDER BY at, rank ROWS UNBOUNDED PRECEDING))
            SELECT docs.id, running.orders,
                   docs.day - (running.last AT TIME ZONE 'UTC' AT TIME ZONE c.sales_timezone)::date AS days
              FROM running
              JOIN docs ON docs.id = running.id
              JOIN res_company c ON c.id = docs.company_id
            """, docs=docs, customers=CUSTOMERS, companies=COMPANIES)

    def _select_order_history(self, docs):
        return SQL(
            """
            SELECT id, orders = 0 AS sales_first_order, orders AS sales_orders_before, days AS sales_days_since_order
              FROM (%s) h
            """, self._select_history(docs))

    def _select_partner_history(self, docs):
        return SQL(
            "SELECT id, orders AS sales_order_count, days AS sales_days_since_order FROM (%s) h",
            self._select_history(docs))

    # -- duplicates

    def _select_order_duplicates(self, docs):
        """Return how many other orders are like each: of the same reference, or with the same goods and days apart.

        The goods of an order are compared by the sum of their quantities, each times the hash of its product.
        A confirmed order is compared with those until its date, a quotation with all.
        """
        return SQL(
            """
            WITH docs AS NOT MATERIALIZED (%(docs)s), %(customers)s,
            days AS (SELECT MIN(date_order) - %(week)s AS first, MAX(date_order) + %(week)s AS last FROM docs),
            orders AS (
                SELECT o.company_id, c.partner_id, o.id, o.date_order AS at, o.state,
                       NULLIF(LOWER(TRIM(o.client_order_ref)), '') AS ref
                  FROM contacts c
                  JOIN sale_order o ON o.partner_id = c.contact_id
                 WHERE o.company_id %(companies)s),
            goods AS MATERIALIZED (
                SELECT l.order_id, SUM(l.product_uom_qty * COALESCE(u.factor / unit.factor, 1)
                                       * hashint8extended(l.product_id, 1)) AS goods
                  FROM orders o
                  JOIN days ON o.at BETWEEN days.first AND days.last
                  JOIN sale_order_line l ON l.order_id = o.id
                  JOIN product_product p ON p.id = l.product_id
                  JOIN product_template t ON t.id = p.product_tmpl_id
                  LEFT JOIN uom_uom u ON u.id = l.product_uom_id AND u.id <> t.uom_id
                  LEFT JOIN uom_uom unit ON unit.id = t.uom_id AND u.id IS NOT NULL
                 WHERE l.display_type IS NULL AND l.is_downpayment IS NOT TRUE AND l.product_uom_qty > 0
                 GROUP BY l.order_id),
            same AS MATERIALIZED (
                SELECT o.id, o.state, o.ref IS NOT NULL AS has_ref, g.goods IS NOT NULL AS has_goods,
                       COUNT(*) FILTER (WHERE o.state <> 'cancel') OVER by_ref AS ref_all,
                       COUNT(*) FILTER (WHERE o.state <> 'cancel') OVER (by_ref ORDER BY o.at) AS ref_before,
                       COUNT(*) FILTER (WHERE o.state <> 'cancel') OVER (by_goods %(around)s) AS goods_all,
                       COUNT(*) FILTER (WHERE o.state <> 'cancel') OVER (by_goods %(before)s) AS goods_before,
                       COUNT(*) FILTER (WHERE o.state <> 'cancel') OVER (by_both %(around)s) AS both_all,
                       COUNT(*) FILTER (WHERE o.state <> 'cancel') OVER (by_both %(before)s) AS both_before
                  FROM orders o
                  LEFT JOIN goods g ON g.order_id = o.id
                WINDOW by_ref AS (PARTITION BY o.company_id, o.partner_id, o.ref),
                       by_goods AS (PARTITION BY o.company_id, o.partner_id, g.goods),
                       by_both AS (PARTITION BY o.company_id, o.partner_id, o.ref, g.goods))
            SELECT docs.id, x.ref + x.goods - x.both AS sales_duplicate_count
              FROM docs
              JOIN same s ON s.id = docs.id
             CROSS JOIN LATERAL (SELECT CASE WHEN s.state <> 'cancel' THEN 1 ELSE 0 END AS own) y
             CROSS JOIN LATERAL (
                    SELECT CASE WHEN NOT s.has_ref THEN 0
                                WHEN docs.is_confirmed THEN s.ref_before - own ELSE s.ref_all - own END AS ref,
                           CASE WHEN NOT s.has_goods THEN 0
                                WHEN docs.is_confirmed THEN s.goods_before - own ELSE s.goods_all - own END AS goods,
                           CASE WHEN NOT (s.has_ref AND s.has_goods) THEN 0
                                WHEN docs.is_confirmed THEN s.both_before - own ELSE s.both_all - own END AS both) x
            """,
            docs=docs, customers=CUSTOMERS, companies=COMPANIES, week=SQL("INTERVAL '1 day' * %s", DUPLICATE_DAYS),
            around=SQL("ORDER BY o.at RANGE BETWEEN INTERVAL '1 day' * %(days)s PRECEDING"
                       " AND INTERVAL '1 day' * %(days)s FOLLOWING", days=DUPLICATE_DAYS),
            before=SQL("ORDER BY o.at RANGE BETWEEN INTERVAL '1 day' * %s PRECEDING AND CURRENT ROW", DUPLICATE_DAYS))
