from odoo import api, fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import LazyTranslate, float_compare, format_datetime

from .res_company import TRIGGERS

_lt = LazyTranslate(__name__)

#: (which order point there is, what has it order) -> what comes of accepting
NOTES = {
    ('none', 'manual'): _lt("Accepting creates an order point with the trigger Manual: nothing is ordered until"
                            " somebody presses Order in the replenishment report."),
    ('none', 'auto'): _lt("Accepting creates an order point with the trigger Automatic: the scheduler orders by"
                          " itself."),
    ('archived', 'manual'): _lt("Accepting brings the archived order point back. Its trigger is Manual: nothing is"
                                " ordered until somebody presses Order in the replenishment report."),
    ('archived', 'auto'): _lt("Accepting brings the archived order point back. Its trigger is Automatic: the scheduler"
                              " orders by itself."),
    ('active', 'manual'): _lt("Accepting changes minimum and maximum. The trigger stays Manual: nothing is ordered"
                              " until somebody presses Order in the replenishment report."),
    ('active', 'auto'): _lt("Accepting changes minimum and maximum. The trigger stays Automatic: the scheduler orders"
                            " by itself."),
}


class SalesReorderProposal(models.Model):
    """How a proposal becomes the order point of the host, and how that is taken back.

    Order points are written with the rights of whoever decides: their trigger, route and vendor stay as they are. A
    new one orders by itself only where the company, or whoever accepts, wants that. A decision is refused where
    somebody else has changed what it was made for.
    """
    _name = 'sales.reorder.proposal'
    _inherit = ['sales.reorder.proposal']

    new_trigger = fields.Selection(
        TRIGGERS, string="Trigger of the New Order Point",
        help="Who orders: somebody in the replenishment report, or the scheduler. As the settings say if empty.")
    acceptance_note = fields.Char(string="When Accepted", compute='_compute_acceptance_note', compute_sudo=True)
    accepted_part = fields.Float(
        string="Part Ordered", digits='Product Unit', aggregator=None, readonly=True,
        help="What the order point was told to order now, where the budget was not enough for all of it.")
    before_part = fields.Float(digits='Product Unit', aggregator=None, readonly=True)

    @api.depends(
        'state', 'new_trigger', 'orderpoint_id.trigger', 'orderpoint_id.active', 'order_qty',
        'company_id.sales_reorder_trigger')
    @api.depends_context('lang')
    def _compute_acceptance_note(self):
        for proposal in self:
            proposal.acceptance_note = proposal.state == 'draft' and proposal._get_acceptance_note()

    def _get_acceptance_note(self):
        orderpoint = self.orderpoint_id
        there = 'none' if not orderpoint else 'active' if orderpoint.active else 'archived'
        note = self.env._(NOTES[there, self._get_trigger()])
        if self.order_qty <= 0:
            return note
        return note + ' ' + self.env._(
            "To order now: %(quantity)s %(unit)s.", quantity=self._format_number(self.order_qty, 2),
            unit=self.uom_id.name)

    def _get_trigger(self):
        """Return what will have the order point order: that of the one there is, else what was chosen for a new one."""
        return self.orderpoint_id.trigger or self.new_trigger or self.company_id.sales_reorder_trigger

    def _get_parts(self):
        """Return (quantity, what it saves) of the smaller orders that there can be instead of the whole one.

        None where the scheduler orders: the next day it would order what is missing.
        """
        return [tuple(part) for part in self.order_parts or []] if self.sudo()._get_trigger() == 'manual' else []

    def action_accept(self):
        """Write the order points; tell how many, and which were changed by others in the meantime."""
        return self._accept_and_tell()

    def _accept_and_tell(self, quantities=None):
        accepted = self._accept(quantities)
        stale = self - accepted
        message = self.env._("Order points written: %(count)s.", count=len(accepted))
        if stale:
            message = self.env._(
                "Order points written: %(count)s. Out of date, because somebody changed the order point since the"
                " proposal was made: %(names)s.", count=len(accepted), names=self._list_names(stale))
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'message': message, 'type': 'warning' if stale else 'success', 'sticky': bool(stale),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def _accept(self, quantities=None):
        """Write the order points of open proposals; return those that were written.

        Proposals whose order point is not the one they were made for become out of date instead.

        :param quantities: proposal id -> what to order now instead of all that is missing
        """
        self._lock('draft', self.env._("The proposal for %(product)s is decided already."))
        accepted = self.browse()
        for company, proposals in self.grouped('company_id').items():
            accepted += proposals.with_company(company)._accept_for_company(quantities or {}).with_env(self.env)
        (self - accepted)._decide('stale')
        return accepted

    def _accept_for_company(self, quantities):
        meant = self._find_orderpoints()
        current = self.filtered(lambda proposal: proposal._is_as_seen(meant[proposal]))
        self.env['stock.warehouse.orderpoint'].union(*(meant[proposal] for proposal in current))._lock_orderpoints()
        new = current.filtered(lambda proposal: not meant[proposal])
        for proposal in current - new:
            orderpoint = meant[proposal]
            part = orderpoint.trigger == 'manual' and quantities.get(proposal.id) or 0
            proposal._decide(
                'accepted', before_state='active' if orderpoint.active else 'archived',
                before_min=orderpoint.product_min_qty, before_max=orderpoint.product_max_qty,
                before_part=orderpoint.qty_to_order_manual, accepted_part=part)
            orderpoint.write({
                **proposal._prepare_levels(), **({} if orderpoint.active else {'active': True}),
                # what was to be ordered before must not come in the place of what was said to be ordered now
                **({'qty_to_order_manual': part} if orderpoint.trigger == 'manual' and proposal.order_qty else {})})
        if new:
            created = self.env['stock.warehouse.orderpoint'].create(
                [proposal._prepare_orderpoint_vals(quantities.get(proposal.id)) for proposal in new])
            for proposal, orderpoint in zip(new, created, strict=True):
                proposal._decide(
                    'accepted', before_state='none', orderpoint_id=orderpoint.id, new_trigger=orderpoint.trigger,
                    accepted_part=orderpoint.qty_to_order_manual)
        return current

    def _prepare_levels(self):
        return {'product_min_qty': self.proposed_min, 'product_max_qty': self.proposed_max}

    def _prepare_orderpoint_vals(self, part=None):
        trigger = self.new_trigger or self.company_id.sales_reorder_trigger
        return {
            'product_id': self.product_id.id,
            'warehouse_id': self.warehouse_id.id,
            'location_id': self.warehouse_id.lot_stock_id.id,
            'company_id': self.company_id.id,
            'trigger': trigger,
            **self._prepare_levels(),
            **({'qty_to_order_manual': part} if part and trigger == 'manual' else {}),
        }

    def action_undo(self):
        """Give the order points back what they had before, if they still have what was accepted."""
        self._lock('accepted', self.env._("Nothing was accepted of the proposal for %(product)s."))
        meant = {proposal: proposal.orderpoint_id.with_context(active_test=False) for proposal in self}
        self.env['stock.warehouse.orderpoint'].union(*meant.values())._lock_orderpoints()
        for proposal, orderpoint in meant.items():
            proposal._check_unchanged(orderpoint)
        self._decide('undone')
        made = self.filtered(lambda proposal: proposal.before_state == 'none')
        self.env['stock.warehouse.orderpoint'].union(*(meant[proposal] for proposal in made)).unlink()
        for proposal in self - made:
            orderpoint = meant[proposal]
            orderpoint.write({
                'product_min_qty': proposal.before_min, 'product_max_qty': proposal.before_max,
                **({'active': False} if proposal.before_state == 'archived' else {}),
                **proposal._prepare_former_part(orderpoint),
            })

    def _prepare_former_part(self, orderpoint):
        """Return what has the order point order as before, where it still is to order what was accepted."""
        is_ours = self.order_qty and orderpoint.trigger == 'manual' and self._same_levels(
            (orderpoint.qty_to_order_manual,), (self.accepted_part,))
        # the host sets the quantity to 0 once it was ordered, as it is where all that is missing is to be ordered
        is_ours = is_ours and (self.accepted_part or orderpoint.qty_to_order_computed > 0)
        return {'qty_to_order_manual': self.before_part} if is_ours else {}

    def action_reject(self):
        """Leave the order points as they are; the same is not proposed again."""
        self._lock('draft', self.env._("The proposal for %(product)s is decided already."))
        self._decide('rejected')

    # -- how it is now

    def _find_orderpoints(self):
        """Return proposal -> the order point it is about, as it is now; None where it is not clear which."""
        found = self.env['sales.reorder.calculation']._find_orderpoints(self.product_id, self.warehouse_id)
        none = self.env['stock.warehouse.orderpoint']
        return {proposal: found.get((proposal.product_id, proposal.warehouse_id), none) for proposal in self}

    def _is_as_seen(self, orderpoint):
        """Return whether the order point is the one that the proposal was made for."""
        if orderpoint is None or orderpoint != self.orderpoint_id:
            return False
        levels = (orderpoint.product_min_qty, orderpoint.product_max_qty) if orderpoint.active else (0, 0)
        return self._same_levels(levels, (self.present_min, self.present_max))

    def _same_levels(self, levels, others):
        digits = self.env['decimal.precision'].precision_get('Product Unit')
        return not any(
            float_compare(level, other, precision_digits=digits) for level, other in zip(levels, others, strict=True))

    def _check_unchanged(self, orderpoint):
        if not orderpoint:
            raise UserError(self.env._(
                "The order point of %(product)s was deleted since; there is nothing to undo.",
                product=self.display_name))
        now = (orderpoint.product_min_qty, orderpoint.product_max_qty)
        # one that was made here would be deleted, and with it what somebody has set since
        is_ours = self.before_state != 'none' or orderpoint.trigger == self.new_trigger
        if not orderpoint.active or not is_ours or not self._same_levels(now, (self.proposed_min, self.proposed_max)):
            raise UserError(self.env._(
                "%(user)s changed the order point of %(product)s on %(date)s, to %(minimum)s and %(maximum)s, trigger"
                " %(trigger)s. Change it by hand.",
                user=orderpoint.write_uid.display_name, product=self.display_name,
                date=format_datetime(self.env, orderpoint.write_date),
                minimum=self._format_number(now[0], 2), maximum=self._format_number(now[1], 2),
                trigger=dict(orderpoint._fields['trigger']._description_selection(self.env))[orderpoint.trigger]))

    # -- deciding

    def _lock(self, state, refusal):
        """Lock the proposals and look at them afresh: they are all in a state, or the decision is refused."""
        self.check_access('write')
        try:
            self.lock_for_update()
        except LockError as error:
            raise UserError(self.env._(
                "Somebody else decides on one of these proposals at this moment. Try again.")) from error
        self.invalidate_recordset()
        if decided := self.filtered(lambda proposal: proposal.state != state):
            raise UserError(refusal % {'product': decided[0].display_name})

    def _decide(self, state, **values):
        # whoever decides may decide, but not write what was calculated
        self.sudo().write({
            'state': state, 'decided_by': self.env.uid, 'decided_at': fields.Datetime.now(), **values})

    def _refuse_calculation(self):
        raise UserError(self.env._(
            "Too little is known by now of %(product)s to calculate its proposal again.", product=self.display_name))

    def _list_names(self, proposals, limit=5):
        names = [proposal.display_name for proposal in proposals[:limit]]
        return ", ".join(names) + (" …" if len(proposals) > limit else "")
