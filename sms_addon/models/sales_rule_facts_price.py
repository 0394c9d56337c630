from collections import defaultdict
from decimal import Decimal
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL


class PriceKey(NamedTuple):
    """What the price of a line depends on; lines with the same have the same price."""
    company: int
    pricelist: int
    currency: int
    fiscal_position: int
    product: int
    uom: int
    quantities: Decimal
    dates: Decimal
    extras: str


class SalesRuleFactsPrice(models.AbstractModel):
    """What the pricelist asks, by the host's own price engine.

    The engine is asked once for all lines whose price must be the same: of one product, pricelist and unit, between
    the same steps of quantity and the same dates on which rules of the pricelist begin and end. SQL says which these
    are and gives each line its price back, so 200,000 orders take as many prices as there are different ones.
    """
    _name = 'sales.rule.facts.price'
    _inherit = ['sales.rule.family']
    _description = "Facts of Sales: Price"

    def _fields_read(self):
        return super()._fields_read() | {
            'price': {
                'sale.order.line': [
                    'combo_item_id', 'discount', 'display_type', 'is_downpayment', 'is_expense', 'order_id',
                    'price_unit', 'product_id', 'product_no_variant_attribute_value_ids', 'product_uom_id',
                    'product_uom_qty', 'technical_price_unit'],
                'product.template': ['list_price', 'type', 'uom_id'],
                'product.pricelist': ['currency_id'],
                'product.pricelist.item': [
                    'base', 'base_pricelist_id', 'date_end', 'date_start', 'min_quantity', 'pricelist_id'],
                'res.company': ['currency_id', 'sale_discount_product_id'],
            },
        }

    # -- which prices are wanted

    def _select_price_lines(self, docs):
        """Return the lines that have a price, with what it depends on; see ``PriceKey``."""
        extras = self.env['sale.order.line']._fields['product_no_variant_attribute_value_ids']
        return SQL(
            """
            WITH RECURSIVE docs AS NOT MATERIALIZED (%(docs)s),
            chain AS (
                SELECT DISTINCT pricelist_id AS root, pricelist_id AS id FROM docs WHERE pricelist_id IS NOT NULL
                UNION
                SELECT chain.root, item.base_pricelist_id
                  FROM chain
                  JOIN product_pricelist_item item ON item.pricelist_id = chain.id
                 WHERE item.base = 'pricelist' AND item.base_pricelist_id IS NOT NULL),
            steps AS MATERIALIZED (
                SELECT chain.root, bool_or(list.currency_id <> root.currency_id) AS converts,
                       array_agg(DISTINCT item.min_quantity ORDER BY item.min_quantity)
                           FILTER (WHERE item.min_quantity > 0) AS quantities,
                       array_agg(DISTINCT x.day ORDER BY x.day) FILTER (WHERE x.day IS NOT NULL) AS dates
                  FROM chain
                  JOIN product_pricelist list ON list.id = chain.id
                  JOIN product_pricelist root ON root.id = chain.root
                  LEFT JOIN product_pricelist_item item ON item.pricelist_id = chain.id
                 CROSS JOIN LATERAL (
                        VALUES (item.date_start), (item.date_end + INTERVAL '1 microsecond')) x (day)
                 GROUP BY chain.root),
            extras AS MATERIALIZED (
                SELECT %(line)s AS line_id, string_agg(%(value)s::text, ',' ORDER BY %(value)s) AS ids
                  FROM %(relation)s
                 GROUP BY 1)
            SELECT *, %(hash)s AS key FROM (
            SELECT l.id, docs.id AS order_id, docs.is_confirmed, l.technical_price_unit, l.product_uom_qty AS quantity,
                   l.price_unit * (1 - COALESCE(l.discount, 0) / 100) AS net, docs.date_order,
                   docs.company_id AS company, COALESCE(docs.pricelist_id, 0) AS pricelist,
                   COALESCE(docs.currency_id, 0) AS currency, COALESCE(docs.fiscal_position_id, 0) AS fiscal_position,
                   l.product_id AS product,
                   CASE WHEN l.product_uom_id = t.uom_id THEN 0 ELSE l.product_uom_id END AS uom,
                   CASE WHEN l.product_uom_id <> t.uom_id THEN -l.product_uom_qty
                        WHEN steps.quantities IS NULL THEN 0
                        ELSE width_bucket(l.product_uom_qty, steps.quantities) END AS quantities,
                   CASE WHEN docs.currency_id <> c.currency_id OR steps.converts
                        THEN -EXTRACT(epoch FROM docs.date_order)
                        WHEN steps.dates IS NULL THEN 0
                        ELSE width_bucket(docs.date_order, steps.dates) END AS dates,
                   COALESCE(extras.ids, '') AS extras
              FROM docs
              JOIN sale_order_line l ON l.order_id = docs.id
              JOIN res_company c ON c.id = docs.company_id
              JOIN product_product p ON p.id = l.product_id
              JOIN product_template t ON t.id = p.product_tmpl_id
              LEFT JOIN steps ON steps.root = docs.pricelist_id
              LEFT JOIN extras ON extras.line_id = l.id
             WHERE l.display_type IS NULL AND l.is_downpayment IS NOT TRUE AND l.is_expense IS NOT TRUE
               AND l.combo_item_id IS NULL AND t.type <> 'combo'
               AND (l.product_uom_qty > 0 AND l.price_unit >= 0 OR l.product_id = c.sale_discount_product_id)) lines
            """,
            hash=self._hash_of_key(),
            docs=docs, line=SQL.identifier(extras.column1), value=SQL.identifier(extras.column2),
            relation=SQL.identifier(extras.relation))

    def _hash_of_key(self):
        """Return one number in place of a key, which is grouped and joined in a third of the time."""
        number = SQL("hashtextextended(extras, 0)")
        for name in PriceKey._fields[:6]:
            number = SQL("hashint8extended(%s, %s)", SQL.identifier(name), number)
        for name in ('quantities', 'dates'):
            number = SQL("hash_numeric_extended(%s, %s)", SQL.identifier(name), number)
        return number

    def _get_prices(self, lines):
        """Yield hash of the key, the price that the pricelist asks, and its part of the price before discount."""
        columns = SQL(", ").join(SQL("MIN(%s)", SQL.identifier(name)) for name in PriceKey._fields)
        rows = self.env.execute_query(SQL(
            "SELECT key, %s, MIN(quantity), MIN(date_order) FROM (%s) l WHERE net >= 0 GROUP BY key", columns, lines,
            to_flush=self._to_flush('price')))
        groups = defaultdict(list)
        for number, *values, quantity, date in rows:
            key = PriceKey(*values)
            groups[key._replace(product=0, fiscal_position=0)].append((number, key, quantity, date))
        for group, members in groups.items():
            yield from self._get_group_prices(group, members)

    def _get_group_prices(self, group, members):
        sudo = self.sudo().with_company(group.company).env
        pricelist = sudo['product.pricelist'].browse(group.pricelist or [])
        uom = sudo['uom.uom'].browse(group.uom or [])
        currency = sudo['res.currency'].browse(group.currency) if group.currency else sudo.company.currency_id
        extras = sudo['product.template.attribute.value'].browse(map(int, filter(None, group.extras.split(','))))
        _number, _key, quantity, date = members[0]
        products = sudo['product.product'].browse(dict.fromkeys(key.product for _number, key, *_rest in members))
        if extras:
            products = products.with_context(**products[:1]._get_product_price_context(extras))
        asked = pricelist._compute_price_rule(products, float(quantity), currency=currency, uom=uom, date=date)
        for number, key, *_rest in members:
            product = products.browse(key.product)
            price, rule_id = asked[key.product]
            shown = price
            rule = sudo['product.pricelist.item'].browse(rule_id or [])
            if rule._show_discount():
                shown = max(price, rule._compute_price_before_discount(
                    product=product, quantity=float(quantity), uom=uom or product.uom_id, date=date,
                    currency=currency))
            part = price / shown if shown else 1.0
            if key.fiscal_position:
                price = product._get_tax_included_unit_price_from_price(
                    price, product_taxes=product.taxes_id._filter_taxes_by_company(sudo.company),
                    fiscal_position=sudo['account.fiscal.position'].browse(key.fiscal_position))
            yield number, price, part

    # -- the facts

    def _select_priced(self, docs):
        lines = self._select_price_lines(docs)
        numbers, prices, parts = list(zip(*self._get_prices(lines), strict=True)) or [(), (), ()]
        return SQL(
            """
            SELECT l.id, l.order_id, l.quantity, l.net,
                   ROUND((CASE WHEN l.is_confirmed AND l.technical_price_unit > 0
                               THEN l.technical_price_unit * prices.part ELSE prices.price END)::numeric, 6) AS asked
              FROM (%(lines)s) l
              LEFT JOIN unnest(%(numbers)s::int8[], %(prices)s::float8[], %(parts)s::float8[])
                        prices (key, price, part) ON prices.key = l.key
            """, lines=lines, numbers=list(numbers), prices=list(prices), parts=list(parts))

    def _select_line_price(self, docs):
        return SQL(
            """
            SELECT id, order_id, asked AS sales_price_list,
                   CASE WHEN asked > 0 THEN GREATEST(ROUND(100 * (asked - net) / asked, 4), 0) END
                   AS sales_below_pricelist
              FROM (%s) l
            """, self._select_priced(docs))

    def _select_order_price(self, docs):
        """Lines above their price make up for others; a discount on the whole order, which is a line, counts too."""
        return SQL(
            """
            SELECT order_id AS id,
                   GREATEST(ROUND(100 * SUM(quantity * (COALESCE(asked, 0) - net))
                                  / NULLIF(SUM(quantity * asked), 0), 4), 0) AS sales_below_pricelist
              FROM (%s) l
             WHERE asked > 0 OR net < 0
             GROUP BY order_id
            """, self._select_priced(docs))
