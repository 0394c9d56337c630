import ast

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

#: what makes a segment the work of a person, when a person changes it
OWN_WORK = {'name', 'description', 'domain', 'company_id'}


class SalesSegment(models.Model):
    """A part of the customers that a sales manager gave a name: a filter on their profiles, and who passes it.

    Who passes is kept in a table, so that a list, a mailing or a rule that asks for a segment costs no more than a
    join, and so that a customer is in a segment by the figures of the same day everywhere. The table follows the
    filter when that is edited, the customers that orders change, and every night the day.
    """
    _name = 'sales.segment'
    _description = "Customer Segment"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True, tracking=True)
    description = fields.Text(translate=True, help="Who these customers are, and what to do with them.")
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        'res.company', default=lambda self: self.env.company, help="The customers of all companies if empty.")
    domain = fields.Char(string="Customers", required=True, default='[]', tracking=True)
    study_id = fields.Many2one(
        'sales.study', string="Found By", readonly=True, ondelete='set null', index='btree_not_null')
    is_edited = fields.Boolean(
        string="Edited by Hand", readonly=True, help="The next study leaves the segment as it is.")
    currency_id = fields.Many2one('res.currency', compute='_compute_currency_id')
    customer_count = fields.Integer(string="Number of Customers", compute='_compute_figures')
    revenue_12 = fields.Monetary(string="Revenue, 12 Months", compute='_compute_figures')
    revenue_share = fields.Float(
        string="Share of Revenue", compute='_compute_figures',
        help="Of the revenue of the last 12 months with the customers that you may see.")

    def init(self):
        super().init()
        # by hand, as the identifier of a profile is longer than the ORM takes the columns of a relation to be
        self.env.cr.execute("""
            CREATE TABLE IF NOT EXISTS sales_segment_customer_rel (
                profile_id bigint NOT NULL,
                segment_id integer NOT NULL REFERENCES sales_segment ON DELETE CASCADE,
                PRIMARY KEY (segment_id, profile_id))""")
        self.env.cr.execute(
            "CREATE INDEX IF NOT EXISTS sales_segment_customer_rel_profile_idx"
            " ON sales_segment_customer_rel (profile_id, segment_id)")

    @api.model
    def _drop_members(self):
        """Drop the table of the members, for the uninstallation."""
        self.env.cr.execute("DROP TABLE IF EXISTS sales_segment_customer_rel")

    @api.depends('company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for segment in self:
            segment.currency_id = (segment.company_id or self.env.company).currency_id

    @api.depends_context('uid', 'company')
    def _compute_figures(self):
        profiles = self.env['sales.customer.profile']
        figures = {
            segment.id: (count, revenue) for segment, count, revenue in profiles._read_group(
                [('segment_ids', 'in', self.ids)], ['segment_ids'], ['__count', 'revenue_12:sum'])}
        totals = {
            company.id: revenue for company, revenue in profiles._read_group(
                [('company_id', 'in', self.env.companies.ids)], ['company_id'], ['revenue_12:sum'])}
        for segment in self:
            total = totals.get(segment.company_id.id, 0) if segment.company_id else sum(totals.values())
            segment.customer_count, segment.revenue_12 = figures.get(segment.id, (0, 0))
            segment.revenue_share = segment.revenue_12 / total if total else 0

    @api.constrains('domain')
    def _check_domain(self):
        for segment in self:
            try:
                domain = segment._parse_domain()
                # members are found by sudo, as constraints are run: nobody may ask for fields that are kept from him
                self.env['sales.customer.profile'].sudo(False)._search(domain)
            except (ValueError, SyntaxError, TypeError) as error:
                raise ValidationError(self.env._(
                    "The filter of segment '%(segment)s' cannot be used: %(reason)s",
                    segment=segment.name, reason=error)) from error
            if any(condition.field_expr.split('.')[0] == 'segment_ids' for condition in domain.iter_conditions()):
                raise ValidationError(self.env._(
                    "Segment '%(segment)s' filters customers by their segments: it would depend on itself.",
                    segment=segment.name))

    def _parse_domain(self):
        return Domain(ast.literal_eval(self.domain or '[]'))

    # -- members

    @api.model_create_multi
    def create(self, vals_list):
        segments = super().create(vals_list)
        segments._refresh_members()
        return segments

    def write(self, vals):
        if not self.env.su and OWN_WORK & vals.keys():
            vals = {**vals, 'is_edited': True}
        result = super().write(vals)
        if {'domain', 'company_id', 'active'} & vals.keys():
            self._refresh_members()
        return result

    @api.model
    def _refresh_customers(self, profile_ids):
        """Have some customers be in the segments that their figures of today call for.

        :param list profile_ids: ids of ``sales.customer.profile``
        """
        if profile_ids:
            # the customers of every company, whoever caused it
            self.sudo().search([('active', '=', True)])._refresh_members(profile_ids)

    def _refresh_members(self, profile_ids=None):
        """Have all customers, or the given ones, be in the segments where they pass the filter."""
        self.env.flush_all()
        scope = SQL() if profile_ids is None else SQL("AND member.profile_id = ANY(%s)", profile_ids)
        for segment in self:
            self.env.cr.execute(SQL(
                """
                  WITH passing AS MATERIALIZED (%(passing)s),
                       gone AS (DELETE FROM sales_segment_customer_rel member
                                 WHERE member.segment_id = %(segment)s %(scope)s
                                   AND NOT EXISTS (SELECT FROM passing WHERE passing.id = member.profile_id))
                INSERT INTO sales_segment_customer_rel (segment_id, profile_id)
                SELECT %(segment)s, passing.id FROM passing
                    ON CONFLICT DO NOTHING
                """, passing=segment._select_passing(profile_ids), segment=segment.id, scope=scope))
        self.env['sales.customer.profile']._invalidate()
        self.invalidate_recordset(['customer_count', 'revenue_12', 'revenue_share'])

    def _select_passing(self, profile_ids):
        """Return the query of the customers who pass the filter; of an archived segment, nobody."""
        # a segment is the same for everybody; what each may see of it is up to the record rules of the profiles
        profiles = self.env['sales.customer.profile'].sudo()
        if not self.active:
            return SQL("SELECT NULL::bigint AS id WHERE FALSE")
        domain = self._parse_domain()
        if self.company_id:
            domain &= Domain('company_id', '=', self.company_id.id)
        if profile_ids is not None:
            domain &= Domain('id', 'in', profile_ids)
        query = profiles._search(domain)
        return query.select(SQL("%s AS id", SQL.identifier(query.table, 'id')))

    @api.model
    def _cron_refresh(self):
        """Have the segments follow the day: recency and the stages of customers change without an order."""
        segments = self.search([('active', '=', True)])
        for done, segment in enumerate(segments, 1):
            segment._refresh_members()
            if not self.env['ir.cron']._commit_progress(1, remaining=len(segments) - done):
                break

    # -- studies

    @api.model
    def _replace_by_study(self, study, vals_list):
        """Put the segments that a study found in the place of those of the studies before it.

        What somebody edited by hand stays: it is that person's segment now.

        :param study: ``sales.study`` record
        :param list vals_list: name, description, domain, sequence and color of each segment
        """
        before = self.sudo().with_context(active_test=False).search([
            ('study_id', '!=', False), ('is_edited', '=', False), ('company_id', '=', study.company_id.id)])
        again = self._find_again(before, vals_list)
        kept = self.browse()
        for place, vals in enumerate(vals_list):
            vals = {**vals, 'study_id': study.id, 'company_id': study.company_id.id, 'active': True}
            if segment := again.get(place):
                segment.write(vals)
                kept += segment
            else:
                kept += self.sudo().create(vals)
        (before - kept).active = False
        return kept

    @api.model
    def _find_again(self, before, vals_list):
        """Return place in the list -> segment of an earlier study that it is: by the filter, else by the name.

        Rules and mailings name records: those who buy often and much have to stay one, though from another day on it
        takes an order more.
        """
        found, left = {}, before.sorted(lambda segment: (not segment.active, -segment.id))
        for name in ('domain', 'name'):
            for place, vals in enumerate(vals_list):
                if place not in found:
                    same = left.filtered(lambda segment, name=name, vals=vals: segment[name] == vals[name])[:1]
                    if same:
                        found[place] = same
                        left -= same
        return found

    # -- buttons

    def action_open_customers(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_customer_profile_action'),
            'name': self.name,
            'domain': [('segment_ids', 'in', self.ids)],
            'context': {},
        }

    def action_refresh(self):
        self.check_access('write')
        self._refresh_members()

    def action_send_mailing(self):
        """Open a new mailing to the customers of the segment, where the host's mailings are installed."""
        self.ensure_one()
        if 'mailing.mailing' not in self.env:
            raise ValidationError(self.env._("Install Email Marketing to write to a whole segment."))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Mailing to %(segment)s", segment=self.name),
            'res_model': 'mailing.mailing',
            'views': [(False, 'form')],
            'context': {
                'default_mailing_model_id': self.env['ir.model']._get_id('res.partner'),
                'default_mailing_domain': repr([('sales_segment_ids', 'in', self.ids)]),
            },
        }
