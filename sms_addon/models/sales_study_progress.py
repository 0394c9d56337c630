from odoo import fields, models


class SalesStudyProgress(models.Model):
    _name = 'sales.study.progress'
    _inherit = ['sales.progress.mixin']
    _description = "Progress of a Study"
    _log_access = False

    phase = fields.Char(readonly=True)
