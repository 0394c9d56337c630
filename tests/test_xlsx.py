import doctest
import io
import unittest
from datetime import date

from openpyxl import load_workbook

from odoo.addons.sms_addon.tools import xlsx

COLUMNS = [
    xlsx.Column('name', "Name"),
    xlsx.Column('day', "Day", 'date'),
    xlsx.Column('revenue', "Revenue", 'money', 30.5, summed=True),
    xlsx.Column('margin', "Margin", 'money', 6.1, summed=True),
    xlsx.Column('rate', "Margin %", 'ratio', 0.2, formula='{margin}/{revenue}'),
    xlsx.Column('age', "Age", 'number', 12.5),
]
ROWS = [["=HYPERLINK(1)", date(2026, 3, 1), 10, 2.1, 0.21, 5], ["12", None, 20.5, 4, None, 20]]


def build(rows=ROWS, columns=COLUMNS, **options):
    return xlsx.build("Customers: all", ["This year", "USD"], columns, rows, **options)


class TestXlsx(unittest.TestCase):
    """The workbook, read back."""

    def test_values_keep_their_type(self):
        sheet = load_workbook(io.BytesIO(build())).active
        self.assertEqual([cell.value for cell in sheet[5]], [column.label for column in COLUMNS])
        text, day, revenue, *_rest = sheet[6]
        self.assertEqual((text.value, text.data_type), ("=HYPERLINK(1)", 's'))
        self.assertEqual((day.value.date(), day.number_format), (date(2026, 3, 1), 'yyyy-mm-dd'))
        self.assertEqual((revenue.value, revenue.data_type), (10, 'n'))
        self.assertEqual(sheet['A7'].value, "12")
        self.assertIsNone(sheet['B7'].value)

    def test_totals_are_formulas_with_their_results(self):
        data = build(total_label="Sum")
        formulas = [cell.value for cell in load_workbook(io.BytesIO(data)).active[8]]
        results = [cell.value for cell in load_workbook(io.BytesIO(data), data_only=True).active[8]]
        self.assertEqual(
            formulas, ["Sum", None, '=SUM(C6:C7)', '=SUM(D6:D7)', '=IFERROR(D8/C8,"")', 12.5])
        self.assertEqual(results, ["Sum", None, 30.5, 6.1, 0.2, 12.5])

    def test_header_stays_and_filters(self):
        sheet = load_workbook(io.BytesIO(build())).active
        self.assertEqual((sheet.freeze_panes, sheet.auto_filter.ref), ('B6', 'A5:F7'))
        self.assertEqual(sheet.title, "Customers  all")
        self.assertEqual(sheet.column_dimensions['A'].width > sheet.column_dimensions['B'].width, True)

    def test_empty_table_has_header_and_totals(self):
        sheet = load_workbook(io.BytesIO(build(rows=[]))).active
        self.assertEqual(sheet['A6'].value, 'Total')
        self.assertEqual(sheet.max_row, 6)

    def test_rows_are_not_kept(self):
        columns = [xlsx.Column('n', "N", 'integer', summed=True)]
        rows = ([number] for number in range(30000))
        sheet = load_workbook(io.BytesIO(build(rows, columns)), read_only=True).active
        self.assertEqual(sum(1 for _row in sheet.iter_rows()), 30000 + 6)

    def test_examples(self):
        self.assertEqual(doctest.testmod(xlsx).failed, 0)
