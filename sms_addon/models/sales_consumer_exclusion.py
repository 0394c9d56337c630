from odoo import api, fields, models


class SalesConsumerExclusion(models.Model):
    """An event that one reader passes over, and why."""
    _name = 'sales.consumer.exclusion'
    _description = "Event Set Aside"
    _order = 'id desc'
    _rec_name = 'event_id'

    consumer_id = fields.Many2one('sales.consumer', required=True, index=True, ondelete='cascade', readonly=True)
    event_id = fields.Integer(string="Event Number", required=True, readonly=True)
    reason = fields.Char(required=True)
    error = fields.Text(readonly=True)

    _event_uniq = models.Constraint('UNIQUE(consumer_id, event_id)', "The event is set aside already.")

    @api.model_create_multi
    def create(self, vals_list):
        exclusions = super().create(vals_list)
        for exclusion in exclusions.sudo():
            # what went wrong is what the reader says, not what a client says
            exclusion.error = exclusion.consumer_id.last_error
        exclusions.consumer_id.sudo().retry_at = False
        exclusions.consumer_id._wake_up()
        return exclusions
