from collections import defaultdict
from datetime import timedelta

import numpy as np

from odoo import api, models
from odoo.tools import LazyTranslate

from ..tools.customer_history import FEATURES, NEVER, goods_between, goods_on
from ..tools.decision_tree import MIN_CASES, find_rules, fit_tree, predict
from ..tools.evidence import ThinDataError
from ..tools.tree_rules import matches
from .sales_customer_figures import COMPANY_BITS
from .sales_study_churn import MIN_AUC

_lt = LazyTranslate(__name__)

#: the categories that most customers buy; of others there is little to learn
MOST_CATEGORIES = 20
#: what is known of how many customers, over all days looked at
MOST_CASES = 100_000
#: how much likelier than others a customer has to be for a need to be worth a word
MIN_LIFT = 1.5
NEEDS_PER_CUSTOMER = 3
MOST_NEEDS = 1_000

THIN = {
    'categories': _lt(
        "No product category was ordered by at least %(needed)s customers within %(horizon)s days after one of the days"
        " that the past is looked at from."),
}


class SalesStudy(models.Model):
    """Which category a customer will order of next, by one small tree for each category."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _run_needs(self):
        yield self.env._("Reading orders"), 0, 1
        history = self._read_history()
        cut_offs = self._get_cut_offs(history)
        categories = self._get_needed_categories(history)
        steps = len(categories) + 2
        yield self.env._("Looking at the past"), 1, steps
        past = self._get_need_cases(self._sample_customers(history), cut_offs, categories)
        models_by_column = {}
        for column, category in enumerate(categories):
            yield self.env['product.category'].browse(int(category)).sudo().display_name or "", 1 + column, steps
            try:
                models_by_column[column] = self._fit_need(past, categories, column)
            except ThinDataError:
                continue  # the other categories may have enough
        if not models_by_column:
            raise ThinDataError('categories', needed=MIN_CASES, horizon=self.horizon_days)
        telling = self._get_telling(models_by_column)
        yield self.env._("Writing needs"), steps - 1, steps
        needs = self._propose_needs(history, categories, telling)
        rules = self.env['sales.study.rule'].sudo()
        for column, (model, _guess) in telling.items():
            rules.create(rules._prepare_lines(self, model.rules, categ_id=int(categories[column])))
        return {
            'measures': self._get_need_measures(past, models_by_column),
            'result': {
                'categories': [int(categories[column]) for column in telling], 'needs': len(needs)},
            'rows': len(past['moments']),
            'data': self._describe_data(history, len(past['moments']), cut_offs),
        }

    # -- looking at the past

    def _get_needed_categories(self, history):
        """Return the categories that most customers bought, at least so many that there is something to learn."""
        pairs = np.unique(np.stack([history.goods.values['category'], history.goods.owner]), axis=1)
        categories, buyers = np.unique(pairs[0], return_counts=True)
        enough = np.flatnonzero(buyers >= MIN_CASES)
        chosen = enough[np.argsort(-buyers[enough], kind='stable')[:MOST_CATEGORIES]]
        if not len(chosen):
            raise ThinDataError('categories', needed=MIN_CASES, horizon=self.horizon_days)
        return np.sort(categories[chosen])

    def _get_need_cases(self, history, cut_offs, categories):
        """Return by name the columns of the cases: what was known, of which category they ordered next, and when."""
        columns = defaultdict(list)
        for day in cut_offs:
            positions, known = self._get_cases(history, day)
            if len(positions) > MOST_CASES // len(cut_offs):
                chosen = np.random.default_rng(self.seed + day).choice(
                    len(positions), MOST_CASES // len(cut_offs), replace=False)
                positions, known = positions[np.sort(chosen)], known[np.sort(chosen)]
            counts, recency, _revenue = goods_on(history, day, categories)
            columns['known'].append(known)
            columns['counts'].append(counts[positions])
            columns['recency'].append(recency[positions])
            columns['ordered'].append(
                goods_between(history, day, day + self.horizon_days, categories)[positions])
            columns['moments'].append(np.full(len(positions), day))
        return {name: np.concatenate(parts) for name, parts in columns.items()}

    @api.model
    def _get_need_features(self, cases, categories, column):
        """Return what may tell whether a category is ordered: the customer, what else he bought, and when he did."""
        features = np.column_stack([cases['known'], cases['counts'], cases['recency'][:, column]])
        return features.astype(np.float32), (
            *FEATURES, *(f'category_days:{category}' for category in categories),
            f'category_recency:{categories[column]}')

    def _fit_need(self, cases, categories, column):
        """Return the model of a category, and what the cases before the last day say of those on it."""
        features, names = self._get_need_features(cases, categories, column)
        target = cases['ordered'][:, column]
        model = fit_tree(
            features, target, names, max_depth=self.max_depth, seed=self.seed, order=cases['moments'],
            naive=cases['counts'][:, column])
        last = cases['moments'] == cases['moments'].max()
        rules = find_rules(features[~last], target[~last], names, self.max_depth, self.seed)
        return model, predict(rules, features[last], names)

    @api.model
    def _get_telling(self, models_by_column):
        """Return the models that tell more than chance; of the other categories nothing is said.

        :raise ThinDataError: there is none
        """
        telling = {column: found for column, found in models_by_column.items() if found[0].auc >= MIN_AUC}
        if not telling:
            best = max(model.auc for model, _guess in models_by_column.values())
            raise ThinDataError('no_signal', auc=f'{best:.2f}')
        return telling

    def _get_need_measures(self, cases, models_by_column):
        columns = list(models_by_column)
        last = cases['moments'] == cases['moments'].max()
        ordered = cases['ordered'][last][:, columns]
        buyers = ordered.any(axis=1)
        guesses = np.column_stack([guess for _model, guess in models_by_column.values()])
        habits = cases['counts'][last][:, columns]

        def hit_rate(scores):
            return float(ordered[np.arange(len(ordered)), scores.argmax(axis=1)][buyers].mean()) if buyers.any() else 0

        return [
            {
                'measure': self.env._("Ranking of who orders a category (AUC)"),
                'value': float(np.mean([model.auc for model, _guess in models_by_column.values()])),
                'naive': float(np.mean([model.naive_auc for model, _guess in models_by_column.values()])),
                'naive_label': self.env._("Who ordered it most often orders it again"),
                'better': 'higher',
                'data': self.env._(
                    "Later periods, each told by the periods before; mean of %(count)s categories", count=len(columns)),
            },
            {
                'measure': self.env._("First category guessed is ordered"),
                'value': hit_rate(guesses),
                'naive': hit_rate(habits),
                'naive_label': self.env._("The category ordered most often so far"),
                'better': 'higher',
                'data': self.env._(
                    "%(count)s customers who ordered in the last period, told by the periods before",
                    count=int(buyers.sum())),
            },
        ]

    # -- what is needed now

    def _propose_needs(self, history, categories, models_by_column):
        """Propose the needs that are likeliest and worth most, and return them."""
        day = self._get_day()
        positions, known = self._get_cases(history, day)
        counts, recency, revenue = (table[positions] for table in goods_on(history, day, categories))
        cases = {'known': known, 'counts': counts, 'recency': np.minimum(recency, NEVER)}
        worth = np.full((len(positions), len(models_by_column)), -np.inf, np.float32)
        chances = np.zeros_like(worth)
        for place, (column, (model, _guess)) in enumerate(models_by_column.items()):
            features, _names = self._get_need_features(cases, categories, column)
            chances[:, place] = model.predict(features)
            usual = revenue[:, column].sum() / max(counts[:, column].sum(), 1)
            amounts = np.where(
                counts[:, column] > 0, revenue[:, column] / np.maximum(counts[:, column], 1), usual)
            likely = chances[:, place] >= MIN_LIFT * model.base_rate
            worth[likely, place] = (chances[:, place] * amounts)[likely]
        rows = []
        for place, case in self._choose_needs(worth):
            column = list(models_by_column)[place]
            rows.append(self._prepare_need(
                int(history.customers[positions[case]]), int(categories[column]), float(chances[case, place]),
                float(worth[case, place] / chances[case, place]),
                self._get_rule_of(models_by_column[column][0], cases, categories, column, case)))
        return self.env['sales.need']._propose(rows, companies=self.company_id)

    @api.model
    def _choose_needs(self, worth):
        """Return (category, case) of the needs worth most: of each customer a few, and not more than people can see."""
        best = np.argsort(-worth, axis=1, kind='stable')[:, :NEEDS_PER_CUSTOMER]
        cases = np.repeat(np.arange(len(worth)), best.shape[1])
        values = worth[cases, best.ravel()]
        order = np.argsort(-values, kind='stable')[:MOST_NEEDS]
        return [
            (int(best.ravel()[place]), int(cases[place])) for place in order.tolist() if np.isfinite(values[place])]

    def _get_rule_of(self, model, cases, categories, column, case):
        one = {name: table[case:case + 1] for name, table in cases.items()}
        features, names = self._get_need_features(one, categories, column)
        return next(rule for rule in model.rules if matches([rule.conditions], features, names)[0])

    def _prepare_need(self, customer, category, chance, amount, rule):
        return {
            'partner_id': customer >> COMPANY_BITS,
            'company_id': self.company_id.id,
            'categ_id': category,
            'name': self.env['product.category'].browse(category).sudo().display_name,
            'probability': round(100 * chance, 1),
            'expected_revenue': self.company_id.currency_id.round(max(amount, 0)),
            'expected_date': self._get_as_of() + timedelta(days=self.horizon_days),
            'evidence_text': self.env._(
                "%(rule)s: %(rate)s %% of %(support)s customers ordered it within %(days)s days, %(lift)s times the"
                " average",
                rule=self.env['sales.study.sentence']._describe([rule.conditions], self.company_id),
                rate=round(100 * rule.rate), support=rule.support, days=self.horizon_days, lift=round(rule.lift, 1)),
            'evidence_ref': f'sales.study,{self.id}',
        }

    def action_open_needs(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_need_action'),
            'domain': [('evidence_ref', '=', f'sales.study,{self.id}')],
            'context': {},
        }
