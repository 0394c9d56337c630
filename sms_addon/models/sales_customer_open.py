from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

#: rows of each list
ROWS = 5
#: what a row may have, in the types that the lists have in common
COLUMNS = {
    'id': 'int4', 'name': 'text', 'text': 'text', 'day': 'date', 'moment': 'timestamp', 'amount': 'numeric',
    'currency_id': 'int4', 'user_name': 'text', 'model': 'text', 'res_id': 'int4', 'probability': 'float8',
    'kind': 'text',
}


class SalesCustomerOpen(models.AbstractModel):
    """What is open with a customer: needs, quotations, activities, meetings and data to put right; and its segments.

    All of it is one query; each list is a search of its model as the user may make it.
    """
    _name = 'sales.customer.open'
    _description = "What Is Open with a Customer"

    @api.model
    def _get(self, customer, today, profile):
        """Return list -> how many there are and the first rows of it.

        :param today: the day that what is late is late on
        """
        self.env.flush_all()
        searches = self._get_searches(customer, profile)
        lists = {name: {'count': 0, 'rows': []} for name in searches}
        rows = self.env.execute_query_dict(SQL(" UNION ALL ").join(
            SQL("(%s)", self._select(name, *search)) for name, search in searches.items()))
        for row in rows:
            content = lists[row['list']]
            content['count'] = row['total']
            content['rows'].append(self._prepare_row(row, today))
        return lists

    @api.model
    def _get_searches(self, customer, profile):
        """Return list -> (query of the records, SQL of its columns)."""
        return {
            'needs': self._search_needs(customer),
            'quotations': self._search_quotations(customer),
            'activities': self._search_activities(customer),
            'meetings': self._search_meetings(customer),
            'issues': self._search_issues(customer),
            'segments': self._search_segments(profile),
        }

    @api.model
    def _select(self, name, query, columns):
        query.limit = ROWS
        return query.select(
            SQL("%s AS list", name), SQL("COUNT(*) OVER () AS total"), *(
                SQL("(%s)::%s AS %s", columns.get(column, SQL("NULL")), SQL(kind), SQL.identifier(column))
                for column, kind in COLUMNS.items()))

    @api.model
    def _prepare_row(self, row, today):
        if row['list'] == 'issues':
            row['name'] = dict(self.env['sales.customer.issue']._fields['kind']._description_selection(self.env))[
                row['kind']]
        elif row['list'] == 'meetings' and row['name'] is None:
            row['name'] = self.env._("Busy")
        day = row['day']
        return {
            'date': fields.Date.to_string(day) or fields.Datetime.to_string(row['moment']) or None,
            'is_late': bool(day) and row['list'] != 'meetings' and day < today,
            'amount': None if row['amount'] is None else float(row['amount']),
            **{name: row[name] for name in (
                'id', 'name', 'text', 'currency_id', 'user_name', 'model', 'res_id', 'probability', 'kind')},
        }

    # -- the searches

    @api.model
    def _search_needs(self, customer):
        query = self.env['sales.need']._search([
            ('commercial_partner_id', '=', customer.id), ('state', 'in', ('open', 'quoted')),
            ('company_id', '=', self.env.company.id),
        ], order='probability desc, expected_date, id')
        return query, {
            'id': SQL("sales_need.id"), 'name': SQL("sales_need.name"), 'text': SQL("sales_need.evidence_text"),
            'day': SQL("sales_need.expected_date"), 'amount': SQL("NULLIF(sales_need.expected_revenue, 0)"),
            'currency_id': SQL("%s", self.env.company.currency_id.id), 'kind': SQL("sales_need.evidence"),
            'probability': SQL("sales_need.probability"),
        }

    @api.model
    def _search_quotations(self, customer):
        query = self.env['sale.order']._search([
            ('partner_id.commercial_partner_id', '=', customer.id), ('state', 'in', ('draft', 'sent')),
            ('company_id', '=', self.env.company.id),
        ], order='date_order desc, id desc')
        return query, {
            'id': SQL("sale_order.id"), 'name': SQL("sale_order.name"), 'kind': SQL("sale_order.state"),
            'day': SQL("sale_order.validity_date"), 'moment': SQL("sale_order.date_order"),
            'amount': SQL("sale_order.amount_untaxed"), 'currency_id': SQL("sale_order.currency_id"),
        }

    @api.model
    def _search_activities(self, customer):
        """Search the planned activities on the customer, its contacts, quotations, orders and opportunities."""
        documents = Domain('res_model', '=', 'res.partner') & Domain(
            'res_id', 'in', self.env['res.partner']._search([('commercial_partner_id', '=', customer.id)]))
        for model in ('sale.order', 'crm.lead'):
            if self.env[model].has_access('read'):
                documents |= Domain('res_model', '=', model) & Domain('res_id', 'in', self.env[model]._search([
                    ('partner_id.commercial_partner_id', '=', customer.id)]))
        # those of documents that the user may read; the host's check would read them one by one
        query = self.env['mail.activity'].sudo()._search(documents, order='date_deadline, id')
        return query, {
            'id': SQL("mail_activity.id"), 'day': SQL("mail_activity.date_deadline"),
            'name': SQL(
                """COALESCE(NULLIF(mail_activity.summary, ''), (
                   SELECT %s FROM mail_activity_type type WHERE type.id = mail_activity.activity_type_id))""",
                self.env['mail.activity.type'].sudo()._field_to_sql('type', 'name')),
            'user_name': self._select_user(SQL("mail_activity.user_id")),
            'model': SQL("mail_activity.res_model"), 'res_id': SQL("mail_activity.res_id"),
        }

    @api.model
    def _search_meetings(self, customer):
        """Search the meetings to come; one that is private keeps its name from whoever is not part of it."""
        query = self.env['calendar.event']._search([
            ('partner_ids.commercial_partner_id', '=', customer.id), ('stop', '>=', fields.Datetime.now()),
        ], order='start, id')
        fallback = self.env['ir.config_parameter'].sudo().get_param('calendar.default_privacy', 'public')
        hidden = SQL(
            """COALESCE(calendar_event.privacy, (
                   SELECT settings.calendar_default_privacy FROM res_users_settings settings
                    WHERE settings.user_id = calendar_event.user_id), %s) = 'private'
               AND calendar_event.user_id IS DISTINCT FROM %s
               AND NOT EXISTS (
                   SELECT FROM calendar_event_res_partner_rel rel
                    WHERE rel.calendar_event_id = calendar_event.id AND rel.res_partner_id = (
                         SELECT partner_id FROM res_users WHERE id = %s))""",
            fallback, self.env.uid, self.env.uid)
        return query, {
            'id': SQL("calendar_event.id"), 'name': SQL("CASE WHEN %s THEN NULL ELSE calendar_event.name END", hidden),
            'day': SQL("CASE WHEN calendar_event.allday THEN calendar_event.start_date END"),
            'moment': SQL("calendar_event.start"),
        }

    @api.model
    def _search_issues(self, customer):
        query = self.env['sales.customer.issue']._search(
            [('commercial_partner_id', '=', customer.id), ('state', '=', 'open')], order='kind, id')
        return query, {
            'id': SQL("sales_customer_issue.id"), 'kind': SQL("sales_customer_issue.kind"),
            'text': SQL("CASE WHEN sales_customer_issue.kind LIKE 'bad%%' THEN sales_customer_issue.value END"),
        }

    @api.model
    def _search_segments(self, profile):
        query = self.env['sales.segment']._search([('company_id', 'in', (self.env.company.id, False))])
        query.add_where(SQL(
            "sales_segment.id IN (SELECT segment_id FROM sales_segment_customer_rel WHERE profile_id = %s)",
            profile.id or None))
        return query, {
            'id': SQL("sales_segment.id"),
            'name': self.env['sales.segment']._field_to_sql('sales_segment', 'name'),
        }

    @api.model
    def _select_user(self, user):
        return SQL(
            "SELECT person.name FROM res_users who JOIN res_partner person ON person.id = who.partner_id"
            " WHERE who.id = %s", user)
