from odoo import models

#: of the profile of a customer in the current company
COMPANY_FIELDS = ('sales_lifecycle', 'sales_profile_id')


class CrmTeam(models.Model):
    """A team whose assignment may ask for the stage of customers: that in its own company, whoever assigns."""
    _inherit = 'crm.team'

    def _allocate_leads(self, creation_delta_days=7):
        return self._assign_by_company('_allocate_leads', creation_delta_days=creation_delta_days)

    def _assign_and_convert_leads(self, force_quota=False):
        return self._assign_by_company('_assign_and_convert_leads', force_quota=force_quota)

    def _assign_by_company(self, name, **options):
        """Have the host do a step of the assignment, for each company in its turn where domains ask for its customers.

        :return: what the step tells of each team or member
        """
        if not any(field in domain for domain in self._get_assignment_domains() for field in COMPANY_FIELDS):
            return getattr(super(), name)(**options)
        told = {}
        for company, teams in self.grouped('company_id').items():
            told.update(getattr(super(CrmTeam, teams.with_company(company)), name)(**options))
        return told

    def _get_assignment_domains(self):
        members = self.crm_team_member_ids
        return [domain for domain in (
            *self.mapped('assignment_domain'), *members.mapped('assignment_domain'),
            *members.mapped('assignment_domain_preferred')) if domain]
