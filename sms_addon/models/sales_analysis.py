from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, date_utils

from .sales_fixed_point import FixedFloat, FixedMonetary, FixedPoint

# Measures that only confirmed orders have, so that one table can show them beside those of quotations.
CONFIRMED = {
    'amount_ordered': 'price_subtotal',
    'qty_ordered': 'product_uom_qty',
    'amount_margin': 'margin',
}
# Measures of the same period one year before.
LAST_YEAR = {
    'amount_ordered_last_year': 'amount_ordered',
    'amount_delivered_last_year': 'amount_delivered',
    'amount_invoiced_last_year': 'amount_invoiced',
    'amount_refunded_last_year': 'amount_refunded',
    'amount_paid_last_year': 'amount_paid',
}
# Measures counted by order, not by line: name -> columns it needs besides the order.
BY_ORDER = {
    'quotation_count': (),
    'order_count': ('state',),
    'lost_count': ('state',),
    'win_rate': ('state',),
    'average_order': ('state',),
    'cycle_days': (),
}
MONTH_GRANULARITIES = {'month', 'quarter', 'year', 'month_number', 'quarter_number', 'year_number'}


class SalesAnalysis(models.Model):
    """What reports open: the facts, or for a grouping the smallest roll-up that answers it exactly.

    The roll-up is chosen in :meth:`_read_group` and :meth:`_read_grouping_sets`, handed to
    :attr:`_table_query` through the context and never visible in the result.
    """
    _name = 'sales.analysis'
    _description = "Sales Analysis"
    _inherit = ['sales.measure.mixin', 'sales.warehouse.reader']
    _auto = False
    _order = 'date desc, id desc'
    _rec_name = 'order_id'

    # dimensions of a line
    order_id = fields.Many2one('sale.order', readonly=True)
    product_id = fields.Many2one('product.product', string="Product Variant", readonly=True)
    product_tmpl_id = fields.Many2one('product.template', string="Product", readonly=True)
    categ_id = fields.Many2one('product.category', string="Product Category", readonly=True)
    product_uom_id = fields.Many2one('uom.uom', string="Unit", readonly=True)
    partner_id = fields.Many2one('res.partner', string="Contact", readonly=True)
    commercial_partner_id = fields.Many2one('res.partner', string="Customer", readonly=True)
    country_id = fields.Many2one('res.country', string="Customer Country", readonly=True)
    state_id = fields.Many2one('res.country.state', string="Customer State", readonly=True)
    industry_id = fields.Many2one('res.partner.industry', string="Customer Industry", readonly=True)
    warehouse_id = fields.Many2one('stock.warehouse', readonly=True)
    pricelist_id = fields.Many2one('product.pricelist', readonly=True)
    campaign_id = fields.Many2one('utm.campaign', readonly=True)
    medium_id = fields.Many2one('utm.medium', readonly=True)
    source_id = fields.Many2one('utm.source', readonly=True)
    invoice_status = fields.Selection(
        lambda self: self.env['sales.fact']._fields['invoice_status'].selection,
        string="Order Invoice Status", readonly=True)
    line_invoice_status = fields.Selection(
        lambda self: self.env['sales.fact']._fields['line_invoice_status'].selection,
        string="Invoice Status", readonly=True)
    date_order = fields.Datetime(string="Order Time", readonly=True)
    price_unit = FixedFloat(string="Unit Price", digits='Product Price', aggregator='avg', readonly=True)
    discount = FixedFloat(string="Discount %", digits='Discount', aggregator='avg', readonly=True)
    currency_id = fields.Many2one(store=True)
    nbr = fields.Integer(string="# of Lines", readonly=True)

    # measures of confirmed orders
    amount_ordered = FixedMonetary(
        string="Ordered", readonly=True, help="Untaxed amount of confirmed orders.")
    qty_ordered = FixedFloat(digits='Product Unit', readonly=True)
    amount_quoted = FixedMonetary(
        string="Quoted", readonly=True, help="Untaxed amount of quotations not yet confirmed or cancelled.")
    amount_cost = FixedMonetary(string="Cost", readonly=True)
    amount_margin = FixedMonetary(string="Margin", readonly=True)
    margin_rate = fields.Float(
        string="Margin %", aggregator='avg', readonly=True,
        help="Margin of confirmed orders over their untaxed amount.")

    # the same period of the year before
    amount_ordered_last_year = fields.Monetary(string="Ordered, Last Year", readonly=True)
    amount_delivered_last_year = fields.Monetary(string="Delivered, Last Year", readonly=True)
    amount_invoiced_last_year = fields.Monetary(string="Invoiced, Last Year", readonly=True)
    amount_refunded_last_year = fields.Monetary(string="Refunded, Last Year", readonly=True)
    amount_paid_last_year = fields.Monetary(string="Paid, Last Year", readonly=True)
    growth = fields.Float(
        aggregator='avg', readonly=True, help="Ordered, against the same period of the year before.")

    # measures by order
    quotation_count = fields.Integer(
        string="Quotations", readonly=True, help="Quotations and orders, whatever their status.")
    order_count = fields.Integer(string="Orders", readonly=True, help="Confirmed orders.")
    lost_count = fields.Integer(string="Lost Quotations", readonly=True, help="Cancelled quotations and orders.")
    win_rate = fields.Float(
        aggregator='avg', readonly=True,
        help="Confirmed orders over confirmed and cancelled ones; quotations still open are left out.")
    average_order = fields.Monetary(aggregator='avg', readonly=True)
    cycle_days = fields.Float(
        string="Days to Confirm", aggregator='avg', readonly=True,
        help="Average time from the quotation to its confirmation. Orders dated before they were entered, "
             "as imported history is, are left out.")

    @api.readonly
    def action_open_order(self):
        self.ensure_one()
        return self.order_id.get_formview_action()

    # -- the table behind a question

    @property
    def _table_query(self):
        name = self.env.context.get('sales_analysis_source')
        source = self.env[name if name in self._roll_ups() else 'sales.fact']
        parts = [self._select_source(source)]
        if self._has_last_year():
            parts += self._select_last_year(source)
        return SQL(" UNION ALL ").join(parts)

    def _has_last_year(self):
        return bool(self.env.context.get('sales_analysis_last_year'))

    def _select_last_year(self, source):
        """Return the queries of the rows one year later, up to today, which only the measures of last year count.

        A roll-up by month cannot leave out the days to come of a month that has begun: those before them come
        from the facts, so that every table gives the same answer.
        """
        today = fields.Date.context_today(self)
        facts = self.env['sales.fact']
        until_today = SQL("(f.date + INTERVAL '1 year')::date <= %s", today)
        if source == facts or source._cube_grain == 'day':
            return [self._select_source(source, shifted=until_today)]
        month = date_utils.start_of(today, 'month') - relativedelta(years=1)
        begun = SQL("f.date >= %s AND f.date < %s AND %s", month, month + relativedelta(months=1), until_today)
        return [
            self._select_source(source, shifted=SQL("f.date < %s", month)),
            self._select_source(source, shifted=begun, table=facts),
        ]

    def _read_columns(self, source, table):
        """Return the columns of a source as its own table has them, or as far as the facts have them."""
        columns = {name: SQL.identifier('f', name) for name in table._columns()}
        if source == table:
            return columns
        # in the same types, or PostgreSQL does not look into the union
        return {
            name: SQL("%s::%s", columns.get(name, SQL("NULL")), source._column_type(name))
            for name in source._columns()
        }

    def _select_source(self, source, shifted=None, table=None):
        """Return the rows of a table of the warehouse with the columns of the analysis that it covers.

        :param source: the model of the table
        :param shifted: which rows to return one year later, for the measures of last year
        :param table: the facts, to read the same columns from them instead
        """
        table = source if table is None else table
        converted = len(self.env.companies.currency_id) > 1
        columns = self._read_columns(source, table)
        for name in source._columns():
            if converted and (source._fields[name].type == 'monetary' or name == 'price_unit'):
                columns[name] = SQL("%s * account_currency_table.rate", columns[name])
        if source._name == 'sales.fact':
            columns['nbr'] = SQL("1")
            # fields that only a group has are empty on a line
            columns.update(dict.fromkeys((*BY_ORDER, *LAST_YEAR, 'margin_rate', 'growth'), SQL("NULL::numeric")))
        columns['currency_id'] = SQL("%s", self.env.company.currency_id.id)
        for name, measure in CONFIRMED.items():
            columns[name] = SQL("CASE WHEN f.state = 'sale' THEN %s ELSE 0 END", columns[measure])
        columns['amount_quoted'] = SQL(
            "CASE WHEN f.state IN ('draft', 'sent') THEN %s ELSE 0 END", columns['price_subtotal'])
        # as numeric: the difference of two integers of different sign need not be one
        columns['amount_cost'] = SQL("%s::numeric - %s", columns['amount_ordered'], columns['amount_margin'])
        if self._has_last_year():
            columns['shifted'] = SQL("%s", bool(shifted))
        if shifted:
            for name in {'date', 'date_order'} & columns.keys():
                columns[name] = SQL("(f.%s + INTERVAL '1 year')::%s", SQL.identifier(name), source._column_type(name))
        return SQL(
            "SELECT %s FROM %s f %s WHERE f.company_id IN %s %s",
            SQL(", ").join(SQL("%s AS %s", sql, SQL.identifier(name)) for name, sql in columns.items()),
            SQL.identifier(table._table),
            SQL("JOIN %s ON account_currency_table.company_id = f.company_id",
                self.env['res.currency']._get_simple_currency_table(self.env.companies)) if converted else SQL(),
            tuple(self.env.companies.ids) or (0,),
            SQL("AND %s", shifted) if shifted else SQL(),
        )

    # -- choosing it

    @api.model
    def _roll_ups(self):
        """Return the names of the roll-ups, smallest first: whatever one covers, an earlier one answers faster."""
        return ['sales.cube.team', 'sales.cube.market', 'sales.cube.category', 'sales.cube.customer']

    @api.model
    def _read_group(self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None):
        analysis = self._with_source(domain, groupby, self._specs_of(aggregates, having, order, groupby))
        return super(SalesAnalysis, analysis)._read_group(
            domain, groupby, aggregates, having=having, offset=offset, limit=limit, order=order)

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        batches = {}
        for index, groupby in enumerate(grouping_sets):
            analysis = self._with_source(domain, groupby, self._specs_of(aggregates, (), order, groupby))
            batches.setdefault(analysis.env.context.get('sales_analysis_source'), (analysis, []))[1].append(index)
        results = [[] for _groupby in grouping_sets]
        for analysis, indexes in batches.values():
            batch = [grouping_sets[index] for index in indexes]
            batch_order = self._order_within(order, batch) if len(batches) > 1 else order
            rows = super(SalesAnalysis, analysis)._read_grouping_sets(domain, batch, aggregates, batch_order)
            for index, result in zip(indexes, rows, strict=True):
                results[index] = result
        return results

    @api.model
    def _order_within(self, order, grouping_sets):
        """Return the parts of an order that speak of aggregates or of these groupings."""
        specs = {spec for groupby in grouping_sets for spec in groupby}
        kept = [
            part for part in (order or '').split(',')
            if part.strip() and (part.split()[0] in specs or self._is_aggregate(part.split()[0]))
        ]
        return ','.join(kept) or None

    @api.model
    def _is_aggregate(self, spec):
        name, _colon, function = spec.partition(':')
        return name == '__count' or bool(function) and self._fields[name].type not in ('date', 'datetime')

    @api.model
    def _specs_of(self, aggregates, having, order, groupby):
        """Return every aggregate that a question speaks of."""
        specs = list(aggregates)
        specs += [item[0] for item in having if isinstance(item, (list, tuple))]
        terms = [part.split()[0] for part in (order or '').split(',') if part.strip()]
        return specs + [term for term in terms if term not in groupby and self._is_aggregate(term)]

    @api.model
    def _with_source(self, domain, groupby, specs):
        """Return self, set to read the smallest table that answers the question exactly."""
        last_year = any(spec.partition(':')[0] in (*LAST_YEAR, 'growth') for spec in specs)
        context = {'sales_analysis_last_year': last_year, 'sales_analysis_source': None}
        domain = Domain(domain) & self.env['ir.rule']._compute_domain(self._name, 'read')
        domain = domain.optimize_full(self.sudo())
        for name in self._roll_ups():
            source = self.env[name]
            if self._covers_domain(source, domain) and self._covers_grouping(source, groupby, specs):
                context['sales_analysis_source'] = name
                break
        return self.with_context(**context)

    @api.model
    def _covers_domain(self, source, domain):
        columns = source._cube_keys()
        if any(isinstance(item, Domain) for item in domain):
            return False  # a condition written in SQL may read any column
        return all(
            condition.field_expr.partition('.')[0] in columns
            and (source._cube_grain == 'day' or self._is_monthly(condition))
            for condition in domain.iter_conditions()
        )

    @api.model
    def _is_monthly(self, condition):
        """Tell whether a condition takes or leaves whole months, so that it holds for their first day too."""
        name, _dot, part = condition.field_expr.partition('.')
        if name != 'date':
            return True
        if part:
            return part in MONTH_GRANULARITIES
        value = condition.value
        if condition.operator in ('>=', '<'):
            return value == date_utils.start_of(value, 'month')
        if condition.operator in ('>', '<='):
            return value == date_utils.end_of(value, 'month')
        return False

    @api.model
    def _covers_grouping(self, source, groupby, specs):
        keys = source._cube_keys()
        for spec in groupby:
            path, _colon, granularity = spec.partition(':')
            name = path.partition('.')[0]
            if name not in keys:
                return False
            if name == 'date' and source._cube_grain == 'month' and granularity not in MONTH_GRANULARITIES:
                return False
        counts_orders = any(spec.partition(':')[0] in BY_ORDER for spec in specs)
        if counts_orders and not set(source._cube_line_dimensions) <= set(groupby):
            return False  # an order with lines in two cells of one group would count twice
        return all(self._covers_aggregate(source, spec) for spec in specs)

    @api.model
    def _covers_aggregate(self, source, spec):
        name, _colon, function = spec.partition(':')
        if spec == '__count' or name in BY_ORDER or name in ('margin_rate', 'growth'):
            return True
        if name in source._cube_keys():
            if name == 'date':
                return source._cube_grain == 'day' and function in ('min', 'max')
            return function in ('count_distinct', 'array_agg_distinct')
        if name == 'currency_id':
            return function == 'array_agg_distinct'
        return name in (*self._summed_names(), *LAST_YEAR) and function in ('sum', 'sum_currency')

    @api.model
    def _summed_names(self):
        """Return the columns of the present year that any source has and that add up."""
        return [*self._measure_names(), *CONFIRMED, 'amount_quoted', 'amount_cost', 'nbr']

    # -- aggregates that are not a sum of a column

    def _read_group_select(self, aggregate_spec, query):
        if aggregate_spec == '__count':
            return SQL("COALESCE(%s, 0)", self._sum('nbr'))
        name, _colon, function = aggregate_spec.partition(':')
        compute = self._aggregate_formulas().get(name)
        if compute and function:
            return compute()
        if name in LAST_YEAR and function:
            shifted = SQL("FILTER (WHERE %s)", SQL.identifier(self._table, 'shifted'))
            return SQL("COALESCE(%s, 0)", self._fields[LAST_YEAR[name]].column_sum(self._table, shifted))
        if function == 'sum' and isinstance(self._fields.get(name), FixedPoint):
            self._check_field_access(self._fields[name], 'read')
            aggregate = self._sum(name)
        else:
            aggregate = SQL("%s %s", super()._read_group_select(aggregate_spec, query), self._of_this_year())
        # a group may have rows of last year only
        return SQL("COALESCE(%s, 0)", aggregate) if self._has_last_year() and function == 'sum' else aggregate

    def _of_this_year(self, condition=SQL()):  # noqa: B008  (never changed)
        """Return the filter of an aggregate that leaves out the rows of last year, and more."""
        conditions = [condition] if condition else []
        if self._has_last_year():
            conditions.append(SQL("NOT %s", SQL.identifier(self._table, 'shifted')))
        return SQL("FILTER (WHERE %s)", SQL(" AND ").join(conditions)) if conditions else SQL()

    def _aggregate_formulas(self):
        """Return, by field, the method that gives its SQL over the rows of a group."""
        return {
            'quotation_count': self._count_orders,
            'order_count': lambda: self._count_orders('sale'),
            'lost_count': lambda: self._count_orders('cancel'),
            'win_rate': lambda: SQL(
                "%(won)s::numeric / NULLIF(%(won)s + %(lost)s, 0)",
                won=self._count_orders('sale'), lost=self._count_orders('cancel')),
            'average_order': lambda: SQL(
                "%s / NULLIF(%s, 0)", self._sum('amount_ordered'), self._count_orders('sale')),
            'margin_rate': lambda: SQL(
                "%s / NULLIF(%s, 0)", self._sum('amount_margin'), self._sum('amount_ordered')),
            'growth': lambda: SQL(
                "COALESCE(%s, 0) / NULLIF(%s, 0) - 1",
                self._sum('amount_ordered'), self._read_group_select('amount_ordered_last_year:sum', None)),
            'cycle_days': self._average_cycle,
        }

    def _sum(self, name):
        field, condition = self._fields.get(name), self._of_this_year()
        if isinstance(field, FixedPoint):
            return field.column_sum(self._table, condition)
        return SQL("SUM(%s) %s", SQL.identifier(self._table, name), condition)

    def _is_rolled_up(self):
        return self.env.context.get('sales_analysis_source') in self._roll_ups()

    def _count_orders(self, state=None):
        """Return the number of orders of a group, of all states or of one."""
        condition = self._of_this_year(SQL("%s = %s", SQL.identifier(self._table, 'state'), state) if state else SQL())
        if self._is_rolled_up():
            return SQL("COALESCE(SUM(%s) %s, 0)", SQL.identifier(self._table, 'quotation_count'), condition)
        return SQL("COUNT(DISTINCT %s) %s", SQL.identifier(self._table, 'order_id'), condition)

    def _average_cycle(self):
        """Return the mean days to confirm, each order counted once."""
        if self._is_rolled_up():
            return SQL("%s / NULLIF(%s, 0) / 86400", self._sum('cycle_seconds'), self._sum('cycle_count'))
        # the sum over distinct orders: put the order in front of the seconds, sum the distinct
        # numbers, take the orders away again (a number of seconds stays below 2^31)
        seconds = SQL.identifier(self._table, 'cycle_seconds')
        return SQL(
            """(SUM(DISTINCT %(order)s::numeric * 2147483648 + %(seconds)s) %(known)s
                - SUM(DISTINCT %(order)s::numeric * 2147483648) %(known)s)
               / NULLIF(COUNT(DISTINCT %(order)s) %(known)s, 0) / 86400""",
            order=SQL.identifier(self._table, 'order_id'), seconds=seconds,
            known=self._of_this_year(SQL("%s IS NOT NULL", seconds)))
