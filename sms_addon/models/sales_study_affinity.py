from odoo import api, fields, models
from odoo.tools import SQL, LazyTranslate, format_date

from ..tools.affinity import association_rules, fit_recommender
from ..tools.order_days import group_starts
from ..tools.suggestion_quality import judge

_lt = LazyTranslate(__name__)

#: orders that a rule needs: two products meet by chance in fewer
MIN_ORDERS = 10
#: the last orders that rules are looked for in, the products of one, and the rules that are kept
MAX_ORDERS, MAX_PRODUCTS, MAX_RULES = 500_000, 3, 1000
#: suggestions that are judged
SUGGESTIONS = 10

THIN = {
    'few_customers': _lt(
        "%(customers)s customers bought more than one product. This study needs at least %(required)s."),
    'few_baskets': _lt(
        "%(baskets)s customers ordered on two days or more. This study needs at least %(required)s: it checks itself"
        " on their last orders."),
}


class SalesStudy(models.Model):
    """What is bought together and what is bought again, to suggest it."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    product_rule_ids = fields.One2many('sales.product.rule', 'study_id', readonly=True)
    product_rule_count = fields.Integer(compute='_compute_product_rule_count')

    @api.depends('product_rule_ids')
    def _compute_product_rule_count(self):
        counts = dict(self.env['sales.product.rule']._read_group(
            [('study_id', 'in', self.ids)], ['study_id'], ['__count']))
        for study in self:
            study.product_rule_count = counts.get(study, 0)

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _run_affinity(self):
        steps = 5
        yield self.env._("Reading orders"), 0, steps
        lines = self._read_bought()
        yield self.env._("Judging suggestions on the last orders"), 1, steps
        quality = judge(lines['customer'], lines['product'], lines['day'], SUGGESTIONS, self.seed)
        yield self.env._("Looking for what goes together"), 2, steps
        model = fit_recommender(lines['customer'], lines['product'], lines['day'])
        yield self.env._("Looking for rules"), 3, steps
        rules, order_count = self._find_product_rules(lines)
        yield self.env._("Writing what to suggest"), 4, steps
        neighbours = model.neighbours()
        self.env['sales.product.affinity'].sudo()._replace(self, neighbours, len(model.customer_ids))
        self.env['sales.product.rule'].sudo()._replace(self, rules, order_count)
        return {
            'measures': self._get_suggestion_measures(quality),
            'result': {
                'customers': len(model.customer_ids),
                'products': len(model.product_ids),
                'pairs': int((neighbours.product != neighbours.neighbour).sum()),
                'rules': len(rules),
            },
            'rows': len(lines['day']),
            'data': self.env._(
                "%(lines)s order lines of %(customers)s customers and %(products)s products up to %(day)s; rules from"
                " %(orders)s orders",
                lines=len(lines['day']), customers=len(model.customer_ids), products=len(model.product_ids),
                day=format_date(self.env, self._get_as_of()), orders=order_count),
        }

    def _read_bought(self):
        """Return customer, product, day and order of each line that was sold; what was given back is none."""
        return self._read_matrix(SQL(
            """
            SELECT commercial_partner_id AS customer, product_id AS product, date AS day, order_id AS "order"
              FROM sales_fact WHERE %s AND product_id IS NOT NULL AND product_uom_qty > 0
             ORDER BY date, order_id, product_id
            """, self._where_history()),
            {'customer': 'int', 'product': 'int', 'day': 'date', 'order': 'int'})

    def _find_product_rules(self, lines):
        """Return the rules that hold best, and the number of orders that were looked at."""
        # lines are sorted by day, and an order is of one day
        starts = group_starts(lines['day'], lines['order'])[-MAX_ORDERS:]
        products = lines['product'].tolist()
        limits = [*starts.tolist(), len(products)]
        baskets = (products[start:end] for start, end in zip(limits, limits[1:], strict=False))
        if len(starts) <= MIN_ORDERS:
            return [], len(starts)
        support = max(self.min_support, MIN_ORDERS / len(starts))
        return association_rules(baskets, support, self.min_confidence, MAX_PRODUCTS)[:MAX_RULES], len(starts)

    def _get_suggestion_measures(self, quality):
        held_out = self.env._(
            "The last orders of %(customers)s customers, told by the orders before", customers=quality.baskets)
        labels = {
            'own': self.env._("What the customer bought most"),
            'popular': self.env._("What most customers bought"),
        }
        names = (
            (quality.hit_rate, self.env._("Orders with one of %(count)s suggestions", count=SUGGESTIONS)),
            (quality.recall, self.env._("Share of an order among %(count)s suggestions", count=SUGGESTIONS)),
        )
        return [{
            'measure': f"{name} ({labels[naive]})" if naive == 'popular' else name,
            'value': figures['model'],
            'naive': figures[naive],
            'naive_label': labels[naive],
            'better': 'higher',
            'data': held_out,
        } for naive in labels for figures, name in names]

    def action_open_product_rules(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_product_rule_action'),
            'domain': [('study_id', '=', self.id)],
            'context': {},
        }

    def action_open_similar_products(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_product_affinity_action'),
            'domain': [('study_id', '=', self.id), ('is_own', '=', False)],
        }
