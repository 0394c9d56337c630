from odoo import fields, models


class ResPartner(models.Model):
    """What a customer and its contacts need."""
    _name = 'res.partner'
    _inherit = ['res.partner']

    sales_need_count = fields.Integer(
        string="Open Needs", compute='_compute_sales_need_count', groups='sales_team.group_sale_salesman')

    def _compute_sales_need_count(self):
        counts = dict(self.env['sales.need']._read_group(
            [('commercial_partner_id', 'in', self.commercial_partner_id.ids), ('state', 'in', ('open', 'quoted'))],
            ['commercial_partner_id'], ['__count']))
        for partner in self:
            partner.sales_need_count = counts.get(partner.commercial_partner_id, 0)

    def action_open_sales_needs(self):
        """Open the needs of the customer, or note the first one."""
        self.ensure_one()
        return self.env['sales.need']._open_of(
            [('commercial_partner_id', '=', self.commercial_partner_id.id)],
            {'partner_id': self.id, 'user_id': self._get_need_user().id})

    def _get_need_user(self):
        """Return whose a new need is: of the customer's salesperson, if the user may see needs of others."""
        sees_all = self.env.user.has_group('sales_team.group_sale_salesman_all_leads')
        return sees_all and self.user_id or self.env.user
