from odoo import fields, models
from odoo.exceptions import AccessError


class DigestDigest(models.Model):
    """Stock alerts in the digest mail: how many opened, and the worst that are open."""
    _inherit = 'digest.digest'

    kpi_sales_stock_alert = fields.Boolean("Stock Alerts")
    kpi_sales_stock_alert_value = fields.Integer(compute='_compute_kpi_sales_stock_alert_value')

    def _compute_kpi_sales_stock_alert_value(self):
        if not self.env['sales.stock.alert'].has_access('read'):
            raise AccessError(self.env._("Stock alerts are not for this user."))
        self._calculate_company_based_kpi(
            'sales.stock.alert', 'kpi_sales_stock_alert_value', date_field='opened_at',
            additional_domain=[('in_digest', '=', True)])

    def _compute_kpis_actions(self, company, user):
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref('sms_addon.sms_addon_menu_root')
        actions['kpi_sales_stock_alert'] = f'sms_addon.sales_stock_alert_action?menu_id={menu.id}'
        return actions

    def _get_stock_alerts(self, company, user):
        """Return the alerts that the mail to a user lists."""
        return self.env['sales.stock.alert']._get_digest_alerts(company, user)
