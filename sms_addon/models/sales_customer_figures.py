from odoo import api, models
from odoo.tools import SQL

from ..tools.customer_history import YEAR
from .sales_fixed_point import SCALE

#: the company has these bits of the id of a profile, the customer those above
COMPANY_BITS = 20
#: the distance of the quartiles of a normal distribution, in standard deviations
QUARTILES = 1.349
#: columns that only SQL reads
SQL_COLUMNS = {
    'order_days': "date[]", 'day_amounts': "numeric[]", 'last_gaps': "integer[]", 'window_from': "date",
    'window_until': "date", 'gap_median': "float8", 'gap_spread': "float8", 'customer_active': "boolean",
}


def customer_key(customer, company):
    """Return the SQL of the id that a customer has in a company.

    :param SQL customer: id of the commercial partner
    :param SQL company: id of the company
    """
    return SQL("%s::bigint * %s + %s", customer, 1 << COMPANY_BITS, company)


class SalesCustomerFigures(models.Model):
    """What the confirmed orders of a customer say whatever day it is, one row per commercial customer and company.

    Filled by SQL from the facts of the warehouse and, for payments, from the invoices. Amounts are untaxed, in the
    currency of the company. A day on which a customer orders twice is one order day; gaps are the days between order
    days, their spread is that of the quartiles (as a standard deviation), which one long pause does not move.

    The sums of the last 12 months are as of the day of the filling, and right from ``window_from`` until before
    ``window_until``, when another order day leaves a window; after that, readers add up ``day_amounts``.
    """
    _name = 'sales.customer.figures'
    _description = "Figures of a Customer"
    _inherit = ['sales.star']
    _auto = False

    _star_indexes = {
        'pkey': (True, '(id)'),
        'customer': (False, '(commercial_partner_id)'),
        'user': (False, '(user_id)'),
        'window': (False, '(window_until)'),
    }

    def _columns(self):
        return list(self._select_columns())

    def _column_type(self, name):
        if name in SQL_COLUMNS:
            return SQL(SQL_COLUMNS[name])
        field = self.env['sales.customer.profile']._fields[name]
        # the id holds two, which no integer of the ORM does
        return SQL("bigint") if name == 'id' else SQL(field.column_type[1])

    def _star_definition(self):
        query = self._star_query(today=SQL("CURRENT_DATE"))
        return [super()._star_definition(), query.code, query.params]

    def _star_empty(self):
        """The others are none the worse for it."""

    def _star_changed(self):
        self.env['sales.customer.profile']._request_rebuild()

    # -- the query

    def _select_columns(self):
        """Return the SQL expression of each column; what lists filter by comes first."""
        def amount(expression):
            return SQL("ROUND(%s / %s::numeric, 4)", expression, SCALE)

        return {
            'id': customer_key(SQL("c.commercial_partner_id"), SQL("c.company_id")),
            'commercial_partner_id': SQL("c.commercial_partner_id"),
            'company_id': SQL("c.company_id"),
            'currency_id': SQL("company.currency_id"),
            'user_id': SQL("COALESCE(p.user_id, NULLIF(c.last_order[3], 0))"),
            'team_id': SQL("NULLIF(c.last_order[4], 0)"),
            'country_id': SQL("p.country_id"),
            'industry_id': SQL("p.industry_id"),
            'customer_active': SQL("p.active"),
            'first_order_date': SQL("c.first_day"),
            'last_order_date': SQL("c.last_day"),
            'window_from': SQL("COALESCE(c.window_from, '-infinity')"),
            'window_until': SQL("COALESCE(c.window_until, 'infinity')"),
            'order_count': SQL("c.orders"),
            'order_day_count': SQL("c.days"),
            'gap_median': SQL("c.quartiles[2]"),
            'gap_spread': SQL("(c.quartiles[3] - c.quartiles[1]) / %s", QUARTILES),
            'revenue': amount(SQL("c.revenue")),
            'revenue_12': amount(SQL("c.revenue_12")),
            'revenue_before_12': amount(SQL("c.revenue_before_12")),
            'average_order': amount(SQL("c.revenue / c.orders")),
            'margin': amount(SQL("c.margin")),
            'main_categ_id': SQL("-g.main[2]"),
            'product_count': SQL("COALESCE(g.products, 0)"),
            'category_count': SQL("COALESCE(g.categories, 0)"),
            'return_rate': SQL("c.refunded / NULLIF(c.invoiced, 0)"),
            'days_late_avg': SQL("i.days_late"),
            'paid_invoice_count': SQL("COALESCE(i.invoices, 0)"),
            'last_gaps': SQL("c.last_gaps"),
            'order_days': SQL("c.order_days"),
            'day_amounts': SQL("c.day_amounts"),
        }

    def _star_query(self, partner_ids=None, today=None):
        """Return the query of the rows of all customers, or of the given commercial ones.

        :param SQL today: what day it is for ``company_id``
        """
        return SQL(
            """
            SELECT %(columns)s
              FROM (%(customers)s) c
              JOIN res_partner p ON p.id = c.commercial_partner_id
              JOIN res_company company ON company.id = c.company_id
              LEFT JOIN (%(goods)s) g
                     ON g.commercial_partner_id = c.commercial_partner_id AND g.company_id = c.company_id
              LEFT JOIN (%(payments)s) i
                     ON i.commercial_partner_id = c.commercial_partner_id AND i.company_id = c.company_id
            """,
            columns=SQL(", ").join(
                SQL("(%s)::%s AS %s", expression, self._column_type(name), SQL.identifier(name))
                for name, expression in self._select_columns().items()),
            customers=self._select_customers(
                partner_ids, today or self.env['sales.order.tracking']._today(SQL("company_id"))),
            goods=self._select_goods(partner_ids), payments=self._select_payments(partner_ids))

    def _where(self, partner_ids):
        return SQL(
            "state = 'sale' AND commercial_partner_id %s",
            SQL("IS NOT NULL") if partner_ids is None else SQL("= ANY(%s)", partner_ids))

    def _select_customers(self, partner_ids, today):
        """Return what the orders of each customer add up to, by way of orders and of order days."""
        return SQL(
            """
            SELECT commercial_partner_id, company_id, MIN(day) AS first_day, MAX(day) AS last_day,
                   SUM(orders) AS orders, COUNT(*) AS days, MAX(last_order) AS last_order,
                   SUM(revenue) AS revenue, SUM(margin) AS margin, SUM(invoiced) AS invoiced, SUM(refunded) AS refunded,
                   COALESCE(SUM(revenue) FILTER (WHERE day > today - %(year)s), 0) AS revenue_12,
                   COALESCE(SUM(revenue) FILTER (WHERE day <= today - %(year)s AND day > today - 2 * %(year)s), 0)
                   AS revenue_before_12,
                   GREATEST(MAX(day) FILTER (WHERE day <= today - %(year)s) + %(year)s,
                            MAX(day) FILTER (WHERE day <= today - 2 * %(year)s) + 2 * %(year)s) AS window_from,
                   LEAST(MIN(day) FILTER (WHERE day > today - %(year)s) + %(year)s,
                         MIN(day) FILTER (WHERE day > today - 2 * %(year)s) + 2 * %(year)s) AS window_until,
                   percentile_cont(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY gap::float8) AS quartiles,
                   (array_agg(gap ORDER BY day DESC) FILTER (WHERE gap IS NOT NULL))[1:2] AS last_gaps,
                   array_agg(day ORDER BY day) AS order_days,
                   array_agg(ROUND(revenue / %(scale)s::numeric, 4) ORDER BY day) AS day_amounts
              FROM (SELECT commercial_partner_id, company_id, day, COUNT(*) AS orders, MAX(last_order) AS last_order,
                           SUM(revenue) AS revenue, SUM(margin) AS margin, SUM(invoiced) AS invoiced,
                           SUM(refunded) AS refunded, %(today)s AS today,
                           day - LAG(day) OVER (PARTITION BY commercial_partner_id, company_id ORDER BY day) AS gap
                      FROM (SELECT commercial_partner_id, company_id, date AS day, order_id,
                                   SUM(price_subtotal) AS revenue, SUM(margin) AS margin,
                                   SUM(amount_invoiced) AS invoiced, SUM(amount_refunded) AS refunded,
                                   ARRAY[date - DATE '2000-01-01', order_id, COALESCE(MAX(user_id), 0),
                                         COALESCE(MAX(team_id), 0)] AS last_order
                              FROM sales_fact
                             WHERE %(where)s
                             GROUP BY commercial_partner_id, company_id, date, order_id) orders
                     GROUP BY commercial_partner_id, company_id, day) days
             GROUP BY commercial_partner_id, company_id
            """, where=self._where(partner_ids), today=today, year=YEAR, scale=SCALE)

    def _select_goods(self, partner_ids):
        """Return how many products and categories each customer bought, and the category that brought the most."""
        return SQL(
            """
            SELECT commercial_partner_id, company_id, SUM(products) AS products, COUNT(categ_id) AS categories,
                   MAX(ARRAY[revenue, -categ_id]) AS main
              FROM (SELECT commercial_partner_id, company_id, categ_id, COUNT(*) AS products, SUM(revenue) AS revenue
                      FROM (SELECT commercial_partner_id, company_id, categ_id, product_id,
                                   SUM(price_subtotal) AS revenue
                              FROM sales_fact
                             WHERE %s AND product_id IS NOT NULL
                             GROUP BY commercial_partner_id, company_id, categ_id, product_id) products
                     GROUP BY commercial_partner_id, company_id, categ_id) categories
             GROUP BY commercial_partner_id, company_id
            """, self._where(partner_ids))

    def _select_payments(self, partner_ids):
        """Return how many days after the due date each customer paid, on average over paid invoices."""
        return SQL(
            """
            SELECT commercial_partner_id, company_id, AVG(paid_on - due_on)::float8 AS days_late, COUNT(*) AS invoices
              FROM (SELECT m.commercial_partner_id, m.company_id, MAX(part.max_date) AS paid_on,
                           COALESCE(m.invoice_date_due, m.invoice_date, m.date) AS due_on
                      FROM account_move m
                      JOIN account_move_line l ON l.move_id = m.id
                      JOIN account_partial_reconcile part ON part.debit_move_id = l.id
                     WHERE m.move_type = 'out_invoice' AND m.state = 'posted'
                       AND m.payment_state IN ('paid', 'in_payment') %s
                     GROUP BY m.id) paid
             GROUP BY commercial_partner_id, company_id
            """,
            SQL() if partner_ids is None else SQL("AND m.commercial_partner_id = ANY(%s)", partner_ids))

    # -- filling it

    @api.model
    def _replace_customers(self, partner_ids):
        """Read the given commercial customers again; those without confirmed orders are gone."""
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(SQL("DELETE FROM sales_customer_figures WHERE commercial_partner_id = ANY(%s)", partner_ids))
        # a row that another session has just written makes this one try again with a newer view of the database
        cr.execute(SQL("%s %s ON CONFLICT (id) DO NOTHING", self._insert(), self._star_query(partner_ids)))

    def _insert(self):
        return SQL(
            "INSERT INTO sales_customer_figures (%s)", SQL(", ").join(map(SQL.identifier, self._columns())))

    @api.model
    def _rebuild(self):
        """Read all customers again, and return how many rows that changed; those that were right are left alone."""
        self.env.flush_all()
        cr = self.env.cr
        columns = {
            table: SQL(", ").join(SQL.identifier(table, name) for name in self._columns()) for table in ('t', 'f')}
        cr.execute(SQL("CREATE TEMP TABLE sales_customer_fresh ON COMMIT DROP AS %s", self._star_query()))
        cr.execute(SQL("ANALYZE sales_customer_fresh (id)"))
        cr.execute(SQL(
            """
            DELETE FROM sales_customer_figures t
             WHERE NOT EXISTS (SELECT FROM sales_customer_fresh f
                                WHERE f.id = t.id AND (%(f)s) IS NOT DISTINCT FROM (%(t)s))
            """, **columns))
        deleted = cr.rowcount
        cr.execute(SQL(
            """
            %s SELECT %s FROM sales_customer_fresh f
             WHERE NOT EXISTS (SELECT FROM sales_customer_figures t WHERE t.id = f.id)
            """, self._insert(), columns['f']))
        inserted = cr.rowcount
        cr.execute("DROP TABLE sales_customer_fresh")
        return max(deleted, inserted)
