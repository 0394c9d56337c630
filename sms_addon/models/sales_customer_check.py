from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

#: that many with something in common are no duplicates: a switchboard, a portal, a word for "unknown"
MOST_DUPLICATES = 10
#: words that say what kind of company it is
LEGAL_FORMS = (
    r'\m(ltd|limited|inc|incorporated|llc|llp|plc|corp|corporation|co|company|gmbh|ag|kg|sarl|sas|sa|srl|spa|bv|nv)\M')
#: what is compared, each from a partner p; a name is compared within a country, that of a person at the same place
KEYS = {
    'email': SQL("p.email_normalized"),
    'phone': SQL("p.phone_sanitized"),
    'vat': SQL(
        "CASE WHEN length(p.vat) > 1 THEN"
        " NULLIF(upper(regexp_replace(p.vat, '[[:space:][:punct:]]', '', 'g')), '') END"),
    'name': SQL("""
        CASE WHEN length(regexp_replace(p.name, '[[:space:][:punct:]]', '', 'g')) > 2 THEN CASE
             WHEN p.is_company THEN NULLIF(regexp_replace(regexp_replace(lower(p.name), %s, '', 'g'),
                                           '[[:space:][:punct:]]+', '', 'g'), '') || '|' || COALESCE(p.country_id, 0)
             WHEN COALESCE(p.zip, p.city, '') <> '' THEN
                  regexp_replace(lower(p.name), '[[:space:][:punct:]]+', '', 'g')
                  || '|' || lower(COALESCE(p.zip, p.city))
             END END""", LEGAL_FORMS),
}


class SalesCustomerCheck(models.AbstractModel):
    """Finds what is missing or wrong in the data of customers, set by set.

    Customers are commercial entities with orders or customer invoices. A found issue that is found again is left alone,
    one that is not is deleted.
    """
    _name = 'sales.customer.check'
    _description = "Check of Customer Data"

    # -- whom it is about

    @api.model
    def _is_customer(self):
        return SQL("""
            (p.active AND p.id = p.commercial_partner_id AND p.partner_share AND (p.customer_rank > 0 OR EXISTS (
                SELECT FROM sale_order s JOIN res_partner contact ON contact.id = s.partner_id
                 WHERE contact.commercial_partner_id = p.id)))""")

    @api.model
    def _count_customers(self):
        [(count,)] = self.env.execute_query(SQL("SELECT COUNT(*) FROM res_partner p WHERE %s", self._is_customer()))
        return count

    @api.model
    def _get_customers(self, after_id, limit):
        self.env.flush_all()
        return [row[0] for row in self.env.execute_query(SQL(
            "SELECT p.id FROM res_partner p WHERE p.id > %s AND %s ORDER BY p.id LIMIT %s",
            after_id, self._is_customer(), limit))]

    @api.model
    def _check_customers(self, partner_ids):
        """Look again at the customers that some partners are or belong to."""
        self.env.flush_all()
        ids = [row[0] for row in self.env.execute_query(SQL(
            "SELECT DISTINCT commercial_partner_id FROM res_partner"
            " WHERE id = ANY(%s) AND commercial_partner_id IS NOT NULL", list(partner_ids)))]
        ids = sorted({*ids, *partner_ids})
        customers = [row[0] for row in self.env.execute_query(SQL(
            "SELECT p.id FROM res_partner p WHERE p.id = ANY(%s) AND %s", ids, self._is_customer()))]
        self._check_data(customers)
        self._drop_others(ids)
        self._find_duplicates(ids)

    # -- missing and wrong data

    @api.model
    def _check_data(self, customer_ids):
        """Find what is missing or wrong in the data of customers and their contacts, and what they are compared by."""
        self.env.flush_all()
        self._replace_keys(customer_ids)
        found = [*self._find_missing(customer_ids), *self._find_wrong(customer_ids)]
        self._replace_issues(SQL(
            "issue.kind <> 'duplicate' AND issue.commercial_partner_id = ANY(%s)", customer_ids), found)

    @api.model
    def _replace_keys(self, customer_ids):
        cr = self.env.cr
        cr.execute(SQL("DELETE FROM sales_customer_key WHERE partner_id = ANY(%s)", customer_ids))
        for kind, expression in KEYS.items():
            cr.execute(SQL(
                """INSERT INTO sales_customer_key (partner_id, kind, value)
                   SELECT p.id, %s, keyed.value
                     FROM res_partner p CROSS JOIN LATERAL (SELECT %s AS value) keyed
                    WHERE p.id = ANY(%s) AND keyed.value IS NOT NULL""", kind, expression, customer_ids))

    @api.model
    def _find_missing(self, customer_ids):
        """Return (partner, kind, value, fingerprint) of customers without a phone, an e-mail or a tax number.

        A tax number is missed of a company where other customers of the country have one.
        """
        return self.env.execute_query(SQL(
            """
            WITH contacts AS (
                SELECT commercial_partner_id AS id, bool_or(COALESCE(phone, '') <> '') AS has_phone,
                       bool_or(COALESCE(email, '') <> '') AS has_email
                  FROM res_partner
                 WHERE commercial_partner_id = ANY(%(ids)s) AND active
                 GROUP BY commercial_partner_id
            ), taxed AS (
                SELECT country.id FROM res_country country WHERE EXISTS (
                    SELECT FROM res_partner other
                     WHERE other.country_id = country.id AND other.customer_rank > 0 AND length(other.vat) > 1)
            )
            SELECT c.id, missing.kind, NULL, ''
              FROM contacts c
              JOIN res_partner p ON p.id = c.id
             CROSS JOIN LATERAL (VALUES
                  ('missing_phone', NOT c.has_phone), ('missing_email', NOT c.has_email),
                  ('missing_vat', p.is_company AND COALESCE(p.vat, '') = '' AND EXISTS (
                      SELECT FROM taxed WHERE taxed.id = p.country_id))
                  ) missing (kind, is_so)
             WHERE missing.is_so
            """, ids=customer_ids))

    @api.model
    def _find_wrong(self, customer_ids):
        """Return (partner, kind, value, fingerprint) of the data of customers and contacts that cannot be right."""
        partners = self.env['res.partner'].search_fetch(
            [('commercial_partner_id', 'in', customer_ids)],
            ['phone', 'email', 'email_normalized', 'vat', 'country_id', 'parent_id', 'commercial_partner_id'])
        phones, numbers = {}, {}
        for partner in partners:
            if partner.phone:
                key = partner.phone, partner.country_id.id
                if key not in phones:
                    phones[key] = bool(partner._sales_phone_error(partner.phone))
                if phones[key]:
                    yield partner.id, 'bad_phone', partner.phone, partner.phone
            if partner.email and not partner.email_normalized:
                yield partner.id, 'bad_email', partner.email, partner.email
            # contacts have the tax number of their company
            if partner.vat and partner == partner.commercial_partner_id:
                key = partner.vat, partner.country_id.id
                if key not in numbers:
                    numbers[key] = partner._sales_vat_is_wrong()
                if numbers[key]:
                    yield partner.id, 'bad_vat', partner.vat, partner.vat

    # -- duplicates

    @api.model
    def _find_duplicates(self, partner_ids=None):
        """Find customers with something in common, among all or with the given ones: an issue for each group.

        Customers of different companies are kept apart on purpose; those of no company are everybody's.
        """
        about, scope = SQL(), SQL("issue.kind = 'duplicate'")
        if partner_ids is not None:
            about = SQL(
                "WHERE (kind, value) IN (SELECT kind, value FROM sales_customer_key WHERE partner_id = ANY(%s))",
                list(partner_ids))
            scope = SQL(
                """issue.kind = 'duplicate' AND (issue.partner_id = ANY(%(ids)s) OR EXISTS (
                       SELECT FROM res_partner_sales_customer_issue_rel rel
                        WHERE rel.sales_customer_issue_id = issue.id AND rel.res_partner_id = ANY(%(ids)s)))""",
                ids=list(partner_ids))
        rows = self.env.execute_query(SQL(
            """
            SELECT alike.kind, array_agg(p.id ORDER BY p.id), array_agg(COALESCE(p.company_id, 0) ORDER BY p.id)
              FROM (SELECT kind, array_agg(DISTINCT partner_id) AS ids
                      FROM sales_customer_key %s
                     GROUP BY kind, value HAVING COUNT(DISTINCT partner_id) BETWEEN 2 AND %s) alike
              JOIN res_partner p ON p.id = ANY(alike.ids)
             GROUP BY alike.kind, alike.ids
            """, about, MOST_DUPLICATES))
        kinds_of = defaultdict(set)
        for kind, ids, company_ids in rows:
            for group in self._split_by_company(ids, company_ids):
                kinds_of[group].add(kind)
        self._replace_issues(scope, [
            (group[0], 'duplicate', ",".join(sorted(kinds)), ",".join(map(str, group)))
            for group, kinds in kinds_of.items()])

    @api.model
    def _split_by_company(self, ids, company_ids):
        """Return the groups of two or more that a company may see: its own customers with those of no company."""
        companies = set(company_ids) - {0} or {0}
        groups = (
            tuple(partner_id for partner_id, own in zip(ids, company_ids, strict=True) if own in (company, 0))
            for company in companies)
        return [group for group in groups if len(group) > 1]

    # -- keeping what was found

    @api.model
    def _forget(self, partner_ids):
        """Forget all that was found of some partners."""
        self.env.flush_all()
        for table in ('sales_customer_key', 'sales_customer_issue'):
            self.env.cr.execute(SQL(
                "DELETE FROM %s WHERE partner_id = ANY(%s)", SQL.identifier(table), list(partner_ids)))
        self.env['sales.customer.issue'].invalidate_model()

    @api.model
    def _drop_others(self, partner_ids=None):
        """Forget partners that are no customers, no longer or not yet."""
        for table, column in (('sales_customer_key', 'partner_id'), ('sales_customer_issue', 'commercial_partner_id')):
            name = SQL.identifier(table, column)
            self.env.cr.execute(SQL(
                "DELETE FROM %s WHERE %s AND NOT EXISTS (SELECT FROM res_partner p WHERE p.id = %s AND %s)",
                SQL.identifier(table),
                SQL("%s = ANY(%s)", name, list(partner_ids)) if partner_ids is not None else SQL("TRUE"),
                name, self._is_customer()))
        self.env['sales.customer.issue'].invalidate_model()

    @api.model
    def _replace_issues(self, scope, found):
        """Have exactly the found issues among those that the scope is about; those that stay keep their state.

        :param SQL scope: condition on ``issue``
        :param found: tuples (partner, kind, value, fingerprint)
        """
        cr = self.env.cr
        rows = list(found)
        columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
        cr.execute(SQL(
            """
            CREATE TEMP TABLE sales_customer_found ON COMMIT DROP AS
            SELECT * FROM unnest(%s::int[], %s::varchar[], %s::varchar[], %s::varchar[])
                AS f (partner_id, kind, value, fingerprint)
            """, *columns))
        cr.execute(SQL(
            """
            DELETE FROM sales_customer_issue issue
             WHERE %s AND NOT EXISTS (
                   SELECT FROM sales_customer_found f
                    WHERE (f.partner_id, f.kind, f.fingerprint) = (issue.partner_id, issue.kind, issue.fingerprint))
            """, scope))
        # what was put right and is wrong again is open again
        cr.execute(SQL(
            """
            INSERT INTO sales_customer_issue AS issue (
                   partner_id, commercial_partner_id, company_id, user_id, kind, value, fingerprint, state, found_at)
            SELECT p.id, p.commercial_partner_id, p.company_id, customer.user_id, f.kind, f.value, f.fingerprint,
                   'open', %s
              FROM sales_customer_found f
              JOIN res_partner p ON p.id = f.partner_id
              LEFT JOIN res_partner customer ON customer.id = p.commercial_partner_id
                ON CONFLICT (partner_id, kind, fingerprint) DO UPDATE
               SET state = 'open', value = EXCLUDED.value
             WHERE issue.state = 'fixed' OR issue.value IS DISTINCT FROM EXCLUDED.value AND issue.state = 'open'
            """, fields.Datetime.now()))
        cr.execute(SQL(
            """
            INSERT INTO res_partner_sales_customer_issue_rel (sales_customer_issue_id, res_partner_id)
            SELECT issue.id, other::int
              FROM sales_customer_found f
              JOIN sales_customer_issue issue
                ON (issue.partner_id, issue.kind, issue.fingerprint) = (f.partner_id, f.kind, f.fingerprint)
             CROSS JOIN LATERAL unnest(string_to_array(f.fingerprint, ',')) other
             WHERE f.kind = 'duplicate' AND other::int <> f.partner_id
                ON CONFLICT DO NOTHING
            """))
        cr.execute("DROP TABLE sales_customer_found")
        self.env['sales.customer.issue'].invalidate_model()
