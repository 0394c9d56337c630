from odoo import api, fields, models
from odoo.tools import SQL


class SalesProgressMixin(models.AbstractModel):
    """How far long work is: a row of its own, written and read apart from the long transaction of the work itself."""
    _name = 'sales.progress.mixin'
    _description = "Progress of Long Work"

    done = fields.Integer(readonly=True)
    total = fields.Integer(readonly=True)
    stop_requested = fields.Boolean(readonly=True)

    @api.private
    def publish(self, done, total, **columns):
        """Show how far it is, and return whether somebody asked to stop.

        :param columns: values of the columns that a model has beside these
        """
        values = {'done': int(done), 'total': int(total), **columns}
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                "UPDATE %s SET %s WHERE id = %s RETURNING stop_requested", SQL.identifier(self._table),
                SQL(", ").join(SQL("%s = %s", SQL.identifier(name), value) for name, value in values.items()), self.id))
            return bool((cr.fetchone() or [False])[0])

    @api.private
    def request_stop(self):
        """Tell whoever is at work to stop: at once, and however long the transaction that has its row."""
        if not self:
            return
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                "UPDATE %s SET stop_requested = TRUE WHERE id IN %s", SQL.identifier(self._table), tuple(self.ids)))
