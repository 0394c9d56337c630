from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import date_utils

#: months of the chart, each beside the one a year before; older customers get one by years
MONTHS = 12
#: rows of a list on the page
ROWS = 5
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
            'quotations': self._get_quotations(customer, today),
            'activities': self._get_activities(customer, today),
            'meetings': self._get_meetings(customer),
            'timeline': self.env['sales.customer.timeline']._get(customer),
        }

    # -- charts

    @api.model
    def _get_sales(self, customer, today):
        """Return the confirmed revenue by month or year and by category, with the orders that it is made of."""
        months, categories, [(revenue, orders)] = self.env['sales.analysis']._read_grouping_sets(
            Domain('commercial_partner_id', '=', customer.id) & Domain('company_id', '=', self.env.company.id),
            [['date:month'], ['categ_id'], []], ['amount_ordered:sum', 'order_count:sum']) or ([], [], [])
        amounts = {month: amount or 0 for month, amount, _orders in months}
        return {
            'sales': {'revenue': revenue or 0, 'order_count': orders or 0},
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

    # -- what is open

    @api.model
    def _get_quotations(self, customer, today):
        orders = self.env['sale.order'].search_fetch([
            ('partner_id', 'child_of', customer.id), ('state', 'in', ('draft', 'sent')),
            ('company_id', '=', self.env.company.id),
        ], ['name', 'state', 'amount_untaxed', 'currency_id', 'validity_date', 'date_order'], order='date_order desc, id desc')
        return {
            'count': len(orders),
            'rows': [{
                'id': order.id,
                'name': order.name,
                'amount': order.amount_untaxed,
                'currency_id': order.currency_id.id,
                'is_sent': order.state == 'sent',
                'date': fields.Date.to_string(order.validity_date or order.date_order),
                'is_late': bool(order.validity_date) and order.validity_date < today,
            } for order in orders[:ROWS]],
        }

    @api.model
    def _get_activities(self, customer, today):
        """Return the planned activities on the customer, its contacts, quotations, orders and opportunities."""
        documents = Domain('res_model', '=', 'res.partner') & Domain(
            'res_id', 'in', self.env['res.partner']._search([('id', 'child_of', customer.id)]))
        for model in ('sale.order', 'crm.lead'):
            if self.env[model].has_access('read'):
                documents |= Domain('res_model', '=', model) & Domain('res_id', 'in', self.env[model]._search([
                    ('partner_id', 'child_of', customer.id)]))
        # those of documents that the user may read; checking them one by one would take a query for each model
        activities = self.env['mail.activity'].sudo().search_fetch(
            documents, ['summary', 'activity_type_id', 'date_deadline', 'user_id', 'res_model', 'res_id'],
            order='date_deadline, id')
        return {
            'count': len(activities),
            'rows': [{
                'id': activity.id,
                'name': activity.summary or activity.activity_type_id.name,
                'user_name': activity.user_id.name,
                'date': fields.Date.to_string(activity.date_deadline),
                'is_late': activity.date_deadline < today,
                'model': activity.res_model,
                'res_id': activity.res_id,
            } for activity in activities[:ROWS]],
        }

    @api.model
    def _get_meetings(self, customer):
        meetings = self.env['calendar.event'].search_fetch([
            ('partner_ids', 'child_of', customer.id), ('stop', '>=', fields.Datetime.now()),
        ], ['name', 'start', 'allday', 'start_date'], order='start, id')
        return {
            'count': len(meetings),
            'rows': [{
                'id': meeting.id,
                'name': meeting.name,
                'date': fields.Date.to_string(meeting.start_date) if meeting.allday
                else fields.Datetime.to_string(meeting.start),
            } for meeting in meetings[:ROWS]],
        }
