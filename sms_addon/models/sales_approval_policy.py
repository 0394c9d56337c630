from odoo import fields, models


class SalesApprovalPolicy(models.Model):
    """Who releases a held order: levels one after the other, each with its own approvers.

    A policy without levels asks the sales managers. Changes take effect at once, so who made them stays to be seen:
    a manager could let themselves in.
    """
    _name = 'sales.approval.policy'
    _inherit = ['mail.thread']
    _description = "Approval Policy"
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        'res.company', help="Only for orders of this company; of all companies if empty.", tracking=True)
    own_orders = fields.Boolean(
        string="Salespeople May Approve Their Own Orders", tracking=True,
        help="Otherwise neither the salesperson of an order, nor who created it, nor who asked may approve it, not even"
             " on somebody's behalf.")
    level_ids = fields.One2many('sales.approval.level', 'policy_id', string="Levels", copy=True)
    rule_ids = fields.One2many('sales.rule', 'approval_policy_id', string="Rules")
    hold_count = fields.Integer(string="Waiting", compute='_compute_hold_count')

    def _compute_hold_count(self):
        counts = dict(self.env['sales.order.hold']._read_group(
            [('policy_id', 'in', self.ids), ('state', '=', 'waiting')], ['policy_id'], ['__count']))
        for policy in self:
            policy.hold_count = counts.get(policy._origin, 0)

    def copy_data(self, default=None):
        return [
            {**vals, 'name': self.env._("%(name)s (copy)", name=policy.name)}
            for policy, vals in zip(self, super().copy_data(default), strict=True)
        ]

    def action_open_holds(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_order_hold_action'),
            'domain': [('policy_id', '=', self.id)],
            'context': {'search_default_waiting': 1},
        }

    def _next_level(self, level=None):
        """Return the level that is asked after a level, which may be archived by now; the first one without."""
        levels = self.level_ids.sorted()
        if not level:
            return levels[:1]
        return levels.filtered(lambda other: (other.sequence, other.id) > (level.sequence, level.id))[:1]
