from odoo import api, fields, models
from odoo.tools import SQL


class SalesCustomerTouch(models.Model):
    """Customers whose profile is to be read again: those of orders that changed, before and after the change, and
    those that the ledger tells of."""
    _name = 'sales.customer.touch'
    _description = "Customer to Read Again"
    _log_access = False

    partner_id = fields.Integer(string="Commercial Customer", required=True, index=True)

    @api.model
    def _touch(self, partner_ids):
        self.env.cr.execute(SQL(
            "INSERT INTO sales_customer_touch (partner_id) SELECT DISTINCT unnest(%s::int[])", list(partner_ids)))

    @api.model
    def _touch_orders(self, order_ids):
        """Note the customers that the warehouse knows these orders by."""
        self.env.cr.execute(SQL(
            """
            INSERT INTO sales_customer_touch (partner_id)
            SELECT DISTINCT commercial_partner_id FROM sales_fact
             WHERE order_id = ANY(%s) AND commercial_partner_id IS NOT NULL
            """, order_ids))

    @api.model
    def _take(self, limit):
        """Take up to ``limit`` customers off the queue and return their ids."""
        return [partner_id for (partner_id,) in self.env.execute_query(SQL(
            """
            WITH batch AS (SELECT DISTINCT partner_id FROM sales_customer_touch ORDER BY partner_id LIMIT %s),
                 taken AS (DELETE FROM sales_customer_touch t USING batch WHERE t.partner_id = batch.partner_id)
            SELECT partner_id FROM batch
            """, limit))]

    @api.model
    def _count(self):
        [(count,)] = self.env.execute_query(SQL("SELECT COUNT(DISTINCT partner_id) FROM sales_customer_touch"))
        return count
