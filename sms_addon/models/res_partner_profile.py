from odoo import api, fields, models
from odoo.fields import Domain

from .sales_customer_profile import LIFECYCLES

SALESMAN = 'sales_team.group_sale_salesman'


class ResPartner(models.Model):
    """A contact as the customer he stands for: the profile of his commercial entity in the current company."""
    _name = 'res.partner'
    _inherit = ['res.partner']

    sales_profile_id = fields.Many2one(
        'sales.customer.profile', string="Customer Profile", compute='_compute_sales_profile_id',
        search='_search_sales_profile_id', groups=SALESMAN)
    sales_lifecycle = fields.Selection(
        LIFECYCLES, string="Lifecycle", compute='_compute_sales_lifecycle', search='_search_sales_lifecycle',
        groups=SALESMAN, help="By the days since the last order against the customer's own rhythm.")
    sales_segment_ids = fields.Many2many(
        'sales.segment', string="Customer Segments", compute='_compute_sales_segment_ids',
        search='_search_sales_segment_ids', groups=SALESMAN)

    @api.depends('commercial_partner_id')
    @api.depends_context('company', 'uid')
    def _compute_sales_profile_id(self):
        profiles = self.env['sales.customer.profile'].search([
            ('commercial_partner_id', 'in', self.commercial_partner_id.ids), ('company_id', '=', self.env.company.id)])
        found = {profile.commercial_partner_id.id: profile for profile in profiles}
        for partner in self:
            partner.sales_profile_id = found.get(partner.commercial_partner_id.id)

    @api.depends('sales_profile_id')
    @api.depends_context('company', 'uid')
    def _compute_sales_lifecycle(self):
        for partner in self:
            partner.sales_lifecycle = partner.sales_profile_id.lifecycle

    @api.depends('sales_profile_id')
    @api.depends_context('company', 'uid')
    def _compute_sales_segment_ids(self):
        for partner in self:
            partner.sales_segment_ids = partner.sales_profile_id.segment_ids

    def _search_sales_profile_id(self, operator, value):
        return self._search_by_profile('id', operator, value)

    def _search_sales_lifecycle(self, operator, value):
        return self._search_by_profile('lifecycle', operator, value)

    def _search_sales_segment_ids(self, operator, value):
        return self._search_by_profile('segment_ids', operator, value)

    @api.model
    def _search_by_profile(self, name, operator, value):
        """Return the contacts of the customers whose profile is as asked for; without a profile, nothing is."""
        if operator not in ('in', 'any', 'any!', '=', 'ilike', '=ilike', 'like', '=like', '<', '>', '<=', '>='):
            return NotImplemented
        asked, missing = Domain(name, operator, value), Domain.FALSE
        of_company = Domain('company_id', '=', self.env.company.id)
        if operator == 'in' and False in value:
            known = self._select_customers(of_company & Domain(name, '!=', False))
            missing = Domain('commercial_partner_id', 'not in', known)
            asked = Domain(name, 'in', [each for each in value if each is not False])
        return missing | Domain('commercial_partner_id', 'in', self._select_customers(of_company & asked))

    @api.model
    def _select_customers(self, domain):
        return self.env['sales.customer.profile']._search(domain).subselect('commercial_partner_id')
