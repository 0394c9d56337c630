from odoo import models
from odoo.exceptions import LockError, UserError


class StockWarehouseOrderpoint(models.Model):
    _name = 'stock.warehouse.orderpoint'
    _inherit = ['stock.warehouse.orderpoint', 'sales.stock.source']

    _stock_fields = frozenset({'active', 'warehouse_id', 'product_id'})

    def _lock_orderpoints(self):
        """Lock the order points until the end of the transaction, and look at them afresh.

        :raise UserError: somebody else changes one of them at this moment
        """
        try:
            self.lock_for_update()
        except LockError as error:
            raise UserError(self.env._(
                "An order point is being changed by somebody else at this moment. Try again.")) from error
        self.invalidate_recordset(['product_min_qty', 'product_max_qty', 'active', 'trigger', 'qty_to_order_manual'])
