from odoo import api, fields, models
from odoo.exceptions import UserError


class SalesOrderVote(models.Model):
    """What an approver said about a held order. It is never changed."""
    _name = 'sales.order.vote'
    _description = "Vote on a Held Order"
    _order = 'date desc, id desc'
    _rec_name = 'user_id'

    hold_id = fields.Many2one('sales.order.hold', readonly=True, required=True, ondelete='cascade', index=True)
    level_id = fields.Many2one('sales.approval.level', readonly=True, ondelete='restrict', index='btree_not_null')
    user_id = fields.Many2one('res.users', string="By", readonly=True, required=True, ondelete='restrict')
    on_behalf_of_id = fields.Many2one(
        'res.users', readonly=True, ondelete='restrict', help="Who was asked, and is absent.")
    vote = fields.Selection([('approve', "Approved"), ('refuse', "Refused")], readonly=True, required=True)
    reason = fields.Char(readonly=True)
    date = fields.Datetime(readonly=True, required=True, default=fields.Datetime.now)
    revision = fields.Integer(readonly=True, required=True, help="Of the request; votes on earlier ones do not count.")

    # the same user twice is stopped here too, should two of his clicks arrive at once
    _user_uniq = models.UniqueIndex(
        "(hold_id, revision, COALESCE(level_id, 0), user_id)", "This approver has decided already.")
    _principal_uniq = models.UniqueIndex(
        "(hold_id, revision, COALESCE(level_id, 0), COALESCE(on_behalf_of_id, user_id))",
        "This approver has decided already.")

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            raise UserError(self.env._("Votes are given by the buttons of the held order."))
        return super().create(vals_list)

    def write(self, vals):
        if vals:
            raise UserError(self.env._("A vote is not changed afterwards."))
        return super().write(vals)

    def _get_principal(self):
        """Return whose voices the votes are."""
        return self.env['res.users'].union(*(vote.on_behalf_of_id or vote.user_id for vote in self))
