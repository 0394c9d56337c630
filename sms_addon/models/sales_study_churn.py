import numpy as np

from odoo import models

from ..tools.customer_history import FEATURES
from ..tools.decision_tree import fit_tree
from ..tools.evidence import ThinDataError
from .sales_study_history import MIN_AUC


class SalesStudy(models.Model):
    """Which customers will not order any more: those without an order within the horizon."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    def _run_churn(self):
        steps = 4
        yield self.env._("Reading orders"), 0, steps
        history = self._read_history()
        cut_offs = self._get_cut_offs(history)
        yield self.env._("Looking at the past"), 1, steps
        features, target, moments = self._get_churn_cases(self._sample_customers(history), cut_offs)
        yield self.env._("Looking for rules"), 2, steps
        model = fit_tree(
            features, target, FEATURES, max_depth=self.max_depth, seed=self.seed, order=moments,
            naive=features[:, FEATURES.index('recency')])
        if model.auc < MIN_AUC:
            raise ThinDataError('no_signal', auc=f'{model.auc:.2f}')
        yield self.env._("Writing what customers will do"), 3, steps
        positions, current = self._get_cases(history, self._get_day())
        self.env['sales.customer.outlook']._write_columns(
            history.customers[positions], {'churn_probability': model.predict(current)}, self)
        rules = self.env['sales.study.rule'].sudo()
        rules.create(rules._prepare_lines(self, model.rules))
        return {
            'measures': self._get_churn_measures(model),
            'result': {
                'rules': len(model.rules),
                'customers': len(positions),
                'base_rate': model.base_rate,
                'calibration': [[bin.predicted, bin.observed, bin.count] for bin in model.calibration],
            },
            'rows': len(target),
            'data': self._describe_data(history, len(target), cut_offs),
        }

    def _get_churn_cases(self, history, cut_offs):
        """Return what was known of customers on each of the days, who stayed away after it, and the days."""
        features, target, moments = [], [], []
        for day in cut_offs:
            positions, known = self._get_cases(history, day)
            features.append(known)
            target.append(self._stays_away(history, positions, day))
            moments.append(np.full(len(positions), day))
        return np.concatenate(features), np.concatenate(target), np.concatenate(moments)

    def _get_churn_measures(self, model):
        held_out = self.env._(
            "Customers in the %(count)s later periods, each told by the periods before", count=model.folds)
        counts = np.array([bin.count for bin in model.calibration])
        gaps = np.array([abs(bin.predicted - bin.observed) for bin in model.calibration])
        return [
            {
                'measure': self.env._("Ranking of who leaves (AUC)"),
                'value': model.auc,
                'naive': model.naive_auc,
                'naive_label': self.env._("The longest without an order leave first"),
                'better': 'higher',
                'data': held_out,
            },
            {
                'measure': self.env._("Gap to the actual share"),
                'value': float((counts * gaps).sum() / counts.sum()),
                'better': 'lower',
                'data': held_out,
            },
        ]
