from odoo import models


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order', 'sales.rule.mixin']

    _rule_moments = ('save', 'confirm', 'event', 'schedule')
    _rule_order_field = 'id'
    _rule_amount_field = 'amount_total'
    _rule_date_field = 'date_order'
