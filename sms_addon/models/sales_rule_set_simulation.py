from odoo import models


class SalesRuleSet(models.Model):
    _inherit = 'sales.rule.set'

    def action_simulate(self):
        """Ask which documents are to be looked at, and what the rules would have decided on them."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Simulate %(set)s", set=self.name),
            'res_model': 'sales.rule.simulation',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_set_id': self.id},
        }
