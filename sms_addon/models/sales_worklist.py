from datetime import timedelta

from babel.dates import format_skeleton

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate
from odoo.tools.misc import babel_locale_parse, format_amount, formatLang, get_lang

from .sales_order_tracking import NEXT_STEPS, REASONS, RISK_DAYS, STAGES, UNDELIVERED

_lt = LazyTranslate(__name__)

CAUSES = [
    ('late', "Late"),
    ('overdue', "Payment overdue"),
    ('activity', "Activity overdue"),
    ('at_risk', "At risk"),
    ('due', "To ship today"),
    ('expiring', "Quotation expires"),
    ('not_credited', "Not credited"),
    ('not_invoiced', "Not invoiced"),
    ('draft_invoice', "Invoice not posted"),
    ('no_answer', "No answer"),
    ('expired', "Quotation expired"),
]
#: how much a day of each cause weighs against one of another
WEIGHTS = {
    'late': 10, 'overdue': 8, 'activity': 6, 'at_risk': 6, 'due': 6, 'expiring': 4, 'not_credited': 4,
    'not_invoiced': 4, 'draft_invoice': 3, 'no_answer': 2, 'expired': 2,
}
#: days of silence after which a quotation is asked about
ANSWER_DAYS = 7
#: days after which an unanswered or expired quotation is no work of today any more
QUOTATION_DAYS = 60

#: what is the matter, with its figures to be filled in; late, due and soon go on with the reason
SENTENCES = {
    'late_goods': _lt("Promised for %(date)s, %(days)s late: %(waiting)s of %(open)s units wait for goods"),
    'late_operation': _lt(
        "Promised for %(date)s, %(days)s late: %(waiting)s of %(open)s units wait for another operation"),
    'late_no_delivery': _lt("Promised for %(date)s, %(days)s late: no delivery is planned"),
    'late_service': _lt("Promised for %(date)s, %(days)s late: the work is not recorded as done"),
    'late_not_invoiced': _lt("Promised for %(date)s, %(days)s late: the work is neither recorded as done nor invoiced"),
    'late_preparing': _lt("Promised for %(date)s, %(days)s late: %(open)s units are being prepared"),
    'late_ready': _lt("Promised for %(date)s, %(days)s late: %(open)s units are ready but not shipped"),
    'late_partial': _lt(
        "Promised for %(date)s, %(days)s late: %(delivered)s of %(ordered)s units shipped, the rest is ready"),
    'due_goods': _lt("Promised for today: %(waiting)s of %(open)s units wait for goods"),
    'due_operation': _lt("Promised for today: %(waiting)s of %(open)s units wait for another operation"),
    'due_no_delivery': _lt("Promised for today: no delivery is planned"),
    'due_service': _lt("Promised for today: the work is not recorded as done"),
    'due_not_invoiced': _lt("Promised for today: the work is neither recorded as done nor invoiced"),
    'due_preparing': _lt("Promised for today: %(open)s units are being prepared"),
    'due_ready': _lt("Promised for today: %(open)s units are ready but not shipped"),
    'due_partial': _lt("Promised for today: %(delivered)s of %(ordered)s units shipped, the rest is ready"),
    'soon_goods': _lt("Promised for %(date)s: %(waiting)s of %(open)s units wait for goods"),
    'soon_operation': _lt("Promised for %(date)s: %(waiting)s of %(open)s units wait for another operation"),
    'soon_no_delivery': _lt("Promised for %(date)s: no delivery is planned"),
    'soon_service': _lt("Promised for %(date)s: the work is not recorded as done"),
    'soon_not_invoiced': _lt("Promised for %(date)s: the work is neither recorded as done nor invoiced"),
    'expected_late': _lt("Promised for %(date)s, but expected on %(expected)s"),
    'overdue': _lt("Invoice %(days)s overdue, %(amount)s open"),
    'activity': _lt("Activity '%(activity)s' is %(days)s overdue"),
    'quotation_expires_today': _lt("Quotation of %(amount)s never sent, expires today"),
    'quotation_expires_tomorrow': _lt("Quotation of %(amount)s never sent, expires tomorrow"),
    'sent_expires_today': _lt("Quotation of %(amount)s without answer, expires today"),
    'sent_expires_tomorrow': _lt("Quotation of %(amount)s without answer, expires tomorrow"),
    'no_answer': _lt("Quotation of %(amount)s without answer for %(days)s"),
    'expired': _lt("Quotation of %(amount)s expired %(days)s ago"),
    'not_invoiced': _lt("Delivered %(days)s ago, %(amount)s not invoiced"),
    'confirmed_not_invoiced': _lt("Confirmed %(days)s ago, %(amount)s not invoiced"),
    'draft_invoice': _lt("Delivered %(days)s ago, the invoice of %(amount)s is not posted"),
    'not_credited': _lt("Returned %(days)s ago, not credited"),
}


class SalesWorklist(models.Model):
    """The orders that need somebody today, each with the most urgent of its causes, ranked.

    Priority = weight of the cause × (1 + days / 10, 30 days at most) × log10(10 + amount at stake): ten times the money
    counts about as much as three more weeks. A row is gone when its cause is.
    """
    _name = 'sales.worklist'
    _description = "Orders That Need You Today"
    _auto = False
    _order = 'priority desc, id'
    _rec_name = 'order_id'
    _rec_names_search = ['order_id']
    _depends = {
        'mail.activity': ['active', 'date_deadline', 'res_id', 'res_model', 'summary', 'activity_type_id', 'user_id'],
        'sales.order.snooze': ['order_id', 'user_id', 'until'],
    }

    order_id = fields.Many2one('sale.order', readonly=True)
    company_id = fields.Many2one('res.company', readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    user_id = fields.Many2one('res.users', string="Salesperson", readonly=True)
    team_id = fields.Many2one('crm.team', string="Sales Team", readonly=True)
    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True)
    stage = fields.Selection(STAGES, readonly=True)
    reason = fields.Selection(REASONS, string="Why It Is No Further", readonly=True)
    next_step = fields.Selection(NEXT_STEPS, readonly=True)
    cause = fields.Selection(CAUSES, readonly=True)
    days = fields.Integer(aggregator='max', readonly=True, help="How long the cause lasts, or how near the promise is.")
    amount = fields.Monetary(
        string="At Stake", readonly=True,
        help="The value of the order, or what of it is unpaid or not invoiced.")
    priority = fields.Float(digits=(16, 1), aggregator='max', readonly=True)
    promised_date = fields.Date(string="Promised", readonly=True)
    expected_date = fields.Date(string="Expected", readonly=True)
    validity_date = fields.Date(string="Expiration", readonly=True)
    qty_ordered = fields.Float(digits='Product Unit', readonly=True)
    qty_delivered = fields.Float(digits='Product Unit', readonly=True)
    qty_open = fields.Float(digits='Product Unit', readonly=True)
    qty_waiting = fields.Float(digits='Product Unit', readonly=True)
    activity_id = fields.Many2one('mail.activity', string="Overdue Activity", readonly=True)
    snoozed_until = fields.Date(readonly=True)
    is_snoozed = fields.Boolean(string="Snoozed", readonly=True)
    order_count = fields.Integer(string="Orders", readonly=True)
    sentence = fields.Char(string="What Is the Matter", compute='_compute_sentence')
    priority_text = fields.Char(string="How It Is Ranked", compute='_compute_priority_text')

    # -- the query

    @property
    def _table_query(self):
        tracking = self.env['sales.order.tracking']
        today = tracking._today(SQL("t.company_id"))
        causes = self._select_causes(today)
        return SQL(
            """
            SELECT t.id, t.order_id, t.company_id, t.currency_id, t.user_id, t.team_id, t.commercial_partner_id,
                   t.warehouse_id, t.stage, t.reason, t.next_step, t.promised_date, t.expected_date, t.validity_date,
                   t.qty_ordered, t.qty_delivered, t.qty_open, t.qty_waiting,
                   (%(names)s)[best[2]::int] AS cause, best[3]::int AS days, best[4]::numeric AS amount,
                   best[1] AS priority, a.activity_id,
                   snooze.until AS snoozed_until, COALESCE(snooze.until > %(today)s, FALSE) AS is_snoozed,
                   1 AS order_count
              FROM (%(tracking)s) t
              LEFT JOIN (SELECT DISTINCT ON (res_id) res_id, id AS activity_id, date_deadline
                           FROM mail_activity
                          WHERE res_model = 'sale.order' AND active
                          ORDER BY res_id, date_deadline, id) a ON a.res_id = t.id AND a.date_deadline < %(today)s
              LEFT JOIN sales_order_snooze snooze ON snooze.order_id = t.id AND snooze.user_id = %(user)s
             -- once for each row, not once for each column taken from it
             CROSS JOIN LATERAL (SELECT GREATEST(%(causes)s) AS best OFFSET 0) top
             WHERE (t.is_open OR a.activity_id IS NOT NULL) AND best IS NOT NULL
            """,
            tracking=tracking._table_query, today=today, user=self.env.uid, names=list(causes),
            causes=SQL(", ").join(
                self._select_rank(number, WEIGHTS[cause], *values)
                for number, (cause, values) in enumerate(causes.items(), start=1)))

    def _select_rank(self, number, weight, holds, days, amount):
        """Return [priority, number of the cause, days, amount] where a cause holds: the greatest is the most urgent."""
        return SQL(
            """CASE WHEN %(holds)s THEN ARRAY[
                %(weight)s * (1 + LEAST(%(days)s, 30) / 10.0::float8) * log(10 + GREATEST(%(amount)s, 0)::float8),
                %(number)s, %(days)s, %(amount)s]::float8[] END""",
            holds=holds, weight=weight, days=days, amount=amount, number=number)

    def _select_causes(self, today):
        """Return cause -> when it holds, its days, the amount at stake."""
        undelivered = SQL("t.stage IN %s", UNDELIVERED)
        quotation = SQL("t.stage IN ('quotation', 'sent')")
        answer = SQL(
            "t.stage = 'sent' AND t.days_in_stage BETWEEN %s AND %s"
            " AND (t.validity_date IS NULL OR t.validity_date >= %s)",
            ANSWER_DAYS, QUOTATION_DAYS, today)
        return {
            'late': (SQL("t.is_late"), SQL("t.days_late"), SQL("t.value")),
            'overdue': (SQL("t.due_date < %s", today), SQL("%s - t.due_date", today), SQL("t.amount_open")),
            'activity': (SQL("a.activity_id IS NOT NULL"), SQL("%s - a.date_deadline", today), SQL("t.value")),
            'at_risk': (
                SQL("t.at_risk"), SQL("GREATEST(%s - (t.promised_date - %s), 0)", RISK_DAYS + 1, today),
                SQL("t.value")),
            'due': (
                SQL("%s AND NOT t.at_risk AND t.promised_date = %s", undelivered, today), SQL("0"), SQL("t.value")),
            'expiring': (
                SQL("%s AND t.validity_date BETWEEN %s AND %s + 1", quotation, today, today),
                SQL("1 - (t.validity_date - %s)", today), SQL("t.value")),
            'not_credited': (SQL("t.reason = 'not_credited'"), SQL("t.days_in_stage"), SQL("t.value")),
            'not_invoiced': (
                SQL("t.reason = 'not_invoiced' AND t.days_in_stage > 0"), SQL("t.days_in_stage"),
                SQL("t.amount_to_invoice")),
            'draft_invoice': (
                SQL("t.reason = 'draft_invoice' AND t.days_in_stage > 0"), SQL("t.days_in_stage"),
                SQL("t.amount_to_invoice")),
            'no_answer': (answer, SQL("t.days_in_stage"), SQL("t.value")),
            'expired': (
                SQL("t.reason = 'expired' AND t.validity_date >= %s - %s", today, QUOTATION_DAYS),
                SQL("%s - t.validity_date", today), SQL("t.value")),
        }

    # -- in words

    @api.depends_context('lang', 'tz', 'uid')
    def _compute_sentence(self):
        # whoever sees an order sees its activities, but not always every record that these refer to
        activities = {activity.id: activity for activity in self.sudo().activity_id}
        for row in self:
            activity = activities.get(row.activity_id.id)
            sentence = self.env._(SENTENCES[row._get_sentence_name()])
            row.sentence = sentence % {
                'date': self._format_day(row.promised_date),
                'expected': self._format_day(row.expected_date),
                'days': self._format_days(row.days),
                'amount': format_amount(self.env, row.amount, row.currency_id, trailing_zeroes=False),
                'waiting': self._format_quantity(row.qty_waiting),
                'open': self._format_quantity(row.qty_open),
                'ordered': self._format_quantity(row.qty_ordered),
                'delivered': self._format_quantity(row.qty_delivered),
                'activity': activity and (activity.summary or activity.activity_type_id.name) or '',
            }

    def _get_sentence_name(self):
        """Return the name of the sentence that says what is the matter."""
        self.ensure_one()
        if self.cause == 'late' or self.cause == 'due':
            return f'{self.cause}_{self.reason}'
        if self.cause == 'at_risk':
            is_near = self.days and self.reason not in ('ready', 'preparing', 'partial')
            return f'{"due" if self.days > RISK_DAYS else "soon"}_{self.reason}' if is_near else 'expected_late'
        if self.cause == 'expiring':
            return f'{self.stage}_expires_{"today" if self.days else "tomorrow"}'
        if self.cause == 'not_invoiced' and self.stage != 'delivered':
            return 'confirmed_not_invoiced'
        return self.cause

    @api.model
    def _format_days(self, days):
        return self.env._("1 day") if days == 1 else self.env._("%(count)s days", count=days)

    @api.model
    def _format_day(self, date):
        # day and month in the order of the language
        return format_skeleton('MMMd', date, locale=babel_locale_parse(get_lang(self.env).code)) if date else ''

    @api.model
    def _format_quantity(self, quantity):
        return formatLang(self.env, quantity, digits=0 if quantity == int(quantity) else 2)

    @api.depends('cause', 'days', 'amount', 'priority')
    @api.depends_context('lang')
    def _compute_priority_text(self):
        labels = dict(self._fields['cause']._description_selection(self.env))
        for row in self:
            row.priority_text = self.env._(
                "%(priority).1f = %(cause)s, weight %(weight)s × %(urgency).1f for %(days)s"
                " × %(value).1f for %(amount)s",
                priority=row.priority, cause=labels[row.cause], weight=WEIGHTS[row.cause],
                urgency=1 + min(row.days, 30) / 10, days=self._format_days(row.days),
                value=row.priority / WEIGHTS[row.cause] / (1 + min(row.days, 30) / 10),
                amount=format_amount(self.env, row.amount, row.currency_id, trailing_zeroes=False))

    # -- buttons

    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()

    def action_snooze_day(self):
        return self._snooze(1)

    def action_snooze_week(self):
        return self._snooze(7)

    def action_wake(self):
        """Show snoozed orders again."""
        self._get_snoozes().unlink()

    def _snooze(self, days):
        """Hide the orders from this user; they come back by themselves."""
        rows = self.exists()
        rows.check_access('read')
        self._get_snoozes().unlink()
        today = fields.Date.context_today(self)
        self.env['sales.order.snooze'].sudo().create([{
            'user_id': self.env.uid,
            'order_id': row.order_id.id,
            'until': today + timedelta(days=days),
        } for row in rows])

    def _get_snoozes(self):
        return self.env['sales.order.snooze'].sudo().search([
            ('user_id', '=', self.env.uid), ('order_id', 'in', self.order_id.ids)])
