from datetime import UTC
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.tools import SQL


class SalesTrackingTable(models.AbstractModel):
    """A table about orders that SQL fills, for the orders that the ledger tells of or for all of them.

    The table holds what does not depend on the day. What does (days late, at risk, ...) is worked out by the query
    that stands for the model when it is read (``_table_query``): it is right at midnight, too.
    """
    _name = 'sales.tracking.table'
    _inherit = ['sales.star']
    _description = "Table of the Order Tracking"

    def _columns(self):
        return list(self._select_columns())

    def _star_definition(self):
        query = self._star_query()
        return [super()._star_definition(), query.code, query.params]

    def _star_empty(self):
        """The others are none the worse for it."""

    def _star_changed(self):
        self.env['sales.order.tracking']._request_rebuild()

    # -- what a table has to say about itself

    def _select_columns(self):
        """Return the SQL expression of each column of the table."""
        raise NotImplementedError

    def _from(self, order_ids=None):
        """Return what the expressions are taken from, for all orders or for the given ones."""
        raise NotImplementedError

    def _star_query(self, order_ids=None):
        return SQL(
            "SELECT %s FROM %s",
            SQL(", ").join(
                SQL("(%s)::%s AS %s", expression, self._column_type(name), SQL.identifier(name))
                for name, expression in self._select_columns().items()),
            self._from(order_ids))

    # -- filling it

    @api.model
    def _replace_orders(self, order_ids):
        """Read the given orders again from the host; those that are gone there are gone here."""
        self.env.flush_all()
        self.env.cr.execute(SQL("DELETE FROM %s WHERE order_id = ANY(%s)", SQL.identifier(self._table), order_ids))
        self._insert_rows(self._star_query(order_ids))

    @api.model
    def _insert_rows(self, query):
        # a row that another session has just written makes this one try again with a newer view of the database
        self.env.cr.execute(SQL(
            "INSERT INTO %s (%s) %s ON CONFLICT (id) DO NOTHING",
            SQL.identifier(self._table), SQL(", ").join(map(SQL.identifier, self._columns())), query))
        self.invalidate_model()

    @api.model
    def _rebuild(self):
        """Read all orders again, and return how many rows that changed; those that were right are left alone."""
        self.env.flush_all()
        cr, table, fresh = self.env.cr, SQL.identifier(self._table), SQL.identifier(f'{self._table}_fresh')
        cr.execute(SQL("CREATE TEMP TABLE %s ON COMMIT DROP AS %s", fresh, self._star_query()))
        cr.execute(SQL("CREATE INDEX ON %s (id)", fresh))
        cr.execute(SQL("ANALYZE %s", fresh))
        columns = SQL(", ").join(map(SQL.identifier, self._columns()))
        cr.execute(SQL(
            "DELETE FROM %(table)s WHERE id IN (SELECT id FROM (SELECT %(columns)s FROM %(table)s"
            " EXCEPT ALL SELECT %(columns)s FROM %(fresh)s) wrong)", table=table, columns=columns, fresh=fresh))
        deleted = cr.rowcount
        self._insert_rows(SQL(
            "SELECT %(columns)s FROM %(fresh)s f WHERE NOT EXISTS (SELECT FROM %(table)s t WHERE t.id = f.id)",
            table=table, columns=columns, fresh=fresh))
        inserted = cr.rowcount
        cr.execute(SQL("DROP TABLE %s", fresh))
        return max(deleted, inserted)

    # -- reading it

    @api.model
    def _today(self, company):
        """Return the SQL of what day it is for a company.

        :param SQL company: expression of the id of the company
        """
        now = fields.Datetime.now().replace(tzinfo=UTC)
        companies = self.env['res.company'].sudo().with_context(active_test=False).search_fetch([], ['sales_timezone'])
        ids_by_day = {}
        for record in companies:
            ids_by_day.setdefault(now.astimezone(ZoneInfo(record.sales_timezone)).date(), []).append(record.id)
        last, _ids = ids_by_day.popitem()
        if not ids_by_day:
            return SQL("%s::date", last)
        return SQL(
            "CASE %s ELSE %s::date END",
            SQL(" ").join(
                SQL("WHEN %s = ANY(%s) THEN %s::date", company, ids, day) for day, ids in ids_by_day.items()),
            last)
