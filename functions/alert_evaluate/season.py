"""How far a number is from what its series goes on with, by decomposition into trend, daily and weekly seasons.

The decomposition is MSTL of statsmodels (Bandara, Hyndman & Bergmeir 2021: STL, season by season), of roots: there the
noise of counting is the same for large numbers and small ones (Anscombe 1948), and an old incident weighs little. Its
seasons are all but periodic: a week that is fitted to four weeks would explain any of them. It is imported by the
first rule that asks for it.
"""

import math
import statistics
from collections.abc import Sequence

# What makes the median absolute deviation of normal noise its standard deviation.
OF_NORMAL = 1.4826
DAYS = 7
# Noise of counting, among roots.
_COUNTING = 1.0
_ANSCOMBE = 3 / 8
# Loess windows of the daily and the weekly season, in turns.
_DAY_TURNS, _WEEK_TURNS = 25, 99
# Loess is computed at every so many points and drawn in between: a tenth of the time, the same seasons.
_TREND_JUMP, _SEASON_JUMP = 24, 3


def off(history: Sequence[float], now: float, per_day: int) -> float:
    """How many times the usual noise a number is from what `history` goes on with; negative where it is less.

    `history` are the numbers before it in a row, oldest first, `per_day` a day, of more than two weeks. Expected is the
    trend as it was last, and of each season what it was one turn before. Noise is the median absolute deviation of
    what the decomposition leaves over at the same time of day, at least that of counting.
    """
    from statsmodels.tsa.seasonal import MSTL

    periods: tuple[int, ...] = (per_day, DAYS * per_day)
    windows: tuple[int, ...] = (_DAY_TURNS, _WEEK_TURNS)
    if per_day == 1:
        periods, windows = periods[1:], windows[1:]
    jump = min(per_day, _TREND_JUMP)
    options = {"seasonal_jump": _SEASON_JUMP if per_day > 1 else 1, "trend_jump": jump, "low_pass_jump": jump}
    found = MSTL(list(map(_root, history)), periods=periods, windows=windows, stl_kwargs=options).fit()
    seasonal = found.seasonal.reshape(len(history), -1)
    usual = float(found.trend[-1]) + sum(float(seasonal[-period, place]) for place, period in enumerate(periods))
    left = [float(one) for one in found.resid[::-1][per_day - 1 :: per_day]]
    middle = statistics.median(left)
    noise = statistics.median(abs(one - middle) for one in left) * OF_NORMAL
    return (_root(now) - usual) / max(noise, _COUNTING)


def _root(number: float) -> float:
    return math.copysign(2 * math.sqrt(abs(number) + _ANSCOMBE), number)
