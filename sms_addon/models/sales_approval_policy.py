from odoo import fields, models


class SalesApprovalPolicy(models.Model):
    """Who releases a held order."""
    _name = 'sales.approval.policy'
    _description = "Approval Policy"

    name = fields.Char(required=True, translate=True)
