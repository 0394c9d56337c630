from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class SalesCustomerMixin(models.AbstractModel):
    """What the customer reports have in common: they tell of the confirmed orders that their reader may see.

    A customer is the commercial entity in one company. Each report is a query over ``sales.analysis``
    with the reader's own access rights, record rules, companies and currency, so a salesperson with own
    documents only gets the customer as these documents show him: figures, first and last order, status.
    """
    _name = 'sales.customer.mixin'
    _inherit = ['sales.warehouse.reader']
    _description = "Customers by Their Orders"

    company_id = fields.Many2one('res.company', readonly=True)
    country_id = fields.Many2one('res.country', readonly=True)
    currency_id = fields.Many2one('res.currency', readonly=True)
    revenue = fields.Monetary(readonly=True, help="Untaxed amount of confirmed orders.")

    # -- SQL

    @api.model
    def _customer_grouping(self, **more):
        return {'commercial_partner_id': 'commercial_partner_id', 'company_id': 'company_id', **more}

    @api.model
    def _select_orders(self, groupby, columns, domain=()):
        """Return the query of the confirmed orders that the user may see, from the smallest table that has them.

        :param dict groupby: column -> grouping of ``sales.analysis``, such as ``date:month``
        :param dict columns: column -> aggregate of ``sales.analysis``, such as ``amount_ordered:sum``
        :param domain: which of the orders
        """
        domain = Domain('state', '=', 'sale') & Domain(domain)
        analysis = self.env['sales.analysis']._with_source(domain, list(groupby.values()), list(columns.values()))
        query = analysis._search(domain)
        groups = {
            name: analysis._read_group_groupby(analysis._table, spec, query) for name, spec in groupby.items()
        }
        aggregates = {name: analysis._read_group_select(spec, query) for name, spec in columns.items()}
        query.groupby = SQL(", ").join(groups.values())
        return query.select(*(
            SQL("%s AS %s", expression, SQL.identifier(name)) for name, expression in {**groups, **aggregates}.items()
        ))

    @api.model
    def _today(self):
        return fields.Date.context_today(self)

    @api.model
    def _get_days(self, name, default):
        """Return a number of days from the settings."""
        return int(self.env['ir.config_parameter'].sudo().get_param(f'sms_addon.{name}') or default)

    @api.model
    def _lost_days(self):
        return self._get_days('lost_days', 365)

    @api.model
    def _new_days(self):
        return self._get_days('new_days', 90)

    # -- aggregates that are not a sum of a column

    def _read_group_select(self, aggregate_spec, query):
        name, _colon, function = aggregate_spec.partition(':')
        formula = self._aggregate_formulas().get(name)
        if not formula or not function:
            return super()._read_group_select(aggregate_spec, query)
        return formula

    def _aggregate_formulas(self):
        """Return, by field, the SQL of its aggregate over the rows of a group."""
        return {}

    def _ratio(self, numerator, denominator):
        return SQL(
            "SUM(%s) / NULLIF(SUM(%s), 0)::float8",
            SQL.identifier(self._table, numerator), SQL.identifier(self._table, denominator))

    def _count_customers(self):
        return SQL("COUNT(DISTINCT %s)", SQL.identifier(self._table, 'commercial_partner_id'))
