from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import date_utils

#: months of the chart, each beside the one a year before; older customers get one by years
MONTHS = 12
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
        return {
            'partner_id': customer.id,
            'currency_id': self.env.company.currency_id.id,
            **self._get_sales(customer, today),
            **self.env['sales.customer.open']._get(customer, today),
            'timeline': self.env['sales.customer.timeline']._get(customer),
        }

    # -- charts

    @api.model
    def _get_sales(self, customer, today):
        """Return the confirmed revenue by month or year and by category, with the orders that it is made of."""
        months, categories, totals = self.env['sales.fact']._read_grouping_sets(
            Domain('commercial_partner_id', '=', customer.id) & Domain('company_id', '=', self.env.company.id)
            & Domain('state', '=', 'sale'),
            [['date:month'], ['categ_id'], []], ['price_subtotal:sum', 'order_id:count_distinct'])
        amounts = {month: amount or 0 for month, amount, _orders in months}
        revenue, orders = totals[0] if totals else (0, 0)
        return {
            'sales': {'revenue': revenue or 0, 'order_count': orders},
            'periods': self._get_months(amounts, today) or self._get_years(amounts, today),
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
    def _get_ranking(self, groups):
        rows = sorted(((amount or 0, category) for category, amount, _orders in groups),
                      key=lambda row: (-row[0], row[1].id))
        return [{
            'id': category.id,
            # the name of what a user may not open is still part of figures that they may see
            'label': category.sudo().name or self.env._("None"),
            'value': amount,
        } for amount, category in rows[:CATEGORIES] if amount > 0]
