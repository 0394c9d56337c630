from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import date_utils

# What cards are made of: sums, so that a period may be read in parts and the parts added up.
MEASURES = ('amount_ordered', 'amount_margin', 'order_count', 'lost_count')


class SalesOverview(models.AbstractModel):
    """The figures of the Overview screen, as far as the user may see the orders they are made of."""
    _name = 'sales.overview'
    _description = "Sales Overview"

    @api.readonly
    @api.model
    def get_overview(self, period='month'):
        """Return everything that the screen shows.

        :param str period: ``month``, ``quarter``, ``year`` or ``last_12_months``
        """
        start, end = self._get_period(period)
        warehouse = self.env['sales.warehouse']._get()
        return {
            'currency_id': self.env.company.currency_id.id,
            'cards': self._get_cards(start, end),
            'months': self._get_months(period),
            'customers': self._get_ranking(start, end, 'commercial_partner_id', limit=10),
            'teams': self._get_ranking(start, end, 'team_id'),
            'categories': self._get_ranking(start, end, 'categ_id', limit=10),
            'is_empty': not self.env['sale.order'].search_count([], limit=1),
            'can_import': 'sales.import' in self.env and self.env['sales.import'].has_access('create'),
            'warehouse_id': warehouse.id,
            'warehouse_state': warehouse.state,
            'as_of': fields.Datetime.to_string(self._get_as_of(warehouse)),
        }

    @api.model
    def _get_period(self, period):
        """Return the first and the last day of a period; whole months, as the roll-ups have them."""
        today = fields.Date.context_today(self)
        if period == 'last_12_months':
            return date_utils.start_of(today - relativedelta(months=11), 'month'), date_utils.end_of(today, 'month')
        return date_utils.start_of(today, period), date_utils.end_of(today, period)

    @api.model
    def _get_as_of(self, warehouse):
        if warehouse.state == 'fresh':
            return fields.Datetime.now()
        return warehouse.refreshed_at or warehouse.rebuilt_at

    @api.model
    def _get_domain(self, start, end):
        return Domain('date', '>=', start) & Domain('date', '<=', end)

    @api.model
    def _get_cards(self, start, end):
        """Return by card its value, and that of the year before up to the same day."""
        today = fields.Date.context_today(self)
        current = self._get_ratios(self._sum_measures(start, end))
        before = self._get_ratios(self._sum_measures(
            start - relativedelta(years=1), min(today, end) - relativedelta(years=1)))
        cards = {name: {'value': value, 'before': before[name]} for name, value in current.items()}
        [(quoted, quotations)] = self.env['sales.analysis']._read_group(
            [('state', 'in', ('draft', 'sent'))], [], ['price_subtotal:sum', 'quotation_count:sum'])
        [(to_invoice,)] = self.env['sales.analysis']._read_group(
            [('state', '=', 'sale')], [], ['untaxed_amount_to_invoice:sum'])
        cards['quotations'] = {'value': quoted or 0, 'count': quotations or 0}
        cards['to_invoice'] = {'value': to_invoice or 0}
        cards['worklist'] = {'value': self.env['sales.worklist'].search_count([
            ('user_id', '=', self.env.uid), ('is_snoozed', '=', False)])}
        return cards

    @api.model
    def _sum_measures(self, start, end):
        """Return the measures of a range of days, its whole months from a roll-up."""
        month = date_utils.start_of(end, 'month')
        parts = [(start, end)] if end == date_utils.end_of(end, 'month') else [
            (start, month - relativedelta(days=1)), (max(start, month), end)]
        totals = dict.fromkeys(MEASURES, 0)
        for first, last in parts:
            if first > last:
                continue
            [values] = self.env['sales.analysis']._read_group(
                self._get_domain(first, last), [], [f'{name}:sum' for name in MEASURES])
            for name, value in zip(MEASURES, values, strict=True):
                totals[name] += value or 0
        return totals

    @api.model
    def _get_ratios(self, totals):
        ordered, orders = totals['amount_ordered'], totals['order_count']
        decided = orders + totals['lost_count']
        return {
            'ordered': ordered,
            'orders': orders,
            'average_order': ordered / orders if orders else False,
            'margin_rate': totals['amount_margin'] / ordered if ordered else False,
            'win_rate': orders / decided if decided else False,
        }

    @api.model
    def _get_months(self, period):
        """Return the ordered amount of twelve months, each with that of the year before; none for those to come."""
        today = fields.Date.context_today(self)
        start, end = self._get_period('last_12_months' if period == 'last_12_months' else 'year')
        amounts = dict(self.env['sales.analysis']._read_group(
            self._get_domain(start - relativedelta(years=1), end), ['date:month'], ['amount_ordered:sum']))
        months = [start + relativedelta(months=index) for index in range(12)]
        return [{
            'month': fields.Date.to_string(month),
            'value': (amounts.get(month) or 0) if month <= today else False,
            'before': amounts.get(month - relativedelta(years=1)) or 0,
        } for month in months]

    @api.model
    def _get_ranking(self, start, end, field, limit=None):
        """Return who or what brought most of the ordered amount, largest first."""
        groups = self.env['sales.analysis']._read_group(
            self._get_domain(start, end), [field], ['amount_ordered:sum'],
            having=[('amount_ordered:sum', '>', 0)], order='amount_ordered:sum DESC', limit=limit)
        return [{
            'id': record.id,
            # the name of what a user may not open is still part of figures that they may see
            'label': record.sudo().display_name or self.env._("None"),
            'value': value,
        } for record, value in groups]
