from odoo.tests import HttpCase, tagged

from .common import CustomerHistoryCommon


@tagged('post_install', '-at_install')
class TestCustomerTours(HttpCase, CustomerHistoryCommon):
    """The customer reports and the export wizard in a browser."""

    TODAY = CustomerHistoryCommon.TODAY.today()  # the browser's clock cannot be frozen

    def setUp(self):
        super().setUp()
        self.manager.password = 'boss-password'

    def test_customer_reports(self):
        self.manager.lang = 'en_US'
        self.start_tour(
            '/odoo/action-sms_addon.sales_customer_report_action', 'sales_customer_tour', login=self.manager.login)

    def test_export_wizard(self):
        self.manager.lang = 'en_US'
        self.start_tour(
            '/odoo/action-sms_addon.sales_customer_report_action', 'sales_export_tour', login=self.manager.login)
        export = self.env['sales.report.export'].search([('create_uid', '=', self.manager.id)])
        self.assertEqual(export.report, 'customers')
