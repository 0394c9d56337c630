from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

#: roles from the widest, with the group that makes them
ROLES = {
    'manager': 'sales_team.group_sale_manager',
    'all': 'sales_team.group_sale_salesman_all_leads',
    'own': 'sales_team.group_sale_salesman',
}
DELEGATION = ('sales_delegate_id', 'sales_delegate_from', 'sales_delegate_until')


class ResUsers(models.Model):
    _inherit = 'res.users'

    sales_delegate_id = fields.Many2one(
        'res.users', string="Approvals Delegated To", domain=[('share', '=', False)], ondelete='set null',
        help="Decides on held orders on your behalf between these days; without days, whenever HR knows that you are"
             " absent. The vote says so.")
    sales_delegate_from = fields.Date(string="Delegated From")
    sales_delegate_until = fields.Date(string="Delegated Until")

    sales_role = fields.Selection([
        ('own', "Own documents"),
        ('all', "All documents"),
        ('manager', "Sales manager"),
    ], compute='_compute_sales_role', compute_sudo=True, search='_search_sales_role',
        help="What the user may do in sales: rules may ask more of some than of others.")

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, *DELEGATION]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, *DELEGATION]

    @api.depends('all_group_ids')
    def _compute_sales_role(self):
        groups = {role: self.env.ref(group) for role, group in ROLES.items()}
        for user in self:
            user.sales_role = next((role for role, group in groups.items() if group in user.all_group_ids), False)

    def _search_sales_role(self, operator, value):
        if operator != 'in':
            return NotImplemented
        found, wider = [], Domain.FALSE
        for role, group in ROLES.items():
            has_role = Domain('all_group_ids', 'in', self.env.ref(group).ids)
            if role in value:
                found.append(has_role & ~wider)
            wider |= has_role
        if False in value:
            found.append(~wider)
        return Domain.OR(found)

    @api.constrains(*DELEGATION)
    def _check_delegation(self):
        for user in self:
            if user.sales_delegate_id == user:
                raise ValidationError(self.env._("%(user)s cannot stand in for themselves.", user=user.name))
            if user.sales_delegate_id.share:
                raise ValidationError(self.env._("Approvals are delegated to users of this system only."))
            days = (user.sales_delegate_from, user.sales_delegate_until)
            if all(days) and days[0] > days[1]:
                raise ValidationError(self.env._("The delegation ends before it begins."))

    def write(self, vals):
        result = super().write(vals)
        if vals.keys() & {*DELEGATION, 'active'}:
            self.env['sales.order.hold'].sudo().search([
                ('state', '=', 'waiting'), ('asked_ids', 'in', self.ids)])._refresh_approvers()
        return result

    # -- who stands in for whom

    def _get_hr_manager(self, company):
        """Return the manager of the users as HR knows it, in a company first."""
        employees = self.sudo().employee_ids
        own = employees.filtered(lambda employee: employee.company_id == company)
        return (own or employees).parent_id.user_id.with_env(self.env)

    def _get_delegates(self, company):
        """Return who may vote on behalf of each of the users who is absent: {user: delegate}."""
        away = self._get_absent_in_hr()
        delegates = {}
        for user in self.sudo():
            delegate = user._is_delegating(user in away) and user.sales_delegate_id
            if not delegate and user in away:
                delegate = user._get_hr_manager(company)[:1]
            if delegate:
                delegates[user.with_env(self.env)] = delegate.with_env(self.env)
        return delegates

    def _is_delegating(self, away):
        """Return whether a user's own choice of a delegate holds today, where the user is."""
        self.ensure_one()
        start, end = self.sales_delegate_from, self.sales_delegate_until
        if not start and not end:
            return away
        today = fields.Date.context_today(self.with_context(tz=self.tz))
        return away or (not start or start <= today) and (not end or today <= end)

    def _get_absent_in_hr(self):
        """Return those who are on leave now, if leaves are kept in this database."""
        if 'hr.leave' not in self.env:
            return self.browse()
        now = fields.Datetime.now()
        leaves = self.env['hr.leave'].sudo().search([
            ('employee_id.user_id', 'in', self.ids), ('state', '=', 'validate'),
            ('date_from', '<=', now), ('date_to', '>=', now)])
        return leaves.employee_id.user_id.with_env(self.env) & self
