"""What a series will be in the next periods, between which bounds, and whether that is better than a naive guess.

The model is chosen for each series by a back-test with rolling origins: the models forecast from several past days
what is known by now, and the one that was off least goes on; where none was off less than the seasonal naive forecast
(the same period of the last season once more), that one is used and the forecast says so. Nothing here knows Odoo.
"""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .forecast_models import intermittent_means, is_intermittent, seasonal_naive, smooth_means

#: fewer periods with a known value bear no forecast: it abstains
MIN_PERIODS = 6
#: periods a model must know at the first origin of the back-test
MIN_TRAINING = 5
#: origins of the back-test, at the most
ORIGINS = 6
#: series in one piece of work
CHUNK = 100


@dataclass(frozen=True)
class Forecast:
    """The next periods of a series.

    ``mean``, ``lo`` and ``hi`` have one float a period ahead; between ``lo`` and ``hi``, ``level`` % of the values
    are expected. All three are NaN where it abstained; where no value was ever below 0, none of them is.

    ``backtest_error`` is how far off the model was in the back-test, ``naive_error`` how far seasonal naive was there,
    both in the unit of the series: the mean absolute error, for intermittent demand the root of the mean squared one
    (half of the periods without demand would make 0 the best forecast by the absolute one). NaN without a back-test.

    ``status``: ``ok`` when the model beat seasonal naive, ``naive`` when nothing did (``mean`` is seasonal naive then),
    ``abstained`` when fewer than :data:`MIN_PERIODS` values are known.
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

    :param y: 1-d; NaN for periods before launch or without stock, from the oldest to the newest
    :param horizon: periods ahead
    :param season_length: periods after which a season comes back: 12 for months, 52 for weeks, 1 for none
    :param level: percent of the values that are to be between ``lo`` and ``hi``
    :raise ValueError: an argument is no such thing
    """
    values = _read(y, horizon, season_length, level)
    if np.count_nonzero(np.isfinite(values)) < MIN_PERIODS:
        nothing = np.full(horizon, np.nan)
        return Forecast(nothing, nothing.copy(), nothing.copy(), '', np.nan, np.nan, 'abstained')
    return _choose(values, horizon, season_length, level)


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

    Whoever keeps what was yielded can stop between two (close the generator, or just leave the loop), and go on
    later with the series that are left: no series depends on another.

    :param series: as in :func:`forecast_many`, like the next four
    """
    pieces = [series[start:start + chunk] for start in range(0, len(series), chunk)]
    if jobs == 1:
        for piece in pieces:
            yield _forecast_piece(piece, horizon, season_length, level)
        return
    from joblib import Parallel, delayed  # noqa: PLC0415
    work = (delayed(_forecast_piece)(piece, horizon, season_length, level) for piece in pieces)
    yield from Parallel(n_jobs=jobs, backend='loky', return_as='generator')(work)


def _forecast_piece(piece, horizon, season_length, level):
    return [forecast(y, horizon, season_length, level) for y in piece]


def _read(y, horizon, season_length, level):
    """Return the values from the first known one on, as floats."""
    values = np.asarray(y, dtype=float)
    if values.ndim != 1:
        raise ValueError(f"y has {values.ndim} dimensions, not one")
    if np.isinf(values).any():
        raise ValueError(f"y[{int(np.flatnonzero(np.isinf(values))[0])}] is infinite")
    if int(horizon) != horizon or horizon < 1:
        raise ValueError(f"horizon is {horizon}: not a number of periods")
    if int(season_length) != season_length or season_length < 1:
        raise ValueError(f"season_length is {season_length}: not a number of periods")
    if not 0 < level < 100:
        raise ValueError(f"level is {level}: not between 0 and 100")
    known = np.flatnonzero(np.isfinite(values))
    return values[known[0]:] if len(known) else values[:0]


def _fill(values):
    known = np.flatnonzero(np.isfinite(values))
    return np.interp(np.arange(len(values)), known, values[known])


def _means(values, horizon, season_length, intermittent):
    means = {'Seasonal naive': seasonal_naive(values, horizon, season_length)}
    return means | (intermittent_means(values, horizon) if intermittent else
                    smooth_means(values, horizon, season_length))


def _choose(values, horizon, season_length, level):
    known = np.isfinite(values)
    filled = _fill(values)
    intermittent = is_intermittent(values[known])
    count = len(values)
    origins = np.unique(np.linspace(max(MIN_TRAINING, count - 2 * horizon), count - 1, ORIGINS).astype(int))
    errors: dict[str, list] = {}
    for origin in origins:
        ahead = min(horizon, count - origin)
        for name, mean in _means(filled[:origin], ahead, season_length, intermittent).items():
            errors.setdefault(name, []).append(np.where(known[origin:origin + ahead],
                                                        values[origin:origin + ahead] - mean, np.nan))
    scores = {}
    for name, parts in errors.items():
        if len(parts) == len(origins):
            off = np.concatenate(parts)
            scores[name] = float(np.sqrt(np.nanmean(off ** 2)) if intermittent else np.nanmean(np.abs(off)))
    naive = scores['Seasonal naive']
    best = min(scores, key=scores.get)
    status = 'ok' if scores[best] < naive else 'naive'
    best = best if status == 'ok' else 'Seasonal naive'
    mean = _means(filled, horizon, season_length, intermittent)[best]
    width = np.nanquantile(np.abs(np.concatenate(errors[best])), level / 100)
    lo, hi = mean - width, mean + width
    if np.nanmin(values) >= 0:
        mean, lo, hi = np.maximum(mean, 0), np.maximum(lo, 0), np.maximum(hi, 0)
    return Forecast(mean, lo, hi, best, scores[best], naive, status)
