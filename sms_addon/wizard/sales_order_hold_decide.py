from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class SalesOrderHoldDecide(models.TransientModel):
    """Approve or refuse held orders, with a reason; several at once."""
    _name = 'sales.order.hold.decide'
    _description = "Decide on Held Orders"

    vote = fields.Selection([('approve', "Approve"), ('refuse', "Refuse")], required=True, default='refuse')
    hold_ids = fields.Many2many('sales.order.hold', string="Held Orders", readonly=True)
    reason = fields.Char()
    #: which request of each hold is shown: {hold id: revision}
    revisions = fields.Json(readonly=True)

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        for wizard in wizards:
            wizard.revisions = wizard._read_revisions()
        return wizards

    @api.model
    def default_get(self, fields_list):
        values = super().default_get(fields_list)
        if 'hold_ids' in fields_list and not values.get('hold_ids'):
            values['hold_ids'] = [fields.Command.set(self.env.context.get('active_ids', []))]
        return values

    def _read_revisions(self):
        """Return the revisions that the user saw: those of the screen he came from, else what they are now."""
        shown = self.env.context.get('hold_revision')
        if shown is not None and len(self.hold_ids) == 1:
            return {str(self.hold_ids.id): int(shown)}
        return {str(hold.id): hold.revision for hold in self.hold_ids}

    def action_decide(self):
        """Decide on each by itself: one that cannot be decided does not keep the others from it."""
        self.ensure_one()
        if self.vote == 'refuse' and not (self.reason or '').strip():
            raise UserError(self.env._("Say why: the salesperson reads it."))
        failures = []
        for hold in self.hold_ids:
            try:
                with self.env.cr.savepoint():
                    hold.with_context(hold_revision=self.revisions.get(str(hold.id)))._decide(self.vote, self.reason)
            except (UserError, AccessError) as error:
                if len(self.hold_ids) == 1:
                    raise
                failures.append(str(error))
        if not failures:
            return {'type': 'ir.actions.act_window_close'}
        if len(failures) == len(self.hold_ids):
            raise UserError("\n".join(failures))
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'warning',
                'sticky': True,
                'title': self.env._("%(count)s could not be decided", count=len(failures)),
                'message': "\n".join(failures),
                'next': {'type': 'ir.actions.act_window_close'},
            },
        }
