from odoo import fields, models
from odoo.exceptions import LockError, UserError
from odoo.tools import float_compare, format_datetime


class SalesReorderProposal(models.Model):
    """How a proposal becomes the order point of the host, and how that is taken back.

    Order points are written with the rights of whoever decides: their trigger, route and vendor stay as they are. A
    decision is refused where somebody else has changed what it was made for.
    """
    _name = 'sales.reorder.proposal'
    _inherit = ['sales.reorder.proposal']

    def action_accept(self):
        """Write the order points; tell how many, and which were changed by others in the meantime."""
        accepted = self._accept()
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

    def _accept(self):
        """Write the order points of open proposals; return those that were written.

        Proposals whose order point is not the one they were made for become out of date instead.
        """
        self._lock('draft', self.env._("The proposal for %(product)s is decided already."))
        accepted = self.browse()
        for company, proposals in self.grouped('company_id').items():
            accepted += proposals.with_company(company)._accept_for_company().with_env(self.env)
        (self - accepted)._decide('stale')
        return accepted

    def _accept_for_company(self):
        meant = self._find_orderpoints()
        current = self.filtered(lambda proposal: proposal._is_as_seen(meant[proposal]))
        self.env['stock.warehouse.orderpoint'].union(*(meant[proposal] for proposal in current))._lock_orderpoints()
        new = current.filtered(lambda proposal: not meant[proposal])
        for proposal in current - new:
            orderpoint = meant[proposal]
            proposal._decide(
                'accepted', before_state='active' if orderpoint.active else 'archived',
                before_min=orderpoint.product_min_qty, before_max=orderpoint.product_max_qty)
            orderpoint.write({**proposal._prepare_levels(), **({} if orderpoint.active else {'active': True})})
        if new:
            created = self.env['stock.warehouse.orderpoint'].create(
                [proposal._prepare_orderpoint_vals() for proposal in new])
            for proposal, orderpoint in zip(new, created, strict=True):
                proposal._decide('accepted', before_state='none', orderpoint_id=orderpoint.id)
        return current

    def _prepare_levels(self):
        return {'product_min_qty': self.proposed_min, 'product_max_qty': self.proposed_max}

    def _prepare_orderpoint_vals(self):
        return {
            'product_id': self.product_id.id,
            'warehouse_id': self.warehouse_id.id,
            'location_id': self.warehouse_id.lot_stock_id.id,
            'company_id': self.company_id.id,
            **self._prepare_levels(),
        }

    def action_undo(self):
        """Give the order points back what they had before, if they still have what was accepted."""
        self._lock('accepted', self.env._("Nothing was accepted of the proposal for %(product)s."))
        for proposal in self:
            orderpoint = proposal.orderpoint_id.with_context(active_test=False)
            orderpoint._lock_orderpoints()
            proposal._check_unchanged(orderpoint)
            if proposal.before_state == 'none':
                proposal._decide('undone')
                orderpoint.unlink()
                continue
            proposal._decide('undone')
            orderpoint.write({
                'product_min_qty': proposal.before_min, 'product_max_qty': proposal.before_max,
                **({'active': False} if proposal.before_state == 'archived' else {}),
            })

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
        if not orderpoint.active or not self._same_levels(now, (self.proposed_min, self.proposed_max)):
            raise UserError(self.env._(
                "%(user)s changed the order point of %(product)s on %(date)s, to %(minimum)s and %(maximum)s. Change it"
                " by hand.",
                user=orderpoint.write_uid.display_name, product=self.display_name,
                date=format_datetime(self.env, orderpoint.write_date),
                minimum=self._format_number(now[0], 2), maximum=self._format_number(now[1], 2)))

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
