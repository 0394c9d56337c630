from odoo import fields, models
from odoo.tools import SQL

from ..tools.customer_history import MIN_RHYTHMS, OWN_DAYS, YEAR

LIFECYCLES = [
    ('new', "New"),
    ('active', "Active"),
    ('slowing', "Slowing"),
    ('at_risk', "At Risk"),
    ('lost', "Lost"),
    ('won_back', "Won Back"),
]
TRENDS = [
    ('rising', "Rising"),
    ('steady', "Steady"),
    ('falling', "Falling"),
    ('unknown', "Unknown"),
]
RHYTHM_BASES = [
    ('own', "Own Orders"),
    ('company', "Other Customers"),
    ('none', "Unknown"),
]
#: stage -> how far past the median gap it begins: in spreads, and in gaps; both have to be passed
LIMITS = {'slowing': (1, 1.25), 'at_risk': (2, 2), 'lost': (3, 3)}
#: a year against the one before it
RISING, FALLING = 1.25, 0.8
#: days of the year before, and order days altogether, without which there is no trend
TREND_DAYS, TREND_ORDERS = 180, 4
#: days after a finished activity in which a customer is left alone
CALL_DAYS = 7


class SalesCustomerProfile(models.Model):
    """Who a customer is and how he buys, by all his confirmed orders in a company.

    The figures that hold whatever the day are stored (``sales.customer.figures``); what is another thing tomorrow is
    worked out when it is read.

    *Rhythm*: the median of the days between his order days, of which he has three at least, else the usual rhythm of
    the company's customers, of whom five at least have their own; else there is none, and nothing is said of his stage.

    *Lifecycle*, by the days since the last order against rhythm and spread: slowing when more than a spread late and
    1.25 rhythms have passed; at risk after two spreads and 2 rhythms; lost after three spreads and 3 rhythms. Who is
    none of these is won back when one of his last two pauses was as long as one that makes a customer lost; new with
    one order day; active otherwise.

    *Scores*: fifths among the customers of the company, 5 the best: last order, order days, revenue. Equal values
    have equal scores.

    *Trend*: revenue of the last 365 days against that of the 365 days before, of these only the part since the first
    order (as much a day); rising from 1.25 on, falling below 0.8; unknown with less than 180 days to compare with or
    four order days.

    *At stake*, of those who are slowing, at risk or lost: the orders that should have come since the last one, times
    the revenue of an order day, at most what a year of orders brings (one order, where the rhythm is longer than a
    year).

    *To call today*: slowing or at risk, the expected day is over, the customer is not archived, and no activity is open
    on him or was done in the last week.
    """
    _name = 'sales.customer.profile'
    _description = "Customer Profile"
    _inherit = ['sales.selection.order']
    _auto = False
    _stage_fields = ('lifecycle', 'trend')
    _order = 'revenue desc, id'
    _rec_name = 'commercial_partner_id'
    _rec_names_search = ['commercial_partner_id']
    _depends = {'mail.activity': ['active', 'date_done', 'res_id', 'res_model']}

    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    user_id = fields.Many2one(
        'res.users', string="Salesperson", readonly=True, help="The customer's, else that of the last order.")
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True, help="That of the last order.")
    country_id = fields.Many2one('res.country', readonly=True)
    industry_id = fields.Many2one('res.partner.industry', readonly=True)
    customer_count = fields.Integer(string="Customers", readonly=True)
    first_order_date = fields.Date(string="First Order", readonly=True)
    last_order_date = fields.Date(string="Last Order", readonly=True)
    order_count = fields.Integer(string="Orders", readonly=True)
    order_day_count = fields.Integer(string="Order Days", readonly=True, help="Days with an order.")
    revenue = fields.Monetary(readonly=True, help="Untaxed amount of all confirmed orders.")
    revenue_12 = fields.Monetary(string="Revenue, Last 12 Months", readonly=True)
    revenue_before_12 = fields.Monetary(string="Revenue, 12 Months Before", readonly=True)
    average_order = fields.Monetary(aggregator='avg', readonly=True)
    margin = fields.Monetary(readonly=True)
    product_count = fields.Integer(string="Products Bought", aggregator='avg', readonly=True)
    category_count = fields.Integer(string="Categories Bought", aggregator='avg', readonly=True)
    main_categ_id = fields.Many2one(
        'product.category', string="Main Category", readonly=True, help="The one that brought the most revenue.")
    return_rate = fields.Float(
        string="Returned", aggregator='avg', readonly=True, help="Credited amount over invoiced amount.")
    days_late_avg = fields.Float(
        string="Days to Payment After Due", digits=(16, 1), aggregator='avg', readonly=True,
        help="Average over paid invoices; negative when paid before the due date.")
    paid_invoice_count = fields.Integer(string="Paid Invoices", readonly=True)
    # what depends on the day
    recency = fields.Integer(string="Days Since Last Order", aggregator='avg', readonly=True)
    rhythm_days = fields.Float(
        string="Rhythm (Days)", digits=(16, 1), aggregator='avg', readonly=True,
        help="Usual days between two orders: the median of the customer's own with three order days at least, "
             "else that of the company's customers.")
    rhythm_spread = fields.Float(
        string="Spread of the Rhythm (Days)", digits=(16, 1), aggregator='avg', readonly=True)
    rhythm_basis = fields.Selection(RHYTHM_BASES, string="Rhythm Known From", readonly=True)
    longest_pause = fields.Integer(
        string="Longest Recent Pause", aggregator='max', readonly=True, help="The longer of the last two, in days.")
    expected_date = fields.Date(string="Next Order Expected", readonly=True)
    days_overdue = fields.Integer(aggregator='avg', readonly=True)
    lifecycle = fields.Selection(
        LIFECYCLES, readonly=True, group_expand=True,
        help="By the days since the last order against the customer's own rhythm.")
    r_score = fields.Integer(string="Recency Score", aggregator='avg', readonly=True)
    f_score = fields.Integer(string="Frequency Score", aggregator='avg', readonly=True)
    m_score = fields.Integer(string="Revenue Score", aggregator='avg', readonly=True)
    rfm = fields.Char(
        string="RFM", readonly=True,
        help="Recency, frequency and revenue among the customers of the company: 5 is the best fifth, 1 the last.")
    trend = fields.Selection(TRENDS, readonly=True)
    trend_rate = fields.Float(
        string="Of Year Before", aggregator='avg', readonly=True,
        help="Revenue a day of the last 12 months over that of the 12 months before.")
    value_at_stake = fields.Monetary(
        string="At Stake", readonly=True,
        help="What the orders that should have come since the last one would have brought, at most that of a year.")
    call_today = fields.Boolean(
        string="To Call Today", readonly=True,
        help="The next order is overdue, the customer is not lost yet, and nobody has anything planned.")
    # what studies foresee
    p_alive = fields.Float(string="Chance to Buy Again", aggregator='avg', readonly=True)
    expected_orders = fields.Float(string="Orders Foreseen", digits=(16, 2), readonly=True)
    expected_value = fields.Monetary(string="Revenue Foreseen", readonly=True)
    churn_probability = fields.Float(string="Chance to Leave", aggregator='avg', readonly=True)
    outlook_horizon = fields.Integer(
        string="Days Foreseen", aggregator=None, readonly=True, help="How many days the foreseen figures reach.")
    segment_ids = fields.Many2many(
        'sales.segment', relation='sales_segment_customer_rel', column1='profile_id', column2='segment_id',
        string="Segments", readonly=True)

    # -- the query

    @property
    def _table_query(self):
        return SQL(
            "SELECT %s FROM %s",
            SQL(", ").join(
                SQL("%s AS %s", expression, SQL.identifier(name)) for name, expression in self._select().items()),
            self._from())

    def _select(self):
        figures = (
            'id', 'commercial_partner_id', 'company_id', 'currency_id', 'user_id', 'team_id', 'country_id',
            'industry_id', 'first_order_date', 'last_order_date', 'order_count', 'order_day_count', 'revenue',
            'average_order', 'margin', 'product_count', 'category_count', 'main_categ_id', 'return_rate',
            'days_late_avg', 'paid_invoice_count')
        return {
            **{name: SQL.identifier('t', name) for name in figures},
            'customer_count': SQL("1"),
            'revenue_12': SQL("y.revenue_12"),
            'revenue_before_12': SQL("y.revenue_before_12"),
            'recency': SQL("r.recency"),
            'rhythm_days': SQL("r.rhythm"),
            'rhythm_spread': SQL("r.spread"),
            'rhythm_basis': SQL("r.basis"),
            'longest_pause': SQL("GREATEST(t.last_gaps[1], t.last_gaps[2])"),
            'expected_date': SQL("e.expected_date"),
            'days_overdue': SQL("GREATEST(r.today - e.expected_date, 0)"),
            'lifecycle': SQL("l.lifecycle"),
            'r_score': SQL("f.r_score"),
            'f_score': SQL("f.f_score"),
            'm_score': SQL("f.m_score"),
            'rfm': SQL("f.r_score::text || f.f_score::text || f.m_score::text"),
            # worked out once: on a million customers each time more is felt
            'trend': SQL(
                "COALESCE((ARRAY['falling', 'steady', 'rising'])[width_bucket(g.rate, ARRAY[%s, %s]) + 1], 'unknown')",
                FALLING, RISING),
            'trend_rate': SQL("g.rate::float8"),
            'value_at_stake': SQL(
                """CASE WHEN l.lifecycle IN ('slowing', 'at_risk', 'lost')
                        THEN ROUND(GREATEST(t.revenue, 0) / t.order_day_count
                                   * LEAST(FLOOR(r.recency / r.rhythm), GREATEST(%s / r.rhythm, 1))::numeric, 2)
                        ELSE 0 END""", YEAR),
            'call_today': SQL("COALESCE(l.lifecycle IN ('slowing', 'at_risk') AND r.today > e.expected_date, FALSE)"
                              " AND t.customer_active AND %s", self._nothing_planned()),
            'p_alive': SQL("o.p_alive"),
            'expected_orders': SQL("o.expected_orders"),
            'expected_value': SQL("o.expected_value"),
            'churn_probability': SQL("o.churn_probability"),
            'outlook_horizon': SQL("o.horizon_days"),
        }

    def _from(self):
        """Return the stored figures, each with what follows from them today, step by step.

        The steps have no table of their own: PostgreSQL puts them together and works out what a question needs.
        """
        return SQL(
            """
            sales_customer_figures t
              LEFT JOIN sales_customer_scale s ON s.company_id = t.company_id
              LEFT JOIN sales_customer_outlook o ON o.id = t.id
             CROSS JOIN LATERAL (SELECT %(today)s AS today) d
             CROSS JOIN LATERAL (%(rhythm)s) r
             CROSS JOIN LATERAL (SELECT t.last_order_date + ROUND(r.rhythm)::int AS expected_date) e
             CROSS JOIN LATERAL (SELECT %(lifecycle)s AS lifecycle) l
             CROSS JOIN LATERAL (%(scores)s) f
             CROSS JOIN LATERAL (%(years)s) y
             CROSS JOIN LATERAL (SELECT %(trend)s AS rate) g
            """,
            today=self.env['sales.order.tracking']._today(SQL("t.company_id")), rhythm=self._select_rhythm(),
            lifecycle=self._lifecycle(), scores=self._select_scores(), years=self._select_years(),
            trend=self._trend_rate())

    def _select_rhythm(self):
        own = SQL("t.order_day_count >= %s", OWN_DAYS)
        usual = SQL("s.rhythm_count >= %s", MIN_RHYTHMS)
        return SQL(
            """
            SELECT d.today, GREATEST(d.today - t.last_order_date, 0) AS recency,
                   CASE WHEN %(own)s THEN t.gap_median WHEN %(usual)s THEN s.rhythm_days END AS rhythm,
                   CASE WHEN %(own)s THEN t.gap_spread WHEN %(usual)s THEN s.rhythm_spread END AS spread,
                   CASE WHEN %(own)s THEN 'own' WHEN %(usual)s THEN 'company' ELSE 'none' END AS basis
            """, own=own, usual=usual)

    def _limit(self, stage):
        """Return the days since the last order from which on a customer is in a stage."""
        spreads, gaps = LIMITS[stage]
        return SQL("GREATEST(r.rhythm + %s * r.spread, %s * r.rhythm)", spreads, gaps)

    def _lifecycle(self):
        return SQL(
            """CASE WHEN r.rhythm IS NULL THEN NULL
                    WHEN r.recency >= %(lost)s THEN 'lost'
                    WHEN r.recency >= %(at_risk)s THEN 'at_risk'
                    WHEN r.recency > r.rhythm + r.spread AND r.recency >= %(slowing)s THEN 'slowing'
                    WHEN GREATEST(t.last_gaps[1], t.last_gaps[2]) >= %(lost)s THEN 'won_back'
                    WHEN t.order_day_count = 1 THEN 'new'
                    ELSE 'active' END""",
            lost=self._limit('lost'), at_risk=self._limit('at_risk'), slowing=self._limit('slowing'))

    def _select_scores(self):
        """Return the scores: one more, or for silence one less, for each bound that is passed."""
        def passed(condition, bounds):
            return SQL(" + ").join(
                SQL("(%s %s[%s])::int", condition, bounds, number) for number in range(1, 5))

        return SQL(
            "SELECT 5 - (%s) AS r_score, 1 + %s AS f_score, 1 + %s AS m_score",
            passed(SQL("t.last_order_date <"), SQL("s.r_bounds")),
            passed(SQL("t.order_day_count >"), SQL("s.f_bounds")), passed(SQL("t.revenue >"), SQL("s.m_bounds")))

    def _select_years(self):
        """Return the revenue of the last 365 days and of those before: as stored, or added up once days moved on."""
        def revenue(column, since, until):
            return SQL(
                """
                CASE WHEN r.today >= t.window_from AND r.today < t.window_until THEN %(column)s
                     ELSE (SELECT COALESCE(SUM(amount), 0) FROM unnest(t.order_days, t.day_amounts) u (day, amount)
                            WHERE day > r.today - %(since)s AND %(until)s) END
                """, column=column, since=since, until=until)

        return SQL(
            "SELECT %s AS revenue_12, %s AS revenue_before_12",
            revenue(SQL("t.revenue_12"), YEAR, SQL("TRUE")),
            revenue(SQL("t.revenue_before_12"), 2 * YEAR, SQL("day <= r.today - %s", YEAR)))

    def _trend_rate(self):
        return SQL(
            """
            CASE WHEN t.order_day_count >= %(orders)s AND r.today - %(year)s - t.first_order_date >= %(days)s
                 THEN y.revenue_12 * LEAST(r.today - %(year)s - t.first_order_date + 1, %(year)s)
                      / NULLIF(GREATEST(y.revenue_before_12, 0) * %(year)s, 0) END
            """, orders=TREND_ORDERS, days=TREND_DAYS, year=YEAR)

    def _nothing_planned(self):
        return SQL(
            """t.commercial_partner_id NOT IN (
                SELECT res_id FROM mail_activity
                 WHERE res_model = 'res.partner' AND res_id IS NOT NULL
                   AND (active OR date_done > %s::date - %s))""", fields.Date.today(), CALL_DAYS)
