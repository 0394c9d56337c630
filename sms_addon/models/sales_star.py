import hashlib

from odoo import models
from odoo.tools import SQL
from odoo.tools.sql import table_exists

BUILD_SUFFIX = '__build'


class SalesStar(models.AbstractModel):
    """A table of the warehouse: derived data that SQL fills and nobody edits.

    The ORM reads these tables but does not manage them: its foreign keys would be checked
    for every row loaded, and a rebuild swaps in a new table instead of emptying the one
    people are reading. A table whose definition changed with an upgrade is made again, and
    the warehouse is marked stale, to be rebuilt by its scheduled action within a minute; as
    derived data it needs no migration script.
    """
    _name = 'sales.star'
    _description = "Table of the Sales Warehouse"

    #: index name suffix -> (is unique, definition)
    _star_indexes = {}

    def init(self):
        super().init()
        if self._abstract:
            return
        signature = self._star_signature()
        if table_exists(self.env.cr, self._table):
            [(comment,)] = self.env.execute_query(SQL(
                "SELECT obj_description(%s::regclass)", self._table))
            if comment == signature:
                return
            self.env.cr.execute(SQL("DROP TABLE %s", SQL.identifier(self._table)))
            self._star_empty()
        self.env.cr.execute(SQL(
            "CREATE TABLE %s (%s)",
            SQL.identifier(self._table),
            SQL(", ").join(SQL("%s %s", SQL.identifier(name), self._column_type(name)) for name in self._columns()),
        ))
        self._star_finish(self._table)
        self._star_changed()

    def _star_changed(self):
        """Have a table that was made anew filled."""
        self.env['ir.config_parameter'].sudo().set_param('sms_addon.warehouse_stale', 'empty')

    def _star_empty(self):
        """Empty the other tables: a report that reads two of them is better empty than half true."""
        for name in ('sales.fact', *self.env['sales.analysis']._roll_ups()):
            table = self.env[name]._table
            if table_exists(self.env.cr, table):
                self.env.cr.execute(SQL("TRUNCATE %s", SQL.identifier(table)))

    # -- definition: what a table of the warehouse has to say about itself

    def _columns(self):
        """Return the names of the stored columns, in their physical order.

        Columns that reports filter and group by come first: PostgreSQL unpacks a row from the left.
        """
        raise NotImplementedError

    def _column_type(self, name):
        return SQL(self._fields[name].column_type[1])

    def _star_signature(self):
        """Return a text that changes whenever the table must be made again."""
        return hashlib.sha256(repr(self._star_definition()).encode()).hexdigest()

    def _star_definition(self):
        """Return all that the content and the shape of the table depend on."""
        return [
            [(name, self._column_type(name).code) for name in self._columns()],
            sorted(self._star_indexes.items()),
        ]

    # -- building and swapping

    def _star_finish(self, table):
        """Give a freshly made table its indexes and its signature, under the names they have in the live one."""
        for suffix, (unique, definition) in self._star_indexes.items():
            self.env.cr.execute(SQL(
                "CREATE %s INDEX %s ON %s %s",
                SQL("UNIQUE" if unique else ""),
                SQL.identifier(f'{table}_{suffix}'),
                SQL.identifier(table),
                SQL(definition),
            ))
        self.env.cr.execute(SQL("COMMENT ON TABLE %s IS %s", SQL.identifier(table), self._star_signature()))

    def _star_build(self, select):
        """Make the table anew beside the live one from the rows of ``select``."""
        build = self._table + BUILD_SUFFIX
        self.env.cr.execute(SQL("DROP TABLE IF EXISTS %s", SQL.identifier(build)))
        # CREATE TABLE AS may run in parallel, INSERT ... SELECT may not
        self.env.cr.execute(SQL("CREATE TABLE %s AS %s", SQL.identifier(build), select))
        self._star_finish(build)
        # the planner needs to know the columns that questions filter and join by; measures would cost as much again
        dimensions = [name for name in self._columns() if self._fields[name].type not in ('monetary', 'float')]
        self.env.cr.execute(SQL(
            "ANALYZE %s (%s)", SQL.identifier(build), SQL(", ").join(map(SQL.identifier, dimensions))))

    def _star_swap(self):
        """Put the table made by :meth:`_star_build` in the place of the live one, for all at commit."""
        build = self._table + BUILD_SUFFIX
        self.env.cr.execute(SQL("DROP TABLE %s", SQL.identifier(self._table)))
        self.env.cr.execute(SQL("ALTER TABLE %s RENAME TO %s", SQL.identifier(build), SQL.identifier(self._table)))
        for suffix in self._star_indexes:
            self.env.cr.execute(SQL(
                "ALTER INDEX %s RENAME TO %s",
                SQL.identifier(f'{build}_{suffix}'), SQL.identifier(f'{self._table}_{suffix}')))
