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

    @api.private
    def publish(self, record):
        """Show how far ``record`` is, and return its state as the rest of the world sees it."""
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
            cr.execute(SQL("SELECT state FROM sales_import WHERE id = %s", record.id))
            return (cr.fetchone() or ['running'])[0]
