import base64
import csv
import gzip
import io
import os
import tempfile
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from unittest import skipUnless
from unittest.mock import patch

import openpyxl
import psycopg2.errors

from odoo import SUPERUSER_ID, fields
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import db_connect
from odoo.tests import HttpCase, TransactionCase, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.sms_addon.models import sales_import_run

DATA = Path(__file__).parent / 'data'
SUPERSTORE = Path('/work/shared/data/erp/superstore.csv.gz')
RETAIL = Path('/work/shared/data/retail/online_retail.csv.gz')
HEADERS = [
    'Order ID',
    'Order Date',
    'Customer ID',
    'Product ID',
    'Quantity',
    'Unit Price',
    'Sales',
    'Currency',
    'Row ID',
]


class ImportCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.sales_timezone = 'Asia/Shanghai'
        cls.admin = new_test_user(cls.env, 'engineer', 'sms_addon.sms_addon_group_admin')
        cls.env = cls.env(user=cls.admin)
        cls.imports = cls.env['sales.import']

    def prepare(self, content, filename='sales.csv', **values):
        return self.imports.create(
            {'name': "Test", 'filename': filename, 'file': base64.b64encode(content), 'source': 'test', **values}
        )

    def table(self, *rows, **values):
        """Prepare an import of rows, whose cells are as :data:`HEADERS` says."""
        target = io.StringIO()
        writer = csv.writer(target)
        writer.writerow(HEADERS)
        writer.writerows([*row, *[''] * (len(HEADERS) - len(row))] for row in rows)
        return self.prepare(target.getvalue().encode(), **values)

    def run_import(self, record, goal='load'):
        record._prepare_run(goal)
        record._run()
        self.assertEqual(
            record.row_count,
            sum(record[name] for name in ('imported_count', 'present_count', 'refused_count', 'skipped_count')),
        )
        return record

    def orders(self, record):
        return self.env['sale.order'].search([('sales_import_id', '=', record.id)], order='name')

    def issues(self, record):
        return [
            (issue.line, issue.column, issue.code, issue.severity)
            for issue in record.issue_ids.sorted(lambda i: (i.line, i.id))
        ]


@tagged('post_install', '-at_install')
class TestSalesImport(ImportCase):
    def test_a_good_file_becomes_orders(self):
        record = self.run_import(self.prepare((DATA / 'sales_good.csv').read_bytes(), create_salespeople=True))
        self.assertEqual(
            (record.state, record.imported_count, record.new_order_count, record.issue_count), ('done', 4, 3, 0)
        )
        orders = self.orders(record)
        self.assertRecordValues(
            orders,
            [
                {'name': 'T-1', 'state': 'sale', 'amount_total': 27.46, 'invoice_status': 'no'},
                {'name': 'T-2', 'state': 'sale', 'amount_total': 99.99, 'invoice_status': 'no'},
                {'name': 'T-3', 'state': 'sale', 'amount_total': 5.0, 'invoice_status': 'no'},
            ],
        )
        first = orders[0]
        self.assertRecordValues(
            first.order_line,
            [
                {'price_subtotal': 10.0, 'discount': 20.0, 'product_uom_qty': 3, 'margin': 2.5, 'qty_to_invoice': 0},
                {'price_subtotal': 17.46, 'discount': 0.0, 'product_uom_qty': 1, 'margin': 4.0, 'qty_to_invoice': 0},
            ],
        )
        self.assertEqual(first.partner_id.name, "Köhler GmbH")
        self.assertEqual(first.partner_id.country_id.code, 'DE')
        self.assertEqual((first.team_id.name, first.user_id.name), ("North", "Ina Berg"))
        self.assertTrue(first.user_id.has_group('sales_team.group_sale_salesman'))
        self.assertFalse(first.user_id.has_group('sales_team.group_sale_salesman_all_leads'))
        self.assertEqual(first.order_line.product_id.categ_id.name, "Lighting")
        self.assertFalse(first.picking_ids or first.invoice_ids or first.message_follower_ids or first.message_ids)
        self.assertEqual(orders.partner_id, orders[:2].partner_id)

    def test_the_date_is_the_date_of_the_company(self):
        order = self.orders(
            self.run_import(
                self.table(['D1', '2024-06-01', 'C', 'P', 1, 5], ['D2', '2024-06-01 00:30', 'C', 'P', 1, 5])
            )
        )
        self.assertEqual(
            [str(moment) for moment in order.mapped('date_order')], ['2024-06-01 04:00:00', '2024-05-31 16:30:00']
        )

    def test_a_day_of_a_workbook_is_that_of_a_text(self):
        book = openpyxl.Workbook()
        book.active.append(HEADERS)
        book.active.append(['W1', datetime(2024, 1, 15), 'C', 'P', 1, 5])
        target = io.BytesIO()
        book.save(target)
        order = self.orders(self.run_import(self.prepare(target.getvalue(), 'sales.xlsx')))
        text = self.orders(self.run_import(self.table(['W2', '2024-01-15', 'C', 'P', 1, 5])))
        self.assertEqual(order.date_order, text.date_order)

    def test_numbers_are_read_as_their_column_writes_them(self):
        headers = b'Order;Date;Customer;SKU;Qty;Price;Discount\n'
        content = headers + b'N1;2024-01-01;C;P;0,500;2,00;10\nN2;2024-01-01;C;P;1,250;100,00;1\n'
        record = self.prepare(content)
        self.assertEqual([row['outcome'] for row in record.preview['rows']], ['read', 'read'])
        self.run_import(record)
        self.assertRecordValues(
            self.orders(record).order_line,
            [{'product_uom_qty': 0.5, 'discount': 10}, {'product_uom_qty': 1.25, 'discount': 1}],
        )
        undecided = self.run_import(self.prepare(headers + b'N3;2024-01-01;C;P;1,250;100;1\n'))
        self.assertEqual(
            self.issues(undecided),
            [(2, 'quantity', 'ambiguous_number', 'error'), (2, 'discount', 'ambiguous_discount', 'error')],
        )
        undecided.write({'decimal_separator': ',', 'discount_format': 'fraction'})
        self.run_import(undecided, 'check')
        self.assertFalse(undecided.issue_ids)

    def test_a_resumed_import_reads_on_as_it_began(self):
        rows = [[f'R{n}', '2024-01-01', 'C', 'P', quantity, 5] for n, quantity in enumerate(['1,5', *['1,250'] * 9])]
        record = self.table(*rows)
        record._prepare_run('load')
        with patch.object(sales_import_run, 'READ_ROWS', 3):
            next(record._work())
            self.env.flush_all()
            self.env.invalidate_all()
            record._run()
        self.assertEqual(self.orders(record).order_line.mapped('product_uom_qty'), [1.5, *[1.25] * 9])

    def test_a_date_years_ahead_is_refused(self):
        with freeze_time('2026-01-15 03:00:00'):
            record = self.run_import(
                self.table(['F1', '2031-01-15', 'C', 'P', 1, 5], ['F2', '2199-01-05', 'C', 'P', 1, 5])
            )
        self.assertEqual(self.issues(record), [(3, 'date', 'future_date', 'error')])
        self.assertIn('2199', record.issue_ids.reason)

    def test_lines_without_customer_are_left_out_by_rule(self):
        record = self.run_import(
            self.table(
                ['M1', '2024-01-01', '', 'P', 1, 5],
                ['M2', '2024-01-01', 'C', 'P', 1, 5],
                missing_customer_rule='skip',
            )
        )
        self.assertEqual((record.state, record.imported_count, record.skipped_count), ('done', 1, 1))
        self.assertEqual(self.issues(record), [(2, 'customer_name', 'missing_customer', 'info')])

    def test_totals_that_do_not_divide_are_exact_and_live_on(self):
        rows = [
            [f'O{n}', '2024-01-01', 'C', 'P', quantity, '', total]
            for n, (quantity, total) in enumerate(
                [(3, '10.00'), (7, '0.01'), (11, '1234.57'), (13, '99999.99'), (6, '3.334')]
            )
        ]
        lines = self.orders(self.run_import(self.table(*rows))).order_line
        self.assertEqual(lines.mapped('price_subtotal'), [10.0, 0.01, 1234.57, 99999.99, 3.33])
        lines.invalidate_recordset()
        self.env.add_to_compute(lines._fields['price_subtotal'], lines)
        self.env.add_to_compute(lines.order_id._fields['amount_total'], lines.order_id)
        self.assertEqual(lines.mapped('price_subtotal'), [10.0, 0.01, 1234.57, 99999.99, 3.33])
        self.assertEqual(lines.order_id.mapped('amount_total'), [10.0, 0.01, 1234.57, 99999.99, 3.33])
        lines[0].product_uom_qty = 6
        self.assertEqual(lines[0].price_subtotal, 20.0)

    def test_an_invoice_carries_the_amounts_of_the_file(self):
        record = self.run_import(
            self.table(
                ['I1', '2024-01-01', 'C', 'P', 3, '', '10.00'],
                ['I1', '2024-01-01', 'C', 'Q', 7, '', '99.99'],
                make_invoices=True,
            )
        )
        [order] = self.orders(record)
        self.assertEqual(order.invoice_status, 'invoiced')
        self.assertRecordValues(
            order.invoice_ids.sudo(), [{'state': 'posted', 'amount_total': 109.99, 'invoice_date': date(2024, 1, 1)}]
        )
        self.assertEqual(order.invoice_ids.sudo().invoice_line_ids.mapped('price_subtotal'), [10.0, 99.99])

    def test_deliveries_are_made_when_asked_for(self):
        order = self.orders(self.run_import(self.table(['D1', '2024-01-01', 'C', 'P', 3, 5], make_deliveries=True)))
        self.assertEqual(order.picking_ids.move_ids.product_uom_qty, 3)

    def test_each_bad_line_is_reported_and_nothing_is_imported(self):
        before = self.env['sale.order'].search_count([])
        record = self.run_import(
            self.table(
                ['B1', '2024-01-01', 'C', 'P', 1, 5],
                ['B2', 'soon', 'C', 'P', 1, 5],
                ['B3', '2024-01-01', 'C', 'P', -1, 5],
                ['B4', '2024-01-01', 'C', 'P', 'many', 5],
                ['B5', '2024-01-01', 'C', 'P', 1, 5, '', 'XXX'],
                ['B6', '2024-01-01', '', 'P', 1, 5],
                ['B7', '2024-01-01', 'C', 'P', 1, 5],
                ['B7', '2024-01-01', 'C', 'P', 1, 5],
                ['', '2024-01-01', 'C', 'P', 1, 5],
                ['B8', '01/02/2024', 'C', 'P', 1, 5],
            )
        )
        self.assertEqual((record.state, record.refused_count, record.imported_count), ('checked', 9, 1))
        self.assertEqual(
            self.issues(record),
            [
                (3, 'date', 'date', 'error'),
                (4, 'quantity', 'negative', 'error'),
                (5, 'quantity', 'number', 'error'),
                (6, 'currency', 'unknown_currency', 'error'),
                (7, 'customer_name', 'missing_customer', 'error'),
                (8, 'order_ref', 'order_refused', 'error'),
                (9, 'line_ref', 'duplicate', 'error'),
                (10, 'order_ref', 'missing_order', 'error'),
                (11, 'date', 'ambiguous_date', 'error'),
            ],
        )
        self.assertIn('soon', record.issue_ids.filtered(lambda issue: issue.line == 3).reason)
        self.assertTrue(all(record.issue_ids.mapped('reason')))
        with self.assertRaisesRegex(UserError, "import nothing"):
            record.action_import()
        record.error_rule = 'leave'
        self.assertEqual(record.state, 'checked')
        record.error_rule = 'stop'
        self.assertEqual(self.env['sale.order'].search_count([]), before)
        self.assertFalse(self.env['res.partner'].search([('ref', '=', 'C')]))

    def test_what_may_not_be_created_is_refused_or_warned_of(self):
        record = self.run_import(
            self.table(['U1', '2024-01-01', 'C', 'P', 1, 5], create_products=False, create_customers=False)
        )
        self.assertEqual(
            self.issues(record),
            [(2, 'product_code', 'unknown_product', 'error'), (2, 'customer_ref', 'unknown_customer', 'error')],
        )
        content = b"Order,Date,Customer,SKU,Qty,Price,Team\nU1,2024-01-01,C,P,1,5,Nobody's\n"
        record = self.run_import(self.prepare(content, create_teams=False))
        self.assertEqual((record.state, self.issues(record)), ('done', [(2, 'team', 'unknown_team', 'warning')]))

    def test_orders_with_refused_lines_are_left_out_whole_when_asked_for(self):
        record = self.run_import(
            self.table(
                ['L1', '2024-01-01', 'C', 'P', 1, 5],
                ['L2', '2024-01-01', 'C', 'P', 'x', 5],
                ['L2', '2024-01-01', 'C', 'Q', 1, 5],
                error_rule='leave',
            )
        )
        self.assertEqual((record.state, record.imported_count, record.refused_count), ('done', 1, 2))
        self.assertEqual(self.orders(record).mapped('name'), ['L1'])

    def test_a_check_writes_nothing(self):
        record = self.run_import(self.table(['K1', '2024-01-01', 'C', 'P', 1, 5]), 'check')
        self.assertEqual((record.state, record.imported_count, record.new_order_count), ('checked', 1, 1))
        self.assertFalse(self.orders(record))
        self.assertFalse(self.env['product.product'].search([('default_code', '=', 'P')]))
        self.run_import(record)
        self.assertEqual((record.state, len(self.orders(record))), ('done', 1))

    def test_a_second_run_changes_nothing_and_a_longer_file_adds_what_is_new(self):
        rows = [
            ['S1', '2024-01-01', 'C', 'P', 1, 5],
            ['S1', '2024-01-01', 'C', 'Q', 2, 5],
            ['S2', '2024-01-02', 'C', 'P', 1, 5],
        ]
        first = self.orders(self.run_import(self.table(*rows)))
        stamps = first.order_line.mapped('write_date')
        again = self.run_import(self.table(*rows))
        self.assertEqual((again.imported_count, again.present_count, again.issue_count), (0, 3, 0))
        self.assertEqual(first.order_line.mapped('write_date'), stamps)
        longer = self.run_import(
            self.table(*rows, ['S1', '2024-01-01', 'C', 'R', 4, 5], ['S3', '2024-01-03', 'C', 'P', 1, 5])
        )
        self.assertEqual((longer.imported_count, longer.present_count, longer.new_order_count), (2, 3, 1))
        self.assertEqual(first[0].order_line.mapped('product_uom_qty'), [1, 2, 4])
        self.assertEqual(first[0].amount_total, 35)
        self.assertFalse(first[0].message_ids)

    def test_a_line_that_differs_from_what_is_there_is_left_and_reported(self):
        self.run_import(self.table(['X1', '2024-01-01', 'C', 'P', 1, 5]))
        record = self.run_import(self.table(['X1', '2024-01-01', 'C', 'P', 3, 5]))
        self.assertEqual((record.present_count, self.issues(record)), (1, [(2, 'quantity', 'differs', 'warning')]))

    def test_an_order_is_not_extended_by_lines_of_another(self):
        self.rate('EUR')
        first = self.orders(self.run_import(self.table(['E1', '2024-01-01 23:30', 'C', 'P', 1, 5])))
        for row, column, code in (
            (['E1', '2024-01-01', 'D', 'Q', 1, 5], 'customer_ref', 'two_customer'),
            (['E1', '2024-01-01', 'C', 'Q', 1, 5, '', 'EUR'], 'currency', 'two_currency'),
            (['E1', '2024-01-02', 'C', 'Q', 1, 5], 'date', 'other_date'),
        ):
            for goal in ('check', 'load'):
                record = self.run_import(self.table(row, error_rule='leave'), goal)
                self.assertEqual((self.issues(record), record.refused_count), ([(2, column, code, 'error')], 1))
        self.assertEqual(first.order_line.product_id.default_code, 'P')
        company = self.env.company.currency_id.name.lower()
        record = self.run_import(self.table(['E1', '2024-01-01', 'C', 'Q', 1, 5, '', company]))
        self.assertEqual((record.state, first.order_line.mapped('product_id.default_code')), ('done', ['P', 'Q']))

    def test_an_order_of_shifted_dates_is_extended_on_another_day(self):
        rows = [['H1', '2020-01-01', 'C', 'P', 1, 5], ['H1', '2020-01-01', 'C', 'Q', 1, 5]]
        for count, today in ((1, '2026-01-15'), (2, '2026-02-20')):
            with freeze_time(f'{today} 03:00:00'):
                record = self.run_import(self.table(*rows[:count], shift_dates=True))
            self.assertEqual((record.state, record.imported_count), ('done', 1))

    def test_codes_and_names_do_not_meet(self):
        content = (
            b'Order,Date,Customer ID,Customer Name,Product ID,Product Name,Quantity,Unit Price\n'
            b'C1,2024-01-01,ACME,Acme Ltd,Pen,Fountain pen,1,10\n'
            b'C2,2024-01-01,,ACME,,Pen,1,10\n'
        )
        orders = self.orders(self.run_import(self.prepare(content)))
        self.assertEqual(orders.mapped('partner_id.name'), ["Acme Ltd", "ACME"])
        self.assertEqual(orders.mapped('order_line.product_id.name'), ["Fountain pen", "Pen"])
        again = self.run_import(self.prepare(content, source='again'))
        self.assertEqual(self.orders(again).partner_id, orders.partner_id)

    def test_a_login_that_is_taken_is_reported_and_not_made_again(self):
        elsewhere = self.env['res.company'].sudo().create({'name': "Elsewhere"})
        admin = self.env(su=True)
        new_test_user(admin, 'pete@example.com', 'base.group_portal', name="Portal Pete")
        new_test_user(
            admin, 'rosa.luz', 'base.group_user', name="Rosa Luz", company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)])
        former = new_test_user(admin, 'otto.former', 'sales_team.group_sale_salesman', name="Otto Former")
        former.active = False
        header = 'Order,Date,Customer,SKU,Qty,Price,Salesperson'
        people = ['Pete@Example.com', 'Rosa Luz', 'Otto Former', 'Ann Lee', 'ann  lee']
        rows = [f'S{n},2024-01-01,C,P,1,5,{person}' for n, person in enumerate(people)]
        content = '\n'.join([header, *rows]).encode()
        expected = [(2, 'salesperson', 'unknown_salesperson', 'warning'),
                    (3, 'salesperson', 'unknown_salesperson', 'warning')]
        for goal in ('check', 'load'):
            record = self.run_import(self.prepare(content, create_salespeople=True), goal)
            self.assertEqual(self.issues(record), expected, goal)
        users = [order.user_id for order in self.orders(record)]
        self.assertEqual([user.name for user in users[:4]], [False, False, "Otto Former", "Ann Lee"])
        self.assertEqual(users[3], users[4])
        again = self.run_import(self.prepare(content, create_salespeople=True, source='again'))
        self.assertEqual([order.user_id for order in self.orders(again)], users)

    def test_a_currency_without_a_rate_is_refused_wherever_it_is_stated(self):
        pound = self.env.ref('base.GBP').sudo()
        pound.active = True
        pound.rate_ids.unlink()
        row = ['G1', '2024-01-01', 'C', 'P', 1, 5]
        for record in (self.table([*row, '', 'gbp']), self.table(row, currency_id=pound.id)):
            self.run_import(record, 'check')
            self.assertEqual(self.issues(record), [(2, 'currency', 'no_rate', 'error')])
        self.rate('GBP')
        record = self.run_import(self.table(row, currency_id=pound.id))
        self.assertEqual(self.orders(record).currency_id, pound)

    def rate(self, name):
        currency = self.env.ref(f'base.{name}').sudo()
        currency.active = True
        self.env['res.currency.rate'].sudo().create({'currency_id': currency.id, 'rate': 0.5, 'name': '2023-01-01'})

    def test_the_same_reference_of_another_source_is_another_order(self):
        row = ['Z1', '2024-01-01', 'C', 'P', 1, 5]
        self.run_import(self.table(row))
        self.assertEqual(self.run_import(self.table(row, source='other shop')).new_order_count, 1)

    def test_rows_of_an_order_may_be_scattered(self):
        rows = [[f'O{n % 7}', '2024-01-01', 'C', f'P{n}', 1, n] for n in range(70)]
        with patch.object(sales_import_run, 'BATCH_ROWS', 12), patch.object(sales_import_run, 'READ_ROWS', 9):
            record = self.run_import(self.table(*rows))
        self.assertEqual([len(order.order_line) for order in self.orders(record)], [10] * 7)

    def test_an_order_larger_than_a_batch_stays_whole(self):
        rows = [['BIG', '2024-01-01', 'C', f'P{n}', 1, n] for n in range(30)]
        with patch.object(sales_import_run, 'BATCH_ROWS', 7):
            record = self.run_import(self.table(*rows, ['A', '2024-01-01', 'C', 'P1', 1, 1]))
        self.assertEqual([len(order.order_line) for order in self.orders(record)], [1, 30])

    def test_returns_services_and_anonymous_customers_by_rule(self):
        record = self.run_import(
            self.table(
                ['C100', '2024-01-01', '', 'P', -2, 5],
                ['R1', '2024-01-01', 'C', 'POST', 1, 18],
                ['R1', '2024-01-01', 'C', 'D', -1, 3],
                ['R2', '2024-01-01', '', 'P', 1, 5],
                cancelled_pattern=r'C\d+',
                cancelled_rule='return',
                negative_rule='return',
                missing_customer_rule='anonymous',
                anonymous_name="Walk-in",
                service_codes='POST\nD',
                service_rule='service',
            )
        )
        orders = self.orders(record)
        self.assertEqual(orders.mapped('amount_total'), [-10, 15, 5])
        self.assertEqual(orders[0].partner_id.name, "Walk-in")
        self.assertEqual((record.return_count, record.anonymous_count, record.service_count), (2, 2, 2))
        self.assertEqual(orders[1].order_line.product_id.mapped('type'), ['service', 'service'])

    def test_cancelled_orders_by_rule_or_status(self):
        content = (
            b'Order,Date,Customer,SKU,Qty,Price,Status\n'
            b'C1,2024-01-01,C,P,-2,5,\nS1,2024-01-01,C,P,1,5,Cancelled\nS2,2024-01-01,C,P,1,5,Paid\n'
        )
        record = self.run_import(self.prepare(content, cancelled_pattern=r'C\d+', cancelled_rule='cancel'))
        self.assertEqual(self.orders(record).mapped('state'), ['cancel', 'cancel', 'sale'])

    def test_other_currencies_keep_their_amounts(self):
        euro = self.env.ref('base.EUR').sudo()
        euro.active = True
        self.env['res.currency.rate'].sudo().create({'currency_id': euro.id, 'rate': 0.5, 'name': '2023-01-01'})
        record = self.run_import(
            self.table(['E1', '2024-01-01', 'C', 'P', 3, '', '10.00', 'EUR'], ['E2', '2024-01-01', 'C', 'P', 1, 5])
        )
        foreign, own = self.orders(record)
        self.assertEqual((foreign.currency_id, foreign.amount_total), (euro, 10.0))
        self.assertAlmostEqual(foreign.currency_rate, 0.5 / self.env.company.currency_id.rate)
        self.assertEqual(own.currency_id, self.env.company.currency_id)

    def test_dates_are_shifted_to_today(self):
        with freeze_time('2026-01-15 03:00:00'):
            record = self.run_import(
                self.table(['H1', '2020-01-01', 'C', 'P', 1, 5], ['H2', '2020-01-11', 'C', 'P', 1, 5], shift_dates=True)
            )
        days = [
            fields.Datetime.context_timestamp(order.with_context(tz='Asia/Shanghai'), order.date_order).date()
            for order in self.orders(record)
        ]
        self.assertEqual(days, [date(2026, 1, 5), date(2026, 1, 15)])

    def test_a_workbook_is_read_like_a_text(self):
        book = openpyxl.Workbook()
        book.active.append(HEADERS)
        book.active.append([536365.0, date(2024, 1, 15), 17850.0, 'P', 3, None, 10.0])
        target = io.BytesIO()
        book.save(target)
        order = self.orders(self.run_import(self.prepare(target.getvalue(), 'sales.xlsx')))
        self.assertRecordValues(order, [{'name': '536365', 'amount_total': 10.0}])
        self.assertEqual(order.partner_id.ref, '17850')

    def test_orders_made_of_history_wait_for_nothing_until_told_to(self):
        order = self.orders(self.run_import(self.table(['W1', '2024-01-01', 'C', 'P', 2, 5])))
        self.assertEqual((order.order_line.qty_to_invoice, order.order_line.untaxed_amount_to_invoice), (0, 0))
        order.sales_history = False
        self.assertEqual((order.invoice_status, order.order_line.qty_to_invoice), ('to invoice', 2))

    def test_presets_are_found_by_the_columns(self):
        record = self.imports.create(
            {
                'name': "P",
                'filename': 'r.csv',
                'file': base64.b64encode(
                    b'invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country\n'
                    b'C1,POST,Postage,-1,2010-12-01 08:26:00,18,,EIRE\n'
                ),
            }
        )
        self.assertEqual(
            (record.preset_id.name, record.source, record.cancelled_rule), ("Online Retail", 'online-retail', 'return')
        )
        self.assertEqual(record.preview['rows'][0]['outcome'], 'read')
        self.run_import(record)
        self.assertEqual(self.orders(record).amount_total, -18)
        self.assertEqual(self.orders(record).partner_id.country_id.code, 'IE')

    def test_columns_are_checked_before_the_start(self):
        record = self.prepare(b'foo,bar\n1,2\n')
        with self.assertRaisesRegex(UserError, "No column means"):
            record.action_check()
        record.column_ids[0].target = record.column_ids[1].target = 'quantity'
        with self.assertRaisesRegex(UserError, "Two columns mean"):
            record.action_check()
        with self.assertRaisesRegex(UserError, "neither a CSV nor"):
            self.prepare(b'PK\x03\x04nothing')

    def test_the_number_of_queries_does_not_grow_with_the_orders(self):
        def count(prefix, orders):
            record = self.table(*[[f'{prefix}{n}', '2024-01-01', 'C', 'P', 1, 5] for n in range(orders)])
            start = self.env.cr.sql_log_count
            self.run_import(record)
            return self.env.cr.sql_log_count - start

        count('warm', 2)
        self.assertLess(count('many', 200), count('few', 10) + 40)


@tagged('post_install', '-at_install')
class TestSalesImportRun(ImportCase):
    def setUp(self):
        super().setUp()
        self.rows = [[f'R{n:03}', '2024-01-01', 'C', 'P', 1, 5] for n in range(40)]
        self.startPatcher(patch.object(sales_import_run, 'BATCH_ROWS', 10))

    @contextmanager
    def crash_at(self, batch):
        """Have the loading of a batch fail."""
        calls, load = [], type(self.imports)._load_batch

        def _load_batch(record, plans, directory, dry):
            counts = load(record, plans, directory, dry)
            calls.append(not dry)
            if sum(calls) == batch:
                raise ZeroDivisionError("crash")
            return counts

        with patch.object(type(self.imports), '_load_batch', _load_batch):
            yield

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_import').sudo().method_direct_trigger()
        self.env.invalidate_all()

    def test_the_cron_runs_what_was_started(self):
        record = self.table(*self.rows)
        record.action_import()
        self.assertEqual(record.state, 'running')
        with self.assertRaises(UserError):
            record.source = 'elsewhere'
        self.run_cron()
        self.assertEqual((record.state, record.imported_count, record.progress), ('done', 40, 100))
        self.assertTrue(
            any("40 imported" in body for body in record.with_context(lang='en_US').message_ids.mapped('body'))
        )

    def test_a_small_file_is_imported_all_or_nothing(self):
        record = self.table(*self.rows)
        with self.crash_at(3), self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.run_import(record)
        self.assertFalse(self.orders(record))

    def test_a_large_file_resumes_after_a_crash_with_nothing_doubled(self):
        record = self.table(*self.rows)
        record._prepare_run('load')
        self.env.flush_all()
        with patch.object(sales_import_run, 'ATOMIC_ROWS', 5):
            # what is committed before the crash stays; the batch at work is lost, as it would be by kill -9
            with self.crash_at(3), suppress(ZeroDivisionError):
                for _processed in record._work():
                    self.env.flush_all()
                    savepoint = self.env.cr.savepoint(flush=False)
            savepoint.rollback()
            self.env.invalidate_all()
            self.assertEqual((record.state, len(self.orders(record)), record.imported_count), ('running', 18, 18))
            record._run()
        self.assertEqual((record.state, record.imported_count), ('done', 40))
        self.assertEqual(self.orders(record).mapped('name'), [row[0] for row in self.rows])

    def test_a_stopped_import_can_be_resumed(self):
        record = self.table(*self.rows)
        record._prepare_run('load')
        for _processed in record._work():
            if record.phase == 'load' and record.imported_count >= 18:
                break
        record.action_stop()
        self.assertEqual(record.state, 'stopped')
        self.run_cron()
        self.assertEqual(record.imported_count, 18)
        record.action_resume()
        self.run_cron()
        self.assertEqual((record.state, len(self.orders(record))), ('done', 40))

    def test_a_request_to_stop_is_read_by_who_works_on_the_import(self):
        record = self.table(*self.rows)
        record.action_import()
        with self.enter_registry_test_mode():
            record.progress_id.sudo().request_stop()
        self.run_cron()
        self.assertEqual((record.state, record.phase, len(self.orders(record))), ('stopped', 'read', 0))
        record.action_resume()
        self.run_cron()
        self.assertEqual((record.state, len(self.orders(record))), ('done', 40))

    def test_a_stop_does_not_wait_for_the_transaction_that_loads(self):
        with db_connect(self.env.cr.dbname).cursor() as cr:
            env = self.env(cr=cr, su=True, user=SUPERUSER_ID)
            record = env['sales.import'].create({'name': "Long transaction", 'source': 'test'})
            record.write({'state': 'running', 'progress_id': env['sales.import.progress'].sudo().create({}).id})
            cr.commit()
            try:
                with db_connect(self.env.cr.dbname).cursor() as loader:
                    loader.execute("UPDATE sales_import SET row_count = 1 WHERE id = %s", (record.id,))
                    cr.execute("SET LOCAL lock_timeout = '2s'")
                    record.action_stop()
                    cr.commit()
                    loader.rollback()
                self.assertEqual(record.progress_id.sudo().publish_import(record), 'stopped')
                self.assertEqual(record.state, 'running', "until who works on it reads the request")
            finally:
                cr.rollback()
                record.state = 'stopped'
                record.progress_id.sudo().unlink()
                record.unlink()
                cr.commit()

    def test_an_order_cannot_be_imported_twice_behind_our_back(self):
        order = self.orders(self.run_import(self.table(self.rows[0])))
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.UniqueViolation):
            order.copy({'sales_import_key': order.sales_import_key})


@tagged('post_install', '-at_install')
class TestSalesImportRights(ImportCase):
    def test_only_engine_administrators_import(self):
        record = self.table(['A1', '2024-01-01', 'C', 'P', 1, 5])
        for group, readable in (
            ('sales_team.group_sale_salesman_all_leads', False),
            ('sales_team.group_sale_manager', True),
        ):
            user = new_test_user(self.env(su=True), group, group)
            with self.assertRaises(AccessError):
                record.with_user(user).action_import()
            with self.assertRaises(AccessError):
                self.imports.with_user(user).create({'name': "Mine"})
            self.assertEqual(record.with_user(user).has_access('read'), readable)

    def test_another_company_sees_nothing(self):
        company = self.env['res.company'].sudo().create({'name': "Elsewhere"})
        user = new_test_user(
            self.env(su=True),
            'elsewhere',
            'sms_addon.sms_addon_group_admin',
            company_id=company.id,
            company_ids=[(6, 0, company.ids)],
        )
        record = self.table(['A1', 'bad', 'C', 'P', 1, 5])
        self.run_import(record)
        for model in ('sales.import', 'sales.import.column', 'sales.import.issue'):
            self.assertTrue(self.env[model].search([]))
            self.assertFalse(self.env[model].with_user(user).search([]))
        theirs = self.imports.with_user(user).create({'name': "Theirs", 'file': record.file})
        self.assertEqual(theirs.company_id, company)


@tagged('post_install', '-at_install')
class TestPublicData(ImportCase):
    @skipUnless(SUPERSTORE.exists(), "the shared Superstore file is not here")
    def test_superstore_totals_are_exact_to_the_cent(self):
        with gzip.open(SUPERSTORE, 'rt', encoding='utf-8-sig') as source:
            lines = source.readlines()[:601]
        record = self.run_import(self.prepare(''.join(lines).encode(), source='test'))
        self.assertEqual((record.state, record.imported_count), ('done', 600))
        expected = {row['Row ID']: row for row in csv.DictReader(lines)}
        for line in self.orders(record).order_line:
            row = expected[line.sales_import_key.partition('#')[0]]
            self.assertAlmostEqual(line.price_subtotal, float(row['Sales']), delta=0.00501)
            self.assertEqual(line.price_subtotal, line.currency_id.round(line.price_subtotal))
            self.assertAlmostEqual(line.discount, float(row['Discount']) * 100)

    @skipUnless(RETAIL.exists(), "the shared Online Retail file is not here")
    def test_online_retail_is_accounted_for_line_by_line(self):
        with gzip.open(RETAIL, 'rt', encoding='utf-8-sig') as source:
            lines = source.readlines()[:3001]
        record = self.run_import(
            self.imports.create(
                {'name': "Retail", 'filename': 'retail.csv', 'file': base64.b64encode(''.join(lines).encode())}
            )
        )
        self.assertEqual((record.state, record.imported_count + record.refused_count), ('done', 3000))
        expected = sum(float(row['quantity']) * float(row['unit_price']) for row in csv.DictReader(lines))
        self.assertAlmostEqual(sum(self.orders(record).mapped('amount_total')), expected, delta=0.01)

    def test_the_demonstration_is_loaded_once(self):
        people = {
            'Region': 'East',
            'Country': 'United States',
            'State': 'Ohio',
            'City': 'Columbus',
            'Postal Code': '43201',
        }
        preset = self.env.ref('sms_addon.sales_import_preset_superstore')
        headers = [*preset.mapping, 'Ship Date']
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()), 'superstore.csv')
        with open(path, 'w', newline='') as target:
            writer = csv.DictWriter(target, headers)
            writer.writeheader()
            for n, region in enumerate(['East', 'West', 'West', 'South', 'Central']):
                writer.writerow(
                    {
                        **people,
                        'Region': region,
                        'Row ID': n,
                        'Order ID': f'CA-{n}',
                        'Order Date': '2017-12-30',
                        'Customer ID': f'K{n % 3}',
                        'Customer Name': f"Customer {n % 3}",
                        'Segment': 'Consumer',
                        'Product ID': 'P',
                        'Product Name': "Pen",
                        'Category': 'Office',
                        'Sub-Category': 'Pens',
                        'Sales': '10.005',
                        'Quantity': 3,
                        'Discount': 0.2,
                        'Profit': 1,
                    }
                )
        imports = self.env(su=True)['sales.import']
        imports.search([('source', '=', preset.source)]).unlink()   # of a database with the demonstration
        record = imports._load_demonstration(path, live_days=0)
        orders = self.orders(record)
        self.assertEqual(len(orders), 5)
        self.assertTrue(all(orders.mapped('user_id')))
        self.assertTrue(all(order.user_id in order.team_id.member_ids for order in orders))
        for user in orders.user_id.sudo():
            self.assertEqual(user.employee_ids.department_id.name, user.crm_team_ids.name)
        self.assertEqual(imports._load_demonstration(path), record)


@tagged('post_install', '-at_install')
class TestSalesImportScreens(HttpCase):
    def test_a_file_is_chosen_previewed_checked_and_its_faults_are_read(self):
        self.env.ref('base.user_admin').lang = 'en_US'
        self.start_tour('/odoo/import-sales-history', 'sales_import_tour', login='admin')
        record = self.env['sales.import'].search([('name', '=', "Orders of the tour")])
        self.assertEqual((record.state, len(record.column_ids)), ('running', 6))
        with self.enter_registry_test_mode():
            self.env.ref('sms_addon.ir_cron_sales_import').method_direct_trigger()
        self.env.invalidate_all()
        self.start_tour(f'/odoo/import-sales-history/{record.id}', 'sales_import_messages_tour', login='admin')
        self.assertEqual((record.state, record.refused_count, record.imported_count), ('checked', 1, 1))
