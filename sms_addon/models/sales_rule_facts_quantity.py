from odoo import fields, models
from odoo.tools import SQL

from .sales_rule_facts_money import COMPANIES, CUSTOMERS

#: fewer lines than that tell nothing of what is usual
FEWEST = 3
#: how far back what all customers order is looked at
MONTHS = 12
#: the lines that ask for goods or services, and their quantity in the unit of the product
UNITS = SQL(
    """
    JOIN product_product p ON p.id = l.product_id
    JOIN product_template t ON t.id = p.product_tmpl_id
    LEFT JOIN uom_uom u ON u.id = l.product_uom_id AND u.id <> t.uom_id
    LEFT JOIN uom_uom unit ON unit.id = t.uom_id AND u.id IS NOT NULL
    """)
QUANTITY = SQL("l.product_uom_qty * COALESCE(u.factor / unit.factor, 1)")
#: one column: the planner, which takes the customers for few, would else join by the product alone
KEY = SQL("(partner_id::int8 << 32) + product_id")
COUNTS = SQL("l.display_type IS NULL AND l.is_downpayment IS NOT TRUE AND l.product_uom_qty > 0 AND t.type <> 'combo'")


def median_of_three(*values):
    a, b, c = values
    return SQL("GREATEST(LEAST(%(a)s, %(b)s), LEAST(GREATEST(%(a)s, %(b)s), %(c)s))", a=a, b=b, c=c)


def median_of_five(first, *others):
    """Return the median of five: the others, without the least and the greatest of them, and the first."""
    b, c, d, e = others
    return median_of_three(
        first,
        SQL("GREATEST(LEAST(%s, %s), LEAST(%s, %s))", b, c, d, e),
        SQL("LEAST(GREATEST(%s, %s), GREATEST(%s, %s))", b, c, d, e))


class SalesRuleFactsQuantity(models.AbstractModel):
    """How large the quantity of a line is against what is usual."""
    _name = 'sales.rule.facts.quantity'
    _inherit = ['sales.rule.family']
    _description = "Facts of Sales: Quantity"

    def _fields_read(self):
        return super()._fields_read() | {
            'quantity': {
                'sale.order.line': [
                    'display_type', 'is_downpayment', 'order_id', 'product_id', 'product_uom_id', 'product_uom_qty'],
                'product.template': ['type', 'uom_id'],
                'uom.uom': ['factor'],
            },
        }

    def _select_line_quantity(self, docs):
        """Return the usual quantity of the product of each line, and how many times that the line has.

        Usual is the median of the last five confirmed lines of the customer (of three, where there are no five);
        else, of what all customers ordered in the latest of the twelve months before that saw three lines at least.
        """
        return SQL(
            """
            WITH docs AS NOT MATERIALIZED (%(docs)s), %(customers)s,
            wanted AS (
                SELECT l.id, docs.id AS order_id, docs.company_id, docs.is_confirmed, l.product_id,
                       CASE WHEN NOT docs.is_confirmed THEN %(key)s END AS key,
                       %(quantity)s AS quantity, date_trunc('month', docs.moment) AS month
                  FROM docs
                  JOIN sale_order_line l ON l.order_id = docs.id
                  %(units)s
                 WHERE %(counts)s),
            products AS (SELECT DISTINCT product_id FROM wanted),
            medians AS MATERIALIZED (%(medians)s),
            latest AS MATERIALIZED (
                SELECT company_id, %(key)s AS key, median
                  FROM medians
                 WHERE %(key)s IN (SELECT key FROM wanted)
                   AND at <= %(now)s AND (next_at IS NULL OR next_at > %(now)s)),
            months AS MATERIALIZED (%(months)s)
            SELECT w.id, w.order_id, x.usual AS sales_quantity_usual,
                   CASE WHEN x.usual > 0 THEN ROUND(w.quantity / x.usual, 4) ELSE 0 END AS sales_quantity_factor
              FROM wanted w
              LEFT JOIN medians m ON m.id = w.id AND w.is_confirmed
              LEFT JOIN latest
                     ON latest.key = w.key AND latest.company_id IS NOT DISTINCT FROM w.company_id
              LEFT JOIN months
                     ON months.company_id = w.company_id AND months.product_id = w.product_id
                    AND months.month = w.month
             CROSS JOIN LATERAL (
                    SELECT ROUND(COALESCE(m.median_before, latest.median, months.median), 4) AS usual) x
            """,
            docs=docs, customers=CUSTOMERS, now=fields.Datetime.now(), key=KEY, quantity=QUANTITY,
            units=UNITS, counts=COUNTS, medians=self._select_medians(), months=self._select_months())

    def _select_medians(self):
        """Return the confirmed lines of the customers, with the median up to each, and that of those before its order.

        That of those before is the one of the last line before the order, whose number is how many there are.
        """
        five = [SQL.identifier(f'q{number}') for number in range(5)]
        return SQL(
            """
            SELECT company_id, partner_id, product_id, id, at, next_at, median,
                   LAG(median, (number - before)::int) OVER (
                       PARTITION BY company_id, partner_id, product_id ORDER BY at, id) AS median_before
              FROM (SELECT *,
                           CASE WHEN q4 IS NOT NULL THEN %(five)s WHEN q2 IS NOT NULL THEN %(three)s END AS median
                      FROM (SELECT *, LAG(q0, 1) OVER line AS q1, LAG(q0, 2) OVER line AS q2,
                                   LAG(q0, 3) OVER line AS q3, LAG(q0, 4) OVER line AS q4,
                                   LEAD(at) OVER line AS next_at,
                                   ROW_NUMBER() OVER line AS number,
                                   RANK() OVER (PARTITION BY company_id, partner_id, product_id ORDER BY at) - 1
                                   AS before
                              FROM (SELECT o.company_id, c.partner_id, l.product_id, l.id, o.date_order AS at,
                                           %(quantity)s AS q0
                                      FROM contacts c
                                      JOIN sale_order o ON o.partner_id = c.contact_id
                                      JOIN sale_order_line l ON l.order_id = o.id
                                      %(units)s
                                     WHERE o.company_id %(companies)s AND o.state = 'sale' AND %(counts)s
                                       AND l.product_id IN (SELECT product_id FROM products)) line
                            WINDOW line AS (PARTITION BY company_id, partner_id, product_id ORDER BY at, id)) lagged
                   ) middle
            """,
            five=median_of_five(*five), three=median_of_three(*five[:3]), quantity=QUANTITY, units=UNITS,
            counts=COUNTS, companies=COMPANIES)

    def _select_months(self):
        """Return the median of each product in a month, for each of the next months up to the next median."""
        return SQL(
            """
            SELECT company_id, product_id, median, month + INTERVAL '1 month' * step AS month
              FROM (SELECT o.company_id, l.product_id, x.month,
                           percentile_cont(0.5) WITHIN GROUP (ORDER BY (%(quantity)s)::float8)::numeric AS median,
                           LEAD(x.month) OVER (
                               PARTITION BY o.company_id, l.product_id ORDER BY x.month) AS next_month
                      FROM sale_order o
                      JOIN sale_order_line l ON l.order_id = o.id
                      %(units)s
                     CROSS JOIN LATERAL (SELECT date_trunc('month', o.date_order) AS month) x
                     CROSS JOIN (SELECT MIN(month) AS first, MAX(month) AS last FROM wanted) scope
                     WHERE o.state = 'sale' AND %(counts)s
                       AND o.company_id %(companies)s
                       AND l.product_id IN (SELECT product_id FROM products)
                       AND o.date_order >= scope.first - INTERVAL '1 month' * %(months)s AND o.date_order < scope.last
                     GROUP BY o.company_id, l.product_id, x.month
                    HAVING COUNT(*) >= %(fewest)s) seen
             CROSS JOIN generate_series(1, %(months)s) step
             WHERE next_month IS NULL OR month + INTERVAL '1 month' * step <= next_month
            """, quantity=QUANTITY, units=UNITS, counts=COUNTS, companies=COMPANIES, months=MONTHS, fewest=FEWEST)

    def _select_order_quantity(self, docs):
        return SQL(
            """
            SELECT order_id AS id, MAX(sales_quantity_factor) AS sales_quantity_factor_max
              FROM (%s) l
             GROUP BY order_id
            """,
            self._select_line_quantity(docs))
