from odoo import models

CUSTOMERS = ('customer.created', 'customer.changed', 'customer.merged')


class SalesReaderQuality(models.AbstractModel):
    """Has the data of customers looked at again when it changes, and that of new customers."""
    _name = 'sales.reader.quality'
    _inherit = ['sales.event.reader']
    _description = "Data quality of customers"

    _reader_types = (*CUSTOMERS, 'order.created')
    _reader_from_start = False

    def _consume(self, events):
        changed = events.filtered(lambda event: event.type in CUSTOMERS)
        partner_ids = {*changed.mapped('res_id'), *(events - changed).partner_id.ids, *changed.partner_id.ids}
        # of merged customers, those that are no more
        for event in changed:
            partner_ids.update((event.payload or {}).get('from') or ())
        self.env['sales.customer.check']._check_customers(partner_ids)
