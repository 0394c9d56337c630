from odoo import api, models


class SalesStockSource(models.AbstractModel):
    """A record of one product that a stock position is made of: it names the fields that matter."""
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
        if not self._stock_fields.isdisjoint(vals):
            if 'product_id' in vals:
                self._note_stock_products()
            self._note_stock()
        return super().write(vals)

    def _compute_field_value(self, field):
        super()._compute_field_value(field)
        if field.store and field.name in self._stock_fields:
            self._note_stock()

    def unlink(self):
        self._note_stock_products()
        return super().unlink()

    def _note_stock(self):
        if ids := [res_id for res_id in self._ids if res_id]:
            self.env['sales.event']._note_stock(self._name, ids)

    def _note_stock_products(self):
        """Note the products that the records have now and may not have at the flush."""
        # whoever moves goods need not be allowed to read the product
        if ids := self.sudo().product_id.filtered('is_storable').ids:
            self.env['sales.event']._note_stock('product.product', ids)
