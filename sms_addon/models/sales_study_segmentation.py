import numpy as np

from odoo import fields, models
from odoo.tools import SQL, LazyTranslate, format_date

from ..tools.evidence import ThinDataError
from ..tools.segmentation import describe, segment, silhouette
from ..tools.tree_rules import matches, to_domain

_lt = LazyTranslate(__name__)

#: customers below which segments would be groups of acquaintances
MIN_CUSTOMERS = 100
#: below it (adjusted Rand index), other customers of the same company would be cut in another way
MIN_STABILITY = 0.5
#: part of the customers that the segments are judged on, without having been found in them
HELD_OUT = 5
#: how far from the average, in standard deviations, a segment has to be for its name to tell
TELLING = 0.5
#: of the segments, best first: green and blue before orange, and no red, which is for what is wrong
COLORS = (10, 4, 7, 8, 3, 2, 5, 6, 9, 11)

FEATURES = ('recency', 'order_day_count', 'revenue_12', 'average_order', 'product_count', 'rhythm_days')
#: feature -> what a segment is called that lies above the average, and below it
TRAITS = {
    'recency': (_lt("away for long"), _lt("bought recently")),
    'order_day_count': (_lt("buying often"), _lt("buying seldom")),
    'revenue_12': (_lt("high revenue"), _lt("low revenue")),
    'average_order': (_lt("large orders"), _lt("small orders")),
    'product_count': (_lt("wide range"), _lt("narrow range")),
    'rhythm_days': (_lt("long pauses"), _lt("short pauses")),
}

THIN = {
    'rows': _lt("%(rows)s customers are too few. This study needs at least %(needed)s."),
    'constant': _lt("The customers hardly differ in what they order."),
    'unstable': _lt(
        "The customers do not fall into segments: those found in one part of them are not those of another part"
        " (stability %(stability)s)."),
}


class SalesStudy(models.Model):
    """Segments of customers by how recently, how often and how much they order."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _run_segmentation(self):
        steps = 4
        yield self.env._("Reading customers"), 0, steps
        features, names = self._read_segment_features()
        if len(features) < MIN_CUSTOMERS:
            raise ThinDataError('rows', rows=len(features), needed=MIN_CUSTOMERS)
        yield self.env._("Looking for segments"), 1, steps
        found = segment(features, names, k=self.segment_count or None, seed=self.seed)
        if found.stability < MIN_STABILITY:
            raise ThinDataError('unstable', stability=f'{found.stability:.2f}')
        yield self.env._("Judging them on other customers"), 2, steps
        measures = self._get_segment_measures(features, names, found)
        yield self.env._("Writing segments"), 3, steps
        self._write_segments(found, names)
        return {
            'measures': measures,
            'result': {
                'segments': [
                    {'size': int(size), 'center': dict(zip(names, map(float, center), strict=True))}
                    for size, center in zip(found.sizes, found.centers, strict=True)],
                'trials': [[trial.k, trial.silhouette, trial.stability] for trial in found.trials],
            },
            'rows': len(features),
            'data': self.env._(
                "The profiles of %(count)s customers on %(day)s", count=len(features),
                day=format_date(self.env, fields.Date.context_today(
                    self.with_context(tz=self.company_id.sales_timezone)))),
        }

    def _read_segment_features(self):
        """Return the features of the customers of today, in the order of their profiles, and their names."""
        profiles = self.env['sales.customer.profile'].sudo()
        query = profiles._search([('company_id', '=', self.company_id.id)], order='id')
        columns = SQL(", ").join(
            SQL("%s AS %s", SQL.identifier(query.table, name), SQL.identifier(name)) for name in FEATURES)
        read = self._read_matrix(query.select(columns), dict.fromkeys(FEATURES, 'float'))
        # the rhythm is not known of everybody, unless the company has a usual one
        names = [name for name in FEATURES if np.isfinite(read[name]).all()]
        return np.column_stack([read[name] for name in names]), names

    # -- how good they are

    def _get_segment_measures(self, features, names, found):
        """Return how well segments tell customers that they were not found in, and how well their filters do."""
        held_out = np.random.default_rng(self.seed).random(len(features)) < 1 / HELD_OUT
        rules = describe(features, found.labels, names, self.seed)
        placed = sum(rule.precision * rule.count for rule in rules) / sum(rule.count for rule in rules)
        measures = [
            {
                'measure': self.env._("Same segments in samples (Rand index)"),
                'value': found.stability,
                'better': 'higher',
                'data': self.env._("Segments found in samples of the customers, compared on all of them"),
            },
            {
                'measure': self.env._("Customers put right by the filters"),
                'value': float(placed),
                'naive': float(found.sizes.max() / found.sizes.sum()),
                'naive_label': self.env._("All in the largest segment"),
                'better': 'higher',
                'data': self.env._("%(count)s customers", count=len(features)),
            },
        ]
        apart = self._judge_on_others(features, names, found.k, held_out)
        return [apart, *measures] if apart else measures

    def _judge_on_others(self, features, names, k, held_out):
        """Return how well filters found in most customers cut the others, against equal groups by revenue."""
        rules = segment(features[~held_out], names, k=k, seed=self.seed).rules
        others = features[held_out]
        labels = np.zeros(len(others), int)
        for rule in rules:
            labels[matches(rule.disjuncts, others, names)] = rule.label
        by_revenue = np.argsort(np.argsort(others[:, names.index('revenue_12')], kind='stable'), kind='stable')
        groups = by_revenue * k // max(len(others), 1)
        if len(set(labels.tolist())) < 2:
            return None
        return {
            'measure': self.env._("Closeness to the own segment (silhouette)"),
            'value': silhouette(others, labels, names, self.seed),
            'naive': silhouette(others, groups, names, self.seed),
            'naive_label': self.env._("As many equal groups by revenue"),
            'better': 'higher',
            'data': self.env._("%(count)s customers that the filters were not found in", count=len(others)),
        }

    # -- what comes of it

    def _write_segments(self, found, names):
        """Put the segments in the place of those of earlier studies, worded in every language there is."""
        rules = [rule for rule in found.rules if rule.disjuncts]
        texts = {
            code: self.with_context(lang=code)._word_segments(rules, found, names)
            for code, _name in self.env['res.lang'].sudo().get_installed()}
        company = ('company_id', '=', self.company_id.id)
        to_term = self.env['sales.study.sentence']._to_term
        own = texts.get(self.env.lang) or next(iter(texts.values()))
        segments = self.env['sales.segment'].sudo()._replace_by_study(self, [{
            **words,
            'domain': repr([company, *to_domain(rule.disjuncts, to_term)]),
            'sequence': 10 + number,
            'color': COLORS[number % len(COLORS)],
        } for number, (rule, words) in enumerate(zip(rules, own, strict=True))])
        for code, worded in texts.items():
            for record, words in zip(segments.with_context(lang=code), worded, strict=True):
                record.write(words)

    def _word_segments(self, rules, found, names):
        """Return name and description of each segment; no two have the same name."""
        taken, texts = set(), []
        for rule in rules:
            deviations = found.deviations[rule.label]
            name = self._name_segment(names, deviations, taken)
            taken.add(name)
            texts.append({
                'name': name,
                'description': self.env['sales.study.sentence']._describe(rule.disjuncts, self.company_id),
            })
        return texts

    def _name_segment(self, names, deviations, taken):
        """Return a name of the traits farthest from the average: two, or as many as tell it from the others."""
        traits = [
            self.env._(TRAITS[names[place]][int(deviations[place] < 0)])
            for place in np.argsort(-np.abs(deviations), kind='stable') if abs(deviations[place]) >= TELLING]
        name = self.env._("Average customers")
        for count in range(min(2, len(traits)), len(traits) + 1):
            name = self.env._(", ").join(traits[:count]) or name
            name = name[:1].upper() + name[1:]
            if name not in taken:
                return name
        number = 2
        while f'{name} ({number})' in taken:
            number += 1
        return f'{name} ({number})'

    def action_open_segments(self):
        self.ensure_one()
        return {
            **self.env['ir.actions.act_window']._for_xml_id('sms_addon.sales_segment_action'),
            'domain': [('study_id', '=', self.id)],
            'context': {},
        }
