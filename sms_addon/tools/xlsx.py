"""A table as an Excel workbook: rows in, bytes out.

Rows are written as they come and never kept (the workbook is in constant-memory mode), so a table of
any length costs the size of the file.
"""
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

NUMBER_FORMATS = {
    'integer': '#,##0',
    'quantity': '#,##0.00',
    'number': '#,##0.0',
    'ratio': '0.0%',
    'date': 'yyyy-mm-dd',
    'month': 'yyyy-mm',
    'raw': '@',
}
WIDTHS = {'text': 32, 'raw': 20, 'date': 12, 'month': 12, 'money': 18}
SHEET_NAME_LENGTH = 31


@dataclass(frozen=True)
class Column:
    """A column of a table.

    ``total`` is the value of the totals row, computed where the rows come from. A summed column shows it
    as the result of a SUM, one with a ``formula`` as the result of that: an expression over the keys of
    other columns in braces, such as ``{margin}/{revenue}``. Others show the bare value.
    """
    key: str
    label: str
    kind: str = 'text'
    total: float | None = None
    summed: bool = False
    formula: str = ''


def money_format(decimals: int, symbol: str, position: str = 'after') -> str:
    """Return the number format of a currency.

    >>> money_format(2, '$', 'before')
    '"$"#,##0.00;-"$"#,##0.00'
    >>> money_format(0, '¥')
    '#,##0" ¥";-#,##0" ¥"'
    """
    digits = '#,##0' + ('.' + '0' * decimals if decimals else '')
    symbol = symbol.replace('"', '')
    number = f'"{symbol}"{digits}' if position == 'before' else f'{digits}" {symbol}"'
    return f'{number};-{number}'


def sheet_name(title: str) -> str:
    """Return a title as Excel accepts it on a tab.

    >>> sheet_name("Revenue: 2026/2027")
    'Revenue  2026 2027'
    """
    return re.sub(r"[\[\]:*?/\\']", ' ', title).strip()[:SHEET_NAME_LENGTH] or 'Sheet'


def build(title: str, notes: Sequence[str], columns: Sequence[Column], rows: Iterable[Sequence],
          money: str = '#,##0.00', total_label: str | None = 'Total') -> bytes:
    """Return the workbook of one table.

    :param title: first line of the sheet and name of its tab
    :param notes: lines under the title: period, company, currency
    :param rows: values in the order of ``columns``; ratios as fractions, dates as ``date``, None for empty
    :param money: number format of the columns of money
    :param total_label: None for a table without totals
    """
    from xlsxwriter import Workbook  # only those who export pay for it

    output = io.BytesIO()
    with Workbook(output, {'constant_memory': True}) as workbook:
        workbook.set_properties({'title': title})
        sheet = workbook.add_worksheet(sheet_name(title))
        formats = _Formats(workbook, money)
        header = len(notes) + 2
        _set_up_sheet(sheet, columns, header)
        sheet.write_string(0, 0, title, formats.title)
        for row, note in enumerate(notes, start=1):
            sheet.write_string(row, 0, note, formats.note)
        for index, column in enumerate(columns):
            sheet.write_string(header, index, column.label, formats.header)
        last = header
        for last, values in enumerate(rows, start=header + 1):
            for index, (column, value) in enumerate(zip(columns, values, strict=True)):
                _write(sheet, last, index, value, formats.of(column.kind))
        if total_label is not None:
            _write_totals(sheet, header + 1, last, columns, formats, total_label)
        sheet.autofilter(header, 0, last, len(columns) - 1)
    return output.getvalue()


class _Formats:
    """The cell formats of a workbook, each made once."""

    def __init__(self, workbook, money):
        self._workbook = workbook
        self._number_formats = {**NUMBER_FORMATS, 'money': money}
        self._cells = {}
        self.title = workbook.add_format({'bold': True, 'font_size': 14})
        self.note = workbook.add_format({'font_color': '#555555'})
        self.header = workbook.add_format({
            'bold': True, 'bg_color': '#E7E9ED', 'bottom': 1, 'text_wrap': True, 'valign': 'vcenter'})

    def of(self, kind, total=False):
        if (kind, total) not in self._cells:
            properties = {'bold': True, 'top': 1} if total else {}
            if kind in self._number_formats:
                properties['num_format'] = self._number_formats[kind]
            if kind in ('date', 'month'):
                properties['align'] = 'left'
            self._cells[kind, total] = self._workbook.add_format(properties)
        return self._cells[kind, total]


def _set_up_sheet(sheet, columns, header):
    sheet.freeze_panes(header + 1, 1)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(header)
    for index, column in enumerate(columns):
        sheet.set_column(index, index, max(WIDTHS.get(column.kind, 12), 28 if not index else 0))


def _write(sheet, row, index, value, cell_format):
    # each by its own method: a text that looks like a formula, a link or a number stays a text
    if value is None or value is False:
        sheet.write_blank(row, index, None, cell_format)
    elif isinstance(value, str):
        sheet.write_string(row, index, value, cell_format)
    elif isinstance(value, date):
        sheet.write_datetime(row, index, value, cell_format)
    else:
        sheet.write_number(row, index, value, cell_format)


def _write_totals(sheet, first, last, columns, formats, label):
    """Write the totals as formulas with their results, for readers that do not calculate."""
    from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

    row = last + 1
    cells = {column.key: xl_rowcol_to_cell(row, index) for index, column in enumerate(columns)}
    for index, column in enumerate(columns):
        cell_format = formats.of(column.kind, total=True)
        value = '' if column.total is None else column.total
        letter = xl_col_to_name(index)
        if not index:
            sheet.write_string(row, index, label, cell_format)
        elif column.summed and last >= first:
            sheet.write_formula(row, index, f'=SUM({letter}{first + 1}:{letter}{last + 1})', cell_format, value)
        elif column.formula:
            sheet.write_formula(row, index, f'=IFERROR({column.formula.format(**cells)},"")', cell_format, value)
        else:
            _write(sheet, row, index, column.total, cell_format)
