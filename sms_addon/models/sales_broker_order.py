from datetime import datetime, timedelta

from markupsafe import Markup

from odoo import Command, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize, escape_psql

from ..tools.order_message import parse_moment

#: what lies outside is a slip of the sender, not what a customer wants
EARLIEST = datetime(2000, 1, 1)
LATEST = timedelta(days=3652)
LARGEST_AMOUNT = 1e12


class MessageRefused(Exception):
    """A message that is well-formed, and asks for something that is not there."""

    def __init__(self, path, text):
        super().__init__(f'{path}: {text}')
        self.path = path


class SalesBrokerOrder(models.AbstractModel):
    """Makes quotations of the data of incoming messages, with the rights of the user of the environment.

    The data has passed the schema; what it names is looked up here, and never guessed.
    """
    _name = 'sales.broker.order'
    _description = "Orders from Incoming Messages"

    def _create_order(self, broker, data):
        """Return a new quotation.

        :param broker: its defaults and permissions
        :raise MessageRefused: names the place in the message and the value
        """
        customer = self._get_customer(broker, data['customer'])
        order = self.env['sale.order'].create(self._prepare_order_vals(broker, data, customer))
        self._check_amount(order)
        return order

    def _check_amount(self, order):
        amount = sum(line.price_unit * line.product_uom_qty for line in order.order_line)
        if amount > LARGEST_AMOUNT:
            raise MessageRefused('data.lines', self.env._(
                "They are worth %(amount)s before discounts, which cannot be meant.",
                amount=order.currency_id.format(amount)))

    def _prepare_order_vals(self, broker, data, customer):
        values = {
            'partner_id': customer.id,
            'company_id': broker.company_id.id,
            'origin': broker.name,
            'client_order_ref': data.get('reference', False),
            'order_line': self._prepare_lines(data['lines']),
            **self._prepare_pricelist(broker, data, customer),
        }
        if broker.team_id:
            values['team_id'] = broker.team_id.id
        if address := data.get('shipping_address'):
            values['partner_shipping_id'] = self._get_shipping_address(customer, address).id
        if text := data.get('commitment_date'):
            values['commitment_date'] = self._get_commitment_date(text)
        if note := data.get('note'):
            values['note'] = Markup('<br/>').join(note.splitlines())
        return values

    def _get_commitment_date(self, text):
        moment = parse_moment(text)
        if not EARLIEST <= moment <= fields.Datetime.now() + LATEST:
            raise MessageRefused('data.commitment_date', self.env._(
                "%(value)s is before the year 2000 or more than ten years ahead.", value=text))
        return moment

    # -- who

    def _get_customer(self, broker, asked):
        for name, domain in self._get_customer_domains(asked):
            partners = self.env['res.partner'].search(domain, limit=50)
            # contacts share what is their company's
            partners = partners.filtered(lambda partner: not partner.parent_id) or partners
            if len(partners) > 1:
                raise MessageRefused(f'data.customer.{name}', self.env._(
                    "Several customers have %(value)s.", value=asked[name]))
            if partners:
                if self._is_own(partners):
                    raise MessageRefused(f'data.customer.{name}', self.env._(
                        "%(value)s is one of our own companies, not a customer.", value=asked[name]))
                return partners
        if broker.create_customers and asked.get('name'):
            return self.env['res.partner'].create(self._prepare_customer_vals(asked))
        name = next((name for name in ('id', 'ref', 'vat', 'email', 'name') if name in asked), 'name')
        raise MessageRefused(f'data.customer.{name}', self._explain_no_customer(broker, asked, name))

    def _is_own(self, partner):
        """Return whether a partner is a company of this database, or a contact of one."""
        companies = self.env['res.company'].sudo().with_context(active_test=False)
        partners = partner | partner.sudo().commercial_partner_id
        return bool(companies.search_count([('partner_id', 'in', partners.ids)], limit=1))

    def _explain_no_customer(self, broker, asked, name):
        value = asked.get(name, '')
        if broker.create_customers:
            return self.env._("There is no customer %(value)s, and a new one needs a name.", value=value)
        return self.env._("There is no customer %(value)s, and this broker does not create any.", value=value)

    def _get_customer_domains(self, asked):
        """Yield what identifies a customer, the surest first."""
        if 'id' in asked:
            yield 'id', Domain('id', '=', asked['id'])
        if 'ref' in asked:
            yield 'ref', Domain('ref', '=', asked['ref'])
        if 'vat' in asked:
            yield 'vat', Domain('vat', 'in', [asked['vat'], ''.join(asked['vat'].split()).upper()])
        if email := email_normalize(asked.get('email') or ''):
            yield 'email', Domain('email_normalized', '=', email)

    def _prepare_customer_vals(self, asked):
        names = ('name', 'ref', 'vat', 'email', 'phone', 'is_company')
        address = self._prepare_address_vals(asked.get('address'), 'data.customer.address')
        address.pop('name', None)
        return {**address, **{name: asked[name] for name in names if name in asked}}

    def _get_shipping_address(self, customer, asked):
        """Return the customer's address that is meant, new only where it has none like it."""
        values = self._prepare_address_vals(asked, 'data.shipping_address')
        values.setdefault('name', customer.name)
        known = customer.commercial_partner_id.child_ids + customer.commercial_partner_id + customer
        for partner in known:
            if all((partner._fields[name].convert_to_write(partner[name], partner) or False) == (value or False)
                   for name, value in values.items()):
                return partner
        return self.env['res.partner'].create({**values, 'parent_id': customer.id, 'type': 'delivery'})

    def _prepare_address_vals(self, asked, path):
        if not asked:
            return {}
        country = self.env['res.country'].search([('code', '=', asked['country'])])
        if not country:
            raise MessageRefused(f'{path}.country', self.env._(
                "There is no country %(value)s.", value=asked['country']))
        values = {name: asked.get(name, False) for name in ('street', 'street2', 'zip', 'city')}
        values |= {name: asked[name] for name in ('name', 'phone', 'email') if name in asked}
        state = self.env['res.country.state']
        if 'state' in asked:
            state = state.search([('country_id', '=', country.id), ('code', '=', asked['state'])])
            if not state:
                raise MessageRefused(f'{path}.state', self.env._(
                    "%(country)s has no state %(value)s.", country=country.name, value=asked['state']))
        return {**values, 'country_id': country.id, 'state_id': state.id}

    # -- what

    def _prepare_lines(self, lines):
        products = self._find_products(lines)
        return [
            Command.create(self._prepare_line_vals(line, f'data.lines[{index}]', products))
            for index, line in enumerate(lines)
        ]

    def _find_products(self, lines):
        """Return (field, value) -> products of all lines, in one search each for codes and barcodes."""
        found = {}
        for name, field in (('code', 'default_code'), ('barcode', 'barcode')):
            wanted = {line[name] for line in lines if name in line}
            products = self.env['product.product'].search([
                (field, 'in', list(wanted)), ('sale_ok', '=', True),
                *self.env['product.product']._check_company_domain(self.env.company)]) if wanted else []
            for product in products:
                found.setdefault((name, product[field]), []).append(product)
        return found

    def _prepare_line_vals(self, line, path, products):
        name = 'code' if 'code' in line else 'barcode'
        matches = products.get((name, line[name]), [])
        if len(matches) != 1:
            text = (
                self.env._("Several products have %(value)s.", value=line[name]) if matches
                else self.env._("There is no product %(value)s that can be sold.", value=line[name]))
            raise MessageRefused(f'{path}.{name}', text)
        unit = self._get_unit(line['unit'], matches[0], path) if 'unit' in line else matches[0].uom_id
        if unit.is_zero(line['quantity']):
            raise MessageRefused(f'{path}.quantity', self.env._(
                "%(value)s %(unit)s is rounded to nothing.", value=line['quantity'], unit=unit.name))
        values = {'product_id': matches[0].id, 'product_uom_qty': line['quantity'], 'product_uom_id': unit.id}
        names = {'price': 'price_unit', 'discount': 'discount', 'description': 'name'}
        return {**values, **{field: line[name] for name, field in names.items() if name in line}}

    def _get_unit(self, name, product, path):
        units = self.env['uom.uom'].search([('name', '=ilike', escape_psql(name))])
        units = units.filtered(lambda unit: unit._has_common_reference(product.uom_id))
        if len(units) != 1:
            raise MessageRefused(f'{path}.unit', self.env._(
                "There is no unit %(value)s in which %(product)s is counted.",
                value=name, product=product.display_name))
        return units

    def _prepare_pricelist(self, broker, data, customer):
        """Return the price list of the broker or the customer, unless another currency is asked for."""
        pricelist = broker.pricelist_id or customer.property_product_pricelist
        currency = data.get('currency')
        if currency and (pricelist.currency_id or self.env.company.currency_id).name != currency:
            pricelists = self.env['product.pricelist']
            pricelist = pricelists.search([
                ('currency_id.name', '=', currency), *pricelists._check_company_domain(self.env.company)], limit=1)
            if not pricelist and self.env.company.currency_id.name != currency:
                raise MessageRefused('data.currency', self.env._(
                    "There is no price list in the currency %(value)s.", value=currency))
            return {'pricelist_id': pricelist.id}
        return {'pricelist_id': pricelist.id} if broker.pricelist_id else {}
