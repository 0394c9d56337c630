from odoo import api, models
from odoo.tools import format_date, formatLang

MAX_ROWS = 200
MAX_BARS = 12
MAX_MONTHS = 24
# Rows on a page; wkhtmltopdf as Debian has it cuts through those it is left to break itself.
PAGE_ROWS = 36
TITLE_ROWS = 7
WIDTHS = {'text': 3, 'money': 3, 'integer': 1.8, 'ratio': 2, 'date': 2.4, 'month': 2.4}
BAR_COLUMNS = ('amount_ordered', 'revenue')


class SalesReportTable(models.AbstractModel):
    """The PDF of a sales report: a chart of its first rows, and the table."""
    _name = 'report.sms_addon.sales_report_table'
    _description = "Printed Sales Report"

    @api.model
    def _get_report_values(self, docids, data=None):
        exports = self.env['sales.report.export'].search([('id', 'in', docids)])
        return {
            'doc_ids': exports.ids,
            'doc_model': exports._name,
            'docs': exports,
            'tables': {export.id: self._get_table(export) for export in exports},
        }

    @api.model
    def _get_table(self, export):
        """Return what the template shows of an export, as texts."""
        columns = export._get_columns()
        rows = list(export._get_rows(limit=MAX_ROWS))
        currency = export._get_currency()
        count = len(rows) if len(rows) < MAX_ROWS else export._count_rows()
        bars = self._get_bars(columns, rows, currency)
        return {
            'columns': columns,
            'widths': self._get_widths(columns),
            'pages': self._paginate([self._format_row(columns, row, currency) for row in rows], len(bars)),
            'totals': self._format_row(columns, [column.total for column in columns], currency),
            'hidden': count - len(rows),
            'bars': bars,
        }

    @api.model
    def _paginate(self, rows, bar_count):
        """Return the rows of each page; the first has the title and the chart above them."""
        first = PAGE_ROWS - TITLE_ROWS - bar_count
        starts = range(first, len(rows), PAGE_ROWS)
        return [rows[:first], *(rows[start:start + PAGE_ROWS] for start in starts)]

    @api.model
    def _get_widths(self, columns):
        """Return the share of each column of the width of the page, in percent."""
        weights = [WIDTHS.get(column.kind, 2) for column in columns]
        weights[0] = max(weights[0], 5) if columns[0].kind == 'text' else weights[0]
        return [weight / sum(weights) * 100 for weight in weights]

    @api.model
    def _format_row(self, columns, row, currency):
        return [self._format(column.kind, value, currency) for column, value in zip(columns, row, strict=True)]

    @api.model
    def _format(self, kind, value, currency):
        """Return a value in the language of the user."""
        if value is None or value is False:
            return ""
        if isinstance(value, str):
            return value
        if kind == 'date':
            return format_date(self.env, value)
        if kind == 'month':
            return format_date(self.env, value, date_format='MMM yyyy')
        if kind == 'money':
            return formatLang(self.env, value, digits=currency.decimal_places)
        if kind == 'ratio':
            return self.env._("%(number)s%%", number=formatLang(self.env, value * 100, digits=1))
        return formatLang(self.env, value, digits={'integer': 0, 'number': 1}.get(kind, 2))

    @api.model
    def _get_bars(self, columns, rows, currency):
        """Return label, text and widths in percent, this year's and last year's, of the first rows or last months."""
        shown = rows[-MAX_MONTHS:] if columns[0].kind == 'month' else rows[:MAX_BARS]
        keys = [column.key for column in columns]
        value_at = next(keys.index(key) for key in BAR_COLUMNS if key in keys)
        last_at = keys.index('amount_ordered_last_year') if 'amount_ordered_last_year' in keys else None
        bars = [
            (self._format(columns[0].kind, row[0], currency), row[value_at] or 0, row[last_at] or 0 if last_at else 0)
            for row in shown
        ]
        top = max((max(bar[1:]) for bar in bars), default=0)
        return [
            {
                'label': label,
                'text': self._format('money', value, currency),
                'width': max(value, 0) / top * 100,
                'last_width': max(last, 0) / top * 100,
            }
            for label, value, last in bars
        ] if top > 0 else []
