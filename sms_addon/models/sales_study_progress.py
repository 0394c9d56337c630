from odoo import api, fields, models
from odoo.tools import SQL

from .sales_study_run import StopStudy


class SalesStudyProgress(models.Model):
    """How far a study is: written and read apart from the long transaction of the study itself."""
    _name = 'sales.study.progress'
    _description = "Progress of a Study"
    _log_access = False

    phase = fields.Char(readonly=True)
    done = fields.Integer(readonly=True)
    total = fields.Integer(readonly=True)
    stop_requested = fields.Boolean(readonly=True)

    @api.private
    def publish(self, phase, done, total):
        """Show how far it is.

        :raise StopStudy: somebody asked to stop
        """
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                "UPDATE sales_study_progress SET phase = %s, done = %s, total = %s WHERE id = %s"
                " RETURNING stop_requested", str(phase), int(done), int(total), self.id))
            if (cr.fetchone() or [False])[0]:
                raise StopStudy

    @api.private
    def request_stop(self):
        """Tell whoever works on a study to stop, however long the transaction that has its row."""
        with self.env.registry.cursor() as cr:
            cr.execute(SQL(
                "UPDATE sales_study_progress SET stop_requested = TRUE WHERE id IN %s", tuple(self.ids or [0])))
