from odoo import api, models
from odoo.tools import LazyTranslate
from odoo.tools.misc import format_amount, formatLang

from ..tools.customer_history import NEVER

_lt = LazyTranslate(__name__)

#: feature -> sentence above a number, and up to it
PHRASES = {
    'recency': (_lt("last order more than %(value)s days ago"), _lt("last order in the past %(value)s days")),
    'age': (_lt("customer for more than %(value)s days"), _lt("customer for at most %(value)s days")),
    'order_day_count': (_lt("ordered on more than %(value)s days"), _lt("ordered on at most %(value)s days")),
    'rhythm_days': (
        _lt("usually more than %(value)s days between orders"), _lt("usually at most %(value)s days between orders")),
    'days_overdue': (
        _lt("next order more than %(value)s days overdue"), _lt("next order at most %(value)s days overdue")),
    'revenue_12': (
        _lt("revenue of 12 months above %(value)s"), _lt("revenue of 12 months up to %(value)s")),
    'average_order': (_lt("average order above %(value)s"), _lt("average order up to %(value)s")),
    'product_count': (_lt("more than %(value)s products"), _lt("at most %(value)s products")),
    'category_count': (_lt("more than %(value)s categories"), _lt("at most %(value)s categories")),
    'category_days': (
        _lt("%(category)s ordered on more than %(value)s days"), _lt("%(category)s ordered on at most %(value)s days")),
    'category_recency': (
        _lt("no %(category)s in the past %(value)s days"), _lt("%(category)s in the past %(value)s days")),
}
#: those that read better than with a nought
NOUGHTS = {
    'recency': (_lt("last order before today"), _lt("ordered today")),
    'category_recency': (_lt("no %(category)s today"), _lt("%(category)s ordered today")),
    'days_overdue': (_lt("next order overdue"), _lt("next order not overdue")),
    'category_days': (_lt("%(category)s ordered before"), _lt("%(category)s never ordered")),
    'revenue_12': (_lt("revenue in 12 months"), _lt("no revenue in 12 months")),
}
#: those that read better with a one
ONES = {
    'order_day_count': (_lt("ordered on more than one day"), _lt("ordered on one day only")),
    'product_count': (_lt("more than one product"), _lt("one product only")),
    'category_count': (_lt("more than one category"), _lt("one category only")),
    'category_days': (
        _lt("%(category)s ordered on more than one day"), _lt("%(category)s ordered on one day at most")),
}
AMOUNTS = {'revenue_12', 'average_order'}
#: days that only those pass who never ordered it
LONG_AGO = NEVER // 10


class SalesStudySentence(models.AbstractModel):
    """What the conditions of rules on customers mean: as sentences, and as filters on customer profiles.

    Features are named as the fields of a profile; ``age`` is the days since the first order, and what customers bought
    of a category has its id behind a colon, as in ``category_days:7`` (see ``tools.customer_history``).
    """
    _name = 'sales.study.sentence'
    _description = "Sentences of Study Rules"

    @api.model
    def _describe(self, disjuncts, company):
        """Return conditions as a sentence in the language of the reader.

        :param disjuncts: lists of conditions (feature, operator, number); all of one list are true
        :param company: its currency is that of amounts
        """
        if not all(disjuncts):
            return self.env._("All customers")
        alternatives = [
            self.env._(", ").join(self._describe_condition(*condition, company) for condition in terms)
            for terms in disjuncts
        ]
        text = self.env._("; or ").join(alternatives)
        return text[:1].upper() + text[1:]

    @api.model
    def _describe_condition(self, feature, operator, value, company):
        name, _colon, category = feature.partition(':')
        above = operator == '>'
        if name == 'category_recency' and value >= LONG_AGO:
            name, value, above = 'category_days', 0, not above
        phrases = {0: NOUGHTS, 1: ONES}.get(value, {}).get(name)
        phrase = (phrases or PHRASES[name])[not above]
        # categories that somebody may have deleted since
        category = category and self.env['product.category'].browse(int(category)).exists().sudo().name
        text = self.env._(phrase)
        return text % {'value': self._format(name, value, company), 'category': category or "?"}

    @api.model
    def _format(self, feature, value, company):
        if feature in AMOUNTS:
            currency = company.currency_id
            return format_amount(self.env, value, currency, trailing_zeroes=not currency.decimal_places)
        return formatLang(self.env, value, digits=0 if float(value).is_integer() else 1)

    @api.model
    def _to_term(self, condition):
        """Return the term of a domain on customer profiles that a condition means."""
        feature, operator, value = condition
        name, _colon, category = feature.partition(':')
        if name == 'age':
            return 'first_order_date', '<' if operator == '>' else '>=', f'today -{int(value)}d'
        if name == 'category_days':
            more = [('categ_id', '=', int(category)), ('order_day_count', '>', value)]
            return 'category_ids', 'any' if operator == '>' else 'not any', more
        if name == 'category_recency':
            lately = [('categ_id', '=', int(category)), ('recency', '<=', value)]
            return 'category_ids', 'not any' if operator == '>' else 'any', lately
        return tuple(condition)
