from datetime import date

from odoo.tests import HttpCase, new_test_user, tagged

from .forecast_common import ForecastCommon


@tagged('post_install', '-at_install')
class TestForecastTours(HttpCase, ForecastCommon):
    """A planner makes forecasts in a browser, changes one, and looks at what is left out."""

    TODAY = date.today()  # the browser's clock cannot be frozen

    def setUp(self):
        super().setUp()
        for user in self.planner + self.manager:
            user.write({'password': f'{user.login}-password', 'lang': 'en_US'})

    def test_from_the_button_to_a_change_by_hand(self):
        self.env['sales.study'].search([('kind', '=', 'demand')]).unlink()
        self.start_tour(
            '/odoo/action-sms_addon.sales_forecast_action', 'sales_forecast_update_tour', login=self.planner.login)
        study = self.env['sales.study'].search([('kind', '=', 'demand')])
        self.assertEqual(study.state, 'running')
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((study.state, study.reason), ('done', False))
        self.start_tour(
            '/odoo/action-sms_addon.sales_forecast_action', 'sales_forecast_override_tour', login=self.planner.login)
        self.env.invalidate_all()
        [line] = self.lines.search([('is_overridden', '=', True)])
        self.assertEqual((line.final, line.override_reason), (1234, "A hotel opens"))
        self.assertEqual(line.override_user_id, self.planner)
        self.assertAgree()

    def test_an_order_is_left_out(self):
        order = self.order([(self.products[1], 5000, 11)])
        user = new_test_user(
            self.env, 'both', 'sales_team.group_sale_manager,stock.group_stock_user', name="Both",
            password='both-password')
        self.start_tour(f'/odoo/sales/{order.id}', 'sales_forecast_exclusion_tour', login=user.login)
        mark = self.env['sales.forecast.exclusion'].search([('order_id', '=', order.id)])
        self.assertEqual((mark.reason, mark.state, mark.user_id), ("Comes once", 'confirmed', user))

    def test_the_periods_of_a_category(self):
        self.run_demand()
        self.start_tour(
            '/odoo/sales-forecast-periods', 'sales_forecast_periods_tour', login=self.planner.login)
        self.env.invalidate_all()
        self.assertEqual(
            set(self.lines.search([('override_reason', '=', "A fair")]).mapped('level')),
            {'category', 'product_warehouse'}, "its products come to it together")
        [category] = self.lines.search([('override_reason', '=', "A fair"), ('level', '=', 'category')]).forecast_id
        self.assertTrue(category.has_overrides, "it can be taken back there")
        self.assertAgree()

    def test_what_a_study_proposes_is_left_out(self):
        order = self.order([(self.products[1], 5000, 11)])
        mark = self.env['sales.forecast.exclusion'].create({
            'kind': 'one_off', 'order_id': order.id, 'state': 'proposed', 'reason': "Far above"})
        self.start_tour(
            '/odoo/sales-forecast-exclusions', 'sales_forecast_proposed_exclusion_tour', login=self.planner.login)
        self.assertEqual((mark.state, mark.user_id), ('confirmed', self.planner))
