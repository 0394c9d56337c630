from odoo import models


class CrmLead(models.Model):
    _name = 'crm.lead'
    _inherit = ['crm.lead', 'sales.rule.mixin']

    _rule_amount_field = 'expected_revenue'
