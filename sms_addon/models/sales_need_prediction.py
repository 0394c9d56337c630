from datetime import timedelta

from odoo import Command, api, fields, models

#: days for which a lost need is not predicted again
REST_DAYS = 180
#: records written at a time
BATCH = 1000


class SalesNeed(models.Model):
    """Needs that a study predicts."""
    _name = 'sales.need'
    _inherit = ['sales.need']

    @api.model
    def _propose(self, rows, companies=None):
        """Make the needs that a study predicts the open predictions, and give up those that it no longer does.

        A customer has one need of a category: where somebody noted it, it is being quoted, or it was lost a short while
        ago, none is predicted. What somebody has worked on (a quotation, an opportunity, an activity) stays.

        :param rows: dicts with ``partner_id`` (commercial), ``company_id``, ``categ_id`` and ``name``, and possibly
            ``probability`` (percent), ``expected_revenue``, ``expected_date``, ``evidence_text``, ``product_ids``,
            ``evidence_ref`` (``model,id``) and ``user_id``
        :param companies: those whose earlier predictions are given up when not among the rows; else those of the rows
        :return: the open predictions
        """
        needs = self.sudo().with_context(tracking_disable=True, mail_create_nolog=True, mail_create_nosubscribe=True)
        company_ids = companies.ids if companies is not None else list({row['company_id'] for row in rows})
        known = needs._get_known(company_ids)
        users = self._get_salespeople(rows)
        kept, fresh = needs.browse(), []
        for row in {self._key_of_row(row): row for row in rows}.values():
            need = known.get(self._key_of_row(row))
            if need is None:
                fresh.append(self._prepare_prediction(row, users))
            elif need._is_untouched():
                need._write_changes(row, users)
                kept |= need
        for start in range(0, len(fresh), BATCH):
            kept |= needs.create(fresh[start:start + BATCH])
        stale = needs.browse([need.id for need in known.values() if need._is_untouched()]) - kept
        stale.action_archive()
        return kept.sudo(self.env.su)

    @api.model
    def _key_of_row(self, row):
        return row['partner_id'], row['company_id'], row['categ_id']

    def _get_known(self, company_ids):
        """Return (customer, company, category) -> the need there is already; what somebody noted comes first."""
        lost_since = fields.Datetime.now() - timedelta(days=REST_DAYS)
        needs = self.search([
            ('company_id', 'in', company_ids), ('categ_id', '!=', False),
            '|', ('state', 'in', ('open', 'quoted')),
            '&', ('state', '=', 'lost'), ('write_date', '>=', lost_since),
        ])
        needs = needs.sorted(lambda need: not need._is_untouched())  # the last one is what counts
        return {(need.commercial_partner_id.id, need.company_id.id, need.categ_id.id): need for need in needs}

    def _is_untouched(self):
        return (
            self.evidence == 'prediction' and self.state == 'open' and not self.lead_id and not self.activity_ids)

    @api.model
    def _get_salespeople(self, rows):
        """Return (customer, company) -> whose the customer is; without one of its own, as the profile has it."""
        partners = self.env['res.partner'].sudo().browse({row['partner_id'] for row in rows})
        profiles = self.env['sales.customer.profile'].sudo().search_fetch(
            [('commercial_partner_id', 'in', partners.ids)], ['commercial_partner_id', 'company_id', 'user_id'])
        users = {(profile.commercial_partner_id.id, profile.company_id.id): profile.user_id.id for profile in profiles}
        owners = {partner.id: partner.user_id.id for partner in partners}
        return {
            (row['partner_id'], row['company_id']):
                owners[row['partner_id']] or users.get((row['partner_id'], row['company_id']), False)
            for row in rows}

    @api.model
    def _prepare_prediction(self, row, users):
        products = row.get('product_ids')
        return {
            **row,
            'evidence': 'prediction',
            'user_id': row.get('user_id') or users[row['partner_id'], row['company_id']],
            **({'product_ids': [Command.set(products)]} if products else {}),
        }

    def _write_changes(self, row, users):
        """Write the figures of a prediction that are not those there were; it is given to nobody else."""
        names = ('probability', 'expected_revenue', 'expected_date', 'evidence_text')
        new = {name: row[name] for name in names if name in row}
        if 'expected_date' in new:
            new['expected_date'] = fields.Date.to_date(new['expected_date'])
        changes = {name: value for name, value in new.items() if self[name] != value}
        # the run that it is known from now
        evidence = self.evidence_ref and f'{self.evidence_ref._name},{self.evidence_ref.id}'
        if row.get('evidence_ref', evidence) != evidence:
            changes['evidence_ref'] = row['evidence_ref']
        if not self.user_id and (user_id := users[row['partner_id'], row['company_id']]):
            changes['user_id'] = user_id
        if changes:
            self.write(changes)
