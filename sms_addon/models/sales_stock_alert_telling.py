import logging

from odoo import api, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

_logger = logging.getLogger(__name__)

#: alerts that people are told of in the transaction that opened them; the rest follows behind the scenes
TOLD_AT_ONCE = 50
#: alerts that a message to the screens names; of more it says that there are many
NAMED = 200
ACTIVITY = 'sms_addon.mail_activity_type_stock_alert'
NOTIFICATIONS = {'0': 'info', '1': 'info', '2': 'warning', '3': 'danger'}


class SalesStockAlert(models.Model):
    """Who is told of an alert: the owner by activity and notification, open lists, the ledger, server actions."""
    _name = 'sales.stock.alert'
    _inherit = ['sales.stock.alert']

    @api.model
    def _evaluated(self, opened, closed):
        """Tell of what an evaluation came to."""
        opened._filter_terms('alert_publish')._tell_ledger('alert.opened')
        closed._filter_terms('alert_publish')._tell_ledger('alert.closed')
        (opened | closed)._tell_screens()
        # at once, and of all: it is one message to each owner
        opened._filter_terms('alert_notify')._notify_owners()
        self._tell_waiting()

    @api.model
    def _tell_waiting(self, limit=TOLD_AT_ONCE):
        """Plan activities and run server actions of some of the alerts that wait for it, the worst first.

        :return: how many were told of
        """
        waiting = self.sudo().search([('to_tell', '=', True)], limit=limit + 1)
        told = waiting[:limit]
        if told:
            told.to_tell = False
            told.filtered(lambda alert: alert.state == 'closed')._finish_activities()
            told.filtered(lambda alert: alert.state == 'open')._tell_opened()
        if len(waiting) > limit:
            self._wake_schedule()
        return len(told)

    def _tell_opened(self):
        """Give the owners something to do, and have the server actions of the rules run."""
        self._filter_terms('alert_activity')._plan_activities()
        for alert in self._filter_terms('server_action_id'):
            alert._run_action(alert._get_terms()['server_action_id'])

    def _filter_terms(self, name):
        """Return the alerts of rules that say so."""
        groups = self.grouped(lambda alert: (alert.version_id, alert.rule_id)).values()
        return self.browse().concat(*(alerts for alerts in groups if alerts[0]._get_terms().get(name)))

    def _tell_new_owner(self):
        """Hand the activities of open alerts over."""
        alerts = self.filtered(lambda alert: alert.state == 'open')
        alerts._drop_activities()
        alerts._plan_activities()
        alerts.filtered(lambda alert: alert.user_id != self.env.user)._notify_owners()
        alerts._tell_screens()

    # -- people

    def _get_recipient(self):
        """Return the owner, unless he has left or may not see the company."""
        return self.user_id.filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids)

    def _plan_activities(self):
        """Give the owner something to do: one activity for each alert."""
        kind = self.env.ref(ACTIVITY, raise_if_not_found=False) or self.env.ref('mail.mail_activity_data_todo')
        model_id = self.env['ir.model']._get_id(self._name)
        engine = self.env['sales.rule.engine']
        # the notification on the screen is enough; a mail for each alert would be too many
        self.env['mail.activity'].with_context(mail_activity_quick_update=True).create([{
            'activity_type_id': kind.id,
            'res_model_id': model_id,
            'res_id': alert.id,
            'user_id': user.id,
            'date_deadline': engine._get_today(alert.company_id),
            'automated': True,
            'summary': alert.with_context(lang=user.lang).display_name,
        } for alert in self for user in alert._get_recipient()])

    def _get_activities(self):
        kind = self.env.ref(ACTIVITY, raise_if_not_found=False)
        return self.env['mail.activity'].sudo().search([
            ('res_model', '=', self._name), ('res_id', 'in', self.ids), ('activity_type_id', '=', kind.id)
        ]) if kind else self.env['mail.activity']

    def _finish_activities(self):
        """Mark what there was to do as done: the cause has ended, or somebody has seen to it."""
        if self and (activities := self._get_activities()):
            by_reason = activities.grouped(lambda each: self.browse(each.res_id).close_reason)
            labels = dict(self._fields['close_reason']._description_selection(self.env))
            for reason, of_reason in by_reason.items():
                of_reason.with_context(mail_activity_quick_update=True).action_feedback(labels.get(reason) or False)

    def _drop_activities(self):
        if self:
            self._get_activities().with_context(mail_activity_quick_update=True).unlink()

    def _notify_owners(self):
        """Say on the screens of the owners what has opened; of many at once, how many."""
        for user, alerts in self.grouped(lambda alert: alert._get_recipient()).items():
            if not user:
                continue
            # in the language of the reader, and with the amounts that he may see
            own = alerts.with_env(self.env(user=user.id, su=True, context={'lang': user.lang}))
            worst = max(own, key=lambda alert: alert.severity)
            shown = alerts.with_user(user)._may_see_values()
            user._bus_send('simple_notification', {
                'title': own.env._("Stock Alert") if len(own) == 1 else own.env._(
                    "%(count)s Stock Alerts", count=len(own)),
                'message': worst._get_sentence(shown),
                'type': NOTIFICATIONS[worst.severity],
                'sticky': worst.severity == '3',
            })

    def _run_action(self, server_action_id):
        """Run the server action of the rule, as a webhook, with the rights of its publisher."""
        engine = self.env['sales.rule.engine']
        publisher = engine._as_publisher(self, self.version_id.id, self.company_id)
        action = publisher.env['ir.actions.server'].browse(server_action_id)
        try:
            with self.env.cr.savepoint():
                # groups may have changed since the rule was published, and the host asks them of the superuser here
                self.env['sales.rule.action']._check_rights(
                    self.rule_id.name, {'kind': 'alert', 'server_action_id': server_action_id}, publisher.browse())
                action.with_context(
                    active_model=self._name, active_id=self.id, active_ids=self.ids).run()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.warning("The action of alert %s failed", self.id, exc_info=True)
            self.message_post(body=self.env._("The action of the rule failed: %(error)s", error=error))

    # -- screens and the ledger

    def _tell_screens(self):
        """Have open lists of alerts read these again; no content is sent."""
        for company, alerts in self.grouped('company_id').items():
            if company:
                self.env['bus.bus']._sendone(company._stock_alert_channel(), 'sms_addon.stock_alert', {
                    'ids': alerts.ids if len(alerts) <= NAMED else [], 'all': len(alerts) > NAMED})

    def _tell_ledger(self, kind):
        """Write to the ledger what happened to these alerts."""
        if self:
            self.env['sales.event'].sudo()._insert([alert._prepare_event(kind) for alert in self.sudo()])

    def _prepare_event(self, kind):
        return {
            'type': kind,
            'model': self._name,
            'res_id': self.id,
            'product_id': self.product_id.id,
            'company_id': self.company_id.id,
            'user_id': self.env.uid,
            'payload': self._prepare_details(True),
        }

    # -- the digest

    @api.model
    def _get_digest_alerts(self, company, user, limit=10):
        """Return the worst open alerts of a company for the mail of a user: his own ones and those of nobody first."""
        alerts = self.with_user(user).with_context(allowed_company_ids=company.ids, lang=user.lang)
        if not alerts.has_access('read') or company not in user.company_ids:
            return self.browse()
        domain = Domain([('company_id', '=', company.id), ('state', '=', 'open'), ('in_digest', '=', True)])
        own = alerts.search(domain & Domain('user_id', 'in', [user.id, False]), limit=limit)
        others = alerts.search(domain & Domain('id', 'not in', own.ids), limit=limit - len(own)) if len(
            own) < limit else alerts.browse()
        return own + others
