from odoo import models


class ResPartner(models.Model):
    _name = 'res.partner'
    _inherit = ['res.partner', 'sales.rule.mixin']

    _rule_moments = ('save', 'confirm', 'event', 'schedule')
    _rule_partner_field = 'id'
