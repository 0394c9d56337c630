from odoo import fields, models


class SalesCustomerKey(models.Model):
    """What customers are compared by to find duplicates: a normalised e-mail, phone, tax number or name."""
    _name = 'sales.customer.key'
    _description = "What Customers Are Compared By"
    _log_access = False

    partner_id = fields.Many2one('res.partner', required=True, index=True, ondelete='cascade')
    kind = fields.Char(required=True)
    value = fields.Char(required=True)

    _value_idx = models.Index("(kind, value)")
