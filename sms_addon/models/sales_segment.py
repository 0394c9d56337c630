from odoo import api, fields, models


class SalesSegment(models.Model):
    """A part of the customers."""
    _name = 'sales.segment'
    _description = "Customer Segment"

    name = fields.Char(required=True, translate=True)
    domain = fields.Char(default='[]', required=True)
    company_id = fields.Many2one('res.company', index=True)
    active = fields.Boolean(default=True)
    color = fields.Integer()

    def init(self):
        super().init()
        self.env.cr.execute("""
            CREATE TABLE IF NOT EXISTS sales_segment_customer_rel (
                profile_id bigint NOT NULL,
                segment_id integer NOT NULL REFERENCES sales_segment ON DELETE CASCADE,
                PRIMARY KEY (profile_id, segment_id))""")

    @api.model
    def _refresh_customers(self, profile_ids):
        """Put the given customers into the segments that they belong to."""
