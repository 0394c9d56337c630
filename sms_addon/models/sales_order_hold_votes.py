import logging

from psycopg2 import OperationalError

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, LockError, UserError

from ..tools import figures

_logger = logging.getLogger(__name__)

BATCH = 50


class SalesOrderHold(models.Model):
    _name = 'sales.order.hold'
    _inherit = ['sales.order.hold']

    # -- buttons

    def action_approve(self):
        """Approve, as far as it is for the current user to do so.

        Who shows the figures says which request they belonged to, in the context key ``hold_revision``.
        """
        for hold in self:
            hold._decide('approve')
        return True

    def action_open_approve(self):
        return self._open_wizard('approve')

    def action_refuse(self):
        return self._open_wizard('refuse')

    def action_withdraw(self):
        """Take the request back; the order stays what it is."""
        for hold in self:
            hold.check_access('read')
            if not hold.may_withdraw:
                raise AccessError(self.env._(
                    "Only who asked, the salesperson or a sales manager may withdraw the request for %(order)s.",
                    order=hold.sudo().order_id.name))
            hold.sudo()._lock()
            hold.sudo()._withdraw(self.env._("%(user)s has withdrawn the request.", user=self.env.user.name))
        return True

    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()

    def _open_wizard(self, vote):
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Refuse") if vote == 'refuse' else self.env._("Approve"),
            'res_model': 'sales.order.hold.decide',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {**self.env.context, 'default_hold_ids': self.ids, 'default_vote': vote},
        }

    # -- deciding

    def _decide(self, vote, reason=''):
        """Record what the current user says, and what follows from it.

        The order and the hold are locked first: what is checked then is what is decided, even if two approvers come at
        once or the order is being changed.
        """
        self.ensure_one()
        self.check_access('read')
        hold = self.sudo()
        hold._lock()
        hold._check_open()
        principal = hold._get_voice(self.env.user)
        if vote == 'approve':
            hold._check_figures()
        record = hold.env['sales.order.vote'].create({
            'hold_id': hold.id,
            'level_id': hold.level_id.id,
            'user_id': self.env.uid,
            'on_behalf_of_id': principal.id if principal != self.env.user else False,
            'vote': vote,
            'reason': (reason or '').strip(),
            'revision': hold.revision,
        })
        hold._tell_vote(record)
        if vote == 'refuse':
            hold._close('refused')
            hold.note = hold._describe_vote(record)
            hold._tell_refused(record)
        else:
            hold._advance()

    def _lock(self):
        """Lock the order and the hold, and look at them afresh."""
        try:
            self.order_id.lock_for_update()
            self.lock_for_update()
        except LockError as error:
            raise UserError(self.env._(
                "%(order)s is being changed or decided by somebody else at this moment. Try again.",
                order=', '.join(self.order_id.mapped('name')))) from error
        self.env.invalidate_all()

    def _check_open(self):
        order = self.order_id.name
        if self.state != 'waiting':
            states = dict(self._fields['state']._description_selection(self.env))
            raise UserError(self.env._(
                "There is nothing to decide on %(order)s any more: %(state)s.", order=order, state=states[self.state]))
        shown = self.env.context.get('hold_revision')
        if shown is not None and int(shown) != self.revision:
            raise UserError(self.env._(
                "%(order)s has been asked for again since you opened it, with other figures. Look at it again.",
                order=order))

    def _check_figures(self):
        """See to it that what is approved is what was asked for, or better."""
        now = self._read_figures(self.order_id)[self.order_id]
        if names := figures.worse(self.figures or {}, now):
            raise UserError(self.env._(
                "%(order)s is not what approval was asked for: %(changes)s. The salesperson must ask again.",
                order=self.order_id.name, changes=self._describe_changes(names, self.figures, now)))

    def _get_voice(self, user):
        """Return for whom a user votes: himself, or one of the absent approvers whose delegate he is."""
        if user in self._get_barred():
            raise AccessError(self.env._(
                "%(order)s is your own order, or you asked for its approval: somebody else must decide.",
                order=self.order_id.name))
        votes = self._get_votes()
        if user in votes.user_id:
            raise UserError(self.env._("You have decided on %(order)s already.", order=self.order_id.name))
        voiced = votes._get_principal()
        if user in self.asked_ids:
            if user in voiced:
                raise UserError(self.env._(
                    "%(delegate)s has decided on %(order)s on your behalf.", order=self.order_id.name,
                    delegate=votes.filtered(lambda vote: vote.on_behalf_of_id == user).user_id.name))
            return user
        delegates = (self.asked_ids - voiced)._get_delegates(self.company_id)
        for principal, delegate in delegates.items():
            if delegate == user and user in self._filter_approvers(user):
                return principal
        raise AccessError(self.env._("You are not asked to decide on %(order)s.", order=self.order_id.name))

    def _advance(self):
        """Go on to the next level, or release the order, once enough have approved."""
        following = self.policy_id._next_level(self.level_id) if self.level_id else self.level_id
        if len(self._get_votes()) < self.quorum:
            self._refresh_approvers()
        elif following:
            self._enter_level(following)
        else:
            self._release()

    def _release(self):
        """Let the order pass, for the figures it has now: the last approver has seen no worse ones."""
        now = self._read_figures(self.order_id)[self.order_id]
        self.released_figures = now
        self._close('approved')
        holds = self.order_id.sales_hold_ids
        others = holds.filtered(lambda hold: hold.state == 'waiting')
        self._tell_released(others)
        if not others and any(hold.accepted and hold._is_good(now) for hold in holds):
            self._confirm_order()

    def _confirm_order(self):
        """Confirm an order that its customer has accepted, as the portal would have done.

        The portal confirms as superuser (``sale/controllers/portal.py``): the approver may have no rights on orders,
        and the customer's signature or payment is what confirms it, not the approver. The rules are asked all the same.
        """
        order = self.order_id.with_user(SUPERUSER_ID).with_company(self.company_id)
        if order.state not in ('draft', 'sent'):
            return
        try:
            with self.env.cr.savepoint():
                order._validate_order()
        except (OperationalError, ConcurrencyError):
            raise  # the whole request is made again
        except Exception as error:
            _logger.warning("Order %s was released but could not be confirmed", order.name, exc_info=True)
            self._tell_confirmation_failed(str(error))
        else:
            if order.state != 'sale':
                self._tell_confirmation_failed(self.env._("Confirm it by hand to see what it waits for."))

    # -- escalation

    @api.model
    def _cron_escalate(self):
        """Add approvers to those who have been silent for too long, and look who is absent or gone today."""
        commit = self.env['ir.cron']._commit_progress
        waiting = fields.Domain('state', '=', 'waiting')
        ids = self.search(waiting).ids
        commit(remaining=len(ids))
        for start in range(0, len(ids), BATCH):
            batch = ids[start:start + BATCH]
            # a commit frees locks and cache: look again; what somebody is deciding at this moment is done next time
            holds = self.browse(batch).exists().try_lock_for_update().filtered_domain(waiting)
            holds.filtered(lambda hold: hold.escalate_at and hold.escalate_at <= fields.Datetime.now())._escalate()
            holds._refresh_approvers()
            holds._look_for_others()
            if not commit(len(batch)):
                break

    def _escalate(self):
        """Add approvers to the level, once."""
        for hold in self:
            added = hold._filter_approvers(hold.level_id._get_escalation(hold))
            if hold.level_id.escalate_to == 'next_level' and not added:
                added = hold._filter_approvers(hold._get_sales_managers())
            added -= hold.asked_ids
            hold.write({'escalate_at': False, 'asked_ids': [fields.Command.link(user.id) for user in added]})
            hold._refresh_approvers()
            hold._tell_escalated(added)
