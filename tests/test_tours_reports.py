import json

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import date_utils, mute_logger

from odoo.addons.spreadsheet.utils.validate_data import fields_in_spreadsheet, menus_xml_ids_in_spreadsheet

from .common import WarehouseCommon

ROLES = {
    'own': 'sales_team.group_sale_salesman',
    'everyone': 'sales_team.group_sale_salesman_all_leads',
    'boss': 'sales_team.group_sale_manager',
}


class ScreensCommon(WarehouseCommon):
    """Orders of this month and of the same month a year ago, and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['sale.order'].search([('state', '!=', 'cancel')])._action_cancel()
        cls.env.cr.execute("UPDATE sale_order SET date_order = '2001-01-01'")
        today = fields.Date.today()
        cls.team = cls.env['crm.team'].create({'name': "Tour Team", 'user_id': False})
        cls.this_month = f'{today.replace(day=1)} 10:00:00'
        cls.last_year = f'{date_utils.subtract(today.replace(day=1), years=1)} 10:00:00'
        common = {'team_id': cls.team.id}
        product = cls.products[0]
        cls.order([(product, 3, 100.0)], date=cls.this_month, name='TOUR1', user_id=cls.salesman.id, **common)
        cls.order([(product, 1, 100.0)], date=cls.last_year, name='TOUR2', user_id=cls.manager.id, **common)
        common['user_id'] = cls.salesman.id
        cls.order([(product, 5, 100.0)], date=cls.this_month, state='cancel', name='TOUR3', **common)
        cls.env['sales.warehouse']._get()._rebuild()


@tagged('post_install', '-at_install')
class TestSalesOverview(ScreensCommon):

    def test_figures_are_those_of_the_period_and_of_last_year(self):
        cards = self.env['sales.overview'].get_overview('month')['cards']
        self.assertEqual(cards['ordered'], {'value': 300.0, 'before': 100.0})
        self.assertEqual(cards['orders'], {'value': 1, 'before': 1})
        self.assertEqual(cards['win_rate'], {'value': 0.5, 'before': 1.0})

    def test_nothing_to_compare_with_is_not_zero(self):
        cards = self.env['sales.overview']._get_ratios(dict.fromkeys(
            ('amount_ordered', 'amount_margin', 'order_count', 'lost_count'), 0))
        self.assertIs(cards['win_rate'], False)
        self.assertIs(cards['margin_rate'], False)

    def test_every_period_adds_up(self):
        for period in ('month', 'quarter', 'year', 'last_12_months'):
            data = self.env['sales.overview'].get_overview(period)
            ordered = data['cards']['ordered']['value']
            self.assertEqual(sum(row['value'] for row in data['teams']), ordered)
            self.assertEqual(sum(row['value'] for row in data['categories']), ordered)
            self.assertEqual(sum(row['value'] for row in data['customers']), ordered)
            self.assertEqual(len(data['months']), 12)

    def test_parts_of_a_range_are_not_counted_twice(self):
        overview = self.env['sales.overview']
        start, middle = fields.Date.to_date('2025-11-01'), fields.Date.to_date('2026-01-20')
        parts = overview._sum_measures(start, middle)
        [amount] = self.analysis._read_group(
            [('date', '>=', start), ('date', '<=', middle)], [], ['amount_ordered:sum'])[0]
        self.assertEqual(parts['amount_ordered'], amount or 0)

    def test_a_salesperson_sees_own_figures(self):
        data = self.env['sales.overview'].with_user(self.salesman).get_overview('month')
        self.assertEqual(data['cards']['ordered'], {'value': 300.0, 'before': 0})

    def test_others_see_nothing(self):
        stranger = new_test_user(self.env, 'stranger', 'base.group_user')
        with self.assertRaises(AccessError):
            self.env['sales.overview'].with_user(stranger).get_overview()


@tagged('post_install', '-at_install')
class TestMenus(ScreensCommon):

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_no_menu_leads_to_an_access_error(self):
        root = self.env.ref('sms_addon.sms_addon_menu_root')
        for login, group in ROLES.items():
            user = self.env['res.users'].search([('login', '=', login)]) or new_test_user(self.env, login, group)
            menus = self.env['ir.ui.menu'].with_user(user)
            visible = menus.browse(menus._visible_menu_ids()).filtered(
                lambda menu: menu.parent_path.startswith(f'{root.id}/'))
            self.assertGreater(len(visible), 10)
            for menu in visible:
                if menu.action and menu.action._name == 'ir.actions.act_window':
                    with self.subTest(user=login, menu=menu.complete_name):
                        self.open_action(user, menu.action.sudo())

    def open_action(self, user, action):
        """Load the views of an action and read a record of its first list, as the web client does."""
        model = self.env[action.res_model].with_user(user)
        views = model.get_views([*action.views, (action.search_view_id.id, 'search')])
        self.assertTrue(views['views'])
        names = [name for name in views['models'][action.res_model]['fields'] if name in model._fields]
        fields_in_list = [name for name in names if f'"{name}"' in views['views'].get('list', {}).get('arch', '')]
        model.search([], limit=1).read(fields_in_list or ['id'])


@tagged('post_install', '-at_install')
class TestDashboards(ScreensCommon):

    def dashboards(self):
        return self.env['spreadsheet.dashboard'].search([
            ('dashboard_group_id', '=', self.env.ref('sms_addon.spreadsheet_dashboard_group_sales_management').id)])

    def test_dashboards_speak_of_fields_and_menus_that_exist(self):
        self.assertEqual(len(self.dashboards()), 3)
        for dashboard in self.dashboards():
            data = json.loads(dashboard.spreadsheet_data)
            for model, names in fields_in_spreadsheet(data).items():
                for name in names:
                    self.find_field(model, name)
            for xml_id in menus_xml_ids_in_spreadsheet(data):
                self.assertTrue(self.env.ref(xml_id).action)

    def find_field(self, model, path):
        for name in path.split('.'):
            self.assertIn(name, self.env[model]._fields)
            model = self.env[model]._fields[name].comodel_name

    def test_every_text_can_be_translated(self):
        for dashboard in self.dashboards():
            data = json.loads(dashboard.spreadsheet_data)
            for pivot in data['pivots'].values():
                # names of measures are those of the fields, which are translated
                self.assertFalse([measure for measure in pivot['measures'] if 'userDefinedName' in measure])

    def test_a_salesperson_has_them(self):
        found = self.env['spreadsheet.dashboard'].with_user(self.salesman).search([('id', 'in', self.dashboards().ids)])
        self.assertEqual(len(found), 3)


@tagged('post_install', '-at_install')
class TestReportTours(HttpCase, ScreensCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.lang']._activate_lang('en_US')
        cls.env['res.users'].search([]).lang = 'en_US'
        cls.env.ref('base.user_admin').write({
            'login': 'tour admin', 'password': 'tour admin',
            'group_ids': [Command.link(cls.env.ref('sms_addon.sms_addon_group_admin').id)],
        })

    def test_overview(self):
        self.start_tour('/odoo/sales-overview', 'sms_addon_overview', login='everyone')

    def test_revenue(self):
        self.start_tour('/odoo/sales-revenue', 'sms_addon_revenue', login='everyone')

    def test_sales_team(self):
        self.start_tour('/odoo/sales-team-report', 'sms_addon_sales_team', login='everyone')

    def test_dashboards(self):
        self.start_tour('/odoo/dashboards', 'sms_addon_dashboards', login='own')

    def test_warehouse(self):
        self.start_tour('/odoo/sales-warehouse', 'sms_addon_warehouse', login='tour admin')
        self.assertTrue(self.warehouse.checked_at)

    def test_settings(self):
        # else the host warns, on any settings page, that it would archive them
        self.env['product.pricelist'].search([]).action_archive()
        self.start_tour('/odoo/sales-management-settings', 'sms_addon_settings', login='tour admin')
        self.assertEqual(self.env['ir.config_parameter'].get_param('sms_addon.new_days'), '60')
