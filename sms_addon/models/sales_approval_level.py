from odoo import api, fields, models
from odoo.exceptions import ValidationError

APPROVERS = [
    ('group', "A group"),
    ('users', "These users"),
    ('manager', "The salesperson's manager"),
    ('team_leader', "The leader of the sales team"),
]
ESCALATIONS = [
    ('next_level', "The approvers of the next level"),
    ('managers', "The managers of the approvers"),
    ('users', "These users"),
]


class SalesApprovalLevel(models.Model):
    """One step of an approval: who is asked, how many of them must agree, and who is added if they are silent."""
    _name = 'sales.approval.level'
    _description = "Approval Level"
    _order = 'sequence, id'

    policy_id = fields.Many2one('sales.approval.policy', required=True, ondelete='cascade', index=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    approver = fields.Selection(APPROVERS, string="Who Approves", required=True, default='manager')
    group_id = fields.Many2one('res.groups', ondelete='restrict')
    user_ids = fields.Many2many('res.users', string="Users", domain=[('share', '=', False)])
    quorum = fields.Integer(
        string="Approvals Needed", required=True, default=1,
        help="So many different approvers must agree, or all of them where there are fewer. One refusal is enough.")
    escalate_hours = fields.Integer(string="Escalate After (Hours)", help="Zero: never.")
    escalate_to = fields.Selection(ESCALATIONS, default='next_level', help="They are added to the approvers.")
    escalate_user_ids = fields.Many2many(
        'res.users', 'sales_approval_level_escalate_rel', string="Escalate To Users", domain=[('share', '=', False)])

    _quorum_check = models.Constraint('CHECK(quorum > 0)', "At least one approval is needed.")
    _hours_check = models.Constraint('CHECK(escalate_hours >= 0)', "An escalation cannot come before the request.")

    @api.depends('approver', 'group_id', 'user_ids')
    def _compute_display_name(self):
        approvers = dict(self._fields['approver']._description_selection(self.env))
        for level in self:
            # groups may not be read by whoever reads who is asked
            named = {
                'group': level.sudo().group_id.display_name,
                'users': ', '.join(level.sudo().user_ids.mapped('name')),
            }
            level.display_name = named.get(level.approver) or approvers.get(level.approver) or ''

    @api.constrains('approver', 'group_id', 'user_ids')
    def _check_approver(self):
        for level in self:
            missing = {'group': not level.group_id, 'users': not level.user_ids}.get(level.approver)
            if missing:
                raise ValidationError(self.env._("A level of %(policy)s does not say who approves.",
                                                 policy=level.policy_id.name))

    @api.constrains('escalate_hours', 'escalate_to', 'escalate_user_ids')
    def _check_escalation(self):
        for level in self:
            if level.escalate_hours and (
                not level.escalate_to or level.escalate_to == 'users' and not level.escalate_user_ids
            ):
                raise ValidationError(self.env._("A level of %(policy)s escalates to nobody.",
                                                 policy=level.policy_id.name))

    # -- what changes is said on the policy

    @api.model_create_multi
    def create(self, vals_list):
        levels = super().create(vals_list)
        for level in levels:
            level._tell(level.env._("Level added: %(level)s", level=level._describe()))
        return levels

    def write(self, vals):
        before = {level: level._describe() for level in self}
        result = super().write(vals)
        for level, text in before.items():
            now = level._describe()
            if now != text:
                level._tell(level.env._("Level changed from: %(before)s To: %(now)s", before=text, now=now))
        return result

    def _tell(self, text):
        if not self.env.context.get('tracking_disable'):
            self.policy_id.message_post(body=text)

    def _describe(self):
        """Return who decides at a level, in the language of the user."""
        def chosen(name):
            return dict(self._fields[name]._description_selection(self.env)).get(self[name], '')

        named = self.approver in ('group', 'users')
        parts = [
            f"{chosen('approver')} ({self.display_name})" if named else chosen('approver'),
            self.env._("approvals needed: %(number)s", number=self.quorum),
        ]
        if self.escalate_hours:
            users = ', '.join(self.sudo().escalate_user_ids.mapped('name')) if self.escalate_to == 'users' else ''
            parts.append(self.env._(
                "after %(hours)s hours: %(whom)s", hours=self.escalate_hours, whom=users or chosen('escalate_to')))
        if not self.active:
            parts.append(self.env._("archived"))
        return f"{self.sequence}. {', '.join(parts)}."

    def unlink(self):
        """Archive a level at which orders waited: votes refer to it, and what waits there goes on to the next."""
        holds = self.env['sales.order.hold'].sudo().search([('level_id', 'in', self.ids)])
        votes = self.env['sales.order.vote'].sudo().search([('level_id', 'in', self.ids)])
        used = holds.level_id | votes.level_id
        used.active = False
        unused = self - used
        for level in unused:
            level._tell(level.env._("Level removed: %(level)s", level=level._describe()))
        return super(SalesApprovalLevel, unused).unlink()

    def _get_approvers(self, order):
        """Return who is asked about an order, whether or not they may decide."""
        self.ensure_one()
        return {
            'group': lambda: self.group_id.all_user_ids,
            'users': lambda: self.user_ids,
            'manager': lambda: order.user_id._get_hr_manager(order.company_id),
            'team_leader': lambda: order.team_id.user_id,
        }[self.approver]()

    def _get_escalation(self, hold):
        """Return who is added when the approvers of a hold are silent."""
        self.ensure_one()
        if self.escalate_to == 'users':
            return self.escalate_user_ids
        if self.escalate_to == 'managers':
            return self.env['res.users'].union(*(
                user._get_hr_manager(hold.company_id) for user in hold.asked_ids))
        following = self.policy_id._next_level(self)
        return following._get_approvers(hold.order_id) if following else self.env['res.users']
