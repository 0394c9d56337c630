from odoo import api, models
from odoo.tools import SQL


class SalesTouchQueue(models.AbstractModel):
    """Records that are to be read again: a table of their ids, of which each is taken once however often it was
    noted."""
    _name = 'sales.touch.queue'
    _description = "Records to Read Again"

    #: the column of the ids
    _touch_column = None

    @api.model
    def _touch(self, ids):
        """Note records by their ids."""
        self._touch_query(SQL("SELECT DISTINCT unnest(%s::int[])", list(ids)))

    @api.model
    def _touch_query(self, query):
        """Note the records of a query of ids."""
        self.env.cr.execute(SQL(
            "INSERT INTO %s (%s) %s", SQL.identifier(self._table), SQL.identifier(self._touch_column), query))

    @api.model
    def _forget(self):
        """Take everything off the queue."""
        self.env.cr.execute(SQL("DELETE FROM %s", SQL.identifier(self._table)))

    @api.model
    def _take(self, limit):
        """Take up to ``limit`` records off the queue and return their ids."""
        return [res_id for (res_id,) in self.env.execute_query(SQL(
            """
            WITH batch AS (SELECT DISTINCT %(column)s AS id FROM %(table)s ORDER BY 1 LIMIT %(limit)s),
                 taken AS (DELETE FROM %(table)s t USING batch WHERE t.%(column)s = batch.id)
            SELECT id FROM batch
            """,
            table=SQL.identifier(self._table), column=SQL.identifier(self._touch_column), limit=limit))]

    @api.model
    def _count(self):
        [(count,)] = self.env.execute_query(SQL(
            "SELECT COUNT(DISTINCT %s) FROM %s", SQL.identifier(self._touch_column), SQL.identifier(self._table)))
        return count
