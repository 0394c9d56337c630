from odoo import models


class SalesReaderCustomer(models.AbstractModel):
    """Has the profiles follow what the ledger tells of payments and of the customers themselves; what concerns orders
    comes with the refresh of the warehouse."""
    _name = 'sales.reader.customer'
    _inherit = ['sales.event.reader']
    _description = "Customer profiles"

    _reader_types = ('invoice.', 'refund.', 'payment.', 'customer.')
    _reader_batch = 2000

    def _consume(self, events):
        # a payment comes before its invoice is settled, and whoever is merged or gets a parent is told of as he is now
        partners = events.partner_id.exists()
        ids = set(partners.ids) | set(partners.commercial_partner_id.ids)
        ids.update(*(event.payload.get('from') or () for event in events if event.type == 'customer.merged'))
        if ids:
            self.env['sales.customer.touch']._touch(ids)
            self.env['sales.customer.profile']._wake()
