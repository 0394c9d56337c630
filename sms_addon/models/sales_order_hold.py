from markupsafe import Markup
from psycopg2.errors import UniqueViolation

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import mute_logger

from ..tools import figures

#: how long the end of the month, or of the next one, may be away
MONTH_DAYS = {'days_after_end_of_month': 30, 'days_after_end_of_next_month': 61}
#: what of a rule an approval is bound to; a rule that is published with another of these needs a new one
TERMS = ('domain', 'decision', 'policy_id')
STATES = [
    ('waiting', "Waiting"),
    ('approved', "Approved"),
    ('refused', "Refused"),
    ('withdrawn', "Withdrawn"),
    ('superseded', "Replaced"),
]


class SalesOrderHold(models.Model):
    """A request to release an order that rules hold: why, for which figures, who is asked and what they said.

    There is one for each order and policy. It is written by the rules and by the buttons only; how approvers decide is
    in ``sales_order_hold_votes.py``, what people are told in ``sales_order_hold_messages.py``.
    """
    _name = 'sales.order.hold'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _description = "Held Order"
    _order = 'requested_at desc, id desc'
    _mail_post_access = 'read'

    order_id = fields.Many2one('sale.order', readonly=True, required=True, ondelete='cascade', index=True)
    policy_id = fields.Many2one(
        'sales.approval.policy', readonly=True, ondelete='restrict', index='btree_not_null',
        help="Who releases the order; the sales managers if empty.")
    state = fields.Selection(STATES, readonly=True, required=True, default='waiting')
    reason = fields.Text(readonly=True, help="Why the order is held, one sentence for each rule.")
    note = fields.Text(string="Remark", readonly=True)
    # a rule that is archived decides until that is published
    rule_ids = fields.Many2many('sales.rule', readonly=True, context={'active_test': False})
    terms = fields.Json(readonly=True, help="What the rules said when approval was asked for, by their ids.")
    decision_ids = fields.Many2many('sales.rule.decision', readonly=True)
    partner_id = fields.Many2one(related='order_id.partner_id', store=True, string="Customer")
    company_id = fields.Many2one(related='order_id.company_id', store=True, index=True)
    salesman_id = fields.Many2one(related='order_id.user_id', store=True, string="Salesperson", index='btree_not_null')
    currency_id = fields.Many2one(related='company_id.currency_id')
    amount = fields.Monetary(string="Total", readonly=True, help="When the approval was asked for.")
    requested_by_id = fields.Many2one('res.users', string="Asked By", readonly=True)
    requested_at = fields.Datetime(string="Waiting Since", readonly=True, default=fields.Datetime.now)
    decided_at = fields.Datetime(readonly=True)
    accepted = fields.Boolean(
        string="Accepted by the Customer", readonly=True,
        help="The customer has signed or paid: once released, the order is confirmed by itself.")
    revision = fields.Integer(readonly=True, default=1, help="How often the approval was asked for.")
    level_id = fields.Many2one(
        'sales.approval.level', readonly=True, ondelete='restrict', index='btree_not_null')
    quorum = fields.Integer(string="Approvals Needed", readonly=True, default=1)
    asked_ids = fields.Many2many(
        'res.users', 'sales_order_hold_asked_rel', readonly=True,
        help="The approvers of this level, with those added since.")
    approver_ids = fields.Many2many(
        'res.users', 'sales_order_hold_approver_rel', string="May Decide Now", readonly=True,
        help="Those asked who have not decided yet, and who stands in for the absent ones.")
    escalate_at = fields.Datetime(readonly=True, index='btree_not_null')
    figures = fields.Json(string="Figures Asked For", readonly=True, help="For which approval is asked.")
    released_figures = fields.Json(readonly=True, help="For which approval was given.")
    vote_ids = fields.One2many('sales.order.vote', 'hold_id', string="Votes", readonly=True)
    approval_count = fields.Integer(string="Approvals", compute='_compute_approval_count')
    may_decide = fields.Boolean(compute='_compute_may_decide', search='_search_may_decide')
    may_withdraw = fields.Boolean(compute='_compute_may_decide')
    figures_html = fields.Html(string="Figures", compute='_compute_figures_html', sanitize=False)

    # two clicks at once make one request
    _open_uniq = models.UniqueIndex(
        "(order_id, COALESCE(policy_id, 0)) WHERE state = 'waiting'", "The order is held for this approval already.")

    @api.depends('order_id.name', 'policy_id.name')
    def _compute_display_name(self):
        for hold in self:
            # an approver may not read the order itself
            order, policy = hold.sudo().order_id.name, hold.sudo().policy_id.name
            hold.display_name = f"{order}: {policy}" if policy else order

    @api.depends('vote_ids', 'revision', 'level_id')
    def _compute_approval_count(self):
        for hold in self:
            hold.approval_count = len(hold.sudo()._get_votes())

    @api.depends('state', 'approver_ids')
    @api.depends_context('uid')
    def _compute_may_decide(self):
        manager = self.env.user.has_group('sales_team.group_sale_manager')
        for hold in self:
            waiting = hold.state == 'waiting'
            hold.may_decide = waiting and self.env.user in hold.approver_ids
            hold.may_withdraw = waiting and (
                manager or self.env.user in hold.requested_by_id | hold.salesman_id)

    def _search_may_decide(self, operator, value):
        if operator != 'in':
            return NotImplemented
        mine = fields.Domain('state', '=', 'waiting') & fields.Domain('approver_ids', 'in', self.env.uid)
        return mine if True in value else ~mine

    @api.depends('figures', 'released_figures', 'state')
    @api.depends_context('lang')
    def _compute_figures_html(self):
        for hold in self:
            hold.figures_html = self.env['ir.qweb']._render(
                'sms_addon.sales_order_hold_figures', hold.sudo()._prepare_figures()) if hold.id else Markup()

    # -- figures

    @api.model
    def _read_figures(self, orders):
        """Return what an approval is bound to, by order: money in the currency of the company, rounded as it is."""
        return {order: self._read_order_figures(order) for order in orders.sudo()}

    def _read_order_figures(self, order):
        # the credit of a customer depends on whose ledger is looked at
        order = order.with_company(order.company_id)
        currency = order.company_id.currency_id
        return {
            'customer': order.partner_id.commercial_partner_id.id,
            'total': currency.round(order.sales_amount_total_company),
            'discount': round(order.sales_discount, 2),
            'margin': self._read_margin(order),
            'credit': currency.round(order.sales_credit_used),
            'payment_days': self._read_payment_days(order),
        }

    def _read_margin(self, order):
        """Return the margin in percent, or None where no cost is known or nothing is paid for what has one."""
        if not any(line.purchase_price for line in order.order_line) or (
            order.currency_id.compare_amounts(order.amount_untaxed, 0) <= 0
        ):
            return None
        return round(order.margin / order.amount_untaxed * 100, 2)

    def _read_payment_days(self, order):
        """Return the days after which the last part is due at the latest, whenever the invoice comes.

        The days from today would be more on the first of a month than on its last for terms that wait for its end: an
        approval would end by the calendar.
        """
        return max((line.nb_days + self._read_month_days(line) for line in order.payment_term_id.line_ids), default=0)

    def _read_month_days(self, line):
        if line.delay_type == 'days_end_of_month_on_the':
            return 30 + int(line.days_next_month if (line.days_next_month or '').isdigit() else 1)
        return MONTH_DAYS.get(line.delay_type, 0)

    # -- asking

    @api.model
    def _request(self, decisions, accepted=False):
        """Ask for the release of the orders that rules hold, tell the approvers, and return the holds.

        An open request is left alone unless the figures got worse or rules were added to it: then it starts anew.

        :param decisions: records of ``sales.rule.decision``
        :param accepted: the customer has signed or paid, so the release confirms the order
        """
        holds = self.sudo().browse()
        by_order = decisions.sudo().filtered('order_id').grouped('order_id')
        now = self._read_figures(self.env['sale.order'].union(*by_order))
        for order, its_decisions in by_order.items():
            for policy, reasons in its_decisions.grouped(self._get_policy).items():
                holds |= self.sudo()._request_one(order, policy, reasons, now[order], accepted)
        return holds.with_env(self.env)

    def _get_policy(self, decision):
        """Return the policy that was named when the rule was published, whatever the rule says by now."""
        terms = self._read_terms(decision.rule_id, decision.version_id)
        policies = self.env['sales.approval.policy'].sudo()
        return policies.browse(terms['policy_id'] or ()).exists() if terms else decision.rule_id.approval_policy_id

    @api.model
    def _read_terms(self, rule, version):
        """Return what of a rule an approval is bound to, as a version says it; nothing if it does not know the rule."""
        definition = version.definition or {}
        return next((
            {'model': definition['model'], **{name: each[name] for name in TERMS}}
            for each in definition.get('rules', ()) if each['id'] == rule.id), None)

    def _request_one(self, order, policy, decisions, now, accepted):
        """Return the one hold of an order and policy, asking for it unless that has been done."""
        holds = self.search([('order_id', '=', order.id), ('policy_id', '=', policy.id)], order='id desc')
        latest, rules = holds[:1], decisions.rule_id
        terms = {
            str(decision.rule_id.id): self._read_terms(decision.rule_id, decision.version_id)
            for decision in decisions.filtered('rule_id')}
        changed = figures.worse(latest.figures or {}, now)
        if latest.state == 'waiting' and not changed and terms.items() <= (latest.terms or {}).items():
            latest.decision_ids |= decisions
            if accepted and not latest.accepted:
                latest.accepted = True
            return latest
        # the customer has not agreed to what the order has become since
        kept = latest.state == 'waiting' and latest.accepted
        values = {
            'rule_ids': [fields.Command.set(rules.ids)],
            'terms': terms,
            'decision_ids': [fields.Command.set(decisions.ids)],
            'reason': "\n".join(dict.fromkeys(decision.message or '' for decision in decisions.sorted('id'))),
            'figures': now,
            'amount': now['total'],
            'requested_by_id': self.env.uid,
            'requested_at': fields.Datetime.now(),
            'accepted': accepted or kept and not changed,
        }
        holds._supersede(now, rules)
        if not latest or latest.state in ('approved', 'superseded'):
            hold = self._create_hold({**values, 'order_id': order.id, 'policy_id': policy.id})
        else:
            hold = latest
            hold._renew(values)
        hold._tell_requested()
        if kept and not hold.accepted:
            hold._tell_acceptance_outdated()
        hold._enter_level(policy._next_level())
        decisions.filtered(lambda decision: not decision.told).told = ', '.join(hold.asked_ids.mapped('name'))
        return hold

    def _create_hold(self, values):
        # a second request of the same moment is made again, and then finds the first one
        try:
            with self.env.cr.savepoint(), mute_logger('odoo.sql_db'):
                return self.with_context(mail_create_nosubscribe=True, mail_create_nolog=True).create(values)
        except UniqueViolation as error:
            raise ConcurrencyError("The approval is being asked for by somebody else") from error

    def _supersede(self, now, rules):
        """Take back an approval whose figures got worse; one for other rules and good figures stays."""
        for hold in self.filtered(lambda hold: hold.state == 'approved'):
            names = figures.worse(hold.released_figures or {}, now)
            if names or rules & hold.rule_ids:
                hold.state = 'superseded'
                hold._tell_superseded(names, now)

    def _renew(self, values):
        """Ask again; votes on what was asked before do not count any more."""
        self.ensure_one()
        refusal = self._get_refusal() if self.state == 'refused' else None
        self.write({
            **values, 'revision': self.revision + 1, 'state': 'waiting', 'decided_at': False, 'note': False,
            'released_figures': False,
        })
        self._tell_renewed(refusal)

    def _enter_level(self, level):
        """Ask the approvers of a level; without any, the sales managers."""
        self.ensure_one()
        users, note = self._find_approvers(level)
        hours = level.escalate_hours
        self.write({
            'level_id': level.id,
            # whoever is asked again gets a new activity: the old one was about something else
            'approver_ids': [fields.Command.clear()],
            'asked_ids': [fields.Command.set(users.ids)],
            'quorum': max(1, min(level.quorum or 1, len(users))),
            'escalate_at': fields.Datetime.add(fields.Datetime.now(), hours=hours) if hours else False,
            'note': note,
        })
        self._sync_activities()
        self._refresh_approvers()
        self._tell_asked(note)

    def _find_approvers(self, level):
        """Return who may be asked at a level, and what is to be said about it."""
        if level and (users := self._filter_approvers(level._get_approvers(self.order_id))):
            return users, False
        users = self._filter_approvers(self._get_sales_managers())
        if not users:
            return users, self.env._("Nobody may approve this order: neither an approver nor a sales manager is left.")
        if not level:
            return users, False
        return users, self.env._(
            "Nobody is found for “%(level)s”, so the sales managers are asked.", level=level.display_name)

    def _get_sales_managers(self):
        return self.env.ref('sales_team.group_sale_manager').sudo().all_user_ids

    def _filter_approvers(self, users):
        """Return those of the users who can see the order's company, and whose own order it is not."""
        return users.sudo().filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids) - self._get_barred()

    def _get_barred(self):
        """Return whose order it is, so that they may not approve it."""
        if self.policy_id.own_orders:
            return self.env['res.users']
        return self.order_id.user_id | self.order_id.create_uid | self.requested_by_id

    def _refresh_approvers(self):
        """Find again who may decide now: delegates come and go, and who has decided is done."""
        for hold in self.filtered(lambda hold: hold.state == 'waiting'):
            votes = hold._get_votes()
            silent = hold.asked_ids - votes._get_principal() - hold._get_barred()
            delegates = self.env['res.users'].union(*silent._get_delegates(hold.company_id).values())
            users = (silent | hold._filter_approvers(delegates)) - votes.user_id
            if users != hold.approver_ids:
                hold.approver_ids = users
            hold._sync_activities()

    def _look_for_others(self):
        """Ask others where nobody is left who may decide: people leave, salespeople change, managers are appointed."""
        for hold in self.filtered(lambda hold: hold.state == 'waiting' and not hold.approver_ids):
            votes = hold._get_votes()
            users, note = hold._find_approvers(hold.level_id)
            asked = users | votes._get_principal()
            hold.write({
                'asked_ids': [fields.Command.set(asked.ids)],
                'quorum': max(1, min(hold.level_id.quorum or 1, len(asked))),
                'note': note,
            })
            hold._refresh_approvers()
            if hold.approver_ids:
                hold._tell_asked(note)
            elif votes:
                hold._advance()

    def _get_votes(self):
        """Return the votes that count: on this request, at this level."""
        return self.vote_ids.filtered(
            lambda vote: vote.revision == self.revision and vote.level_id == self.level_id)

    # -- what became of it

    @api.model
    def _get_released(self, orders):
        """Return the rules from which each order has been released, as {order id: {rule id}}.

        A release is good as long as no figure is worse than those it was given for, its customer is the same, and
        the rule says what it said.
        """
        holds = self.sudo().search([('order_id', 'in', orders.ids), ('state', '=', 'approved')])
        now = self._read_figures(holds.order_id)
        released = {}
        for hold in holds:
            if hold._is_good(now[hold.order_id]) and (rules := hold._get_unchanged_rules()):
                released.setdefault(hold.order_id.id, set()).update(rules.ids)
        return released

    def _is_good(self, now):
        """Return whether the order has been released for what it is now."""
        return self.state == 'approved' and not figures.worse(self.released_figures or {}, now)

    def _get_unchanged_rules(self):
        """Return the rules that are in force as they were when approval was asked for."""
        terms = self.terms or {}
        return self.rule_ids.filtered(
            lambda rule: terms.get(str(rule.id)) == self._read_terms(rule, rule.set_id.published_id))

    def _withdraw(self, reason):
        """End open requests without a decision."""
        for hold in self.filtered(lambda hold: hold.state == 'waiting'):
            hold._close('withdrawn')
            hold._tell_withdrawn(reason)

    def _close(self, state):
        self.write({
            'state': state, 'decided_at': fields.Datetime.now(), 'approver_ids': [fields.Command.clear()],
            'escalate_at': False,
        })
        self._sync_activities()
