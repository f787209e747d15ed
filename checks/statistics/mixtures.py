"""Mixtures: mixtures of likelihood ratios that hold at every look. Pure, on `math` alone."""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple


def geomspace(first: float, last: float, count: int) -> tuple[float, ...]:
    """`count` numbers from `first` to `last`, each the same number of times the one before."""
    low, high = math.log(first), math.log(last)
    inner = (math.exp(low + (high - low) * i / (count - 1)) for i in range(1, count - 1))
    return (first, *inner, last)


WORSE_GRID = geomspace(1.2, 10, 30)
"""Ratios above the tolerated one that the evidence against a canary is spread over."""
BETTER_GRID = geomspace(0.05, 0.9, 25)
"""Ratios below `worse` that the evidence for a canary is spread over."""
BURN_GRID = geomspace(1.15, 30, 40)
HEALTH_GRID = geomspace(0.01, 0.87, 40)
HIGHEST_RATE = 0.98
"""A true rate that is tried against an allowed one is no higher than this."""
NEGLIGIBLE = 40.0
"""Terms below e^-40 of the largest change no digit of a sum."""
TINY = 1e-250
"""A sum above it has lost nothing to the least of a float's numbers."""


def log_sum(logs: Sequence[float]) -> float:
    """Log of the sum of exponentials; minus infinity for none."""
    try:
        whole = sum(map(math.exp, logs))
        # Each of several may be a float's, and their sum be more than any.
        if TINY < whole < math.inf:
            return math.log(whole)
    except OverflowError:
        pass
    most = max(logs, default=-math.inf)
    if most == -math.inf:
        return most
    return most + math.log(sum([math.exp(value - most) for value in logs]))


def log_mean(logs: Sequence[float]) -> float:
    """Log of the mean of exponentials."""
    return log_sum(logs) - math.log(len(logs))


def log_weighted(terms: Iterable[tuple[float, float]]) -> float:
    """Log of the weighted sum of exponentials, from (weight, log)."""
    return log_sum([math.log(weight) + value for weight, value in terms if weight > 0])


class Lot(NamedTuple):
    """One window as the relative evidence needs it. A tuple, for it is made several times in every look."""

    canary_bad: int
    bad: int
    """On both sides."""
    share: float
    """The canary's share of requests, as observed."""
    canary_total: int = 0
    """Requests, and those of stable below: only the two-sample form needs them."""
    stable_total: int = 0


@lru_cache(maxsize=256)
def _ratios(null: float, grid: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """By true ratio: the log of it over `null`, and one less than the ratio."""
    return tuple(math.log(step) for step in grid), tuple(null * step - 1 for step in grid)


class Mixture(NamedTuple):
    """Likelihood ratios of several true ratios (`null` times the grid) against `null`, cumulative over windows.

    Lindon and Malek 2022 (arXiv 2011.03567): given all bad events of a window, the canary's are binomial with
    `share*r/(1+share*(r-1))`; the common base rate, whatever it does over time, cancels. Shares may change.
    """

    null: float
    steps: Sequence[float]
    """By true ratio r, the log of r/null."""
    excesses: Sequence[float]
    """By true ratio r, r-1."""
    canary_bad: int
    base: float
    """Sum of m*log(1+share*(null-1)) over the windows."""
    sums: Sequence[float]
    """By true ratio r, the sum of m*log(1+share*(r-1)). A list: it is made anew by each window, and never changed."""

    @classmethod
    def against(cls, null: float, grid: tuple[float, ...]) -> "Mixture":
        """Nothing seen yet."""
        steps, excesses = _ratios(null, grid)
        return cls(null, steps, excesses, 0, 0.0, [0.0] * len(grid))

    def seen(self, lot: Lot) -> "Mixture":
        """With one more window."""
        if not lot.bad:
            return self
        log1p, m, share = math.log1p, float(lot.bad), lot.share
        sums = [so_far + m * log1p(share * excess) for so_far, excess in zip(self.sums, self.excesses, strict=True)]
        base = self.base + m * log1p(share * (self.null - 1))
        return Mixture(self.null, self.steps, self.excesses, self.canary_bad + lot.canary_bad, base, sums)

    def log_e(self, dispersion: float = 1.0) -> float:
        """Log of the evidence, each likelihood ratio tempered by the dispersion."""
        x, part = self.canary_bad / dispersion, 1 / dispersion
        logs = [x * step - part * so_far for step, so_far in zip(self.steps, self.sums, strict=True)]
        return log_mean(logs) + part * self.base


Odds = tuple[tuple[float, float], ...]


def odds(null: float, grid: tuple[float, ...]) -> Odds:
    """By rate (`null` times the grid): the log likelihood ratio against `null` of a bad event, and of a good one.

    None where no such rate is left below the highest, or `null` is no rate between 0 and 1.
    """
    if not 0 < null < 1:
        return ()
    steps = [step for step in grid if null * step < HIGHEST_RATE]
    # Of the step itself: of the least rates there are, a part of one is 0.
    return tuple((math.log(step), math.log1p(-null * step) - math.log1p(-null)) for step in steps)


@lru_cache(maxsize=256)
def _burning(rate: float) -> Odds:
    return odds(rate, BURN_GRID)


@lru_cache(maxsize=256)
def _healthy(rate: float) -> Odds:
    return odds(rate, HEALTH_GRID)


def log_e_burn(bad: int, total: int, rate: float, dispersion: float = 1.0) -> float:
    """Log evidence that the rate of bad events is above `rate` (burn times the allowed one)."""
    return log_e_rate(bad, total, _burning(rate), dispersion)


def log_e_health(bad: int, total: int, rate: float, dispersion: float = 1.0) -> float:
    """Log evidence that the rate of bad events is below `rate` (one minus the objective)."""
    return log_e_rate(bad, total, _healthy(rate), dispersion)


def log_e_rate(bad: int, total: int, tried: Odds, dispersion: float = 1.0) -> float:
    """Log evidence, from one side's counts, for other rates of bad events than the one their odds are against.

    0 (no evidence) where there is none to try.
    """
    if not tried:
        return 0.0
    x, y = bad / dispersion, (total - bad) / dispersion
    logs = [x * of_bad + y * of_good for of_bad, of_good in _telling(tried, x, y)]
    return log_sum(logs) - math.log(len(tried))


def _telling(tried: Odds, bad: float, good: float) -> Odds:
    """Those that are not negligible, where that is seen from the first two: the log likelihood is concave in the rate.

    Where it falls from the first on, it falls at least as fast ever after.
    """
    if len(tried) < 2:
        return tried
    (bad_0, good_0), (bad_1, good_1) = tried[:2]
    fall = bad * (bad_0 - bad_1) + good * (good_0 - good_1)
    return tried[: 2 + int(NEGLIGIBLE / fall)] if fall * len(tried) > NEGLIGIBLE else tried
