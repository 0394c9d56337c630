from odoo import api, models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL


class SalesWarehouseReader(models.AbstractModel):
    """A model that reads the tables of the warehouse.

    A transaction that began before a rebuild swapped a table finds the new one under its name, but none of
    its rows: they are younger than its view of the database. Such a request is tried again instead of showing
    zeros.
    """
    _name = 'sales.warehouse.reader'
    _description = "Reader of the Sales Warehouse"

    @api.model
    def _check_tables_visible(self):
        # asked after the data was read: whatever was read is locked against a swap since
        tables = [self.env[name]._table for name in ('sales.fact', *self.env['sales.analysis']._roll_ups())]
        [(visible,)] = self.env.execute_query(SQL(
            "SELECT COUNT(*) FROM pg_class WHERE oid = ANY(%s::regclass[])", tables))
        if visible != len(tables):
            raise ConcurrencyError("The sales warehouse was rebuilt meanwhile")

    @api.model
    def _read_group(self, domain, groupby=(), aggregates=(), having=(), offset=0, limit=None, order=None):
        rows = super()._read_group(domain, groupby, aggregates, having, offset, limit, order)
        self._check_tables_visible()
        return rows

    @api.model
    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        rows = super()._read_grouping_sets(domain, grouping_sets, aggregates, order)
        self._check_tables_visible()
        return rows

    def _fetch_query(self, query, fields):
        records = super()._fetch_query(query, fields)
        self._check_tables_visible()
        return records
