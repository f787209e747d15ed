"""Mann whitney: how far one sample lies above another, and how sure that is. Pure.

Kayenta inverts the rank sum's normal approximation by a root finder that stops early, and its labels depend on where it
stops. So the finder is part of the rule: the same steps, the same tolerance. The rule is read out of
https://github.com/spinnaker/kayenta at a69573be, `kayenta-mannwhitney` and `kayenta-judge`.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import NormalDist

from davy.pipeline.core.fast_dataclass import dataclass

TOLERANCE = 1e-4
"""Of the root finder, as R's `wilcox.test` sets it for `uniroot`."""
MOST_STEPS = 1001
"""`uniroot` counts 1000 after the first."""
EPSILON = 2.220446049250313e-16
CONTINUITY = 0.5
NOISE = 1e-5
"""Kayenta's noise for two constant samples: its standard deviation, as a share of the value."""

Function = Callable[[float], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """By how much the first sample lies above the second."""

    low: float
    high: float
    """The confidence interval. With many ties `low` may lie above `high`: that is the root finder's early stop."""
    estimate: float
    """Hodges and Lehmann's: the median of all differences."""


def shift(first: Sequence[float], second: Sequence[float], confidence: float) -> Shift:
    """Interval and estimate of the shift, asymptotic, with continuity and tie correction.

    Raises ValueError where a sample is empty or not finite, and where all values are tied: then there is no spread to
    measure by.
    """
    if not first or not second or not all(math.isfinite(value) for value in (*first, *second)):
        raise ValueError("a sample is empty or not finite")
    ordered = sorted(second)
    low, high = min(first) - ordered[-1], max(first) - ordered[0]
    quantile = NormalDist().inv_cdf((1 - confidence) / 2)

    def where(level: float, *, ends: bool = True) -> float:
        def above(mu: float) -> float:
            return deviation(mu, first, ordered) - level

        at_low, at_high = above(low), above(high)
        if ends and at_low <= 0:
            return low
        if ends and at_high >= 0:
            return high
        return root(above, low, high, at_low, at_high)

    return Shift(low=where(-quantile), high=where(quantile), estimate=where(0.0, ends=False))


def deviation(mu: float, first: Sequence[float], ordered: Sequence[float]) -> float:
    """The rank sum of `first`, moved down by `mu`, against its expectation, in standard deviations.

    `ordered`: the second sample, sorted. Falls as `mu` grows. Raises ValueError where all values are tied.
    """
    moved = [value - mu for value in first]
    below = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in moved) / 2
    m, n = float(len(moved)), float(len(ordered))
    excess = below - m * n / 2
    tied = sum(count**3 - count for count in Counter([*moved, *ordered]).values())
    spread = math.sqrt((m * n / 12) * ((m + n + 1) - tied / ((m + n) * (m + n - 1))))
    if spread == 0:
        raise ValueError("all values are tied")
    correction = math.copysign(CONTINUITY, excess) if excess else 0.0
    return (excess - correction) / spread


def root(function: Function, low: float, high: float, at_low: float, at_high: float) -> float:
    """Where the function crosses zero between `low` and `high`, or the nearest that was reached.

    Brent's `zero` (Algorithms for Minimization without Derivatives, 1973, chapter 4), stopping as R's `uniroot` does.
    """
    if at_low == 0:
        return low
    if at_high == 0:
        return high
    older, at_older = low, at_low
    best, at_best = high, at_high
    across, at_across = low, at_low
    for _ in range(MOST_STEPS):
        last = best - older
        if abs(at_across) < abs(at_best):
            older, best, across = best, across, best
            at_older, at_best, at_across = at_best, at_across, at_best
        near = 2 * EPSILON * abs(best) + TOLERANCE / 2
        half = (across - best) / 2
        if abs(half) <= near or at_best == 0:
            return best
        step = half
        if abs(last) >= near and abs(at_older) > abs(at_best):
            step = _interpolated((older, best, across), (at_older, at_best, at_across), last, near)
        if abs(step) < near:
            step = near if step > 0 else -near
        older, at_older = best, at_best
        best += step
        at_best = function(best)
        if (at_best > 0) == (at_across > 0) and at_best and at_across:
            across, at_across = older, at_older
    return best


def _interpolated(
    points: tuple[float, float, float], values: tuple[float, float, float], last: float, near: float
) -> float:
    """The step to where a line or an inverse parabola crosses zero; half the bracket where that leads too far."""
    older, best, across = points
    at_older, at_best, at_across = values
    width = across - best
    by_older = at_best / at_older
    if older == across:
        top, bottom = width * by_older, 1.0 - by_older
    else:
        ratio, by_across = at_older / at_across, at_best / at_across
        top = by_older * (width * ratio * (ratio - by_across) - (best - older) * (by_across - 1.0))
        bottom = (ratio - 1.0) * (by_across - 1.0) * (by_older - 1.0)
    top, bottom = (top, -bottom) if top > 0 else (-top, bottom)
    if top < 0.75 * width * bottom - abs(near * bottom) / 2 and top < abs(last * bottom / 2):
        return top / bottom
    return width / 2


def blurred(values: Sequence[float]) -> tuple[float, ...]:
    """A constant sample made into one with a spread.

    Kayenta draws Gaussian noise here, so its verdict differs from run to run. Ours must not: in place of draws stand
    the normal distribution's own quantiles, scaled by the value. The same values give the same sample, always.
    """
    normal, scale = NormalDist(), abs(values[0]) * NOISE
    return tuple(value + scale * normal.inv_cdf((place + 0.5) / len(values)) for place, value in enumerate(values))


def mean_ratio(first: Sequence[float], second: Sequence[float]) -> float:
    """Mean of the first over mean of the second; not a number where either is 0."""
    above, below = math.fsum(first) / len(first), math.fsum(second) / len(second)
    return math.nan if above == 0 or below == 0 else above / below


def cles(first: Sequence[float], second: Sequence[float]) -> float:
    """The share of pairs in which the first is higher, a tie counting half (Vargha and Delaney 2000)."""
    ordered = sorted(second)
    below = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in first)
    return below / (2 * len(first) * len(ordered))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below which this share lies, interpolated linearly (Hyndman and Fan's type 7). Not for none."""
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def fences(values: Sequence[float], factor: float, *, widened: bool = True) -> tuple[float, float]:
    """Tukey's fences, `factor` interquartile ranges outside the quartiles; widened to the 1st and 99th percentile."""
    lower, upper = percentile(values, 25), percentile(values, 75)
    reach = factor * (upper - lower)
    low, high = lower - reach, upper + reach
    return (min(low, percentile(values, 1)), max(high, percentile(values, 99))) if widened else (low, high)
