from odoo import api, models


class SalesRuleFamily(models.AbstractModel):
    """What the families of facts stand on; ``sales.rule.facts`` puts them together."""
    _name = 'sales.rule.family'
    _description = "Family of Facts of Sales"

    @api.model
    def _fields_read(self):
        """Return family -> model -> the stored fields that its SQL reads, to be flushed before."""
        return {}

    @api.model
    def _to_flush(self, family):
        read = self._fields_read()
        return [
            self.env[model]._fields[name]
            for part in ('docs', family)
            for model, names in read.get(part, {}).items()
            for name in names
        ]
