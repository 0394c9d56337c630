from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

STATUSES = [
    ('new', "New"),
    ('returning', "Returning"),
    ('single', "Single Order"),
    ('lost', "Lost"),
]


class SalesCustomerReport(models.Model):
    """A customer of a company: what was ordered, from when to when, and where the relation stands.

    Status, with the days of the settings (``sms_addon.new_days``, ``sms_addon.lost_days``):

    * new: the first order is less than ``new_days`` old;
    * lost: the last order is ``lost_days`` old or older;
    * single order: one order, neither new nor lost;
    * returning: all others.

    With ``sales_customer_period`` in the context, a pair of dates, customers and amounts are those of the
    orders of that period; first and last order and the status remain those of the whole history.
    """
    _name = 'sales.customer.report'
    _description = "Customer Report"
    _inherit = ['sales.customer.mixin']
    _auto = False
    _order = 'revenue desc, id'
    _rec_name = 'commercial_partner_id'
    _depends = {'res.partner': ['complete_name', 'country_id', 'industry_id']}

    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    name = fields.Char(string="Customer Name", readonly=True)
    industry_id = fields.Many2one('res.partner.industry', readonly=True)
    status = fields.Selection(STATUSES, readonly=True)
    quantity = fields.Float(digits='Product Unit', readonly=True)
    margin = fields.Monetary(readonly=True)
    margin_rate = fields.Float(
        string="Margin %", aggregator='avg', readonly=True, help="Margin over the untaxed amount.")
    order_count = fields.Integer(string="Orders", readonly=True)
    average_order = fields.Monetary(aggregator='avg', readonly=True, help="Revenue over the number of orders.")
    first_date = fields.Date(string="First Order", readonly=True)
    last_date = fields.Date(string="Last Order", readonly=True)
    days_since_last = fields.Integer(string="Days Since Last Order", aggregator='avg', readonly=True)
    customer_count = fields.Integer(string="Customers", readonly=True)

    @property
    def _table_query(self):
        today = self._today()
        return SQL(
            """
            SELECT figures.commercial_partner_id::bigint * 1048576 + figures.company_id AS id,
                   figures.*, %(currency)s AS currency_id, 1 AS customer_count,
                   figures.revenue / NULLIF(figures.order_count, 0) AS average_order,
                   figures.margin / NULLIF(figures.revenue, 0) AS margin_rate,
                   dates.first_date, dates.last_date,
                   GREATEST(%(today)s - dates.last_date, 0) AS days_since_last,
                   CASE WHEN %(today)s - dates.first_date < %(new_days)s THEN 'new'
                        WHEN %(today)s - dates.last_date >= %(lost_days)s THEN 'lost'
                        WHEN dates.all_orders = 1 THEN 'single'
                        ELSE 'returning' END AS status,
                   partner.complete_name AS name, partner.country_id, partner.industry_id
              FROM (%(figures)s) figures
              LEFT JOIN (%(dates)s) dates USING (commercial_partner_id, company_id)
              LEFT JOIN res_partner partner ON partner.id = figures.commercial_partner_id
            """,
            currency=self.env.company.currency_id.id, today=today, figures=self._select_figures(),
            dates=self._select_dates(), new_days=self._new_days(), lost_days=self._lost_days())

    @api.model
    def _select_figures(self):
        """Return the query of what each customer ordered, in the period of the context if there is one."""
        start, end = self.env.context.get('sales_customer_period', (False, False))
        period = Domain('date', '>=', start) if start else Domain.TRUE
        period &= Domain('date', '<=', end) if end else Domain.TRUE
        return self._select_orders(self._customer_grouping(), {
            'quantity': 'qty_ordered:sum',
            'revenue': 'amount_ordered:sum',
            'margin': 'amount_margin:sum',
            'order_count': 'order_count:sum',
        }, period)

    @api.model
    def _select_dates(self):
        """Return the query of the first and the last day of each customer, whatever the period."""
        return self._select_orders(self._customer_grouping(), {
            'first_date': 'date:min',
            'last_date': 'date:max',
            'all_orders': 'order_count:sum',
        })

    def _aggregate_formulas(self):
        return {
            'average_order': self._ratio('revenue', 'order_count'),
            'margin_rate': self._ratio('margin', 'revenue'),
            'customer_count': self._count_customers(),
        }

    @api.readonly
    def action_open_orders(self):
        """Open the confirmed orders behind a row."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Orders of %(customer)s", customer=self.name),
            'res_model': 'sale.order',
            'views': [(False, 'list'), (False, 'form')],
            'domain': [
                ('partner_id.commercial_partner_id', '=', self.commercial_partner_id.id),
                ('company_id', '=', self.company_id.id),
                ('state', '=', 'sale'),
            ],
            'context': {'create': False},
        }
