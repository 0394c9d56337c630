import io
import unicodedata
from datetime import date
from unittest.mock import patch

from openpyxl import load_workbook
from pypdf import PdfReader

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, HttpCase, freeze_time, tagged

from .common import CustomerHistoryCommon, WarehouseCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-06-15')
class TestSalesExport(CustomerHistoryCommon):
    """What the files say is what the screens say, for the same user."""

    def export(self, user, **values):
        return self.as_user('sales.report.export', user).create({
            'company_ids': [(6, 0, (self.company + self.other_company).ids)], 'company_id': self.company.id, **values})

    def read_xlsx(self, export):
        """Return header, rows and totals of the sheet."""
        export.env.flush_all()
        self.env.invalidate_all()
        sheet = load_workbook(io.BytesIO(export._build_xlsx()), data_only=True).active
        header, *rows, totals = sheet.iter_rows(min_row=6, values_only=True)
        return header, rows, totals

    def read_pdf(self, export):
        """Return the text of the printed report."""
        report = self.env['ir.actions.report'].with_user(self.manager).with_context(
            force_report_rendering=True, lang=export.env.context.get('lang'))
        with self.allow_pdf_render():
            pdf, _kind = report._render_qweb_pdf('sms_addon.sales_report_table', export.ids)
        text = ' '.join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
        return ' '.join(unicodedata.normalize('NFKC', text).split())

    def test_revenue_by_month(self):
        for user in (self.manager, self.salesman):
            header, rows, totals = self.read_xlsx(self.export(user, report='revenue', period='12_months'))
            analysis = self.as_user('sales.analysis', user)
            screen = analysis._read_group(
                [('date', '>=', '2025-07-01'), ('date', '<=', '2026-06-30')], ['date:month'],
                ['amount_ordered:sum', 'amount_ordered_last_year:sum'])
            self.assertEqual(header[0], "Month")
            self.assertEqual([row[0].date() for row in rows], [row[0] for row in screen])
            for row, (_month, ordered, last_year) in zip(rows, screen, strict=True):
                self.assertAlmostEqual(row[2], ordered)
                self.assertAlmostEqual(row[3], last_year)
            self.assertAlmostEqual(totals[2], sum(row[2] for row in rows))
            self.assertAlmostEqual(totals[4], totals[2] / totals[3] - 1)

    def test_team_by_salesperson(self):
        header, rows, totals = self.read_xlsx(
            self.export(self.manager, report='team', team_group='user_id', period='all'))
        self.assertEqual(header[0], "Salesperson")
        self.assertEqual({row[0] for row in rows}, {"Own Documents", "Manager", "None", self.env.user.name})
        screen = self.as_user('sales.analysis', self.manager)._read_group(
            [], [], ['amount_ordered:sum', 'order_count:sum', 'win_rate:avg'])[0]
        values = dict(zip(header, totals, strict=True))
        self.assertAlmostEqual(values["Ordered"], screen[0])
        self.assertEqual(values["Orders"], screen[1])
        self.assertAlmostEqual(values["Win Rate"], screen[2])

    def test_customers(self):
        for user in (self.manager, self.salesman):
            header, rows, totals = self.read_xlsx(self.export(user, report='customers', period='all'))
            records = self.as_user('sales.customer.report', user).search([])
            self.assertEqual([row[0] for row in rows], records.mapped('name'))
            revenue, first = header.index("Revenue"), header.index("First Order")
            for row, record in zip(rows, records, strict=True):
                self.assertAlmostEqual(row[revenue], record.revenue, places=2)
                self.assertEqual(row[first].date(), record.first_date)
            self.assertAlmostEqual(totals[revenue], sum(records.mapped('revenue')), places=2)

    def test_amounts_have_the_format_of_the_currency(self):
        export = self.export(self.manager, report='team', company_id=self.other_company.id)
        sheet = load_workbook(io.BytesIO(export._build_xlsx())).active
        self.assertIn('€', sheet['C7'].number_format)
        self.assertIn('EUR', sheet['A4'].value)

    def test_pdf_has_the_figures_of_the_screen(self):
        export = self.export(self.manager, report='revenue', period='12_months')
        table = self.env['report.sms_addon.sales_report_table'].with_user(self.manager)._get_table(export)
        total = self.as_user('sales.analysis', self.manager)._read_group(
            [('date', '>=', '2025-07-01'), ('date', '<=', '2026-06-30')], [], ['amount_ordered:sum'])[0][0]
        text = self.read_pdf(export)
        self.assertIn(f'{total:,.2f}', text)
        self.assertIn("Revenue by Month", text)
        self.assertEqual(sum(map(len, table['pages'])), 12 - table['hidden'])

    def test_pdf_of_every_report_and_grouping(self):
        for values in (
            {'report': 'customers'}, {'report': 'customers', 'period': 'all'},
            *({'report': 'revenue', 'revenue_group': group, 'period': 'all'}
              for group in ('date:month', 'product_tmpl_id', 'categ_id', 'country_id')),
            *({'report': 'team', 'team_group': group} for group in ('team_id', 'user_id', 'department_id')),
        ):
            export = self.export(self.manager, **values)
            html = self.env['ir.actions.report'].with_user(self.manager)._render_qweb_html(
                'sms_addon.sales_report_table', export.ids)[0].decode()
            self.assertIn(export._get_title(), html)
            self.assertIn("Amounts in USD", html)

    def test_customers_in_pdf_are_limited_and_counted(self):
        export = self.export(self.manager, report='customers', period='all')
        report = self.env['report.sms_addon.sales_report_table'].with_user(self.manager)
        everyone = report._get_table(export)
        with patch('odoo.addons.sms_addon.report.sales_report_table.MAX_ROWS', 5):
            table = report._get_table(export)
        self.assertEqual(sum(map(len, table['pages'])), 5)
        self.assertEqual(table['hidden'] + 5, sum(map(len, everyone['pages'])))
        self.assertEqual(table['totals'], everyone['totals'])

    def test_chinese(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.buyers[0].name = "上海贸易有限公司"
        export = self.export(self.manager, report='customers', period='all').with_context(lang='zh_CN')
        _header, rows, _totals = self.read_xlsx(export)
        self.assertIn("上海贸易有限公司", [row[0] for row in rows])
        self.assertIn("上海贸易有限公司", self.read_pdf(export))

    def test_periods(self):
        with Form(self.env['sales.report.export'].with_user(self.manager)) as form:
            for period, start, end in (
                ('month', date(2026, 6, 1), date(2026, 6, 30)),
                ('quarter', date(2026, 4, 1), date(2026, 6, 30)),
                ('year', date(2026, 1, 1), date(2026, 12, 31)),
                ('last_year', date(2025, 1, 1), date(2025, 12, 31)),
                ('12_months', date(2025, 7, 1), date(2026, 6, 30)),
                ('all', False, False),
            ):
                form.period = period
                self.assertEqual((form.date_from, form.date_to), (start, end), period)
            form.period = 'custom'
            form.date_from, form.date_to = date(2026, 2, 3), date(2026, 5, 4)
        self.assertEqual(form.record.name, "Revenue by Month 2026-02-03 2026-05-04")
        with self.assertRaises(ValidationError):
            form.record.date_to = date(2026, 1, 1)

    def test_foreign_company_is_refused(self):
        stranger = self.env['res.company'].create({'name': "Stranger", 'sales_timezone': 'UTC'})
        with self.assertRaises(AccessError):
            self.export(self.manager, company_ids=[(6, 0, stranger.ids)])._build_xlsx()
        own = self.export(self.manager)
        own.sudo().company_ids = stranger
        own.invalidate_recordset()
        self.assertEqual(own._get_companies(), self.company)

    def test_nothing_to_show(self):
        for report in ('revenue', 'customers', 'team'):
            export = self.export(self.manager, report=report, period='custom',
                                 date_from=date(2001, 1, 1), date_to=date(2001, 1, 31))
            _header, rows, _totals = self.read_xlsx(export)
            self.assertEqual(rows, [])
            html = self.env['ir.actions.report'].with_user(self.manager)._render_qweb_html(
                'sms_addon.sales_report_table', export.ids)[0].decode()
            self.assertIn("No confirmed order in this period", html)


@tagged('post_install', '-at_install')
class TestSalesExportRoute(HttpCase, WarehouseCommon):

    def setUp(self):
        super().setUp()
        self.order([(self.products[0], 2, 50)], date='2026-03-15 12:00:00', user_id=self.salesman.id)
        self.refresh()
        for user in self.salesman + self.manager + self.portal:
            user.password = 'pass-of-' + user.login

    def fetch(self, user, export):
        self.authenticate(user.login, user.password and 'pass-of-' + user.login)
        return self.url_open(f'/sms_addon/report/{export.id}.xlsx')

    def test_owner_gets_the_file(self):
        export = self.env['sales.report.export'].with_user(self.salesman).create({'period': 'all'})
        response = self.fetch(self.salesman, export)
        self.assertEqual(response.status_code, 200)
        self.assertIn('Revenue%20by%20Month', response.headers['Content-Disposition'])
        sheet = load_workbook(io.BytesIO(response.content), data_only=True).active
        self.assertEqual(sheet.cell(sheet.max_row, 1).value, "Total")

    def test_nobody_else_does(self):
        export = self.env['sales.report.export'].with_user(self.salesman).create({'period': 'all'})
        self.assertEqual(self.fetch(self.manager, export).status_code, 404)
        self.assertIn(self.fetch(self.portal, export).status_code, (403, 404))
        self.logout()
        self.assertIn('/web/login', self.url_open(f'/sms_addon/report/{export.id}.xlsx').url)
