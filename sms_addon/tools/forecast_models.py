"""Models that expect what comes next in a series; nothing here knows Odoo, or which of them is chosen.

Each takes the past without gaps and gives one number a period ahead. Season is taken out before and put back after,
by the rule of NAIVE2 in the M competitions (S. Makridakis and M. Hibon, *The M3-Competition*, International Journal of
Forecasting 16, 2000): only where the autocorrelation at the lag of a season says that there is one.
"""
from dataclasses import dataclass

import numpy as np

#: standard errors that the autocorrelation of a season must reach: 90 % of two sides, as in the M competitions
SEASON_LIMIT = 1.645
#: seasons that must have been seen
SEASONS_SEEN = 3
#: a factor of a season below this is no factor: the season is added instead
SMALLEST_FACTOR = 0.01
#: mean periods from one demand to the next from which a demand is intermittent (A.A. Syntetos, J.E. Boylan and
#: J.D. Croston, *On the categorization of demand patterns*, Journal of the Operational Research Society 56, 2005)
INTERMITTENT_INTERVAL = 1.32
#: fewer periods than these have no Theta, and no exponential smoothing with a trend
THETA_PERIODS, TREND_PERIODS = 5, 10


@dataclass(frozen=True)
class Seasonless:
    """A series without its season.

    ``season`` has a figure for each of the periods of a season that come next, ``multiplies`` says whether values
    are multiplied by them, or they are added.
    """
    values: np.ndarray
    season: np.ndarray
    multiplies: bool

    def with_season(self, mean) -> np.ndarray:
        """Return means of the next periods with the season back in."""
        season = np.resize(self.season, len(mean))
        return mean * season if self.multiplies else mean + season


def take_out_season(values, season_length) -> Seasonless:
    """Return a series without its season; as it is where there is none.

    By moving averages over a season (the classical decomposition); multiplied where all values are above 0.
    """
    none = Seasonless(values, np.zeros(1), False)
    if not is_seasonal(values, season_length):
        return none
    trend = centred_mean(values, season_length)
    multiplies = bool(values.min() > 0)
    known = np.flatnonzero(np.isfinite(trend))
    parts = values[known] / trend[known] if multiplies else values[known] - trend[known]
    slots = known % season_length
    counts = np.bincount(slots, minlength=season_length)
    season = np.bincount(slots, weights=parts, minlength=season_length) / counts
    season = season / season.mean() if multiplies else season - season.mean()
    if multiplies and season.min() < SMALLEST_FACTOR:
        return none
    all_slots = season[np.arange(len(values)) % season_length]
    ahead = np.roll(season, -(len(values) % season_length))
    return Seasonless(values / all_slots if multiplies else values - all_slots, ahead, multiplies)


def is_seasonal(values, season_length) -> bool:
    """Return whether the autocorrelation at the lag of a season is beyond what chance explains."""
    if season_length < 2 or len(values) < SEASONS_SEEN * season_length:
        return False
    centred = values - values.mean()
    power = centred @ centred
    if power <= 1e-12 * max(1.0, values @ values):
        return False
    correlation = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season_length + 1)]) / power
    limit = SEASON_LIMIT * np.sqrt((1 + 2 * correlation[:-1] @ correlation[:-1]) / len(values))
    return bool(abs(correlation[-1]) > limit)


def centred_mean(values, season_length) -> np.ndarray:
    """Return the mean of the season around each value; NaN at the ends."""
    weights = np.full(season_length, 1 / season_length)
    if season_length % 2 == 0:
        weights = np.convolve(weights, [0.5, 0.5])
    means = np.full(len(values), np.nan)
    half = len(weights) // 2
    means[half:len(values) - half] = np.convolve(values, weights, 'valid')
    return means


def is_intermittent(values) -> bool:
    """Return whether periods without demand are so many that the models of intermittent demand are meant for it."""
    some = np.count_nonzero(values)
    return some == 0 or len(values) / some > INTERMITTENT_INTERVAL


def seasonal_naive(values, horizon, season_length) -> np.ndarray:
    """Return the values of the last season once more; the last value where less than a season is known."""
    season_length = season_length if len(values) >= season_length else 1
    return np.resize(values[-season_length:], horizon)


def smooth_means(values, horizon, season_length) -> dict[str, np.ndarray]:
    """Return what the models of regular demand expect, by name."""
    adjusted = take_out_season(values, season_length)
    means = {'NAIVE2': adjusted.with_season(np.repeat(adjusted.values[-1], horizon))}
    parts = []
    for name, model, periods in (('Theta', theta, THETA_PERIODS), ('AutoETS', exponential_smoothing, TREND_PERIODS)):
        if len(values) >= periods and np.ptp(adjusted.values) > 0:
            parts.append(model(adjusted.values, horizon))
            means[name] = adjusted.with_season(parts[-1])
    if len(parts) > 1:
        means['Theta + AutoETS'] = adjusted.with_season(np.mean(parts, axis=0))
    return means


def theta(values, horizon) -> np.ndarray:
    """Return the means of the Theta method (V. Assimakopoulos and K. Nikolopoulos, IJF 16, 2000)."""
    from statsforecast.models import Theta  # noqa: PLC0415  a second or two, which only forecasts pay
    return Theta(season_length=1).forecast(values, horizon)['mean']


def exponential_smoothing(values, horizon) -> np.ndarray:
    """Return the means of the exponential smoothing that explains the values best (AICc)."""
    from statsforecast.models import AutoETS  # noqa: PLC0415
    return AutoETS(season_length=1, model='ZZN').forecast(values, horizon)['mean']


def intermittent_means(values, horizon) -> dict[str, np.ndarray]:
    """Return what the models of intermittent demand expect, by name: the same for each period ahead."""
    from statsforecast.models import ADIDA, IMAPA, TSB, CrostonSBA  # noqa: PLC0415
    if not values.any():
        return {'Mean': np.zeros(horizon)}
    models = {'Croston SBA': CrostonSBA(), 'TSB': TSB(0.1, 0.1), 'ADIDA': ADIDA(), 'IMAPA': IMAPA()}
    means = {name: model.forecast(values, horizon)['mean'].astype(float) for name, model in models.items()}
    means['Mean'] = np.repeat(values.mean(), horizon)
    means['Croston combination'] = np.mean(list(means.values()), axis=0)
    return means
