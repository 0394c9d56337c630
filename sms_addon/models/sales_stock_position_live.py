from odoo import api, models
from odoo.tools import SQL

#: a message that tells of more than these tells that all may have changed
MAX_IDS = 200
#: what a browser asks for; see ir.websocket
CHANNEL = 'sales_stock_positions'
CHANGED = 'sms_addon.stock_changed'


class SalesStockPosition(models.Model):
    """Tells open boards which positions changed; they read them again with their own rights."""
    _name = 'sales.stock.position'
    _inherit = ['sales.stock.position']

    @api.model
    def _notify_changed(self, ids):
        """Tell open boards, once until the next savepoint or commit however often positions change before it.

        :param ids: ids of positions, gone ones too; None when all may have changed
        """
        data = self.env.cr.precommit.data
        if CHANGED not in data:
            data[CHANGED] = set()
            self.env.cr.precommit.add(self._send_changed)
        if ids is None or data[CHANGED] is None:
            data[CHANGED] = None
        else:
            data[CHANGED].update(ids)
        return super()._notify_changed(ids)

    @api.model
    def _send_changed(self):
        ids = self.env.cr.precommit.data.pop(CHANGED)
        if ids is not None and not ids:
            return
        for company, changed in self._changed_by_company(ids):
            # only ids: whoever may not read a position learns nothing about it
            self.env['bus.bus']._sendone((company, CHANNEL), CHANGED, changed)

    @api.model
    def _changed_by_company(self, ids):
        """Return pairs of a company and its message."""
        # sudo: all companies are told, each about its own
        companies = self.env['res.company'].sudo()
        if ids is None:
            return [(company, {'all': True}) for company in companies.search([('active', '=', True)])]
        rows = self.env.execute_query(SQL(
            "SELECT company_id, ARRAY_AGG(id) FROM sales_stock_position WHERE id = ANY(%s) GROUP BY company_id",
            list(ids)))
        found = {company_id: changed for company_id, changed in rows}
        gone = ids.difference(*found.values())
        if gone:
            # whose they were is not known any more
            found = {company.id: found.get(company.id, []) + list(gone)
                     for company in companies.search([('active', '=', True)])}
        return [
            (companies.browse(company_id), {'ids': sorted(changed)} if len(changed) <= MAX_IDS else {'all': True})
            for company_id, changed in sorted(found.items())
        ]
