from odoo import api, models


class SalesStockSource(models.AbstractModel):
    """A record that a stock position is made of: it names the fields that matter, and its products."""
    _name = 'sales.stock.source'
    _description = "Source of Stock Positions"

    #: stored fields whose change changes a position
    _stock_fields = frozenset()

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._note_stock()
        return records

    def write(self, vals):
        watched = not self._stock_fields.isdisjoint(vals)
        # what it was of until now, too
        if watched and 'product_id' in vals:
            self._note_stock()
        result = super().write(vals)
        if watched:
            self._note_stock()
        return result

    def _compute_field_value(self, field):
        super()._compute_field_value(field)
        if field.store and field.name in self._stock_fields:
            self._note_stock()

    def unlink(self):
        self._note_stock()
        return super().unlink()

    def _note_stock(self):
        if records := self.browse([res_id for res_id in self._ids if res_id]):
            self.env['sales.event']._note_stock(records._get_stock_products().ids)

    def _get_stock_products(self):
        """Return the products whose positions these records are part of."""
        # whoever moves goods need not be allowed to read the product
        return self.sudo().product_id.filtered('is_storable')
