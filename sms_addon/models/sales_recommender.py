from collections import namedtuple
from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np

from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate, format_date

from ..tools.affinity import POPULAR_PRODUCTS, History, Neighbours, Popular, suggest

_lt = LazyTranslate(__name__)

#: products of a customer whose neighbours are looked at: those bought most
MOST_BOUGHT = 100
#: days from which an interval is told in weeks, and in months
WEEKS_FROM, MONTHS_FROM, DAYS_OF_MONTH = 14, 60, 365.25 / 12

Affinity = namedtuple('Affinity', 'product neighbour similarity customers share is_own is_popular')

SENTENCES = {
    'together': _lt("Bought with %(product)s by %(customers)s customers"),
    'popular': _lt("Bought by %(customers)s customers"),
    'once': _lt("Bought once, on %(last)s"),
    'day': _lt("Usually bought every day, the last time on %(last)s"),
    'days': _lt("Usually bought every %(count)s days, due on %(due)s"),
    'days_past': _lt("Usually bought every %(count)s days, due since %(due)s"),
    'weeks': _lt("Usually bought every %(count)s weeks, due on %(due)s"),
    'weeks_past': _lt("Usually bought every %(count)s weeks, due since %(due)s"),
    'months': _lt("Usually bought every %(count)s months, due on %(due)s"),
    'months_past': _lt("Usually bought every %(count)s months, due since %(due)s"),
}
#: the same of one customer
SENTENCES_OF_ONE = {
    'together': _lt("Bought with %(product)s by one customer"),
    'popular': _lt("Bought by one customer"),
}


class SalesRecommender(models.AbstractModel):
    """What to offer a customer of the current company next, and why.

    From what he bought, and from what the last study found to go together; without a study, from what he bought alone.
    Nothing is kept in memory from one call to the next.
    """
    _name = 'sales.recommender'
    _description = "Recommender"

    @api.model
    def _suggest(self, partner, n=10, exclude=(), order=None):
        """Return the ``n`` products with the best chance to be in the next order of a customer, the best first.

        Only products that can be sold and that the user sees. Whether the user may know what the customer bought is
        up to whoever calls.

        :param exclude: ids of products not to suggest
        :param order: the quotation that is written: what is in it counts as bought, too, and is not suggested
        :return: list of dictionaries: ``product_id``, ``score`` (the chance, for comparison), ``kind`` ('repeat',
            'together', 'popular'), ``reason`` (a sentence)
        """
        company = order.company_id if order else self.env.company
        as_of = self._get_today(company)
        in_order = order.order_line.product_id.ids if order else []
        history = self._read_history(partner.commercial_partner_id, company, as_of, in_order)
        neighbours, popular = self._read_affinity(history, company)
        excluded = {*exclude, *in_order}
        found = self._choose(
            lambda count: suggest(history, neighbours, as_of, count, excluded, popular), n, company)
        sources = self._get_names(found)
        return [{
            'product_id': suggestion.product,
            'score': suggestion.score,
            'kind': suggestion.reason.kind,
            'reason': self._get_reason(suggestion.reason, as_of, sources),
        } for suggestion in found]

    def _get_today(self, company):
        now = fields.Datetime.now().replace(tzinfo=UTC)
        return now.astimezone(ZoneInfo(company.sales_timezone)).date()

    # -- what is known

    def _read_history(self, partner, company, as_of, in_order):
        """Return what a customer bought in a company, with the products of his quotation as bought most.

        :return: ``tools.affinity.History``
        """
        rows = self.env.execute_query(SQL(
            """
            WITH bought AS (
                SELECT DISTINCT product_id, date FROM sales_fact
                 WHERE commercial_partner_id = %(partner)s AND company_id = %(company)s AND state = 'sale'
                   AND product_id IS NOT NULL AND product_uom_qty > 0 AND date <= %(as_of)s),
            gaps AS (
                SELECT product_id, date, date - LAG(date) OVER (PARTITION BY product_id ORDER BY date) AS gap
                  FROM bought)
            SELECT product_id, COUNT(*), MAX(date), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY gap),
                   (SELECT COUNT(DISTINCT date) FROM bought), (SELECT MIN(date) FROM bought)
              FROM gaps GROUP BY product_id ORDER BY product_id
            """, partner=partner.id, company=company.id, as_of=as_of))
        order_days, first = rows[0][4:] if rows else (0, None)
        known = {product: (times, last, interval) for product, times, last, interval, *_rest in rows}
        # what he is buying now tells as much as what he buys always
        most = max((times for times, *_rest in known.values()), default=1)
        for product in in_order:
            _times, last, interval = known.get(product, (0, as_of, None))
            known[product] = most, last, interval
        products = list(known)
        times, last, interval = zip(*known.values(), strict=True) if known else ((), (), ())
        return History(
            np.array(products, np.int64), np.array(times, float), np.array(last, 'datetime64[D]'),
            np.array(interval, float), order_days, first)

    def _read_affinity(self, history, company):
        """Return the neighbours of what a customer bought, and what is popular.

        :return: (``tools.affinity.Neighbours``, ``Popular``)
        """
        own = history.product.tolist()
        most = history.product[np.argsort(-history.times, kind='stable')[:MOST_BOUGHT]].tolist()
        rows = self.env.execute_query(SQL(
            """
            SELECT product_id, neighbour_id, similarity, customer_count, customer_share, is_own, FALSE
              FROM sales_product_affinity
             WHERE company_id = %(company)s AND (product_id = ANY(%(most)s) OR product_id = ANY(%(own)s) AND is_own)
             UNION ALL
           (SELECT product_id, neighbour_id, similarity, customer_count, customer_share, is_own, TRUE
              FROM sales_product_affinity
             WHERE company_id = %(company)s AND is_own ORDER BY customer_count DESC, product_id LIMIT %(popular)s)
            """, company=company.id, most=most, own=own, popular=POPULAR_PRODUCTS))
        table = Affinity(*map(np.array, zip(*rows, strict=True))) if rows else Affinity(*[np.empty(0)] * 7)
        best = table.is_popular.astype(bool)
        customers = round(table.customers[best][0] / table.share[best][0]) if best.any() else 0
        return (
            Neighbours(table.product[~best], table.neighbour[~best], table.similarity[~best], table.customers[~best]),
            Popular(table.product[best], table.customers[best], customers))

    # -- what of it can be sold

    def _choose(self, rank, n, company):
        """Return the first ``n`` suggestions whose products the user can sell.

        :param rank: returns as many suggestions as it is asked for
        """
        count = max(4 * n, 40)
        while True:
            ranked = rank(count)
            sold = self._filter_sold([suggestion.product for suggestion in ranked], company)
            found = [suggestion for suggestion in ranked if suggestion.product in sold]
            if len(found) >= n or len(ranked) < count:
                return found[:n]
            count *= 8

    def _filter_sold(self, product_ids, company):
        products = self.env['product.product']
        return set(products.search([
            ('id', 'in', product_ids), ('sale_ok', '=', True), *products._check_company_domain(company)]).ids)

    # -- why

    def _get_names(self, suggestions):
        """Return the names of the products that suggestions refer to, whether they are still sold or not."""
        ids = {suggestion.reason.product for suggestion in suggestions} - {None}
        # names only: what the customer bought may be archived, or not be seen any more
        return {product.id: product.display_name for product in self.env['product.product'].sudo().browse(ids).exists()}

    def _get_reason(self, reason, as_of, names):
        """Return a ``tools.affinity.Reason`` as a sentence."""
        if reason.kind != 'repeat':
            if reason.kind == 'together' and reason.product not in names:
                return self.env._("Bought with what the customer bought")
            sentences = SENTENCES_OF_ONE if reason.customers == 1 else SENTENCES
            return self._fill(sentences[reason.kind], product=names.get(reason.product), customers=reason.customers)
        last = format_date(self.env, reason.last)
        if not reason.interval:
            return self._fill(SENTENCES['once'], last=last)
        unit, count = self._get_interval(reason.interval)
        if unit == 'days' and count == 1:
            return self._fill(SENTENCES['day'], last=last)
        sentence = SENTENCES[f'{unit}_past' if reason.due < as_of else unit]
        return self._fill(sentence, count=count, due=format_date(self.env, reason.due))

    def _fill(self, sentence, **words):
        text = self.env._(sentence)
        return text % words

    def _get_interval(self, days):
        """Return in what unit an interval is told, and how many of it."""
        if days < WEEKS_FROM:
            return 'days', max(1, round(days))
        if days < MONTHS_FROM:
            return 'weeks', round(days / 7)
        return 'months', round(days / DAYS_OF_MONTH)
