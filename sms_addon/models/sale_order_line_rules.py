from odoo import models


class SaleOrderLine(models.Model):
    _name = 'sale.order.line'
    _inherit = ['sale.order.line', 'sales.rule.mixin']

    _rule_moments = ('save', 'confirm', 'event', 'schedule')
    _rule_user_field = 'salesman_id'
    _rule_partner_field = 'order_partner_id'
    _rule_order_field = 'order_id'
    _rule_amount_field = 'price_subtotal'
    _rule_date_field = 'order_id.date_order'

    def _rule_touch(self, touched):
        # a line is part of its order: rules on either are asked about the order
        self.order_id._rule_touch(touched)
