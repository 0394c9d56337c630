from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL


class SalesCustomerCohort(models.Model):
    """How many of the customers who first ordered in a month order again in the months after.

    A row is a cohort (company, country, month of the first order) at an age: months since, from 0 to the
    current month. There is a row for every age, also without any order, so that the retention of any
    grouping is the sum of the active customers over the sum of the cohort sizes. Over several ages that
    is the mean monthly retention, weighted by the customers who could have ordered.
    """
    _name = 'sales.customer.cohort'
    _description = "Customer Retention"
    _inherit = ['sales.customer.mixin']
    _auto = False
    _order = 'cohort desc, age, id'
    _rec_name = 'cohort'
    _depends = {'res.partner': ['country_id']}

    cohort = fields.Date(string="First Order", readonly=True, help="Month of the first order.")
    age = fields.Integer(string="Months Later", aggregator=None, readonly=True)
    size = fields.Integer(string="Customer-Months", readonly=True, help="Customers of the cohort, for each age shown.")
    active_count = fields.Integer(
        string="Active Customers", readonly=True, help="Customers of the cohort who ordered at that age.")
    retention = fields.Float(
        aggregator='avg', readonly=True, help="Share of the customers who ordered at that age.")

    @property
    def _table_query(self):
        # id: company, country, month since 1950, age
        return SQL(
            """
            WITH months AS (%(months)s),
            visits AS (
                SELECT *, MIN(month) OVER (PARTITION BY commercial_partner_id, company_id) AS cohort FROM months
            ),
            cells AS (
                SELECT visits.company_id, COALESCE(partner.country_id, 0) AS country_id, cohort::date AS cohort,
                       (EXTRACT(YEAR FROM AGE(month, cohort)) * 12
                        + EXTRACT(MONTH FROM AGE(month, cohort)))::int AS age,
                       COUNT(*) AS active_count, SUM(revenue) AS revenue
                  FROM visits
                  LEFT JOIN res_partner partner ON partner.id = visits.commercial_partner_id
                 GROUP BY 1, 2, 3, 4
            )
            SELECT (((start.company_id::bigint * 4096 + start.country_id) * 2048
                     + (EXTRACT(YEAR FROM start.cohort) - 1950) * 12 + EXTRACT(MONTH FROM start.cohort)) * 2048
                    + ages.age)::bigint AS id,
                   start.company_id, NULLIF(start.country_id, 0) AS country_id, start.cohort, ages.age,
                   start.active_count AS size, COALESCE(cells.active_count, 0) AS active_count,
                   COALESCE(cells.active_count, 0)::float8 / start.active_count AS retention,
                   COALESCE(cells.revenue, 0) AS revenue, %(currency)s AS currency_id
              FROM cells start
              CROSS JOIN LATERAL generate_series(0, (
                    SELECT (EXTRACT(YEAR FROM a) * 12 + EXTRACT(MONTH FROM a))::int FROM AGE(%(month)s, start.cohort) a
              )) AS ages (age)
              LEFT JOIN cells ON cells.company_id = start.company_id AND cells.country_id = start.country_id
                             AND cells.cohort = start.cohort AND cells.age = ages.age
             WHERE start.age = 0
            """,
            months=self._select_months(), month=self._today().replace(day=1),
            currency=self.env.company.currency_id.id)

    @api.model
    def _select_months(self):
        """Return the query of the months in which each customer ordered."""
        return self._select_orders(self._customer_grouping(month='date:month'), {'revenue': 'amount_ordered:sum'})

    def _aggregate_formulas(self):
        return {'retention': self._ratio('active_count', 'size')}

    @api.readonly
    def action_open_customers(self):
        """Open the customers of a cohort."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_customer_report_action'),
            'domain': [
                ('company_id', '=', self.company_id.id),
                ('country_id', '=', self.country_id.id),
                ('first_date', '>=', self.cohort),
                ('first_date', '<', self.cohort + relativedelta(months=1)),
            ],
            'context': {},
        }
