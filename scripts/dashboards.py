"""Write the dashboards of sms_addon/data/files: python scripts/dashboards.py

Odoo Community shows spreadsheets but cannot edit them, so these are written here and kept as JSON in the
addon. Every text below ends where the host's extractor finds it: links, ``_t()`` formulas, titles, labels.
"""
import json
from dataclasses import dataclass, field
from pathlib import Path

MODEL = 'sales.analysis'
FILES = Path(__file__).resolve().parent.parent / 'sms_addon' / 'data' / 'files'

ROW = 23  # pixels of a row unless said otherwise
TITLE_ROW = 40
TABLE_ROWS = 10
WIDTH = 1048  # of a laptop's screen beside the list of dashboards
COLUMNS = [212, 98, 98, 98, 36, 212, 98, 98, 98]
SIDES = {'left': ('ABCD', 0), 'right': ('FGHI', 542)}

FILTERS = {
    'period': {'type': 'date', 'label': "Period", 'defaultValue': 'last_12_months'},
    'team': {'type': 'relation', 'label': "Sales Team", 'modelName': 'crm.team', 'chain': 'team_id'},
    'user': {'type': 'relation', 'label': "Salesperson", 'modelName': 'res.users', 'chain': 'user_id'},
    'customer': {
        'type': 'relation', 'label': "Customer", 'modelName': 'res.partner', 'chain': 'commercial_partner_id'},
    'country': {'type': 'relation', 'label': "Country", 'modelName': 'res.country', 'chain': 'country_id'},
    'category': {
        'type': 'relation', 'label': "Product Category", 'modelName': 'product.category', 'chain': 'categ_id'},
}
MEASURES = {
    'amount_ordered': "Ordered",
    'amount_invoiced': "Invoiced",
    'amount_paid': "Paid",
    'amount_delivered': "Delivered",
    'amount_refunded': "Refunded",
    'amount_margin': "Margin",
    'margin_rate': "Margin %",
    'average_order': "Average Order",
    'order_count': "Orders",
    'win_rate': "Win Rate",
    'cycle_days': "Days to Confirm",
    'commercial_partner_id': "Customers",
}
HEADERS = {**MEASURES, 'average_order': "Average", 'cycle_days': "Days"}  # where there is little room
FORMATS = {'margin_rate': '0.0%', 'win_rate': '0.0%', 'cycle_days': '0.0'}
STYLES = {
    '1': {'textColor': '#01666B', 'bold': True, 'fontSize': 16},
    '2': {'textColor': '#434343', 'bold': True, 'fontSize': 11, 'verticalAlign': 'middle'},
    '3': {'textColor': '#434343', 'bold': True, 'fontSize': 11, 'verticalAlign': 'middle', 'align': 'right'},
    '4': {'textColor': '#01666B', 'verticalAlign': 'middle'},
    '5': {'textColor': '#434343', 'verticalAlign': 'middle'},
}
CHART_OPTIONS = {'line': {'fillArea': True, 'cumulatedStart': False}, 'geo': {'colorScale': 'blues'}}
BAR_COLORS = [16775149, 15726335, 15531509, 16708338]
CARD_COLORS = ['#EFF6FF', '#FFF7ED']


@dataclass
class Dashboard:
    """A sheet that is filled from the top, and a second one with the figures that cards and charts read."""
    name: str
    filters: list
    cells: dict = field(default_factory=dict)
    styles: dict = field(default_factory=dict)
    borders: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)
    figures: list = field(default_factory=list)
    bars: list = field(default_factory=list)
    tables: list = field(default_factory=list)
    data_cells: dict = field(default_factory=dict)
    pivots: dict = field(default_factory=dict)
    lists: dict = field(default_factory=dict)
    menus: dict = field(default_factory=dict)
    next_row: int = 1

    # -- data sources

    def matching(self, offset=0, chains=None):
        """Return how each filter restricts a data source."""
        return {
            name: {'chain': 'date', 'type': 'date', 'offset': offset} if name == 'period'
            else {'chain': FILTERS[name]['chain'], 'type': 'many2one'}
            for name in self.filters
        } if chains is None else {
            name: {'chain': chain, 'type': 'datetime' if name == 'period' else 'many2one', 'offset': 0}
            for name, chain in chains.items() if name in self.filters
        }

    def pivot(self, name, measures, rows=(), offset=0, domain=(), sort=None):
        """Add a pivot and return its id."""
        pivot_id = str(len(self.pivots) + 1)
        self.pivots[pivot_id] = {
            'type': 'ODOO', 'id': pivot_id, 'formulaId': pivot_id, 'name': name, 'model': MODEL, 'context': {},
            'domain': list(domain), 'fieldMatching': self.matching(offset), 'columns': [],
            'rows': [dict(zip(('fieldName', 'granularity'), row.split(':'), strict=False)) for row in rows],
            'measures': [self.measure(measure) for measure in measures],
            'sortedColumn': {'measure': self.measure(sort)['id'], 'order': 'desc', 'domain': []} if sort else None,
        }
        return pivot_id

    def measure(self, name):
        aggregator = 'count_distinct' if name.endswith('_id') else None
        measure = {'id': f'{name}:{aggregator}' if aggregator else name, 'fieldName': name}
        if aggregator:
            measure['aggregator'] = aggregator
        if name in FORMATS:
            measure['format'] = FORMATS[name]
        return measure

    def pivot_formula(self, pivot_id, rows):
        """Return the formula that fills the rows below a heading; the pivot's own heading cannot be translated."""
        return f'=PIVOT({pivot_id},{rows},FALSE,FALSE,20,FALSE)'

    # -- what is seen, from the top to the bottom

    def row(self, size=ROW):
        """Take the next row and return its number."""
        number = self.next_row
        if size != ROW:
            self.rows[str(number - 1)] = {'size': size}
        self.next_row += 1
        return number

    def skip(self, pixels):
        for _row in range(-(-pixels // ROW)):
            self.row()

    @property
    def top(self):
        """Pixels above the next row."""
        return sum(self.rows.get(str(index), {'size': ROW})['size'] for index in range(self.next_row - 1))

    def figure(self, x, y, width, height, data):
        figure_id = f'{self.name}-{len(self.figures) + 1}'
        self.figures.append({
            'id': figure_id, 'tag': 'chart', 'width': width, 'height': height, 'col': 0, 'row': 0,
            'offset': {'x': x, 'y': y}, 'data': {**data, 'chartId': figure_id},
        })
        return figure_id

    def cards(self, measures, menu):
        """Show measures with the change from the period before."""
        current, previous = self.pivot("current", measures), self.pivot("previous", measures, offset=-1)
        self.data_cells.update({'A1': '=_t("KPI")', 'B1': '=_t("Current")', 'C1': '=_t("Previous")'})
        width = (WIDTH - 10 * (len(measures) - 1)) // len(measures)
        for index, measure in enumerate(measures):
            row, spec = index + 2, self.measure(measure)['id']
            self.data_cells.update({
                f'A{row}': f'=_t("{MEASURES[measure]}")',
                f'B{row}': f'=PIVOT.VALUE({current},"{spec}")',
                f'C{row}': f'=PIVOT.VALUE({previous},"{spec}")',
            })
            figure = self.figure(index * (width + 10), 11, width, 101, {
                'type': 'scorecard',
                'title': {'text': MEASURES[measure], 'bold': True, 'color': '#434343'},
                'background': CARD_COLORS[index % 2],
                'keyValue': f'Data!B{row}', 'baseline': f'Data!C{row}',
                'baselineMode': 'difference' if measure in FORMATS else 'percentage',
                'baselineDescr': {'text': "vs. before"},
                'baselineColorUp': '#DC6965' if measure in ('cycle_days', 'amount_refunded') else '#00A04A',
                'baselineColorDown': '#00A04A' if measure in ('cycle_days', 'amount_refunded') else '#DC6965',
                'humanize': measure not in FORMATS,
            })
            self.menus[figure] = menu
        self.skip(125)

    def title(self, text, columns, measures, groupby, view='pivot'):
        """Write a heading that opens what stands below it."""
        groupby = list(groupby)
        row = self.next_row
        action = {
            'viewType': view, 'threshold': 0, 'name': text,
            'action': {
                'modelName': MODEL, 'domain': [],
                'context': {
                    'group_by': groupby, 'pivot_measures': measures, 'pivot_column_groupby': [],
                    'pivot_row_groupby': groupby, 'graph_measure': measures[0], 'graph_groupbys': groupby,
                },
                'views': [[False, 'graph'], [False, 'pivot'], [False, 'list'], [False, 'search']],
            },
        }
        self.cells[f'{columns[0]}{row}'] = f'[{text}](odoo://view/{json.dumps(action)})'
        self.styles[f'{columns[0]}{row}'] = 1
        self.borders[f'{columns[0]}{row}:{columns[-1]}{row}'] = 1

    def months(self, text, measures):
        """Show measures side by side, by month."""
        pivot_id = self.pivot(text, measures, rows=['date:month'])
        columns = 'FGHIJK'[:len(measures) + 1]
        self.data_cells.update({
            f'{column}1': f'=_t("{label}")'
            for column, label in zip(columns, ["Month", *map(MEASURES.get, measures)], strict=True)
        })
        self.data_cells[f'{columns[0]}2'] = self.pivot_formula(pivot_id, 36)
        self.title(text, 'ABCDEFGHI', measures, ['date:month'], 'graph')
        self.row(TITLE_ROW)
        ranges = [f'Data!{column}1:{column}37' for column in columns]
        self.figure(0, self.top, WIDTH, 340, {
            'type': 'bar', 'title': {'text': ''}, 'background': '#FFFFFF', 'legendPosition': 'top',
            'dataSetsHaveTitle': True, 'dataSets': [{'dataRange': name} for name in ranges[1:]],
            'labelRange': ranges[0], 'stacked': False, 'aggregated': False, 'humanize': True,
        })
        self.skip(355)

    def charts(self, *specs):
        """Show one chart, or two beside each other: (title, kind, measure, groupby)."""
        for (text, kind, measure, groupby), side in zip(specs, SIDES, strict=False):
            columns, x = SIDES[side] if len(specs) == 2 else ('ABCDEFGHI', 0)
            self.title(text, columns, [measure], groupby, 'graph')
            self.figure(x, self.top + TITLE_ROW, 506 if len(specs) == 2 else WIDTH, 340, {
                'type': f'odoo_{kind}', 'title': {'text': ''}, 'background': '#FFFFFF',
                'legendPosition': 'top' if len(groupby) > 1 or kind == 'pie' else 'none',
                'metaData': {
                    'groupBy': groupby, 'measure': measure, 'resModel': MODEL,
                    'order': None if groupby[0].startswith('date') else 'DESC',
                    'mode': kind if kind in ('line', 'pie') else 'bar',
                },
                'searchParams': {'comparison': None, 'context': {}, 'domain': [], 'groupBy': groupby, 'orderBy': []},
                'dataSets': [{}], 'verticalAxisPosition': 'left', 'stacked': len(groupby) > 1, 'humanize': True,
                'fieldMatching': self.matching(),
                **CHART_OPTIONS.get(kind, {}),
            })
        self.row(TITLE_ROW)
        self.skip(355)

    def rankings(self, *specs):
        """Show two tables beside each other, the largest of the first measure on top.

        :param specs: title, heading of the first column, field, measures
        """
        for (text, heading, groupby, measures), (columns, _x) in zip(specs, SIDES.values(), strict=False):
            pivot_id = self.pivot(text, measures, rows=[groupby], domain=[[groupby, '!=', False]], sort=measures[0])
            self.title(text, columns, measures, [groupby])
            for column, label in zip(columns, [heading, *map(HEADERS.get, measures)], strict=True):
                self.cells[f'{column}{self.next_row + 1}'] = f'=_t("{label}")'
            self.cells[f'{columns[0]}{self.next_row + 2}'] = self.pivot_formula(pivot_id, TABLE_ROWS)
            self.table(columns)
        self.row(TITLE_ROW)
        self.skip_table()

    def table(self, columns, value_column=None):
        """Dress the rows below a title as a table."""
        head, first, last = self.next_row + 1, self.next_row + 2, self.next_row + 1 + TABLE_ROWS
        self.styles.update({
            f'{columns[0]}{head}': 2, f'{columns[1]}{head}:{columns[-1]}{head}': 3,
            f'{columns[0]}{first}:{columns[0]}{last}': 4, f'{columns[1]}{first}:{columns[-1]}{last}': 5,
        })
        self.borders[f'{columns[0]}{first}:{columns[-1]}{last}'] = 2
        value = value_column or columns[1]
        self.bars.append({
            'id': f'{self.name}-bar-{len(self.bars) + 1}',
            'ranges': [f'{columns[0]}{first}:{columns[0]}{last}'],
            'rule': {
                'type': 'DataBarRule', 'color': BAR_COLORS[len(self.bars) % 4],
                'rangeValues': f'{value}{first}:{value}{last}',
            },
        })
        self.tables.append({
            'range': f'{columns[0]}{head}:{columns[-1]}{last}', 'type': 'static',
            'config': {
                'hasFilters': False, 'totalRow': False, 'firstColumn': False, 'lastColumn': False, 'numberOfHeaders': 1,
                'bandedRows': True, 'bandedColumns': False, 'automaticAutofill': True, 'styleId': 'None',
            },
        })

    def skip_table(self):
        for _row in range(TABLE_ROWS + 1):
            self.row(28)
        self.row()

    def order_lists(self, *specs):
        """Show two lists of the host's orders beside each other: (title, domain)."""
        fields = ['partner_id', 'user_id', 'name', 'amount_untaxed']
        for (text, domain), (columns, _x) in zip(specs, SIDES.values(), strict=False):
            list_id = str(len(self.lists) + 1)
            self.lists[list_id] = {
                'id': list_id, 'name': text, 'model': 'sale.order', 'columns': fields, 'domain': domain, 'context': {},
                'orderBy': [{'name': 'amount_untaxed', 'asc': False}],
                'fieldMatching': self.matching(chains={
                    'period': 'date_order', 'team': 'team_id', 'user': 'user_id', 'country': 'partner_id.country_id',
                    'customer': 'partner_id.commercial_partner_id', 'category': 'order_line.product_id.categ_id',
                }),
            }
            action = {
                'viewType': 'list', 'threshold': 0, 'name': text,
                'action': {'modelName': 'sale.order', 'domain': domain, 'context': {'group_by': []},
                           'views': [[False, 'list'], [False, 'form'], [False, 'search']]},
            }
            self.cells[f'{columns[0]}{self.next_row}'] = f'[{text}](odoo://view/{json.dumps(action)})'
            self.styles[f'{columns[0]}{self.next_row}'] = 1
            self.borders[f'{columns[0]}{self.next_row}:{columns[-1]}{self.next_row}'] = 1
            self.table(columns, value_column=columns[-1])
            for column, name in zip(columns, fields, strict=True):
                row = self.next_row + 1
                label = ', _t("Untaxed Amount")' if name == 'amount_untaxed' else ''
                self.cells[f'{column}{row}'] = f'=ODOO.LIST.HEADER({list_id},"{name}"{label})'
                for position in range(1, TABLE_ROWS + 1):
                    self.cells[f'{column}{row + position}'] = f'=ODOO.LIST({list_id},{position},"{name}")'
        self.row(TITLE_ROW)
        self.skip_table()

    # -- the file

    def sheet(self, sheet_id, name, columns, row_count, **parts):
        return {
            'id': sheet_id, 'name': name, 'colNumber': len(columns), 'rowNumber': row_count, 'rows': {},
            'cols': {str(index): {'size': size} for index, size in enumerate(columns)}, 'merges': [], 'cells': {},
            'styles': {}, 'formats': {}, 'borders': {}, 'conditionalFormats': [], 'dataValidationRules': [],
            'figures': [], 'tables': [], 'areGridLinesVisible': True, 'isVisible': True,
            'headerGroups': {'ROW': [], 'COL': []}, 'comments': {}, **parts,
        }

    def content(self):
        filters = []
        for name in self.filters:
            spec = {key: value for key, value in FILTERS[name].items() if key != 'chain'}
            filters.append({'id': name, **spec, **({} if name == 'period' else {'defaultValueDisplayNames': []})})
        return {
            'version': '18.5.10',
            'sheets': [
                self.sheet('dashboard', 'Dashboard', COLUMNS, self.next_row, rows=self.rows, cells=self.cells,
                           styles=self.styles, borders=self.borders, conditionalFormats=self.bars,
                           figures=self.figures, tables=self.tables),
                self.sheet('data', 'Data', [160] * 12, 40, cells=self.data_cells),
            ],
            'styles': STYLES,
            'formats': {},
            'borders': {
                '1': {'bottom': {'style': 'thin', 'color': '#CCCCCC'}},
                '2': {'top': {'style': 'thick', 'color': '#FFFFFF'}, 'bottom': {'style': 'thick', 'color': '#FFFFFF'}},
            },
            'revisionId': 'START_REVISION',
            'uniqueFigureIds': True,
            'settings': {'locale': {
                'name': 'English (US)', 'code': 'en_US', 'thousandsSeparator': ',', 'decimalSeparator': '.',
                'dateFormat': 'mm/dd/yyyy', 'timeFormat': 'hh:mm:ss', 'formulaArgSeparator': ',', 'weekStart': 7,
            }},
            'pivots': self.pivots,
            'pivotNextId': len(self.pivots) + 1,
            'customTableStyles': {},
            'globalFilters': filters,
            'lists': self.lists,
            'listNextId': len(self.lists) + 1,
            'chartOdooMenusReferences': self.menus,
        }

    def write(self):
        FILES.mkdir(parents=True, exist_ok=True)
        path = FILES / f'{self.name}_dashboard.json'
        path.write_text(json.dumps(self.content(), indent=1) + '\n')


def revenue():
    board = Dashboard('revenue', ['period', 'team', 'user', 'country', 'category'])
    board.cards(['amount_ordered', 'amount_delivered', 'amount_invoiced', 'amount_refunded', 'amount_paid'],
                'sms_addon.sales_analysis_menu_revenue')
    board.months("Revenue by Month", [
        'amount_ordered', 'amount_delivered', 'amount_invoiced', 'amount_refunded', 'amount_paid'])
    money = ['amount_ordered', 'amount_invoiced', 'amount_paid']
    board.rankings(("Top Product Categories", "Category", 'categ_id', money),
                   ("Top Countries", "Country", 'country_id', money))
    board.rankings(("Top Products", "Product", 'product_tmpl_id', ['amount_ordered', 'amount_margin', 'margin_rate']),
                   ("Top Industries", "Industry", 'industry_id', money))
    board.order_lists(("Largest Orders", [['state', '=', 'sale']]),
                      ("Largest Orders to Invoice", [['invoice_status', '=', 'to invoice']]))
    return board


def customers():
    board = Dashboard('customers', ['period', 'customer', 'country', 'team', 'user'])
    board.cards(['commercial_partner_id', 'amount_ordered', 'order_count', 'average_order', 'margin_rate'],
                'sms_addon.sales_customer_report_menu')
    board.charts(("Customers by Month", 'line', 'commercial_partner_id', ['date:month']),
                 ("Revenue by Country", 'geo', 'amount_ordered', ['country_id']))
    people = ['amount_ordered', 'commercial_partner_id', 'order_count']
    orders = ['amount_ordered', 'order_count', 'average_order']
    board.rankings(("Top Customers", "Customer", 'commercial_partner_id', orders),
                   ("Where They Are", "Country", 'country_id', people))
    board.rankings(("Industries", "Industry", 'industry_id', people),
                   ("How They Found Us", "Source", 'source_id', people))
    return board


def sales_team():
    board = Dashboard('sales_team', ['period', 'team', 'user', 'country'])
    board.cards(['amount_ordered', 'margin_rate', 'order_count', 'win_rate', 'cycle_days'],
                'sms_addon.sales_analysis_menu_team')
    board.charts(("Revenue by Team", 'bar', 'amount_ordered', ['date:month', 'team_id']))
    board.rankings(("Sales Teams", "Sales Team", 'team_id', ['amount_ordered', 'win_rate', 'cycle_days']),
                   ("Salespeople", "Salesperson", 'user_id', ['amount_ordered', 'win_rate', 'cycle_days']))
    board.rankings(("Departments", "Department", 'department_id', ['amount_ordered', 'margin_rate', 'order_count']),
                   ("Margin by Salesperson", "Salesperson", 'user_id', ['amount_margin', 'margin_rate', 'order_count']))
    board.order_lists(("Largest Open Quotations", [['state', 'in', ['draft', 'sent']]]),
                      ("Largest Orders", [['state', '=', 'sale']]))
    return board


if __name__ == '__main__':
    for dashboard in (revenue(), customers(), sales_team()):
        dashboard.write()
