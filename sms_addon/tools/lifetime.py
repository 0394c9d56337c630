"""How many orders to expect of a customer, whether he is still one, and what an order will be worth.

BG/NBD: P.S. Fader, B.G.S. Hardie and K.L. Lee, *"Counting Your Customers" the Easy Way* (Marketing Science 24,
2005). Gamma-Gamma: P.S. Fader and B.G.S. Hardie, *The Gamma-Gamma Model of Monetary Value* (2013). The symbols are
theirs. Times are in any unit, the same for all; the papers count in weeks.
"""
from dataclasses import dataclass

import numpy as np

from .evidence import ThinDataError
from .order_days import columns, group_starts, read_numbers, read_order_days, refuse_first

#: Fewer customers who came back do not bear the parameters. Of 300 samples drawn with those of CDNOW, the orders to
#: expect of all customers were off by more than a quarter in 20 % with 50 who came back, in 5 % with 100, 1 % with 200.
MIN_REPEATERS = 100
#: parameters are sought within these, times in units of the customers' mean age
LOWEST, HIGHEST = 1e-4, 1e3
#: distinct customers that starting points are tried on; the best one goes on with all
TRIAL_ROWS = 20_000


@dataclass(frozen=True)
class PurchaseHistory:
    """One entry a customer, in the order of ``customer_ids``, as both models want it.

    ``frequency`` is the number of days with an order after the first, ``recency`` the time from the first to the
    last, ``age`` the time since the first; ``monetary_value`` is the mean amount of the days after the first, 0
    without any.
    """
    customer_ids: np.ndarray
    frequency: np.ndarray
    recency: np.ndarray
    age: np.ndarray
    monetary_value: np.ndarray


@dataclass(frozen=True)
class BgNbd:
    """Customers order at a rate that is gamma(r, alpha); after each order one leaves, with a chance beta(a, b)."""
    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float

    @property
    def nobody_leaves(self) -> bool:
        """Whether the data know pauses only and no end (fewer than one customer in a thousand orders leaves).

        Then the probability of being alive is next to 1 for all and tells customers apart no more; what to expect
        of them is what the older NBD model says (A.S.C. Ehrenberg, *Applied Statistics* 8, 1959).
        """
        return self.a / (self.a + self.b) < 1e-3

    def probability_alive(self, frequency, recency, age) -> np.ndarray:
        """Return the probability that customers have not left for good; 1 for those with one order only.

        :param frequency: see :class:`PurchaseHistory`, like the next two
        """
        return 1 / (1 + np.exp(self._log_odds_of_gone(*_read_history(frequency, recency, age))))

    def expected_purchases(self, horizon, frequency, recency, age) -> np.ndarray:
        """Return how many orders to expect of customers in the time ``horizon`` from now on.

        :param horizon: a number, or one a customer
        :param frequency: see :class:`PurchaseHistory`, like the next two
        """
        frequency, recency, age = _read_history(frequency, recency, age)
        horizon = np.broadcast_to(read_numbers(np.atleast_1d(horizon), 'horizon'), frequency.shape)
        refuse_first(horizon < 0, 'horizon', horizon, 'it is negative')
        near = 2e-4  # at a = 1 the formula is 0 / 0, and smooth around it
        if abs(self.a - 1) < near:
            low, high = (self._orders_if_alive(horizon, frequency, age, 1 + step) for step in (-near, near))
            orders = low + (high - low) * (self.a - 1 + near) / (2 * near)
        else:
            orders = self._orders_if_alive(horizon, frequency, age, self.a)
        return orders / (1 + np.exp(self._log_odds_of_gone(frequency, recency, age)))

    def probability_of_silence(self, horizon, frequency, recency, age) -> np.ndarray:
        """Return the probability that customers do not order in the time ``horizon`` from now on.

        They have left, or they are there and their rate, gamma(r + x, alpha + T) by now, gives no order.

        :param horizon: a number, or one a customer
        :param frequency: see :class:`PurchaseHistory`, like the next two
        """
        alive = self.probability_alive(frequency, recency, age)
        frequency, age = np.asarray(frequency), np.asarray(age)
        none = (1 + np.asarray(horizon) / (self.alpha + age)) ** -(self.r + frequency)
        return 1 - alive * (1 - none)

    def _log_odds_of_gone(self, frequency, recency, age):
        repeats = np.maximum(frequency, 1)
        odds = (np.log(self.a / (self.b + repeats - 1))
                + (self.r + frequency) * (np.log(self.alpha + age) - np.log(self.alpha + recency)))
        return np.where(frequency > 0, np.minimum(odds, 700), -np.inf)

    def _orders_if_alive(self, horizon, frequency, age, a):
        """Return the orders to expect of customers who have not left (the numerator of equation 10).

        The hypergeometric function there overflows for many orders. Euler's transformation
        2F1(r + x, b + x; c; z) = (1 - z)^(a - 1 - r - x) 2F1(a + b - 1 - r, a - 1; c; z) has arguments that do not
        grow with them, and the powers cancel; it overflows in its turn where customers leave at once. Where scipy
        still has no number (1.17 returns infinity for some that are no trouble), the mean is taken numerically.
        """
        from scipy.special import hyp2f1  # noqa: PLC0415  only studies pay for it
        share = horizon / (self.alpha + age + horizon)
        bottom = a + self.b + frequency - 1
        orders = self.r + frequency
        many = orders > a - 1
        first = np.where(many, a + self.b - 1 - self.r, orders)
        second = np.where(many, a - 1, self.b + frequency)
        power = np.where(many, a - 1, orders)
        with np.errstate(invalid='ignore'):
            expected = bottom / (a - 1) * (1 - (1 - share) ** power * hyp2f1(first, second, bottom, share))
        left = np.flatnonzero(~np.isfinite(expected))
        expected[left] = self._mean_orders(horizon[left], frequency[left], age[left], a)
        return expected

    def _mean_orders(self, horizon, frequency, age, a):
        """Return the same as the mean over p, the chance to leave, which is beta(a, b + x) of who has not left.

        With p and a rate that is gamma(r + x, alpha + T) a customer orders
        (1 - (1 + p t / (alpha + T))^-(r + x)) / p times in the time t.
        """
        from scipy.special import betaincinv  # noqa: PLC0415
        nodes, weights = np.polynomial.legendre.leggauss(200)
        chance = np.maximum(betaincinv(a, self.b + frequency[:, None], (nodes + 1) / 2), 1e-12)
        times = np.log1p(chance * (horizon / (self.alpha + age))[:, None])
        return (-np.expm1(-(self.r + frequency)[:, None] * times) / chance) @ (weights / 2)


@dataclass(frozen=True)
class GammaGamma:
    """Amounts of a customer are gamma(p, v) around a mean of his own, v is gamma(q, gamma) among customers."""
    p: float
    q: float
    gamma: float
    log_likelihood: float

    def expected_value(self, frequency, monetary_value) -> np.ndarray:
        """Return the mean amount to expect of customers: between their own and that of all.

        :param frequency: number of orders that ``monetary_value`` is the mean of; with 0 the mean of all is returned
        """
        frequency, value = columns(frequency=frequency, monetary_value=monetary_value)
        frequency, value = read_numbers(frequency, 'frequency'), read_numbers(value, 'monetary_value')
        value = np.where(frequency > 0, value, 0)
        return self.p * (self.gamma + frequency * value) / (self.p * frequency + self.q - 1)


def summarise(customer_ids, dates, amounts, as_of, unit_days=7) -> PurchaseHistory:
    """Return the history of the customers of some orders; several orders of a day are one.

    :param customer_ids: as in :func:`.order_days.read_order_days`, like the next three; without returns, as every
        day given is taken for an order
    :param unit_days: days in the unit of time; 7 for weeks
    :raise ValueError: a column cannot be read, or an order is after ``as_of``
    """
    orders = read_order_days(customer_ids, dates, amounts, as_of)
    starts = group_starts(orders.customers)
    sizes = np.bincount(orders.customers, minlength=len(orders.customer_ids))
    first, last = orders.days[starts], orders.days[starts + sizes - 1]
    repeats = orders.amounts.astype(float)
    repeats[starts] = 0
    totals = np.bincount(orders.customers, weights=repeats, minlength=len(orders.customer_ids))
    return PurchaseHistory(
        customer_ids=orders.customer_ids,
        frequency=sizes - 1,
        recency=(last - first).astype(float) / unit_days,
        age=(np.datetime64(as_of, 'D') - first).astype(float) / unit_days,
        monetary_value=totals / np.maximum(sizes - 1, 1),
    )


def fit_bg_nbd(frequency, recency, age) -> BgNbd:
    """Return the parameters of the BG/NBD model with the highest likelihood.

    :param frequency: see :class:`PurchaseHistory`, like the next two; one entry a customer
    :raise ValueError: a column cannot be read, or a customer's figures contradict each other
    :raise ThinDataError: ``few_repeaters`` (repeaters, required), ``boundary`` (parameter, value) where the data
        does not tell a parameter, ``no_convergence`` (starts). That a is next to 0 is an answer and not refused, see
        :attr:`BgNbd.nobody_leaves`
    """
    frequency, recency, age = _read_history(frequency, recency, age)
    _require_repeaters(frequency)
    unit = float(age.mean())
    rows, counts = np.unique(np.column_stack((frequency, recency / unit, age / unit)), axis=0, return_counts=True)
    # mean rates: an order in half the time, in all of it, ...; customers who leave seldom and often
    starts = np.log([[1, 1, 1, 1], [0.25, 0.2, 0.8, 2.5], [1, 0.5, 0.1, 2], [4, 1, 1, 10]])
    step = -(-len(rows) // TRIAL_ROWS)
    trial = _BgNbdLikelihood(rows[::step], counts[::step])
    best = _climb(trial, starts) if step > 1 else None
    found = _climb(_BgNbdLikelihood(rows, counts), starts if best is None else best.x[None])
    # nobody leaves: a is next to nothing, and nothing is known of b
    checked = 2 if found.x[2] < np.log(LOWEST * 1.01) else 4
    r, alpha, a, b = _inside(found, ('r', 'alpha', 'a', 'b')[:checked])
    # the unit of time: a density of the orders' times, each by the unit once
    likelihood = -found.fun * len(frequency) - frequency.sum() * np.log(unit)
    return BgNbd(r, alpha * unit, a, b, float(likelihood))


def fit_gamma_gamma(frequency, monetary_value) -> GammaGamma:
    """Return the parameters of the Gamma-Gamma model with the highest likelihood.

    :param frequency: number of orders that ``monetary_value`` is the mean of; customers with 0 are left out
    :param monetary_value: mean amount, above 0; one entry a customer
    :raise ValueError: a column cannot be read, or a mean amount of a customer with orders is not above 0
    :raise ThinDataError: as in :func:`fit_bg_nbd`; and ``no_mean`` (q) where amounts scatter so much that there is
        none
    """
    frequency, value = columns(frequency=frequency, monetary_value=monetary_value)
    frequency, value = _read_counts(frequency), read_numbers(value, 'monetary_value')
    refuse_first((frequency > 0) & (value <= 0), 'monetary_value', value, 'it is not above 0')
    _require_repeaters(frequency)
    value, frequency = value[frequency > 0], frequency[frequency > 0]
    unit = float(value.mean())
    rows, counts = np.unique(np.column_stack((frequency, value / unit)), axis=0, return_counts=True)
    found = _climb(_GammaGammaLikelihood(rows, counts), np.log([[1, 2, 1], [6, 4, 0.5], [2, 10, 5]]))
    p, q, gamma = _inside(found, ('p', 'q', 'gamma'))
    if q <= 1:
        raise ThinDataError('no_mean', q=q)
    return GammaGamma(p, q, gamma * unit, float(-found.fun * len(value) - len(value) * np.log(unit)))


def _read_counts(frequency) -> np.ndarray:
    frequency = read_numbers(frequency, 'frequency')
    refuse_first((frequency < 0) | (frequency % 1 != 0), 'frequency', frequency, 'it is not a number of orders')
    return frequency


def _read_history(frequency, recency, age) -> list[np.ndarray]:
    """Return the three columns as floats.

    :raise ValueError: they contradict each other
    """
    frequency, recency, age = columns(frequency=frequency, recency=recency, age=age)
    frequency, recency, age = _read_counts(frequency), read_numbers(recency, 'recency'), read_numbers(age, 'age')
    refuse_first(recency > age, 'recency', recency, 'it is above the age')
    refuse_first((recency > 0) != (frequency > 0), 'recency', recency,
                 'it is above 0 with orders after the first, and 0 without')
    refuse_first(age < 0, 'age', age, 'it is negative')
    return frequency, recency, age


def _require_repeaters(frequency):
    repeaters = int((frequency > 0).sum())
    if repeaters < MIN_REPEATERS:
        raise ThinDataError('few_repeaters', repeaters=repeaters, required=MIN_REPEATERS)


class _BgNbdLikelihood:
    """Mean negative log-likelihood of (r, alpha, a, b), given by their logarithms, and its gradient.

    Most of its terms depend on one column only, which has few distinct values; the others take one exponential and
    one logarithm a row.
    """

    def __init__(self, rows, counts):
        self.size = counts.sum()
        self.counts = counts / self.size
        self.x, self.x_rows = np.unique(rows[:, 0], return_inverse=True)
        self.x_counts = np.bincount(self.x_rows, weights=self.counts)
        self.recency, self.recency_rows = np.unique(rows[:, 1], return_inverse=True)
        self.age, self.age_rows = np.unique(rows[:, 2], return_inverse=True)
        self.orders = rows[:, 0]
        self.repeats = np.flatnonzero(self.orders > 0)

    def __call__(self, logarithms):
        from scipy.special import digamma, gammaln  # noqa: PLC0415
        r, alpha, a, b = np.exp(logarithms)
        x, counts = self.x, self.x_counts
        bottom = np.where(x > 0, b + x - 1, 1)
        terms = (gammaln(r + x) - gammaln(r) + r * np.log(alpha)
                 + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x))
        ages = np.log(alpha + self.age)[self.age_rows]
        weights = r + self.orders
        # how the logarithm of "he left after the last order" exceeds that of "he is still there"
        some = self.repeats
        longer = ages[some] - np.log(alpha + self.recency)[self.recency_rows[some]]
        excess = (np.log(a) - np.log(bottom))[self.x_rows[some]] + weights[some] * longer
        total = counts @ terms - self.counts @ (weights * ages) + self.counts[some] @ np.logaddexp(0, excess)

        gone = self.counts[some] / (1 + np.exp(-excess))
        d_alpha_age = (1 / (alpha + self.age))[self.age_rows]
        d_alpha_recency = (1 / (alpha + self.recency))[self.recency_rows[some]]
        gone_by_x = np.bincount(self.x_rows[some], weights=gone, minlength=len(x))
        gradient = np.array([
            counts @ (digamma(r + x) - digamma(r) + np.log(alpha)) - self.counts @ ages + gone @ longer,
            r / alpha - self.counts @ (weights * d_alpha_age)
            + gone @ (weights[some] * (d_alpha_age[some] - d_alpha_recency)),
            counts @ (digamma(a + b) - digamma(a + b + x)) + gone.sum() / a,
            counts @ (digamma(a + b) + digamma(b + x) - digamma(b) - digamma(a + b + x)) - gone_by_x @ (1 / bottom),
        ])
        return -total, -gradient * np.exp(logarithms)


class _GammaGammaLikelihood:
    """Mean negative log-likelihood of (p, q, gamma), given by their logarithms, and its gradient."""

    def __init__(self, rows, counts):
        self.counts = counts / counts.sum()
        self.x, self.x_rows = np.unique(rows[:, 0], return_inverse=True)
        self.x_counts = np.bincount(self.x_rows, weights=self.counts)
        self.orders, self.value = rows.T
        self.log_total = np.log(self.orders * self.value)
        self.constant = self.counts @ np.log(self.value)

    def __call__(self, logarithms):
        from scipy.special import digamma, gammaln  # noqa: PLC0415
        p, q, gamma = np.exp(logarithms)
        x, counts = self.x, self.x_counts
        terms = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        weights = p * self.orders + q
        sums = gamma + self.orders * self.value
        logs = np.log(sums)
        total = (counts @ terms + self.counts @ (p * self.orders * self.log_total) - self.constant
                 - self.counts @ (weights * logs))
        gradient = np.array([
            counts @ (x * (digamma(p * x + q) - digamma(p * x)))
            + self.counts @ (self.orders * (self.log_total - logs)),
            counts @ (digamma(p * x + q) - digamma(q) + np.log(gamma)) - self.counts @ logs,
            q / gamma - self.counts @ (weights / sums),
        ])
        return -total, -gradient * np.exp(logarithms)


def _climb(likelihood, starts):
    """Return the best of the minima that are reached from some starting points (scipy's result)."""
    from scipy.optimize import minimize  # noqa: PLC0415
    limits = [(np.log(LOWEST), np.log(HIGHEST))] * starts.shape[1]
    options = {'maxiter': 1000, 'ftol': 1e-15, 'gtol': 1e-8}
    found = [minimize(likelihood, start, jac=True, method='L-BFGS-B', bounds=limits, options=options)
             for start in starts]
    # the line search may stop at the last digit without calling that a success
    found = [result for result in found if np.isfinite(result.fun) and _is_flat(result, limits)]
    if not found:
        raise ThinDataError('no_convergence', starts=len(starts))
    return min(found, key=lambda result: result.fun)


def _is_flat(result, limits) -> bool:
    """Return whether the likelihood does not rise any more, but over a limit."""
    low, high = np.array(limits).T
    slope = np.where((result.x <= low) | (result.x >= high), 0, result.jac)
    return bool(np.abs(slope).max() < 1e-5)


def _inside(result, names) -> list[float]:
    """Return the parameters of a result; the first of them have names, the others may be at a limit.

    :raise ThinDataError: one with a name ran to a limit
    """
    values = np.exp(result.x).tolist()
    for name, value in zip(names, values, strict=False):
        if not LOWEST * 1.01 < value < HIGHEST / 1.01:
            raise ThinDataError('boundary', parameter=name, value=value)
    return values
