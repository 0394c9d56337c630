from odoo import fields, models


class SalesOrderSnooze(models.Model):
    """An order that a user does not want to see on the worklist before a day."""
    _name = 'sales.order.snooze'
    _description = "Snoozed Order"
    _log_access = False

    user_id = fields.Many2one('res.users', required=True, ondelete='cascade', index=True)
    order_id = fields.Many2one('sale.order', required=True, ondelete='cascade', index=True)
    until = fields.Date(required=True)

    _order_uniq = models.UniqueIndex("(order_id, user_id)", "The order is snoozed already.")
