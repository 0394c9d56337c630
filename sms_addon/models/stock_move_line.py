from odoo import models


class StockMoveLine(models.Model):
    _inherit = 'stock.move.line'

    def write(self, vals):
        result = super().write(vals)
        # quants tell of all else; a day that is put right later is one of the past stock, and of nothing else
        if 'date' in vals and (done := self.filtered(lambda line: line.state == 'done')):
            self.env['sales.event']._note_stock(self._name, done.ids)
        return result
