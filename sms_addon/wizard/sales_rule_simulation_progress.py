from odoo import models


class SalesRuleSimulationProgress(models.TransientModel):
    _name = 'sales.rule.simulation.progress'
    _inherit = ['sales.progress.mixin']
    _description = "Progress of a Simulation"

    def _read_progress(self):
        return {'done': self.done, 'total': self.total} if self else False
