from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import UserError

from .sales_rule_engine import ACCEPTED, PART_OF_ORDER

DOOR = 'sales.order.door'
#: context of the client's own buttons: orders that are held stay behind without an error
INTERACTIVE = 'sales_confirm_interactive'
#: families of facts to which other orders matter: those of the same customer, or any of the same goods
OF_CUSTOMER, OF_STOCK = {'credit', 'overdue', 'history', 'duplicates'}, {'stock'}
#: its value behind a wizard that somebody else's check has opened: what is returned then may be lost on the way
RELAYED = 'relayed'


@dataclass
class Door:
    """What a confirmation knows of its orders while it lasts."""

    orders: models.BaseModel
    verdicts: dict = field(default_factory=dict)
    passed: set = field(default_factory=set)
    #: which verdicts let an order stay behind instead of failing the confirmation; what was said to
    #: those that do: id -> (why, rows of the log)
    may_wait: Callable = field(default=lambda verdict: False)
    waiting: dict = field(default_factory=dict)
    #: (order, rows of the log) of those that pass, written when all of them have
    entries: list = field(default_factory=list)

    def lets_in(self, orders):
        """Return whether orders need not be asked about any more."""
        return self.orders is None or self.passed.issuperset(orders.ids)


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order', 'sales.rule.mixin']

    _rule_moments = ('save', 'confirm', 'event', 'schedule')
    _rule_order_field = 'id'
    _rule_amount_field = 'amount_total'
    _rule_date_field = 'date_order'

    sales_rule_warning = fields.Html(
        string="Rules", compute='_compute_sales_rule_warning', groups='sales_team.group_sale_salesman')
    sales_decision_count = fields.Integer(
        compute='_compute_sales_decision_count', groups='sales_team.group_sale_salesman')

    def _compute_sales_rule_warning(self):
        decisions = self.env['sales.rule.decision'].search_fetch([
            ('order_id', 'in', self.ids), ('current', '=', True), ('effect', 'in', ('warned', 'foreseen', 'error')),
            ('mode', '!=', 'shadow'),
        ], ['order_id', 'message', 'effect', 'decision', 'error'], order='id').grouped('order_id')
        for order in self:
            found = decisions.get(order._origin, ()) if order.state in ('draft', 'sent') else ()
            order.sales_rule_warning = found and Markup("<ul class='mb-0'>%s</ul>") % Markup().join(
                Markup("<li>%s</li>") % decision._explain() for decision in found)

    def _compute_sales_decision_count(self):
        counts = dict(self.env['sales.rule.decision']._read_group(
            [('order_id', 'in', self.ids)], ['order_id'], ['__count']))
        for order in self:
            order.sales_decision_count = counts.get(order._origin, 0)

    # -- the one door to a confirmed order

    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        orders.filtered(lambda order: order.state == 'sale')._pass_door()
        return orders

    def write(self, vals):
        if vals.get('state') != 'sale':
            return super().write(vals)
        door = self.env.cr.cache.get(DOOR)
        coming = self.filtered(lambda order: order.state != 'sale')
        if len(vals) > 1 and not (door and door.lets_in(coming)):
            # the rules are to see what the order is going to be
            self.write({name: value for name, value in vals.items() if name != 'state'})
            vals = {'state': 'sale'}
        coming._pass_door()
        return super().write(vals)

    def action_confirm(self):
        action, waiting, reasons = True, self.browse(), []
        for orders in self._get_turns():
            action, left, why = orders._confirm_turn()
            waiting += left
            reasons += why
        if waiting and self.env.context.get(INTERACTIVE):
            return waiting._notify_waiting(reasons)
        return action

    def _confirm_turn(self):
        """Confirm orders, and return the action of that, the orders that stay behind and why they do."""
        accepted = bool(self.env.cr.cache.get(ACCEPTED))
        if not accepted and not self.env.context.get(INTERACTIVE):
            with self._open_door():
                return super().action_confirm(), self.browse(), []  # pylint: disable=super-method-mismatch
        # Other modules come first, whatever they ask or change. Once an order has to wait, nothing of it has happened.
        with self._open_door() as door:
            # a person who presses the button is told at once that an order cannot pass
            door.may_wait = lambda verdict: bool(verdict.message) and (accepted or not verdict.is_stopped)
            try:
                with self.env.cr.savepoint():
                    action = super().action_confirm()  # pylint: disable=super-method-mismatch
            except UserError:
                if not door.waiting:
                    raise
        if not door.waiting:
            if accepted:
                self._tell_unanswered()
            return self._relay(action), self.browse(), []
        waiting = self.filtered(lambda order: order.id in door.waiting)
        reasons = waiting._leave_waiting(door.waiting, accepted)
        others = self - waiting
        with others._open_door():
            # pylint: disable-next=super-method-mismatch
            action = super(SaleOrder, others).action_confirm() if others else True
        return action, waiting, reasons

    def _get_turns(self):
        """Return the orders in turns of which each is decided on once those before are confirmed.

        Two orders that are each within the credit limit of their customer may not be so together.
        """
        around = set()
        for company in self.company_id:
            around |= self.env['sales.rule.engine']._get_families('confirm', company.id)
        if around & OF_STOCK:
            return list(self) or [self]
        if not around & OF_CUSTOMER:
            return [self]
        turns = []
        for order in self:
            customer = order.partner_id.commercial_partner_id
            for number, (customers, orders) in enumerate(turns):
                if customer not in customers:
                    turns[number] = (customers + customer, orders + order)
                    break
            else:
                turns.append((customer, order))
        return [orders for _customers, orders in turns]

    def _validate_order(self):
        # The customer has signed, or there is nothing to pay: what they did stays done whatever our rules say.
        with self._customer_accepts():
            return super()._validate_order()

    @contextmanager
    def _customer_accepts(self):
        """Have orders that our rules hold stay behind instead of failing what their customer does."""
        cache = self.env.cr.cache
        outer, cache[ACCEPTED] = cache.get(ACCEPTED), True
        try:
            yield
        finally:
            cache[ACCEPTED] = outer

    def _confirmation_error_message(self):
        error = super()._confirmation_error_message()
        if error:
            return error
        door = self.env.cr.cache.get(DOOR)
        verdict = self._get_verdict(door)
        if verdict.message:
            if door and door.may_wait(verdict):
                door.waiting.update({
                    other.order.id: (other.message, other.prepare_rows())
                    for other in (verdict, *door.verdicts.values()) if door.may_wait(other)})
            elif door:
                verdict.record_later()
            return verdict.message
        if door and self.id not in door.passed:
            door.passed.add(self.id)
            door.entries.append((self, verdict.prepare_rows()))
        return False

    @contextmanager
    def _open_door(self):
        """Remember what was decided about these orders until they are confirmed, or not."""
        cache = self.env.cr.cache
        outer, door = cache.get(DOOR), Door(self)
        cache[DOOR] = door
        try:
            yield door
        finally:
            if outer:
                cache[DOOR] = outer
            else:
                cache.pop(DOOR, None)
        self.env['sales.rule.decision']._insert([entry for entry in door.entries if entry[1]], ('confirm',))

    def _get_verdict(self, door=None):
        """Return what the rules say to the confirmation of an order; of all of a confirmation at once."""
        self.ensure_one()
        if door is None or self not in door.orders:
            return self.env['sales.rule.engine']._judge(self)[self.id]
        if self.id not in door.verdicts:
            door.verdicts.update(self.env['sales.rule.engine']._judge(door.orders))
        return door.verdicts[self.id]

    def _pass_door(self):
        """See to it that orders which become confirmed by a bare write or create have passed the door."""
        door = self.env.cr.cache.get(DOOR)
        passed = door.passed if door else set()
        if door is not None and door.orders is None:  # history that is imported was decided elsewhere
            return
        for order in self:
            if order.id in passed:
                passed.discard(order.id)
                continue
            verdict = order._get_verdict(door)
            if verdict.message:
                verdict.record_later()
                raise UserError(verdict.message)
            verdict.record()

    @contextmanager
    def _door_of_history(self):
        """Let orders in that were confirmed in another system. No client can: it is no context key."""
        cache = self.env.cr.cache
        outer, cache[DOOR] = cache.get(DOOR), Door(None)
        try:
            yield
        finally:
            cache[DOOR] = outer

    # -- orders that stay behind

    def _leave_waiting(self, said, accepted):
        """Ask for what these orders wait for, and return why they do.

        The rules are asked and act again, as what came of them at the door is undone. Where they let an order pass now,
        without what other modules had made of it, what they said then counts.
        """
        reasons = []
        with self._open_door() as door:
            for order in self:
                verdict = order._get_verdict(door)
                reason, rows = said[order.id]
                if verdict.message:
                    reason, rows = verdict.message, verdict.prepare_rows()
                order.env['sales.rule.decision']._insert([(order, rows)], ('confirm',), accepted)
                reasons.append(reason)
                if accepted:
                    order._tell_accepted(reason)
        return reasons

    def _relay(self, action):
        """Mark what another module asks the user before it goes on with the confirmation."""
        context = action.get('context') or {} if isinstance(action, dict) else None
        if isinstance(context, dict):
            action['context'] = {**context, INTERACTIVE: RELAYED}
        return action

    def _notify_waiting(self, reasons):
        """Tell the user which orders wait, and show them as they are now."""
        message = {
            'type': 'warning',
            'title': self.env._("Waiting for approval: %(orders)s", orders=", ".join(self.mapped('name'))),
            'message': " ".join(reasons),
        }
        if self.env.context.get(INTERACTIVE) == RELAYED:
            self.env.user._bus_send('simple_notification', message)
            return {'type': 'ir.actions.act_window_close'}
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {**message, 'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'}},
        }

    def _tell_unanswered(self):
        """Tell of orders that a customer has accepted, and that another module wants to ask somebody about."""
        for order in self.filtered(lambda order: order.state in ('draft', 'sent')):
            order._tell_accepted(self.env._("Something is asked before it can be confirmed: confirm it to see what."))

    def _tell_accepted(self, reason):
        """Tell whoever is responsible that a customer has accepted an order that is not confirmed for this reason."""
        order = self.sudo()  # it may be the customer who is at work here
        body = Markup("<p>%s</p><p>%s</p>") % (
            self.env._(
                "The customer has accepted this quotation. It is not confirmed yet; what was signed or paid stays."),
            reason)
        order.message_post(body=body, subtype_xmlid='mail.mt_note', author_id=self.env.ref('base.partner_root').id)
        user = order.user_id or order.team_id.user_id
        if user:
            order.activity_schedule(
                'mail.mail_activity_data_todo', user_id=user.id,
                summary=self.env._("Accepted by the customer, not confirmed"), note=escape(reason))

    # -- saving

    def _rule_touch(self, touched):
        engine = self.env['sales.rule.engine']
        if self and any(engine._is_asked(model, ('save', 'confirm')) for model in PART_OF_ORDER):
            touched.setdefault(self._name, {}).update(dict.fromkeys(self.ids))

    def _rule_saved(self):
        self.env['sales.rule.engine']._decide_orders(self.filtered(lambda order: order.state in ('draft', 'sent')))

    def action_open_sales_decisions(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_rule_decision_action'),
            'domain': [('order_id', '=', self.id)],
        }
