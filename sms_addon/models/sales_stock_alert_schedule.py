import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from .sales_stock_alert_evaluation import MOMENTS

_logger = logging.getLogger(__name__)

BATCH = 100
RETRY = timedelta(minutes=1)


class SalesStockAlert(models.Model):
    """What happens to alerts as time passes: they are asked for every night, wake, and are escalated."""
    _name = 'sales.stock.alert'
    _inherit = ['sales.stock.alert']

    @api.model
    def _wake_evaluation(self, at=None):
        """Have the rules asked about all positions, right after this transaction."""
        if cron := self.env.ref('sms_addon.ir_cron_stock_alert_evaluation', raise_if_not_found=False):
            cron.sudo()._trigger(at=at)

    @api.model
    def _wake_schedule(self, at=None):
        """Have people told, and wake snoozed alerts, right after this transaction or at a moment."""
        if cron := self.env.ref('sms_addon.ir_cron_stock_alert', raise_if_not_found=False):
            cron.sudo()._trigger(at=at)

    @api.model
    def _cron_evaluate(self):
        """Ask all rules about all positions, those of the night, too, company by company."""
        commit = self.env['ir.cron']._commit_progress
        companies = self.env['res.company'].search(Domain.TRUE)
        commit(remaining=len(companies))
        failed = None
        for company in companies:
            try:
                self._evaluate(moments=MOMENTS, company=company)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # goods moved meanwhile, and what was seen is not so any more
                self.env.cr.rollback()
                _logger.info("Alerts of company %s are asked for again", company.id)
                self._wake_evaluation(at=fields.Datetime.now() + RETRY)
            except Exception as error:
                # of one company; the others are asked all the same
                self.env.cr.rollback()
                _logger.exception("Alerts of company %s failed", company.id)
                failed = error
            if not commit(1):
                return
        if failed:
            raise failed

    @api.model
    def _cron_run(self):
        """Wake, escalate and tell, in batches."""
        commit = self.env['ir.cron']._commit_progress
        for step in (self._wake_due, self._escalate_due, self._tell_waiting):
            while done := step(limit=BATCH):
                if not commit(done) or done < BATCH:
                    break
        commit(remaining=0)

    @api.model
    def _wake_due(self, limit=BATCH):
        now = fields.Datetime.now()
        due = self.search([('state', '=', 'snoozed'), ('snoozed_until', '<=', now)], limit=limit)
        due = due.try_lock_for_update().filtered(lambda alert: alert.state == 'snoozed')
        if due:
            due._wake()
        return len(due)

    @api.model
    def _escalate_due(self, limit=BATCH):
        due = self.search([
            ('state', '=', 'open'), ('escalated_at', '=', False), ('escalate_at', '<=', fields.Datetime.now()),
        ], limit=limit)
        due = due.try_lock_for_update().filtered(lambda alert: alert.state == 'open' and not alert.escalated_at)
        for alert in due:
            alert._escalate()
        due._tell_screens()
        return len(due)

    def _escalate(self):
        """Tell somebody above the owner, once, that the alert is still open."""
        self.ensure_one()
        user = self._find_escalation()
        self.write({'escalated_at': fields.Datetime.now(), 'escalated_to_id': user.id})
        text = self.env._("Escalated to %(user)s: it is still open.", user=user.name) if user else self.env._(
            "It is still open, and there is nobody to escalate it to.")
        self.message_post(body=text, subtype_xmlid='mail.mt_note')
        if user:
            reader = self.with_context(lang=user.lang)
            self.activity_schedule(
                'sms_addon.mail_activity_type_stock_alert', user_id=user.id, automated=True,
                date_deadline=self.env['sales.rule.engine']._get_today(self.company_id),
                summary=reader.env._("Still open: %(alert)s", alert=reader.display_name))

    def _find_escalation(self):
        """Return whom the rule names; the manager of the owner, else an inventory administrator of the company."""
        terms = self._get_terms()
        if terms.get('alert_escalate_to') == 'user':
            found = self.env['res.users'].browse(terms.get('alert_escalate_user_id') or ()).exists()
        else:
            found = self.user_id.employee_ids.filtered(
                lambda employee: employee.company_id == self.company_id).parent_id.user_id[:1]
        admins = self.env.ref('stock.group_stock_manager').all_user_ids
        usable = (found | admins.sorted('id')).filtered(
            lambda user: user.active and not user.share and self.company_id in user.company_ids) - self.user_id
        return (usable & found)[:1] or usable.filtered('login_date')[:1] or usable[:1]
