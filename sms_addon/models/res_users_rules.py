from odoo import api, fields, models
from odoo.fields import Domain

#: roles from the widest, with the group that makes them
ROLES = {
    'manager': 'sales_team.group_sale_manager',
    'all': 'sales_team.group_sale_salesman_all_leads',
    'own': 'sales_team.group_sale_salesman',
}


class ResUsers(models.Model):
    _inherit = 'res.users'

    sales_role = fields.Selection([
        ('own', "Own documents"),
        ('all', "All documents"),
        ('manager', "Sales manager"),
    ], compute='_compute_sales_role', compute_sudo=True, search='_search_sales_role',
        help="What the user may do in sales: rules may ask more of some than of others.")

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
