from odoo import models
from odoo.tools import SQL


class SalesRuleFactsLines(models.AbstractModel):
    """What the order and its own lines say: amounts, discounts, costs, dates and files."""
    _name = 'sales.rule.facts.lines'
    _inherit = ['sales.rule.family']
    _description = "Facts of Sales: Lines"

    def _fields_read(self):
        return super()._fields_read() | {
            'lines': {
                'sale.order.line': [
                    'discount', 'display_type', 'is_downpayment', 'order_id', 'price_subtotal', 'price_unit',
                    'product_id', 'product_uom_qty', 'purchase_price'],
                'product.template': ['type'],
                'res.company': ['sale_discount_product_id'],
            },
            'promise': {
                'sale.order.line': ['customer_lead', 'display_type', 'order_id', 'product_id'],
                'product.template': ['type'],
            },
            'terms': {'account.payment.term.line': ['days_next_month', 'delay_type', 'nb_days', 'payment_id']},
            'documents': {'ir.attachment': ['res_field', 'res_id', 'res_model']},
        }

    def _select_order_amounts(self, docs):
        return SQL(
            """
            SELECT id, ROUND(amount_untaxed / rate, 6) AS sales_amount_company,
                   ROUND(amount_total / rate, 6) AS sales_amount_total_company
              FROM (%s) docs
            """, docs)

    def _select_line_lines(self, docs):
        """Return what was asked for each priced line, what was given away of it, its margin and whether its cost lacks.

        The undiscounted amount is taken from the subtotal, which is without taxes where the price may be with them.
        """
        return SQL(
            """
            SELECT l.id, docs.id AS order_id, x.discount, y.cost_missing AS sales_cost_missing,
                   CASE WHEN x.is_asked THEN x.asked END AS asked,
                   CASE WHEN x.is_asked THEN x.asked * x.discount / 100
                        WHEN l.product_id = c.sale_discount_product_id THEN -l.price_subtotal ELSE 0 END AS given,
                   CASE WHEN l.purchase_price > 0 AND l.product_uom_qty > 0 THEN
                        CASE WHEN l.price_subtotal > 0
                             THEN 100 * (1 - l.purchase_price * l.product_uom_qty / l.price_subtotal)
                             ELSE -100 END END AS margin
              FROM (%s) docs
              JOIN sale_order_line l ON l.order_id = docs.id
              JOIN res_company c ON c.id = docs.company_id
              JOIN product_product p ON p.id = l.product_id
              JOIN product_template t ON t.id = p.product_tmpl_id
             CROSS JOIN LATERAL (
                    SELECT COALESCE(l.discount, 0) AS discount,
                           l.product_uom_qty > 0 AND l.price_unit > 0 AS is_asked,
                           CASE WHEN l.discount < 100 AND l.price_subtotal > 0
                                THEN l.price_subtotal / (1 - l.discount / 100)
                                ELSE l.product_uom_qty * l.price_unit END AS asked) x
             CROSS JOIN LATERAL (
                    SELECT t.type = 'consu' AND l.product_uom_qty > 0 AND l.price_unit > 0
                           AND COALESCE(l.purchase_price, 0) = 0 AS cost_missing) y
             WHERE l.display_type IS NULL AND l.is_downpayment IS NOT TRUE AND t.type <> 'combo'
            """, docs)

    def _select_order_lines(self, docs):
        return SQL(
            """
            SELECT order_id AS id,
                   ROUND(COALESCE(100 * SUM(given) / NULLIF(SUM(asked), 0), 0), 4) AS sales_discount,
                   MAX(discount) AS sales_line_discount_max, ROUND(MIN(margin), 4) AS sales_line_margin_min,
                   COUNT(*) FILTER (WHERE sales_cost_missing) AS sales_cost_missing_count
              FROM (%s) l
             GROUP BY order_id
            """, self._select_line_lines(docs))

    def _select_order_promise(self, docs):
        """Goods are there after their lead time: the first of them, or all of them when they ship at once."""
        return SQL(
            """
            SELECT docs.id, GREATEST(0,
                   (MAX(docs.local) + INTERVAL '1 day' * CASE MAX(docs.picking_policy)
                        WHEN 'one' THEN MAX(l.customer_lead) ELSE MIN(l.customer_lead) END)::date
                   - MAX(docs.commitment_date AT TIME ZONE 'UTC' AT TIME ZONE docs.tz)::date) AS sales_promise_late_days
              FROM (%s) docs
              JOIN sale_order_line l ON l.order_id = docs.id
              JOIN product_product p ON p.id = l.product_id
              JOIN product_template t ON t.id = p.product_tmpl_id
             WHERE docs.commitment_date IS NOT NULL AND l.display_type IS NULL AND t.type = 'consu'
             GROUP BY docs.id
            """, docs)

    def _select_order_terms(self, docs):
        """The days until the last part is due, were the order invoiced on the day of the decision."""
        return SQL(
            """
            SELECT docs.id, MAX(x.due - docs.day) AS sales_payment_days
              FROM (%s) docs
              JOIN account_payment_term_line t ON t.payment_id = docs.payment_term_id
             CROSS JOIN LATERAL (
                    SELECT COALESCE(t.nb_days, 0) AS days, date_trunc('month', docs.day)::date AS month,
                           CASE WHEN t.days_next_month ~ '^[0-9]+$' THEN t.days_next_month::int ELSE 1 END AS on_the) d
             CROSS JOIN LATERAL (SELECT date_trunc('month', docs.day + d.days)::date AS later) e
             CROSS JOIN LATERAL (
                    SELECT CASE t.delay_type
                        WHEN 'days_after_end_of_month'
                        THEN (d.month + INTERVAL '1 month')::date - 1 + d.days
                        WHEN 'days_after_end_of_next_month'
                        THEN (d.month + INTERVAL '2 months')::date - 1 + d.days
                        WHEN 'days_end_of_month_on_the'
                        THEN CASE d.on_the WHEN 0 THEN (e.later + INTERVAL '1 month')::date - 1
                             ELSE LEAST((e.later + INTERVAL '1 month')::date - 1 + d.on_the,
                                        (e.later + INTERVAL '2 months')::date - 1) END
                        ELSE docs.day + d.days END AS due) x
             GROUP BY docs.id
            """, docs)

    def _select_order_documents(self, docs):
        """Files that were there at the moment; a second more, as that has no fractions of one."""
        return SQL(
            """
            SELECT docs.id, COUNT(*) AS sales_document_count
              FROM (%s) docs
              JOIN ir_attachment a ON a.res_model = 'sale.order' AND a.res_id = docs.id
             WHERE a.res_field IS NULL AND (NOT docs.is_confirmed OR a.create_date < docs.moment + INTERVAL '1 second')
             GROUP BY docs.id
            """, docs)
