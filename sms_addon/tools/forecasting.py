"""What a series will be in the next periods, between which bounds, and whether that is better than a naive guess.

The model is chosen for each series by a back-test with rolling origins: the models forecast from several past days
what is known by now, and the one that was off least goes on; where none was off less than the seasonal naive forecast
(the same period of the last season once more), that one is used and the forecast says so. Nothing here knows Odoo.

A series of 36 to 96 months takes about 45 ms, one of intermittent demand 2 ms. As measured by
`bench/inventory_forecasts.py`: sMAPE on M3 12.91, RMSSE on carparts 0.710 (0 everywhere: 0.721), 80 % intervals hold
83 % and 86 % of what came. It loses to the last value on yearly, quarterly and other finance series of M3, and to 0 on
parts sold in less than one of five months.
"""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .back_test import back_test, expect, intermittent_bound, smooth_width
from .forecast_models import MODEL_PERIODS, NAIVE, is_intermittent

#: fewer periods with a known value bear no forecast: it abstains. The models want 7, and the back-test some more.
MIN_PERIODS = MODEL_PERIODS + 3
#: series in one piece of work
CHUNK = 100


@dataclass(frozen=True)
class Forecast:
    """The next periods of a series.

    ``mean``, ``lo`` and ``hi`` have one float a period ahead; ``level`` % of the values are to be between ``lo`` and
    ``hi``. All three are NaN where it abstained; where no value was ever below 0, none of them is.

    ``backtest_error`` is how far off the model was in the back-test, ``naive_error`` how far seasonal naive was there,
    both in the unit of the series: the mean absolute error, for intermittent demand the root of the mean squared one
    (by the absolute one 0 would be the best forecast of what is 0 in most periods). NaN where it abstained.

    ``status``: ``ok`` when the model beat seasonal naive; ``naive`` when nothing did, and ``mean`` is seasonal naive
    then; ``abstained`` when fewer than :data:`MIN_PERIODS` values are known, and ``model`` is empty then. For
    intermittent demand it is ``ok`` also where seasonal naive was better by no more than luck explains (the two
    errors tell): of carparts, keeping it then has errors twice as large later on.
    """
    mean: np.ndarray
    lo: np.ndarray
    hi: np.ndarray
    model: str
    backtest_error: float
    naive_error: float
    status: str


def forecast(y, horizon: int, season_length: int, level: float = 80) -> Forecast:
    """Return the forecast of one series.

    :param y: 1-d, from the oldest to the newest; NaN for periods before launch or without stock
    :param horizon: periods ahead
    :param season_length: periods after which a season comes back: 12 for months, 52 for weeks, 1 for none
    :param level: percent of the values that are to be between ``lo`` and ``hi``
    :raise ValueError: an argument is no such thing
    """
    values = _read(y, horizon, season_length, level)
    known = values[np.isfinite(values)]
    if len(known) < MIN_PERIODS:
        return Forecast(*np.full((3, horizon), np.nan), '', np.nan, np.nan, 'abstained')
    intermittent = is_intermittent(known)
    test = back_test(values, horizon, season_length, intermittent)
    model = test.choose()
    mean = expect(values, horizon, season_length, intermittent)[model]
    lowest = 0 if known.min() >= 0 else -np.inf
    mean = np.maximum(mean, lowest)
    if intermittent:
        lo = np.zeros(horizon)
        hi = np.maximum(intermittent_bound(known, test, mean.mean(), level), mean)
    else:
        width = smooth_width(test, model, level, len(known))
        lo, hi = np.maximum(mean - width, lowest), mean + width
    return Forecast(
        mean, lo, hi, model, test.score(model), test.score(NAIVE), 'naive' if model == NAIVE else 'ok')


def forecast_many(
        series: Sequence, horizon: int, season_length: int, level: float = 80, jobs: int = 1,
        progress: Callable[[int, int], None] | None = None) -> list[Forecast]:
    """Return the forecasts of many series, in their order.

    :param series: each as ``y`` of :func:`forecast`, like the next three
    :param jobs: processes that share the work; 1 for this one alone
    :param progress: called with how many are done, and of how many, after each piece of work
    """
    found: list[Forecast] = []
    for forecasts in iter_forecasts(series, horizon, season_length, level, jobs):
        found += forecasts
        if progress:
            progress(len(found), len(series))
    return found


def iter_forecasts(
        series: Sequence, horizon: int, season_length: int, level: float = 80, jobs: int = 1,
        chunk: int = CHUNK) -> Iterator[list[Forecast]]:
    """Yield lists of the forecasts of the next ``chunk`` series, in their order.

    Whoever keeps what was yielded can stop between two (leave the loop, or close the generator, which ends the
    processes), and go on later with the series that are left: no series depends on another.

    :param series: as in :func:`forecast_many`, like the next four
    """
    pieces = [
        ([np.asarray(y, dtype=float) for y in series[start:start + chunk]], horizon, season_length, level)
        for start in range(0, len(series), chunk)]
    if jobs == 1 or len(pieces) < 2:
        for piece in pieces:
            yield forecast_piece(*piece)
        return
    from .forecast_pool import run_pieces  # noqa: PLC0415  it imports this module
    for rows in run_pieces(pieces, min(jobs, len(pieces))):
        yield [Forecast(*row) for row in rows]


def forecast_piece(piece, horizon, season_length, level) -> list[Forecast]:
    """Return the forecasts of some series."""
    return [forecast(y, horizon, season_length, level) for y in piece]


def _read(y, horizon, season_length, level):
    """Return the values from the first known one on, as floats."""
    values = np.asarray(y, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"y has {values.ndim} dimensions, not one")
    if np.isinf(values).any():
        raise ValueError(f"y[{int(np.flatnonzero(np.isinf(values))[0])}] is infinite")
    for name, periods in (('horizon', horizon), ('season_length', season_length)):
        if int(periods) != periods or periods < 1:
            raise ValueError(f"{name} is {periods}: not a number of periods")
    if not 0 < level < 100:
        raise ValueError(f"level is {level}: not between 0 and 100")
    known = np.flatnonzero(np.isfinite(values))
    return values[known[0]:] if len(known) else values[:0]
