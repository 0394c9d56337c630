from odoo import api, fields, models
from odoo.fields import Domain

from .sales_customer_profile import LIFECYCLES

SALESMAN = 'sales_team.group_sale_salesman'


class ResPartner(models.Model):
    """A contact as the customer he stands for: the profile of his commercial entity in the current company, and the
    segments he is in, of all companies that are looked at: a mailing or an assignment has no company of its own."""
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
            partner.sales_profile_id = found.get(partner.commercial_partner_id._origin.id)

    @api.depends('sales_profile_id')
    @api.depends_context('company', 'uid')
    def _compute_sales_lifecycle(self):
        for partner in self:
            partner.sales_lifecycle = partner.sales_profile_id.lifecycle

    @api.depends('commercial_partner_id')
    @api.depends_context('allowed_company_ids', 'uid')
    def _compute_sales_segment_ids(self):
        profiles = self.env['sales.customer.profile'].search([
            ('commercial_partner_id', 'in', self.commercial_partner_id.ids), ('segment_ids', '!=', False)])
        found, nobody = profiles.grouped('commercial_partner_id'), profiles.browse()
        for partner in self:
            partner.sales_segment_ids = found.get(partner.commercial_partner_id._origin, nobody).segment_ids

    def _search_sales_profile_id(self, operator, value):
        return self._search_by_profile('id', operator, value, self._of_current_company())

    def _search_sales_lifecycle(self, operator, value):
        return self._search_by_profile('lifecycle', operator, value, self._of_current_company())

    def _search_sales_segment_ids(self, operator, value):
        return self._search_by_profile('segment_ids', operator, value, Domain.TRUE)

    @api.model
    def _of_current_company(self):
        return Domain('company_id', '=', self.env.company.id)

    @api.model
    def _search_by_profile(self, name, operator, value, scope):
        """Return the contacts of the customers whose profile is as asked for; without a profile, nothing is.

        :param Domain scope: the profiles that count
        """
        if operator not in ('in', 'any', 'any!', '=', 'ilike', '=ilike', 'like', '=like', '<', '>', '<=', '>='):
            return NotImplemented
        asked, missing = Domain(name, operator, value), Domain.FALSE
        if operator == 'in' and False in value:
            known = self._select_customers(scope & Domain(name, '!=', False))
            missing = Domain('commercial_partner_id', 'not in', known)
            asked = Domain(name, 'in', [each for each in value if each is not False])
        return missing | Domain('commercial_partner_id', 'in', self._select_customers(scope & asked))

    @api.model
    def _select_customers(self, domain):
        return self.env['sales.customer.profile']._search(domain).subselect('commercial_partner_id')
