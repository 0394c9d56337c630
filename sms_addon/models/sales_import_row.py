from odoo import fields, models


class SalesImportRow(models.Model):
    """A row of a file, read and put aside until its order is imported: orders are scattered in files.

    Written and read in SQL; gone when the import is done.
    """

    _name = 'sales.import.row'
    _description = "Sales Import Row"
    _log_access = False

    import_id = fields.Many2one('sales.import', required=True, ondelete='cascade')
    line = fields.Integer(required=True)
    order_ref = fields.Char(required=True)
    data = fields.Json(help="The row as the parser dumps it; nothing if the row is refused.")

    _order_idx = models.Index("(import_id, order_ref, line)")
