from odoo import api, fields, models
from odoo.tools import SQL


class SalesStockTouch(models.Model):
    """Products whose positions are to be read again: those of orders that changed in the facts, before and after the
    change, and every night all of them."""
    _name = 'sales.stock.touch'
    _inherit = ['sales.touch.queue']
    _description = "Product to Read Again"
    _log_access = False
    _touch_column = 'product_id'

    product_id = fields.Integer(required=True, index=True)

    @api.model
    def _touch_orders(self, order_ids):
        """Note the products that the facts know these orders by, and the components of the kits among them."""
        self._touch_query(SQL(
            """
            SELECT DISTINCT product_id FROM sales_fact WHERE order_id = ANY(%(ids)s) AND product_id IS NOT NULL
             UNION
            SELECT m.product_id FROM sales_fact f JOIN stock_move m ON m.sale_line_id = f.id
             WHERE f.order_id = ANY(%(ids)s) AND m.product_id <> f.product_id
            """, ids=list(order_ids)))

    @api.model
    def _touch_all(self):
        self._forget()
        self._touch_query(SQL(
            """
            SELECT p.id FROM product_product p JOIN product_template t ON t.id = p.product_tmpl_id WHERE t.is_storable
             UNION SELECT product_id FROM sales_stock_position"""))
