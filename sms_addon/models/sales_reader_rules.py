from odoo import models


class SalesReaderRules(models.AbstractModel):
    """Has the rules asked when something happens decide on what the ledger tells of."""
    _name = 'sales.reader.rules'
    _inherit = ['sales.event.reader']
    _description = "Rules"

    def _consume(self, events):
        self.env['sales.rule.engine']._decide_events(events)
