from odoo.tests import HttpCase, tagged

from .test_sales_study_customers import CustomerStudyCommon


@tagged('post_install', '-at_install')
class TestStudyTours(HttpCase, CustomerStudyCommon):
    """A manager runs a study in a browser, and looks at what came of it."""

    def setUp(self):
        super().setUp()
        self.manager.write({'password': 'boss-password', 'lang': 'en_US'})

    def test_from_the_button_to_the_customers_of_a_segment(self):
        self.env['sales.study'].search([]).unlink()
        self.env['sales.study']._ensure_defaults(self.company)
        study = self.env['sales.study'].search([('kind', '=', 'segmentation')])
        self.start_tour('/odoo/action-sms_addon.sales_study_action', 'sales_study_tour', login=self.manager.login)
        self.assertEqual(study.state, 'running')
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((study.state, study.reason), ('done', False))
        self.start_tour(
            f'/odoo/action-sms_addon.sales_study_action/{study.id}', 'sales_study_result_tour',
            login=self.manager.login)
