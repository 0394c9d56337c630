from babel.dates import format_skeleton

from odoo import api, fields, models
from odoo.tools import LazyTranslate
from odoo.tools.misc import babel_locale_parse, format_amount, formatLang, get_lang

_lt = LazyTranslate(__name__)

#: stage and whose rhythm it is judged by -> how it stands, its figures to be filled in
SENTENCES = {
    'new_company': _lt("First order on %(last)s; customers here order every %(rhythm)s, expected by %(expected)s"),
    'active_own': _lt("Orders every %(rhythm)s, last on %(last)s, next expected by %(expected)s"),
    'active_company': _lt(
        "%(orders)s so far, last on %(last)s; customers here order every %(rhythm)s, expected by %(expected)s"),
    # late, but not more than usual
    'within_own': _lt(
        "Orders every %(rhythm)s, give or take %(spread)s, last on %(last)s, expected since %(expected)s"),
    'within_company': _lt(
        "%(orders)s so far, last on %(last)s; customers here order every %(rhythm)s, give or take %(spread)s"),
    'slowing_own': _lt("Orders every %(rhythm)s, last on %(last)s: %(overdue)s overdue"),
    'slowing_company': _lt(
        "%(orders)s, last on %(last)s; customers here order every %(rhythm)s: %(overdue)s overdue"),
    'at_risk_own': _lt(
        "Ordered every %(rhythm)s until %(last)s: silent for %(recency)s, %(missed)s times as long"),
    'at_risk_company': _lt(
        "%(orders)s, last on %(last)s: silent for %(recency)s where customers here order every %(rhythm)s"),
    'lost_own': _lt(
        "Ordered every %(rhythm)s until %(last)s, %(orders)s of %(average)s on average: silent for %(recency)s"),
    'lost_company': _lt(
        "%(orders)s of %(average)s on average, last on %(last)s: silent for %(recency)s where customers here order "
        "every %(rhythm)s"),
    'won_back_own': _lt("Back after %(pause)s without an order, last on %(last)s"),
    'won_back_company': _lt("Back after %(pause)s without an order, last on %(last)s"),
    'thin': _lt("%(orders)s so far, last on %(last)s; too few to tell a rhythm"),
}


class SalesCustomerProfile(models.Model):
    """What a profile says in words, what is open with the customer now, and the buttons."""
    _name = 'sales.customer.profile'
    _inherit = ['sales.customer.profile']

    reason = fields.Char(string="How It Stands", compute='_compute_reason')
    credit_used = fields.Monetary(
        compute='_compute_credit_used',
        help="Posted receivables up to today, and confirmed orders with what is not invoiced of them, taxes included.")
    quotation_count = fields.Integer(string="Open Quotations", compute='_compute_quotation_count', aggregator=None)
    activity_count = fields.Integer(string="Open Activities", compute='_compute_activities', aggregator=None)
    next_activity_date = fields.Date(string="Next Activity", compute='_compute_activities')
    meeting_count = fields.Integer(string="Coming Meetings", compute='_compute_meeting_count', aggregator=None)

    # -- in words

    @api.depends_context('lang')
    def _compute_reason(self):
        for profile in self:
            sentence = self.env._(SENTENCES[profile._get_sentence_name()])
            profile.reason = sentence % profile._prepare_reason()

    def _get_sentence_name(self):
        if not self.lifecycle:
            return 'thin'
        stage = 'within' if self.lifecycle in ('new', 'active') and self.days_overdue else self.lifecycle
        return f'{stage}_{self.rhythm_basis}'

    def _prepare_reason(self):
        """Return the figures of the sentences, as text."""
        return {
            'last': self._format_day(self.last_order_date),
            'expected': self._format_day(self.expected_date),
            'rhythm': self._format_days(round(self.rhythm_days)),
            'spread': self._format_days(round(self.rhythm_spread)),
            'recency': self._format_days(self.recency),
            'overdue': self._format_days(self.days_overdue),
            'pause': self._format_days(self.longest_pause),
            'missed': formatLang(self.env, self.recency / self.rhythm_days if self.rhythm_days else 0, digits=1),
            'orders': self.env._("1 order") if self.order_count == 1
            else self.env._("%(count)s orders", count=self.order_count),
            'average': self._format_amount(self.average_order),
        }

    def _format_amount(self, amount):
        # cents say nothing of an average, but where amounts are small
        is_small = abs(amount) < 10
        return format_amount(
            self.env, amount if is_small else round(amount), self.currency_id, trailing_zeroes=is_small)

    @api.model
    def _format_days(self, days):
        return self.env._("1 day") if days == 1 else self.env._("%(count)s days", count=days)

    @api.model
    def _format_day(self, date):
        # in the order of the language; the year only where it is another one
        if not date:
            return ''
        skeleton = 'MMMd' if date.year == fields.Date.context_today(self).year else 'yMMMd'
        return format_skeleton(skeleton, date, locale=babel_locale_parse(get_lang(self.env).code))

    # -- what is open now

    def _compute_credit_used(self):
        for company, profiles in self.grouped('company_id').items():
            for profile in profiles:
                # each batch of customers is read at once, see sales.rule.facts
                partner = profile.commercial_partner_id.with_company(company)
                profile.credit_used = partner.with_prefetch(profiles.commercial_partner_id.ids).sales_credit_used

    def _compute_quotation_count(self):
        rows = self.env['sale.order']._read_group(
            [('partner_id', 'child_of', self.commercial_partner_id.ids), ('company_id', 'in', self.company_id.ids),
             ('state', 'in', ('draft', 'sent'))],
            ['partner_id', 'company_id'], ['__count'])
        counts = {}
        for partner, company, count in rows:
            key = partner.commercial_partner_id, company
            counts[key] = counts.get(key, 0) + count
        for profile in self:
            profile.quotation_count = counts.get((profile.commercial_partner_id, profile.company_id), 0)

    def _compute_activities(self):
        # whoever sees a customer sees its activities
        rows = self.env['mail.activity'].sudo()._read_group(
            [('res_model', '=', 'res.partner'), ('res_id', 'in', self.commercial_partner_id.ids)],
            ['res_id'], ['__count', 'date_deadline:min'])
        found = {partner_id: (count, date) for partner_id, count, date in rows}
        for profile in self:
            profile.activity_count, profile.next_activity_date = found.get(
                profile.commercial_partner_id.id, (0, False))

    def _compute_meeting_count(self):
        rows = self.env['calendar.event']._read_group(
            [('partner_ids', 'child_of', self.commercial_partner_id.ids), ('start', '>=', fields.Datetime.now())],
            ['partner_ids'], ['id:recordset'])
        meetings = {}
        for partner, events in rows:
            customer = partner.commercial_partner_id
            meetings[customer] = meetings.get(customer, events.browse()) | events
        for profile in self:
            profile.meeting_count = len(meetings.get(profile.commercial_partner_id, ()))

    # -- buttons

    def action_plan_call(self):
        """Plan a call with each customer for its salesperson, today; who has an open one gets no second."""
        profiles = self.exists()
        profiles.check_access('read')
        kind = self.env.ref('mail.mail_activity_data_call')
        planned = set(self.env['mail.activity'].sudo().search([
            ('res_model', '=', 'res.partner'), ('res_id', 'in', profiles.commercial_partner_id.ids),
            ('activity_type_id', '=', kind.id)]).mapped('res_id'))
        for profile in profiles.filtered(lambda each: each.commercial_partner_id.id not in planned):
            # who left does not call any more
            caller = profile.user_id.filtered('active') or self.env.user
            profile.commercial_partner_id.activity_schedule(
                activity_type_id=kind.id, user_id=caller.id, summary=profile.reason,
                date_deadline=fields.Date.context_today(self))

    def action_open_customer(self):
        self.ensure_one()
        return self.commercial_partner_id.get_formview_action()

    def action_open_orders(self):
        """Open the confirmed orders that the profile tells of."""
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sale.action_orders'),
            'domain': [
                ('partner_id', 'child_of', self.commercial_partner_id.id), ('company_id', '=', self.company_id.id),
                ('state', '=', 'sale')],
            'context': {},
        }
