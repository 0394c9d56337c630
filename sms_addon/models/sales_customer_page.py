from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL, date_utils

from .sales_fixed_point import SCALE

#: months of the chart, each beside the one a year before; older customers get one by years
MONTHS = 12
#: what the profile tells on the page
FIGURES = [
    'lifecycle', 'order_count', 'first_order_date', 'last_order_date', 'revenue', 'revenue_12', 'revenue_before_12',
    'average_order', 'rhythm_days', 'rhythm_spread', 'rhythm_basis', 'expected_date', 'days_overdue', 'rfm', 'r_score',
    'f_score', 'm_score', 'trend', 'trend_rate', 'return_rate', 'days_late_avg', 'paid_invoice_count', 'value_at_stake',
    'p_alive', 'expected_orders', 'expected_value', 'churn_probability', 'outlook_horizon', 'recency', 'longest_pause',
]
DAYS = ['first_order_date', 'last_order_date', 'expected_date']
#: bars of the chart
CATEGORIES = 8


class SalesCustomerPage(models.AbstractModel):
    """What the page of a customer shows: who they are, how they buy, what is open with them, what to offer next.

    Everything is of the current company and as far as the user may see it; each figure says what it rests on, and is
    left out where that is too little.
    """
    _name = 'sales.customer.page'
    _description = "Page of a Customer"

    @api.model
    def _get(self, customer):
        """Return everything that the page of a commercial partner shows."""
        today = fields.Date.context_today(self.with_context(tz=self.env.company.sales_timezone))
        profile = self.env['sales.customer.profile'].search_fetch(
            [('commercial_partner_id', '=', customer.id), ('company_id', '=', self.env.company.id)],
            [*FIGURES, 'commercial_partner_id', 'currency_id'], limit=1)
        return {
            'partner_id': customer.id,
            'currency_id': self.env.company.currency_id.id,
            'profile': self._prepare_profile(profile, today),
            **self._get_sales(customer, today, bool(profile)),
            **self.env['sales.customer.open']._get(customer, today, profile),
            'timeline': self.env['sales.customer.timeline']._get(customer),
        }

    # -- how they buy

    @api.model
    def _prepare_profile(self, profile, today):
        """Return the figures of the profile; None where there is none that the user may see."""
        if not profile:
            return None
        lifecycles = dict(profile._fields['lifecycle']._description_selection(self.env))
        return {
            **{name: profile[name] for name in FIGURES},
            **{name: fields.Date.to_string(profile[name]) for name in DAYS},
            'lifecycle_label': lifecycles.get(profile.lifecycle, False),
            'reason': profile.reason,
            'days_to_expected': (profile.expected_date - today).days if profile.expected_date else False,
        }

    @api.model
    def _get_sales(self, customer, today, is_whole):
        """Return the confirmed revenue by month or year and by category, with the orders that it is made of.

        :param is_whole: whether all orders count, as in the profile, or those that the user may read
        """
        months, categories, totals = self._read_sales(customer, is_whole)
        return {
            'sales': {**totals, 'is_whole': is_whole},
            'periods': self._get_months(months, today) or self._get_years(months, today),
            'categories': self._get_ranking(categories),
        }

    @api.model
    def _get_months(self, amounts, today):
        """Return twelve months up to this one, each with that of the year before; nothing when all are empty."""
        first = date_utils.start_of(today, 'month') - relativedelta(months=MONTHS - 1)
        rows = [{
            'start': fields.Date.to_string(month),
            'value': amounts.get(month, 0),
            'before': amounts.get(month - relativedelta(years=1), 0),
        } for month in (first + relativedelta(months=index) for index in range(MONTHS))]
        return {'unit': 'month', 'rows': rows} if any(row['value'] or row['before'] for row in rows) else None

    @api.model
    def _get_years(self, amounts, today):
        """Return the years since the first order: a customer who no longer buys has no recent months to show."""
        by_year = {}
        for month, amount in amounts.items():
            by_year[month.year] = by_year.get(month.year, 0) + amount
        years = range(min(by_year), today.year + 1) if any(by_year.values()) else ()
        return {'unit': 'year', 'rows': [
            {'start': f'{year}-01-01', 'value': by_year.get(year, 0)} for year in years]}

    @api.model
    def _get_ranking(self, amounts):
        rows = sorted(amounts.items(), key=lambda row: (-row[1], row[0][0] or 0))
        return [{
            'id': category_id or False,
            'label': name or self.env._("None"),
            'value': amount,
        } for (category_id, name), amount in rows[:CATEGORIES] if amount > 0]

    @api.model
    def _read_sales(self, customer, is_whole):
        """Return month -> revenue, (category id, name) -> revenue, and both ``revenue`` and ``order_count`` in all."""
        # who may see the profile, which is made of all orders of the customer, may see them summed up here
        facts = self.env['sales.fact'].sudo(is_whole or self.env.su)
        query = facts._search([
            ('commercial_partner_id', '=', customer.id), ('company_id', '=', self.env.company.id),
            ('state', '=', 'sale')])
        rows = self.env.execute_query(SQL(
            """
            SELECT GROUPING(f.month, f.categ_id), f.month, f.categ_id, %(name)s,
                   SUM(f.price_subtotal), COUNT(DISTINCT f.order_id)
              FROM (%(facts)s) f
              LEFT JOIN product_category category ON category.id = f.categ_id
             GROUP BY GROUPING SETS ((f.month), (f.categ_id, %(name)s), ())
            """,
            # the name of what a user may not open is still part of figures that they may see
            name=self.env['product.category'].sudo()._field_to_sql('category', 'name'),
            facts=query.select(
                SQL("date_trunc('month', sales_fact.date)::date AS month"),
                *(SQL.identifier('sales_fact', name) for name in ('categ_id', 'price_subtotal', 'order_id')))))
        months, categories, totals = {}, {}, {'revenue': 0, 'order_count': 0}
        for level, month, category_id, name, amount, orders in rows:
            amount = float((amount or 0) / SCALE)
            if level == 3:
                totals = {'revenue': amount, 'order_count': orders}
            elif level == 1:
                months[month] = amount
            else:
                categories[category_id, name] = amount
        if not totals['order_count']:
            facts._check_tables_visible()  # a warehouse that is being rebuilt looks empty
        return months, categories, totals
