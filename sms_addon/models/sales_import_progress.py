from odoo import api, fields, models
from odoo.tools import SQL


class SalesImportProgress(models.Model):
    """How far an import is, apart from it: written from a transaction of its own while the import is in a long one."""

    _name = 'sales.import.progress'
    _description = "Sales Import Progress"
    _log_access = False

    phase = fields.Char(readonly=True)
    done = fields.Integer(readonly=True)
    total = fields.Integer(readonly=True)
    stop_requested = fields.Boolean(readonly=True)

    @api.private
    def publish(self, record):
        """Show how far ``record`` is, and return its state as the rest of the world wants it."""
        with self.env.registry.cursor() as cr:
            cr.execute(
                SQL(
                    "UPDATE sales_import_progress SET phase = %s, done = %s, total = %s WHERE id = %s",
                    record.phase or None,
                    record._get_rows_done(),
                    record.row_count,
                    self.id,
                )
            )
            cr.execute(SQL(
                """SELECT CASE WHEN p.stop_requested THEN 'stopped' ELSE i.state END
                     FROM sales_import i LEFT JOIN sales_import_progress p ON p.id = i.progress_id
                    WHERE i.id = %s""", record.id))
            return (cr.fetchone() or ['running'])[0]

    @api.private
    def request_stop(self):
        """Tell whoever works on an import to stop: at once, and however long the transaction that has its row."""
        with self.env.registry.cursor() as cr:
            cr.execute(SQL("UPDATE sales_import_progress SET stop_requested = TRUE WHERE id IN %s", tuple(self.ids)))
