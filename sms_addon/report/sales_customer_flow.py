from odoo import api, fields, models
from odoo.tools import SQL


class SalesCustomerFlow(models.Model):
    """Customers who came, came back and left, month by month.

    * new: the first order ever is in the month;
    * returning: there are orders in the month and in an earlier one;
    * lost: ``lost_days`` without an order are over in the month, counted from the last order until then.

    A customer who orders again after being lost is returning then, and the month of the loss keeps it:
    the past does not change. Orders of one month count as one visit.
    """
    _name = 'sales.customer.flow'
    _description = "New, Returning and Lost Customers"
    _inherit = ['sales.customer.mixin']
    _auto = False
    _order = 'date desc, revenue desc, id'
    _rec_name = 'commercial_partner_id'
    _depends = {'res.partner': ['country_id', 'industry_id']}

    date = fields.Date(string="Month", readonly=True)
    kind = fields.Selection([
        ('new', "New"),
        ('returning', "Returning"),
        ('lost', "Lost"),
    ], readonly=True)
    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    industry_id = fields.Many2one('res.partner.industry', readonly=True)
    customer_count = fields.Integer(string="Customers", readonly=True)
    revenue = fields.Monetary(help="Untaxed amount of the orders of the month.")

    @property
    def _table_query(self):
        # id: customer, company, month since 1950, kind, in less than the 53 bits that browsers can count to
        return SQL(
            """
            WITH months AS (%(months)s),
            visits AS (
                SELECT *, LAG(month) OVER customer AS previous, LEAD(first_day) OVER customer AS next_day
                  FROM months WINDOW customer AS (PARTITION BY commercial_partner_id, company_id ORDER BY month)
            ),
            flow AS (
                SELECT commercial_partner_id, company_id, month AS date, revenue,
                       CASE WHEN previous IS NULL THEN 'new' ELSE 'returning' END AS kind,
                       CASE WHEN previous IS NULL THEN 0 ELSE 1 END AS kind_number
                  FROM visits
                 UNION ALL
                SELECT commercial_partner_id, company_id,
                       date_trunc('month', (last_day + %(lost_days)s)::timestamp)::date, 0, 'lost', 2
                  FROM visits
                 WHERE last_day + %(lost_days)s <= LEAST(%(today)s, next_day)
            )
            SELECT (((flow.commercial_partner_id::bigint * 4096 + flow.company_id) * 2048
                     + (EXTRACT(YEAR FROM flow.date) - 1950) * 12 + EXTRACT(MONTH FROM flow.date)) * 4
                    + flow.kind_number)::bigint AS id,
                   flow.date, flow.kind, flow.commercial_partner_id, flow.company_id, flow.revenue,
                   %(currency)s AS currency_id, 1 AS customer_count, partner.country_id, partner.industry_id
              FROM flow
              LEFT JOIN res_partner partner ON partner.id = flow.commercial_partner_id
            """,
            months=self._select_months(), lost_days=self._lost_days(), today=self._today(),
            currency=self.env.company.currency_id.id)

    @api.model
    def _select_months(self):
        """Return the query of the months in which each customer ordered."""
        return self._select_orders(
            self._customer_grouping(month='date:month'),
            {'revenue': 'amount_ordered:sum', 'first_day': 'date:min', 'last_day': 'date:max'})

    def _aggregate_formulas(self):
        return {'customer_count': self._count_customers()}

    @api.readonly
    def action_open_customer(self):
        """Open the customer behind a row, as the customer report shows it."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_customer_report_action'),
            'domain': [
                ('commercial_partner_id', '=', self.commercial_partner_id.id),
                ('company_id', '=', self.company_id.id),
            ],
            'context': {},
        }
