"""Models that expect what comes next in a series; nothing here knows Odoo, or which of them is chosen.

Each takes the past, from the oldest to the newest period, NaN where a value is not known, and gives one number for
each of the next periods. A season is taken out before and put back after, by the rule of NAIVE2 in the M competitions
(S. Makridakis and M. Hibon, *The M3-Competition*, International Journal of Forecasting 16, 2000): only where the
autocorrelation at the lag of a season says that there is one, or, beyond that rule, where the season is most of what
there is. So exponential smoothing and Theta have no season to
estimate, which takes them minutes for a thousand series with 52 weeks.
"""
from dataclasses import dataclass

import numpy as np

#: standard errors that the autocorrelation of a season must reach: 90 % of two sides, as in the M competitions
SEASON_LIMIT = 1.645
#: seasons that must have been seen; the M competitions want three, and products seldom are that old
SEASONS_SEEN = 2
#: part of the variance around the trend that a season must explain where autocorrelation does not tell: a wave so
#: regular that all lags are correlated hides it (X. Wang, K. Smith and R. Hyndman, *Characteristic-based clustering for
#: time series data*, Data Mining and Knowledge Discovery 13, 2006; the bound is that of R's `nsdiffs`)
SEASON_STRENGTH = 0.64
#: a factor of a season below this is no factor: then there is no season
SMALLEST_FACTOR = 0.01
#: mean periods from one demand to the next from which a demand is intermittent (A.A. Syntetos, J.E. Boylan and
#: J.D. Croston, *On the categorization of demand patterns*, Journal of the Operational Research Society 56, 2005)
INTERMITTENT_INTERVAL = 1.32
#: known periods that all models can do with: exponential smoothing wants 7
MODEL_PERIODS = 7
#: how fast TSB forgets demands, and whether there was one
TSB_DEMAND, TSB_CHANCE = 0.2, 0.1

NAIVE = 'Seasonal naive'
COMBINATION = 'Theta + dynamic Theta + AutoETS'
INTERMITTENT_COMBINATION = 'TSB + ADIDA + IMAPA + last season'


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

    def fill(self, known) -> np.ndarray:
        """Return the series with its season, where it is not known from the nearest known ones in the season's way."""
        places = np.arange(len(self.values))
        mean = np.interp(places, places[known], self.values[known])
        ahead = len(self.season)
        season = np.resize(np.roll(self.season, len(mean) % ahead), len(mean))
        return mean * season if self.multiplies else mean + season


def take_out_season(values, season_length) -> Seasonless:
    """Return a series without its season; as it is where there is none.

    By moving averages over a season (the classical decomposition); multiplied where all values are above 0.

    :param values: all known
    """
    none = Seasonless(values, np.zeros(1), False)
    if not is_seasonal(values, season_length):
        return none
    multiplies = bool(values.min() > 0)
    parts, slots = around_trend(values, season_length, multiplies)
    season = slot_means(parts, slots, season_length)
    season = season / season.mean() if multiplies else season - season.mean()
    if multiplies and season.min() < SMALLEST_FACTOR:
        return none
    past = season[np.arange(len(values)) % season_length]
    ahead = np.roll(season, -(len(values) % season_length))
    return Seasonless(values / past if multiplies else values - past, ahead, multiplies)


def is_seasonal(values, season_length) -> bool:
    """Return whether there is a season beyond what chance explains."""
    if season_length < 2 or len(values) < SEASONS_SEEN * season_length:
        return False
    centred = values - values.mean()
    power = centred @ centred
    if power <= 1e-12 * (values @ values):
        return False
    correlation = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season_length + 1)]) / power
    limit = SEASON_LIMIT * np.sqrt((1 + 2 * correlation[:-1] @ correlation[:-1]) / len(values))
    return bool(abs(correlation[-1]) > limit) or season_strength(values, season_length) > SEASON_STRENGTH


def season_strength(values, season_length) -> float:
    """Return the part of the variance around the trend that the season explains, less what it would by chance."""
    parts, slots = around_trend(values, season_length, False)
    free = len(parts) - season_length
    total = parts.var(ddof=1)
    if free < season_length or not total:
        return 0.0
    rest = parts - slot_means(parts, slots, season_length)[slots]
    return float(1 - rest @ rest / free / total)


def around_trend(values, season_length, multiplies):
    """Return the values over their trend, or less it, and which period of a season each is; without the ends."""
    trend = centred_mean(values, season_length)
    known = np.flatnonzero(np.isfinite(trend))
    parts = values[known] / trend[known] if multiplies else values[known] - trend[known]
    return parts, known % season_length


def slot_means(parts, slots, season_length) -> np.ndarray:
    return np.bincount(slots, weights=parts, minlength=season_length) / np.bincount(slots, minlength=season_length)


def centred_mean(values, season_length) -> np.ndarray:
    """Return the mean of the season around each value; NaN at the ends."""
    weights = np.full(season_length, 1 / season_length)
    if season_length % 2 == 0:
        weights = np.convolve(weights, [0.5, 0.5])
    means = np.full(len(values), np.nan)
    half = len(weights) // 2
    means[half:len(values) - half] = np.convolve(values, weights, 'valid')
    return means


def fill_gaps(values, season_length) -> np.ndarray:
    """Return the values, those that are not known between their neighbours, in the way of the season."""
    known = np.isfinite(values)
    if known.all():
        return values
    places = np.arange(len(values))
    between = np.interp(places, places[known], values[known])
    return np.where(known, values, take_out_season(between, season_length).fill(known))


def is_intermittent(values) -> bool:
    """Return whether periods without demand are so many that the models of intermittent demand are meant for it.

    :param values: without those that are not known
    """
    demands = np.count_nonzero(values)
    return values.min() >= 0 and (not demands or len(values) / demands > INTERMITTENT_INTERVAL)


def seasonal_naive(values, horizon, season_length) -> np.ndarray:
    """Return the last known value of the same period of a season; the last one where less than a season is known.

    :param values: one at least is known
    """
    known = np.flatnonzero(np.isfinite(values))
    if len(values) - known[0] < season_length:
        return np.full(horizon, values[known[-1]])
    slots = (np.arange(horizon) + len(values)) % season_length
    last = np.full(season_length, known[-1])  # for a period of the season that was never known
    last[known % season_length] = known
    return values[last[slots]]


def smooth_means(values, horizon, season_length) -> dict[str, np.ndarray]:
    """Return what the models of regular demand expect, by name.

    :param values: as many as :data:`MODEL_PERIODS` are known
    """
    adjusted = take_out_season(fill_gaps(values, season_length), season_length)
    last = np.repeat(adjusted.values[-1], horizon)
    # models see numbers around 1; AutoETS ends in its own errors far from there
    size = np.abs(adjusted.values).mean()
    steady = np.ptp(adjusted.values) <= 1e-9 * size
    means = {'NAIVE2': last} | {
        name: last if steady else size * model(adjusted.values / size, horizon)
        for name, model in (('Theta', theta), ('Dynamic Theta', dynamic_theta), ('AutoETS', exponential_smoothing))}
    means[COMBINATION] = (means['Theta'] + means['Dynamic Theta'] + means['AutoETS']) / 3
    return {name: adjusted.with_season(mean) for name, mean in means.items()}


def theta(values, horizon) -> np.ndarray:
    """Return the means of the Theta method.

    V. Assimakopoulos and K. Nikolopoulos, *The theta model*, International Journal of Forecasting 16, 2000.
    """
    from statsforecast.models import Theta  # noqa: PLC0415  a second or two, which only forecasts pay
    return Theta(season_length=1).forecast(values, horizon)['mean']


def dynamic_theta(values, horizon) -> np.ndarray:
    """Return the means of the Theta method whose trend is estimated anew with each value.

    J.A. Fiorucci et al., *Models for optimising the theta method and their relationship to state space models*,
    International Journal of Forecasting 32, 2016.
    """
    from statsforecast.models import DynamicOptimizedTheta  # noqa: PLC0415
    return DynamicOptimizedTheta(season_length=1).forecast(values, horizon)['mean']


def exponential_smoothing(values, horizon) -> np.ndarray:
    """Return the means of the exponential smoothing, with or without a trend, that explains the values best (AICc)."""
    from statsforecast.models import AutoETS  # noqa: PLC0415
    with np.errstate(divide='ignore', invalid='ignore'):  # what it judges its models by, where one fits perfectly
        return AutoETS(season_length=1, model='ZZN').forecast(values, horizon)['mean']


def intermittent_means(values, horizon, season_length) -> dict[str, np.ndarray]:
    """Return what the models of intermittent demand expect, by name: the same for each period.

    Periods that are not known are left out, as if they had not been.
    """
    from statsforecast.models import ADIDA, IMAPA, TSB, CrostonSBA  # noqa: PLC0415
    values = values[np.isfinite(values)]
    models = {'Croston SBA': CrostonSBA(), 'TSB': TSB(TSB_DEMAND, TSB_CHANCE), 'ADIDA': ADIDA(), 'IMAPA': IMAPA()}
    some = values.any()
    means = {name: float(model.forecast(values, 1)['mean'][0]) if some else 0.0 for name, model in models.items()}
    means['Mean of the last season'] = float(values[-max(season_length, MODEL_PERIODS):].mean())
    means[INTERMITTENT_COMBINATION] = (sum(means.values()) - means['Croston SBA']) / 4
    return {name: np.full(horizon, mean) for name, mean in means.items()}
