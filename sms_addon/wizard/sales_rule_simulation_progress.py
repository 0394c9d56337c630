from odoo import fields, models
from odoo.tools import SQL

from .sales_rule_simulation_run import StopSimulation


class SalesRuleSimulationProgress(models.TransientModel):
    """How far a simulation is: written and read apart from the long transaction of the simulation itself."""
    _name = 'sales.rule.simulation.progress'
    _description = "Progress of a Simulation"

    done = fields.Integer(readonly=True)
    total = fields.Integer(readonly=True)
    stop_requested = fields.Boolean(readonly=True)

    def _publish(self, done, total):
        """Show how far it is.

        :raise StopSimulation: somebody asked to stop
        """
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                "UPDATE sales_rule_simulation_progress SET done = %s, total = %s WHERE id = %s"
                " RETURNING stop_requested", done, total, self.id))
            if (cr.fetchone() or [False])[0]:
                raise StopSimulation

    def _request_stop(self):
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                "UPDATE sales_rule_simulation_progress SET stop_requested = TRUE WHERE id IN %s",
                tuple(self.ids or [0])))

    def _read_progress(self):
        return {'done': self.done, 'total': self.total} if self else False
