from odoo import api, models


class SalesImportHistory(models.AbstractModel):
    """Records that an import creates by the thousand: what is the same for all is found out once.

    Only under the context key ``sales_import_history``; whatever is not known here is left to the host.
    """

    _name = 'sales.import.history'
    _description = "Record Created by a Sales Import"

    @api.model
    def _add_missing_default_values(self, values):
        if not self.env.context.get('sales_import_history'):
            return super()._add_missing_default_values(values)
        defaults = self.env.cr.cache.setdefault('sales_import_defaults', {})
        if self._name not in defaults:
            defaults[self._name] = super()._add_missing_default_values({})
        return {**defaults[self._name], **values}
