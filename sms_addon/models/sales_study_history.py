import numpy as np

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate, format_date

from ..tools.customer_history import FEATURES, YEAR, History, features_on, ordered_between
from ..tools.evidence import ThinDataError
from .sales_customer_figures import customer_key
from .sales_fixed_point import SCALE

_lt = LazyTranslate(__name__)

#: days at most that the past is looked at from, each one horizon before the next
CUT_OFFS = 8
#: customers that such a day needs, and that are looked at altogether
MIN_CUSTOMERS = 100
SAMPLE = 40_000
#: below it, rules are hardly better than chance, and a probability would only look like one
MIN_AUC = 0.55

THIN = {
    'customers': _lt("%(count)s customers have ordered so far. This study needs at least %(needed)s."),
    'history': _lt(
        "The orders go back %(days)s days. This study needs at least %(needed)s: it learns from what customers did in"
        " %(horizon)s days, and checks itself on the %(horizon)s days after."),
    'positives': _lt("It happened in %(count)s cases only. This study needs at least %(needed)s."),
    'negatives': _lt("It did not happen in %(count)s cases only. This study needs at least %(needed)s."),
    'no_signal': _lt(
        "Nothing in the orders tells who will do it: on later periods the rules were right about as often as chance"
        " (AUC %(auc)s)."),
    'moments': _lt("There is no later period with enough customers to check the rules on."),
}


class SalesStudy(models.Model):
    """How studies look at the past of customers: from days that are one horizon apart."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    rule_ids = fields.One2many('sales.study.rule', 'study_id', string="Rules", readonly=True)
    rule_count = fields.Integer(compute='_compute_rule_count')

    @api.depends('rule_ids')
    def _compute_rule_count(self):
        counts = dict(self.env['sales.study.rule']._read_group(
            [('study_id', 'in', self.ids)], ['study_id'], ['__count']))
        for study in self:
            study.rule_count = counts.get(study, 0)

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _read_history(self):
        """Return the history of all customers of the company, under the ids of their profiles."""
        days = self._read_matrix(SQL(
            """
            SELECT %(key)s AS customer, date AS day, COUNT(DISTINCT order_id) AS orders,
                   SUM(price_subtotal) / %(scale)s::float8 AS revenue
              FROM sales_fact WHERE %(where)s
             GROUP BY commercial_partner_id, company_id, date
             ORDER BY 1, 2
            """, key=self._select_key(), scale=SCALE, where=self._where_history()),
            {'customer': 'int', 'day': 'date', 'orders': 'int', 'revenue': 'float'})
        goods = self._read_matrix(SQL(
            """
            SELECT %(key)s AS customer, date AS day, categ_id AS category,
                   SUM(price_subtotal) / %(scale)s::float8 AS revenue
              FROM sales_fact WHERE %(where)s AND categ_id IS NOT NULL
             GROUP BY commercial_partner_id, company_id, date, categ_id
             ORDER BY 1, 2, 3
            """, key=self._select_key(), scale=SCALE, where=self._where_history()),
            {'customer': 'int', 'day': 'date', 'category': 'int', 'revenue': 'float'})
        history = History.of(days, goods)
        if len(history.customers) < MIN_CUSTOMERS:
            raise ThinDataError('customers', count=len(history.customers), needed=MIN_CUSTOMERS)
        return history

    def _select_key(self):
        return customer_key(SQL("commercial_partner_id"), SQL("company_id"))

    def _where_history(self):
        return SQL(
            "state = 'sale' AND commercial_partner_id IS NOT NULL AND company_id = %s AND date <= %s AND %s",
            self.company_id.id, self._get_as_of(),
            SQL("date >= %s", self.date_from) if self.date_from else SQL("TRUE"))

    def _get_day(self):
        """Return the day up to which the study looks, in days since 1970."""
        return int(np.datetime64(self._get_as_of(), 'D').astype(np.int64))

    def _get_cut_offs(self, history):
        """Return the days to look at the past from, since 1970, the earliest first.

        :raise ThinDataError: there is none to learn from, and one after it to be judged on
        """
        first_days = np.sort(history.first_days())
        days = self._get_day() - self.horizon_days * np.arange(CUT_OFFS, 0, -1)
        days = [int(day) for day in days if np.searchsorted(first_days, day, 'right') >= MIN_CUSTOMERS]
        if len(days) < 2:
            raise ThinDataError(
                'history', days=self._get_day() - int(first_days[0]), needed=3 * self.horizon_days,
                horizon=self.horizon_days)
        return days

    def _sample_customers(self, history):
        if len(history.customers) <= SAMPLE:
            return history
        chosen = np.random.default_rng(self.seed).choice(len(history.customers), SAMPLE, replace=False)
        return history.only(np.sort(chosen))

    def _get_cases(self, history, day):
        """Return the customers who had ordered within a year on a day, and what was known of them.

        Of who had not ordered for longer, all is known already.
        """
        positions, features = features_on(history, day)
        recent = features[:, FEATURES.index('recency')] <= max(YEAR, 2 * self.horizon_days)
        return positions[recent], features[recent]

    def _stays_away(self, history, positions, day):
        return ~ordered_between(history, day, day + self.horizon_days)[positions]

    def _describe_data(self, history, cases, cut_offs):
        first = int(history.first_days().min())
        return self.env._(
            "%(customers)s customers with orders from %(first)s to %(last)s, looked at as they were on %(count)s days,"
            " %(horizon)s days apart: %(cases)s cases",
            customers=len(history.customers), cases=cases, count=len(cut_offs), horizon=self.horizon_days,
            first=format_date(self.env, np.datetime64(first, 'D').item()),
            last=format_date(self.env, self._get_as_of()))

    def action_open_rules(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_study_rule_action'),
            'domain': [('study_id', '=', self.id)],
            'context': {},
        }
