"""Finding, and if so wanted creating, the customers, products, teams and people that the rows of a file name."""

from collections import defaultdict
from decimal import Decimal

from odoo.fields import Domain

from ..tools.sales_import import WARNING, Issue
from ..tools.sales_values import price_line

# Names of countries in public data sets that the host does not know by that name.
COUNTRY_CODES = {
    'eire': 'IE',
    'usa': 'US',
    'united states of america': 'US',
    'uk': 'GB',
    'great britain': 'GB',
    'england': 'GB',
    'rsa': 'ZA',
    'south korea': 'KR',
    'korea': 'KR',
    'russia': 'RU',
    'channel islands': 'JE',
    'czechia': 'CZ',
    'uae': 'AE',
    'hong kong': 'HK',
    'taiwan': 'TW',
    'vietnam': 'VN',
}
NEW_USER_CONTEXT = {'no_reset_password': True, 'mail_create_nosubscribe': True, 'tracking_disable': True}


class Directory:
    """What one run knows of the records behind the names of its file; ids only, as commits empty the cache.

    ``dry`` looks up and creates nothing. A record that would be created is then known as ``0``.
    """

    def __init__(self, record):
        self.record = record
        self.env = record.env(
            context={
                **record.env.context,
                'tracking_disable': True,
                'mail_create_nosubscribe': True,
                'mail_create_nolog': True,
                'active_test': False,
            }
        )
        self.company = record.company_id
        self.customers, self.products, self.categories = {}, {}, {}
        self.teams, self.salespeople, self.segments = {}, {}, {}
        self.barred = set()  # salespeople whose login is taken, by someone who cannot sell for this company
        self.countries, self.states = {}, {}
        self.currencies = {
            currency.name: currency for currency in self.env['res.currency'].search([('active', '=', True)])
        }
        self.rates, self.roundings, self.pricelists, self.warehouses = {}, {}, {}, {}

    def look_up(self, plans, dry):
        """Find what the plans need; refuse the plans that need something that is not there."""
        lines = [line for plan in plans for line in plan.lines]
        self._look_up(
            self.customers,
            'customer_key',
            lines,
            self._find_customers,
            self.record.create_customers,
            self._prepare_customer,
            'res.partner',
            dry,
        )
        self._look_up(
            self.products,
            'product_key',
            lines,
            self._find_products,
            self.record.create_products,
            self._prepare_product,
            'product.product',
            dry,
        )
        self._look_up(
            self.teams, 'team', lines, self._find_teams, self.record.create_teams, self._prepare_team, 'crm.team', dry
        )
        self._look_up(
            self.salespeople,
            'salesperson',
            lines,
            self._find_salespeople,
            self.record.create_salespeople,
            self._prepare_salesperson,
            'res.users',
            dry,
        )
        for plan in plans:
            if faults := list(self._get_faults(plan)):
                plan.refuse(*faults)

    def _look_up(self, known, name, lines, find, create, prepare, model, dry):
        """Complete ``known`` (id by key) with the keys of the lines, by one search and one create at most."""
        wanted = {}
        for line in lines:
            key = getattr(line.row, name)
            if key and known.get(key) is None:
                wanted.setdefault(key, line)
        if not wanted:
            return
        known.update(find(wanted))
        missing = {
            key: line for key, line in wanted.items()
            if known.get(key) is None and (name, key) not in self.barred
        }
        if not missing or not create:
            return
        if dry:
            known.update(dict.fromkeys(missing, 0))
            return
        values = {key: prepare(key, line.row) for key, line in missing.items()}
        distinct = {}
        for key, vals in values.items():  # two ways to write a login are one user
            distinct.setdefault(vals.get('login', key), vals)
        ids = dict(zip(distinct, self._new(model).create(list(distinct.values())).ids, strict=True))
        known.update({key: ids[vals.get('login', key)] for key, vals in values.items()})

    def _new(self, model):
        """Return the model as the import creates it: who may import need not have the rights to each of these."""
        return self.env[model].sudo().with_context(**(NEW_USER_CONTEXT if model == 'res.users' else {}))

    def _get_faults(self, plan):
        """Yield what is missing for an order, and warn of what it can do without."""
        for line in plan.lines:
            if self.products.get(line.row.product_key) is None:
                yield Issue(line.line, 'product_code', line.row.product, 'unknown_product')
            if self.customers.get(line.row.customer_key) is None:
                yield Issue(line.line, 'customer_ref', line.row.customer, 'unknown_customer')
            currency = line.row.currency or self.record.currency_id.name
            if currency and currency not in self.currencies:
                yield Issue(line.line, 'currency', currency, 'unknown_currency')
            elif currency and not self._has_rate(currency):
                yield Issue(line.line, 'currency', currency, 'no_rate')
        for line in plan.lines[:1]:
            row = line.row
            for column, known in (('team', self.teams), ('salesperson', self.salespeople)):
                if getattr(row, column) and known.get(getattr(row, column)) is None:
                    plan.issues.append(Issue(line.line, column, getattr(row, column), f'unknown_{column}', WARNING))
            if row.country and self.get_country(row.country) is None:
                plan.issues.append(Issue(line.line, 'country', row.country, 'unknown_country', WARNING))

    def _has_rate(self, name):
        if name not in self.rates:
            currency = self.currencies[name]
            self.rates[name] = currency == self.company.currency_id or bool(currency.rate_ids)
        return self.rates[name]

    def get_currency(self, row):
        """Return the currency of a row: its own, the import's or the company's."""
        return self.currencies.get(row.currency) or self.record.currency_id or self.company.currency_id

    def get_rounding(self, currency):
        """Return the smallest amount of a currency as an exact number."""
        if currency.id not in self.roundings:
            self.roundings[currency.id] = Decimal(repr(currency.rounding))
        return self.roundings[currency.id]

    def get_pricelist(self, currency):
        """Return the id of a pricelist in this currency."""
        return self._get_or_create(
            self.pricelists,
            'product.pricelist',
            [('currency_id', '=', currency.id), ('company_id', 'in', [False, self.company.id]), ('active', '=', True)],
            {
                'name': self.env._("Sales history (%s)", currency.name),
                'currency_id': currency.id,
                'company_id': self.company.id,
            },
            currency.id,
        )

    def get_warehouse(self, user_id):
        """Return the id of the warehouse from which the orders of a salesperson go out."""
        if user_id not in self.warehouses:
            user = self.env['res.users'].browse(user_id or []).with_company(self.company)
            self.warehouses[user_id] = user._get_default_warehouse_id().id
        return self.warehouses[user_id]

    # -- customers

    def _find_customers(self, wanted):
        return {
            **self._find_kind('ref', wanted, 'res.partner', 'ref'),
            **self._find_kind('name', wanted, 'res.partner', 'name', Domain('parent_id', '=', False)),
        }

    def _prepare_customer(self, key, row):
        country = self.get_country(row.country)
        return {
            'name': row.customer_name or row.customer_ref,
            'ref': row.customer_ref or False,
            'customer_rank': 1,
            'city': row.city or False,
            'zip': row.zip or False,
            'country_id': country,
            'state_id': self._get_state(row.state, country),
            'category_id': [(4, self._get_segment(row.segment))] if row.segment else False,
        }

    def get_country(self, name):
        """Return the id of a country by its name, in any language, or its code; ``None`` if there is none."""
        if not name:
            return None
        if not self.countries:
            for lang in {'en_US', *dict(self.env['res.lang'].get_installed())}:
                for country in self.env['res.country'].with_context(lang=lang).search([]):
                    self.countries[country.name.casefold()] = self.countries[country.code.casefold()] = country.id
            for alias, code in COUNTRY_CODES.items():
                self.countries.setdefault(alias, self.countries.get(code.casefold()))
        return self.countries.get(name.casefold())

    def _get_state(self, name, country):
        if not name or not country:
            return None
        if country not in self.states:
            self.states[country] = {}
            for state in self.env['res.country.state'].search([('country_id', '=', country)]):
                self.states[country][state.name.casefold()] = self.states[country][state.code.casefold()] = state.id
        return self.states[country].get(name.casefold())

    def _get_segment(self, name):
        return self._get_or_create(self.segments, 'res.partner.category', [('name', '=', name)], {'name': name}, name)

    def _get_or_create(self, known, model, domain, values, key):
        if key not in known:
            records = self.env[model].search(domain, limit=1) or self._new(model).create(values)
            known[key] = records.id
        return known[key]

    # -- products

    def _find_products(self, wanted):
        return {
            **self._find_kind('ref', wanted, 'product.product', 'default_code'),
            **self._find_kind('name', wanted, 'product.product', 'name'),
        }

    def _prepare_product(self, key, row):
        price = float(row.unit_price) if row.unit_price is not None else 0.0
        if not price and row.total and row.quantity:
            price = (
                float(round(row.total / row.quantity / (1 - (row.discount or Decimal(0)) / 100), 2))
                if row.discount != 100
                else 0.0
            )
        values = {
            'name': row.product_name or row.product_code,
            'default_code': row.product_code or False,
            'type': 'service' if row.service else 'consu',
            'list_price': max(price, 0.0),
            'standard_price': get_unit_cost(row) or 0.0,
        }
        if row.category or row.subcategory:
            values['categ_id'] = self._get_category(row.category, row.subcategory)
        return values

    def _get_category(self, *path):
        parent = False
        for name in filter(None, path):
            parent = self._get_or_create(
                self.categories,
                'product.category',
                [('name', '=', name), ('parent_id', '=', parent)],
                {'name': name, 'parent_id': parent},
                (parent, name),
            )
        return parent

    # -- teams and people

    def _find_teams(self, wanted):
        return self._find('crm.team', 'name', list(wanted))

    def _prepare_team(self, key, row):
        return {'name': key, 'company_id': self.company.id}

    def _find_salespeople(self, wanted):
        """Find people by their login, by the one they would be given, or by their name.

        A login is unique in the database: one that a customer of the portal or another company has bars the way.
        """
        taken = {self._get_login(key) for key in wanted}
        users = self.env['res.users'].sudo().search(
            Domain('login', 'in', [*wanted, *taken]) | Domain('name', 'in', list(wanted)), order='id desc')
        ours = users.filtered(lambda user: not user.share and self.company in user.company_ids).sorted('active')
        by_name = {user.name: user.id for user in ours}
        by_login = {user.login: user.id for user in ours}
        taken.intersection_update(users.mapped('login'))
        found = {}
        for key in wanted:
            login = self._get_login(key)
            found[key] = by_login.get(key) or by_name.get(key) or by_login.get(login)
            if not found[key] and login in taken:
                self.barred.add(('salesperson', key))
        return found

    @staticmethod
    def _get_login(name):
        return name.casefold() if '@' in name else '.'.join(name.casefold().split())

    def _prepare_salesperson(self, key, row):
        return {
            'name': key,
            'login': self._get_login(key),
            'company_id': self.company.id,
            'company_ids': [(6, 0, self.company.ids)],
            'group_ids': [(6, 0, [self.env.ref('sales_team.group_sale_salesman').id])],
            'notification_type': 'inbox',
        }

    def _find_kind(self, kind, keys, model, field, *domains):
        """Return the id of each key of a kind, as :class:`Row` makes them."""
        texts = [text for one, text in keys if one == kind]
        return {(kind, text): record_id for text, record_id in self._find(model, field, texts, *domains).items()}

    def _find(self, model, field, keys, *domains):
        """Return the id of the oldest active record of each key, of this company or of all."""
        if not keys:
            return {}
        records = self.env[model].search_fetch(
            Domain.AND([Domain(field, 'in', keys), Domain('company_id', 'in', [False, self.company.id]), *domains]),
            [field, 'active'],
            order='id desc',
        )
        found = defaultdict(lambda: None)
        for record in records.sorted('active'):
            found[record[field]] = record.id
        return dict(found)


def get_unit_cost(row, subtotal=None):
    """Return the cost of a unit that the row states, by itself or through its margin; ``None`` if it does not.

    :param subtotal: what the line amounts to, if that is known already
    """
    if row.unit_cost is not None:
        return float(row.unit_cost)
    if row.profit is None or not row.quantity:
        return None
    if subtotal is None:
        subtotal = price_line(row.quantity, row.unit_price, row.discount, row.total).subtotal
    return float((subtotal - row.profit) / row.quantity)
