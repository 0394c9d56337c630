from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, date_utils, format_date

from ..tools import xlsx

RATIOS = {'growth', 'margin_rate', 'win_rate'}
# Over several rows these are a mean, which no sum of the column gives.
MEANS = {'average_order', 'cycle_days', 'days_since_last'}
# How a ratio follows from other columns, for the totals row of a spreadsheet.
FORMULAS = {
    'growth': '{amount_ordered}/{amount_ordered_last_year}-1',
    'win_rate': '{order_count}/({order_count}+{lost_count})',
}
CHUNK = 2000


class SalesReportExport(models.TransientModel):
    """One of the three reports for a period, as PDF or XLSX.

    The figures are those of the screens: they come from the same models, with the rights of the user.
    """
    _name = 'sales.report.export'
    _description = "Print or Export a Sales Report"

    report = fields.Selection([
        ('revenue', "Revenue"),
        ('customers', "Customers"),
        ('team', "Sales Team"),
    ], required=True, default='revenue')
    period = fields.Selection([
        ('month', "This month"),
        ('quarter', "This quarter"),
        ('year', "This year"),
        ('last_year', "Last year"),
        ('12_months', "Last 12 months"),
        ('all', "All history"),
        ('custom', "From ... to ..."),
    ], required=True, default='year')
    date_from = fields.Date(string="From", compute='_compute_dates', store=True, readonly=False)
    date_to = fields.Date(string="To", compute='_compute_dates', store=True, readonly=False)
    revenue_group = fields.Selection([
        ('date:month', "Month"),
        ('product_tmpl_id', "Product"),
        ('categ_id', "Product Category"),
        ('country_id', "Customer Country"),
    ], string="Revenue by", required=True, default='date:month')
    team_group = fields.Selection([
        ('team_id', "Sales Team"),
        ('user_id', "Salesperson"),
        ('department_id', "Department"),
    ], string="Team by", required=True, default='team_id')
    company_ids = fields.Many2many(
        'res.company', string="Companies", required=True, default=lambda self: self.env.companies,
        domain=lambda self: [('id', 'in', self.env.user.company_ids.ids)])
    company_id = fields.Many2one(
        'res.company', required=True, default=lambda self: self.env.company,
        help="Amounts are in the currency of this company.")
    name = fields.Char(compute='_compute_name')

    @api.depends('period')
    def _compute_dates(self):
        today = fields.Date.context_today(self)
        periods = {
            **{period: (date_utils.start_of(today, period), date_utils.end_of(today, period))
               for period in ('month', 'quarter', 'year')},
            'last_year': (date_utils.start_of(today, 'year') - relativedelta(years=1),
                          date_utils.start_of(today, 'year') - relativedelta(days=1)),
            '12_months': (date_utils.start_of(today, 'month') - relativedelta(months=11),
                          date_utils.end_of(today, 'month')),
            'all': (False, False),
        }
        for export in self:
            if export.period in periods:
                export.date_from, export.date_to = periods[export.period]

    @api.depends('report', 'date_from', 'date_to')
    @api.depends_context('lang')
    def _compute_name(self):
        for export in self:
            parts = [export._get_title(), *(str(day) for day in (export.date_from, export.date_to) if day)]
            export.name = ' '.join(parts)

    @api.constrains('date_from', 'date_to')
    def _check_dates(self):
        for export in self:
            if export.date_from and export.date_to and export.date_from > export.date_to:
                raise ValidationError(self.env._("The period ends before it begins."))

    # -- buttons

    def action_pdf(self):
        """Print the report."""
        return self.env.ref('sms_addon.sales_report_export_action_pdf').report_action(self)

    def action_xlsx(self):
        """Download the report as a spreadsheet."""
        self.ensure_one()
        return {'type': 'ir.actions.act_url', 'url': f'/sms_addon/report/{self.id}.xlsx', 'target': 'download'}

    # -- what both files show

    def _get_title(self):
        label = dict(self._fields['report']._description_selection(self.env)).get(self.report, "")
        if self.report == 'customers':
            return label
        return self.env._("%(report)s by %(group)s", report=label, group=self._get_group_label())

    def _get_group_label(self):
        field = self._fields[f'{self.report}_group']
        return dict(field._description_selection(self.env)).get(self[field.name], "")

    def _get_period_label(self):
        start = format_date(self.env, self.date_from) if self.date_from else self.env._("the first order")
        end = format_date(self.env, self.date_to) if self.date_to else self.env._("today")
        return self.env._("From %(start)s to %(end)s", start=start, end=end)

    def _get_notes(self):
        """Return the lines under the title."""
        notes = [self._get_period_label(), ', '.join(self._get_companies().mapped('display_name'))]
        notes.append(self.env._("Amounts in %(currency)s, untaxed", currency=self._get_currency().name))
        return notes

    def _get_companies(self):
        companies = self.company_ids or self.env.company
        return companies.sorted(lambda company: company != self.company_id)

    def _get_currency(self):
        return self._get_companies()[:1].currency_id

    def _get_source(self):
        """Return the model of the screen, reading the chosen companies with the rights of the user."""
        model = 'sales.customer.report' if self.report == 'customers' else 'sales.analysis'
        return self.env[model].with_context(
            allowed_company_ids=self._get_companies().ids,
            sales_customer_period=(self.date_from, self.date_to),
        )

    def _get_domain(self):
        """Return the period as a domain of the analysis; the customer report takes it from its context."""
        if self.report == 'customers':
            return Domain.TRUE
        domain = Domain('date', '>=', self.date_from) if self.date_from else Domain.TRUE
        return domain & (Domain('date', '<=', self.date_to) if self.date_to else Domain.TRUE)

    def _get_group(self):
        return self[f'{self.report}_group'] if self.report != 'customers' else False

    def _get_field_names(self):
        """Return the fields that are columns, after the grouping."""
        if self.report == 'revenue':
            return ['qty_ordered', 'amount_ordered', 'amount_ordered_last_year', 'growth', 'amount_delivered',
                    'amount_invoiced', 'amount_refunded', 'amount_paid']
        if self.report == 'team':
            return ['qty_ordered', 'amount_ordered', 'amount_margin', 'margin_rate', 'quotation_count', 'order_count',
                    'lost_count', 'win_rate', 'average_order', 'cycle_days']
        company = ['company_id'] if len(self.company_ids) > 1 else []
        return ['name', *company, 'country_id', 'status', 'quantity', 'revenue', 'margin', 'margin_rate', 'order_count',
                'average_order', 'first_date', 'last_date', 'days_since_last']

    def _get_columns(self):
        """Return the columns, with their totals over all rows."""
        source = self._get_source()
        names = self._get_field_names()
        measures = {name: source._fields[name] for name in names if source._fields[name].aggregator}
        specs = [f'{name}:{field.aggregator}' for name, field in measures.items()]
        totals = dict(zip(measures, source._read_group(self._get_domain(), [], specs)[0], strict=True))
        columns = [self._prepare_column(source, name, totals.get(name)) for name in names]
        if group := self._get_group():
            kind = 'month' if group == 'date:month' else 'text'
            columns.insert(0, xlsx.Column('group', self._get_group_label(), kind))
        return columns

    def _prepare_column(self, source, name, total):
        field = source._fields[name]
        kind = self._get_kind(field)
        return xlsx.Column(
            name, field._description_string(self.env), kind, total,
            summed=kind in ('money', 'quantity', 'integer') and name not in MEANS,
            formula=self._get_formulas().get(name, ''))

    def _get_kind(self, field):
        if field.name in RATIOS:
            return 'ratio'
        if field.name == 'cycle_days':
            return 'number'
        return {'monetary': 'money', 'float': 'quantity', 'integer': 'integer', 'date': 'date'}.get(field.type, 'text')

    def _get_formulas(self):
        revenue, margin = ('revenue', 'margin') if self.report == 'customers' else ('amount_ordered', 'amount_margin')
        return {
            **FORMULAS,
            'margin_rate': f'{{{margin}}}/{{{revenue}}}',
            'average_order': f'{{{revenue}}}/{{order_count}}',
        }

    def _get_rows(self, limit=None):
        """Return an iterator over the rows, as values in the order of the columns."""
        if self.report == 'customers':
            return self._iter_customers(limit)
        return self._get_grouped_rows(limit)

    def _get_grouped_rows(self, limit=None):
        source, group = self._get_source(), self._get_group()
        specs = [f'{name}:{source._fields[name].aggregator}' for name in self._get_field_names()]
        order = group if group == 'date:month' else 'amount_ordered:sum DESC'
        for key, *values in source._read_group(self._get_domain(), [group], specs, order=order, limit=limit):
            if isinstance(key, models.BaseModel):
                # the name only, as in any list of orders that the user may see
                key = key.sudo().display_name
            yield [key or self.env._("None"), *values]

    def _iter_customers(self, limit=None):
        """Read the customers a chunk at a time: tens of thousands of records would stay in the cache.

        Until the last row, nobody else may use the cursor.
        """
        source = self._get_source()
        names = self._get_field_names()
        labels = self._get_labels(source, names)
        query = source._search([], order=source._order, limit=limit)
        sql = query.select(*(source._field_to_sql(source._table, name, query) for name in names))
        self.env.flush_query(sql)
        self.env.cr.execute(SQL("%s", sql))
        while rows := self.env.cr.fetchmany(CHUNK):
            for row in rows:
                yield [
                    labels[name].get(value) if name in labels else value
                    for name, value in zip(names, row, strict=True)
                ]

    def _get_labels(self, source, names):
        """Return, by field that has one, the text of each value."""
        labels = {}
        for name in names:
            field = source._fields[name]
            if field.type == 'selection':
                labels[name] = dict(field._description_selection(self.env))
            elif field.type == 'many2one':
                comodel = self.env[field.comodel_name].sudo().with_context(active_test=False)
                records = comodel.search_fetch([], ['display_name'])
                labels[name] = {record.id: record.display_name for record in records}
        return labels

    def _count_rows(self):
        if self.report == 'customers':
            return self._get_source().search_count([])
        return len(self._get_source()._read_group(self._get_domain(), [self._get_group()]))

    # -- files

    def _build_xlsx(self):
        """Return the spreadsheet."""
        self.ensure_one()
        currency = self._get_currency()
        return xlsx.build(
            self._get_title(), self._get_notes(), self._get_columns(), self._get_rows(),
            money=xlsx.money_format(currency.decimal_places, currency.symbol, currency.position),
            total_label=self.env._("Total"))
