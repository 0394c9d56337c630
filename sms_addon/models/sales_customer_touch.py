from odoo import api, fields, models
from odoo.tools import SQL


class SalesCustomerTouch(models.Model):
    """Customers whose profile is to be read again: those of orders that changed, before and after the change, and
    those that the ledger tells of."""
    _name = 'sales.customer.touch'
    _inherit = ['sales.touch.queue']
    _description = "Customer to Read Again"
    _log_access = False
    _touch_column = 'partner_id'

    partner_id = fields.Integer(string="Commercial Customer", required=True, index=True)

    @api.model
    def _touch_orders(self, order_ids):
        """Note the customers that the warehouse knows these orders by."""
        self._touch_query(SQL(
            """
            SELECT DISTINCT commercial_partner_id FROM sales_fact
             WHERE order_id = ANY(%s) AND commercial_partner_id IS NOT NULL
            """, order_ids))
