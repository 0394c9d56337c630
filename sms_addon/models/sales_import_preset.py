from odoo import fields, models
from odoo.fields import Domain


class SalesImportPreset(models.Model):
    """The columns and the rules of a kind of file, to be used again."""

    _name = 'sales.import.preset'
    _inherit = ['sales.import.rules']
    _description = "Sales Import Preset"
    _order = 'name, id'

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one('res.company', index=True)
    mapping = fields.Json(help="Target field of each header.", default=dict, copy=True)
    column_count = fields.Integer(string="Columns", compute='_compute_column_count')

    def _compute_column_count(self):
        for preset in self:
            preset.column_count = len(preset.mapping or {})

    def _find_for(self, headers):
        """Return the preset of which all the columns are in the file, the one with most of them; or none."""
        presets = self.search(Domain('company_id', 'in', [False, self.env.company.id]))
        fitting = presets.filtered(lambda preset: preset.mapping and set(preset.mapping) <= set(headers))
        return max(fitting, key=lambda preset: len(preset.mapping), default=self.browse())

    def _get_rule_values(self):
        """Return the rules as values for an import."""
        self.ensure_one()
        return {name: self[name] for name in self._get_rule_names()}
