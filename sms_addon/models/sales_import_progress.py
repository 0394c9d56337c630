from odoo import api, fields, models
from odoo.tools import SQL


class SalesImportProgress(models.Model):
    _name = 'sales.import.progress'
    _inherit = ['sales.progress.mixin']
    _description = "Sales Import Progress"
    _log_access = False

    phase = fields.Char(readonly=True)

    @api.private
    def publish_import(self, record):
        """Show how far ``record`` is, and return its state as the rest of the world wants it."""
        if self.publish(record._get_rows_done(), record.row_count, phase=record.phase or None):
            return 'stopped'
        with self.env.registry.cursor() as cr:
            cr.execute(SQL("SELECT state FROM sales_import WHERE id = %s", record.id))
            return (cr.fetchone() or ['running'])[0]
