import numpy as np

from odoo import models
from odoo.tools import SQL, LazyTranslate, format_date

from ..tools.evidence import ThinDataError
from ..tools.lifetime import fit_bg_nbd, fit_gamma_gamma, summarise
from .sales_fixed_point import SCALE

_lt = LazyTranslate(__name__)

#: the last part of the time there is, which the model is judged on before it is made with all
HELD_OUT = 0.2
#: days without which neither part says anything
MIN_DAYS = 120
WEEK = 7

THIN = {
    'few_repeaters': _lt(
        "%(repeaters)s customers came back after their first order. This study needs at least %(required)s."),
    'boundary': _lt("The orders do not tell how customers differ: no parameter '%(parameter)s' fits them best."),
    'no_convergence': _lt("No model of customers fits these orders."),
    'short_history': _lt(
        "The orders go back %(days)s days. This study needs at least %(needed)s: it learns from the first part of them"
        " and checks itself on the last."),
}


class SalesStudy(models.Model):
    """How many orders to expect of each customer, of what value, and whether the customer still is one."""
    _name = 'sales.study'
    _inherit = ['sales.study']

    def _thin_sentences(self):
        return {**super()._thin_sentences(), **THIN}

    def _run_lifetime(self):
        steps = 4
        yield self.env._("Reading orders"), 0, steps
        orders = self._read_order_days()
        yield self.env._("Judging the model on the last part of the orders"), 1, steps
        measures = self._judge_lifetime(orders)
        yield self.env._("Looking at all orders"), 2, steps
        history, model = self._fit_lifetime(orders, self._get_as_of())
        values, value_model = self._get_order_values(history)
        yield self.env._("Writing what to expect of customers"), 3, steps
        self.env['sales.customer.outlook']._write_columns(
            history.customer_ids, self._get_outlook(history, model, values), self)
        return {
            'measures': measures,
            'result': {
                'customers': len(history.customer_ids),
                'parameters': {name: getattr(model, name) for name in ('r', 'alpha', 'a', 'b', 'log_likelihood')},
                'value_parameters': value_model and {
                    name: getattr(value_model, name) for name in ('p', 'q', 'gamma', 'log_likelihood')},
            },
            'rows': len(orders['day']),
            'data': self._describe_lifetime_data(orders, history),
        }

    def _read_order_days(self):
        """Return customer, day and amount of each day with an order; what was given back on balance is no order.

        :raise ThinDataError: the time is too short
        """
        orders = self._read_matrix(SQL(
            """
            SELECT %(key)s AS customer, date AS day, SUM(price_subtotal) / %(scale)s::float8 AS amount
              FROM sales_fact WHERE %(where)s
             GROUP BY commercial_partner_id, company_id, date
            HAVING SUM(price_subtotal) > 0
            """, key=self._select_key(), scale=SCALE, where=self._where_history()),
            {'customer': 'int', 'day': 'date', 'amount': 'float'})
        days = self._count_days(orders)
        if days < MIN_DAYS:
            raise ThinDataError('short_history', days=days, needed=MIN_DAYS)
        return orders

    def _count_days(self, orders):
        """Return how many days the orders go back."""
        if not len(orders['day']):
            return 0
        return int((np.datetime64(self._get_as_of(), 'D') - orders['day'].min()).astype(int))

    def _fit_lifetime(self, orders, as_of):
        """Return the history of the customers up to a day and the model that it was most likely made by."""
        known = orders['day'] <= np.datetime64(as_of, 'D')
        history = summarise(orders['customer'][known], orders['day'][known], orders['amount'][known], as_of, WEEK)
        return history, fit_bg_nbd(history.frequency, history.recency, history.age)

    def _get_order_values(self, history):
        """Return what an order of each customer will be worth, and the model that says so.

        Where amounts do not bear one, nothing is said of values, and all the rest still is.
        """
        try:
            model = fit_gamma_gamma(history.frequency, history.monetary_value)
        except ThinDataError:
            return np.full(len(history.customer_ids), np.nan), None
        return model.expected_value(history.frequency, history.monetary_value), model

    def _get_outlook(self, history, model, values):
        orders = model.expected_purchases(
            self.horizon_days / WEEK, history.frequency, history.recency, history.age)
        alive = model.probability_alive(history.frequency, history.recency, history.age)
        # next to 1 for all, or 1 by definition after one order: it tells nothing
        alive[model.nobody_leaves | (history.frequency == 0)] = np.nan
        return {
            'p_alive': alive,
            'expected_orders': orders,
            'expected_value': np.round(orders * values, 2),
            'horizon_days': np.full(len(orders), self.horizon_days),
        }

    # -- how good it is

    def _judge_lifetime(self, orders):
        """Return how a model of the first part of the time did in the rest, of which it knew nothing."""
        as_of = np.datetime64(self._get_as_of(), 'D')
        split = as_of - round(self._count_days(orders) * HELD_OUT)
        history, model = self._fit_lifetime(orders, split.item())
        later = (orders['day'] > split) & np.isin(orders['customer'], history.customer_ids)
        actual = np.bincount(
            np.searchsorted(history.customer_ids, orders['customer'][later]), minlength=len(history.customer_ids))
        horizon = (as_of - split).astype(int) / WEEK
        told = model.expected_purchases(horizon, history.frequency, history.recency, history.age)
        rate = history.frequency / np.maximum(history.age, 1) * horizon
        held_out = self.env._(
            "%(customers)s customers from %(day)s on, told by the orders before",
            customers=len(actual), day=format_date(self.env, split.item()))
        goes_on = self.env._("Everybody goes on as before")
        measures = [{
            'measure': self.env._("Orders per customer, mean absolute error"),
            'value': float(np.abs(told - actual).mean()),
            'naive': float(np.abs(rate - actual).mean()),
            'naive_label': goes_on,
            'better': 'lower',
            'data': held_out,
        }, {
            'measure': self.env._("Orders of all customers, error"),
            'value': self._get_error(told, actual),
            'naive': self._get_error(rate, actual),
            'naive_label': goes_on,
            'better': 'lower',
            'data': held_out,
        }]
        if 0 < (actual > 0).sum() < len(actual):
            measures.append(self._judge_return(history, model, horizon, actual > 0, held_out))
        return measures

    def _get_error(self, told, actual):
        """Return by which share the sum was missed."""
        return float(abs(told.sum() - actual.sum()) / max(actual.sum(), 1))

    def _judge_return(self, history, model, horizon, came_back, held_out):
        from sklearn.metrics import roc_auc_score  # noqa: PLC0415  only studies pay for it
        silence = model.probability_of_silence(horizon, history.frequency, history.recency, history.age)
        return {
            'measure': self.env._("Ranking of who orders again (AUC)"),
            'value': float(roc_auc_score(came_back, -silence)),
            'naive': float(roc_auc_score(came_back, history.recency - history.age)),
            'naive_label': self.env._("The last to order come back first"),
            'better': 'higher',
            'data': held_out,
        }

    def _describe_lifetime_data(self, orders, history):
        return self.env._(
            "%(days)s order days of %(customers)s customers from %(first)s to %(last)s; %(repeaters)s of the customers"
            " came back",
            days=len(orders['day']), customers=len(history.customer_ids),
            first=format_date(self.env, orders['day'].min().item()), last=format_date(self.env, self._get_as_of()),
            repeaters=int((history.frequency > 0).sum()))
