from odoo import api, models


class SalesWarehouseSource(models.AbstractModel):
    """Documents whose change people expect to see in the reports at once; the rest waits for the next minute.

    What changed is noted by the database (see ``sales.touch``); this only wakes the reader.
    """
    _name = 'sales.warehouse.source'
    _description = "Document that the Sales Warehouse Follows"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        self.env['sales.warehouse']._wake()
        return records

    def write(self, vals):
        result = super().write(vals)
        self.env['sales.warehouse']._wake()
        return result

    def unlink(self):
        result = super().unlink()
        self.env['sales.warehouse']._wake()
        return result
