from markupsafe import Markup

from odoo import models
from odoo.fields import Command
from odoo.tools import LazyTranslate, formatLang
from odoo.tools.misc import format_amount

from ..tools import figures

_lt = LazyTranslate(__name__)

LABELS = {
    'customer': _lt("Customer"),
    'total': _lt("Total"),
    'discount': _lt("Discount"),
    'margin': _lt("Margin"),
    'credit': _lt("Credit used before"),
    'payment_days': _lt("Days to pay, at most"),
}
CHANGES = {
    'customer': _lt("the customer changed from %(before)s to %(now)s"),
    'total': _lt("the total rose from %(before)s to %(now)s"),
    'discount': _lt("the discount rose from %(before)s to %(now)s"),
    'margin': _lt("the margin fell from %(before)s to %(now)s"),
    'credit': _lt("the credit in use rose from %(before)s to %(now)s"),
    'payment_days': _lt("the days to pay rose from %(before)s to %(now)s"),
}


class SalesOrderHold(models.Model):
    """What is said about a hold, on it and on its order, and who is told.

    The order gets one short message for each thing that happens; approvers have an activity and a mail.
    """
    _name = 'sales.order.hold'
    _inherit = ['sales.order.hold']

    # -- figures in words

    def _format_figure(self, name, value):
        if value is None:
            return self.env._("not known")
        if name == 'customer':
            return self.env['res.partner'].sudo().browse(value).exists().display_name or self.env._("nobody")
        if name in ('total', 'credit'):
            return format_amount(self.env, value, self.company_id.currency_id)
        if name == 'payment_days':
            return str(value)
        return self.env._("%(number)s %%", number=formatLang(self.env, value, digits=2))

    def _describe_changes(self, names, before, now):
        """Return a sentence part on what got worse."""
        sentences = {name: self.env._(CHANGES[name]) for name in names}
        sides = {'before': before, 'now': now}
        return ', '.join(
            sentence % {side: self._format_figure(name, values.get(name)) for side, values in sides.items()}
            for name, sentence in sentences.items())

    def _prepare_figures(self):
        """Return, for the table, what approval was asked for beside what the order is now, and what follows from it."""
        self.ensure_one()
        now = self._read_figures(self.order_id)[self.order_id]
        base = self.released_figures or self.figures or {}
        bad = figures.worse(base, now)
        worse, changed = self.env._("worse"), self.env._("changed")
        warnings = {
            'waiting': self.env._(
                "The order got worse since. The salesperson must ask again before it can be approved."),
            'approved': self.env._("The order got worse since. The approval does not hold any more."),
        }
        return {
            'rows': [
                {
                    'label': self.env._(label),
                    'mark': name in bad and (changed if name in figures.IDENTITIES else worse),
                    'before': self._format_figure(name, base[name]), 'now': self._format_figure(name, now[name]),
                }
                for name, label in LABELS.items()
                if name in base and (name in bad or name not in figures.IDENTITIES)
            ],
            'warning': warnings.get(self.state) if bad and self.order_id.state in ('draft', 'sent') else False,
        }

    # -- what happened

    def _tell_requested(self):
        if self.accepted:
            self._note(self.env._("The customer has accepted the order: once approved, it is confirmed by itself."))
        if self.revision == 1:
            self._note(self.env._("%(user)s asks for approval.", user=self.requested_by_id.name))

    def _tell_renewed(self, refusal):
        text = self.env._(
            "%(user)s asks for approval again, with new figures. Earlier votes do not count any more.",
            user=self.requested_by_id.name)
        if refusal:
            before = self.env._(
                "It was refused before by %(user)s: %(reason)s", user=refusal.user_id.name, reason=refusal.reason)
            text = f"{text} {before}"
            self.reason = f"{self.reason}\n{before}"
        self._note(text)

    def _tell_acceptance_outdated(self):
        self._post_on_order(self.env._(
            "The customer has accepted what the order was before: once approved, it is not confirmed by itself."),
            told=True)

    def _tell_asked(self, note):
        """Tell the approvers of a level that they are asked, and the order who that is."""
        asked = ', '.join(self.asked_ids.mapped('name')) or self.env._("nobody")
        text = self.env._(
            "Approval is asked for (%(policy)s): %(reason)s Asked: %(asked)s.",
            policy=self.policy_id.name or self.env._("sales managers"),
            reason=' '.join(self.reason.splitlines()), asked=asked)
        self._note(' '.join(filter(None, (self.env._("Asked: %(asked)s.", asked=asked), note))))
        self._post_on_order(' '.join(filter(None, (text, note))))
        self._mail_approvers(self.approver_ids)

    def _tell_vote(self, vote):
        self._note(self._describe_vote(vote))
        if vote.vote == 'approve':
            self._post_on_order(self._describe_vote(vote))

    def _tell_refused(self, vote):
        self._post_on_order(self._describe_vote(vote), told=True)

    def _tell_released(self, others):
        text = self.env._("Approved (%(policy)s).", policy=self.policy_id.name or self.env._("sales managers"))
        if others:
            text += ' ' + self.env._("The order still waits for: %(policies)s.", policies=', '.join(
                other.policy_id.name or self.env._("sales managers") for other in others))
        elif not self.accepted:
            text += ' ' + self.env._("The order can be confirmed now.")
        self._post_on_order(text, told=True)

    def _tell_superseded(self, names, now):
        changes = self._describe_changes(names, self.released_figures or {}, now)
        self._note(
            self.env._("The approval does not hold any more: %(changes)s.", changes=changes) if changes
            else self.env._("Approval is asked for again."))

    def _tell_withdrawn(self, reason):
        self._note(reason)
        if self.order_id.state != 'cancel':
            self._post_on_order(reason)

    def _tell_confirmation_failed(self, error):
        self._post_on_order(self.env._(
            "The order is approved and its customer has accepted it, but it could not be confirmed: %(error)s",
            error=error), told=True)

    def _tell_escalated(self, added):
        names = ', '.join(added.mapped('name'))
        hours = self.level_id.escalate_hours
        text = (
            self.env._("Nobody decided within %(hours)s hours, so these approvers were added: %(names)s.",
                       hours=hours, names=names) if added
            else self.env._("Nobody decided within %(hours)s hours, and there is nobody to be added.", hours=hours))
        self._note(text)
        self._post_on_order(text)
        self._mail_approvers(added)

    def _describe_vote(self, vote):
        sentences = {
            ('approve', False): self.env._("Approved by %(user)s.", user=vote.user_id.name),
            ('refuse', False): self.env._("Refused by %(user)s.", user=vote.user_id.name),
            ('approve', True): self.env._(
                "Approved by %(user)s on behalf of %(absent)s.",
                user=vote.user_id.name, absent=vote.on_behalf_of_id.name),
            ('refuse', True): self.env._(
                "Refused by %(user)s on behalf of %(absent)s.",
                user=vote.user_id.name, absent=vote.on_behalf_of_id.name),
        }
        text = sentences[vote.vote, bool(vote.on_behalf_of_id)]
        return f"{text} {vote.reason}" if vote.reason else text

    def _get_refusal(self):
        """Return the vote that refused the last request."""
        return self.vote_ids.filtered(lambda vote: vote.vote == 'refuse').sorted('id')[-1:]

    # -- how it is said

    def _note(self, text):
        self.message_post(body=text, subtype_xmlid='mail.mt_note')

    def _post_on_order(self, text, told=False):
        """Say something on the order; when it matters, its salesperson and who asked are notified."""
        people = (self.order_id.user_id | self.requested_by_id).filtered(
            lambda user: user.active and not user.share) - self.env.user if told else self.env['res.users']
        self.order_id.message_post(
            body=Markup("%s <a href='#' data-oe-model='sales.order.hold' data-oe-id='%s'>%s</a>") % (
                text, self.id, self.env._("Details")),
            subtype_xmlid='mail.mt_note', partner_ids=people.partner_id.ids)

    def _mail_approvers(self, users):
        """Send the mail with the link to the page, to each in his language; it leaves after the transaction."""
        template = self.env.ref('sms_addon.mail_template_sales_approval', raise_if_not_found=False)
        users = users.filtered(lambda user: user.email and user != self.env.user)
        if not template or not users:
            return
        for lang, readers in users.grouped('lang').items():
            template.sudo().with_context(lang=lang).send_mail(self.id, email_values={
                'recipient_ids': [Command.link(partner.id) for partner in readers.partner_id],
                # the chatter says it already, in a line
                'model': False, 'res_id': False,
            }, email_layout_xmlid='mail.mail_notification_light')
        self.env.ref('mail.ir_cron_mail_scheduler_action').sudo()._trigger()

    def _sync_activities(self):
        """Give an activity to each who may decide, and take it from whoever may not any more."""
        kind = self.env.ref('sms_addon.mail_activity_type_sales_approval')
        activities = self.env['mail.activity'].sudo().search([
            ('res_model', '=', self._name), ('res_id', 'in', self.ids), ('activity_type_id', '=', kind.id)])
        by_hold = activities.grouped('res_id')
        stale, missing = activities.browse(), []
        for hold in self:
            own = by_hold.get(hold.id, activities.browse())
            stale |= own.filtered(lambda activity, users=hold.approver_ids: activity.user_id not in users)
            missing += [hold._prepare_activity_vals(kind, user) for user in hold.approver_ids - own.user_id]
        stale.unlink()
        if missing:
            # they have our own mail already
            self.env['mail.activity'].sudo().with_context(mail_activity_quick_update=True).create(missing)

    def _prepare_activity_vals(self, kind, user):
        return {
            'activity_type_id': kind.id,
            'res_model_id': self.env['ir.model']._get_id(self._name),
            'res_id': self.id,
            'user_id': user.id,
            'automated': True,
            'summary': self.with_context(lang=user.lang).display_name,
            'note': Markup('<br/>').join(self.reason.splitlines()),
        }

    def _get_page_url(self):
        """Return the address of the page for a phone; it asks for the login."""
        return f'{self.get_base_url()}/sales/approval/{self.id}'
