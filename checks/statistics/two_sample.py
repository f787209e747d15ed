"""The two-sample form, for bad events that are not rare: exact where the conditional form gives evidence away. Pure.

Turner, Ly and Gruenwald, "Generic E-variables for exact sequential k-sample tests" (arXiv 2106.02693): the likelihood
of both sides' counts under an alternative, over that under the null which is nearest to it. Given the number of bad
events the conditional form takes the canary's for binomial; of a tenth of all requests they scatter less than that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from davy.checks.statistics.mixtures import Lot, geomspace, log_mean

HIGHER_ODDS = geomspace(1.05, 10, 30)
"""Odds above the tolerated ones that the evidence against a canary is spread over. They begin nearer to 1 than the
conditional form's ratios: small differences are what this form is for."""


@dataclass(frozen=True, slots=True)
class TwoSample:
    """Likelihood ratios of several alternatives against "the canary's rate is at most `null` times stable's".

    With a grid below 1 the null is "at least `null` times". Stable's rate is estimated from the windows before, with
    half a bad and half a good event on top; the canary's are its odds times `null` times the grid. In the first window
    nothing is known of stable, and it counts in the conditional form, which is the limit for rare events.
    """

    null: float
    grid: tuple[float, ...]
    logs: Sequence[float]
    """Made anew by each window, never changed."""
    stable_bad: int = 0
    stable_total: int = 0

    @classmethod
    def against(cls, null: float, grid: tuple[float, ...]) -> "TwoSample":
        """Nothing seen yet."""
        return cls(null, grid, [0.0] * len(grid))

    def seen(self, lot: Lot) -> "TwoSample":
        """With one more window; one without bad events counts too, for it might have had some."""
        if not lot.canary_total or not lot.stable_total:
            return self
        told = self._conditional(lot) if not self.stable_total else self._exact(lot)
        return TwoSample(
            self.null,
            self.grid,
            [before + now for before, now in zip(self.logs, told, strict=True)],
            self.stable_bad + lot.bad - lot.canary_bad,
            self.stable_total + lot.stable_total,
        )

    def log_e(self, dispersion: float = 1.0) -> float:
        """Log of the evidence, each likelihood ratio tempered by the dispersion."""
        return log_mean([value / dispersion for value in self.logs])

    def _conditional(self, lot: Lot) -> list[float]:
        x, m, share, null = lot.canary_bad, lot.bad, lot.share, self.null
        base = math.log1p(share * (null - 1))
        return [x * math.log(step) - m * (math.log1p(share * (null * step - 1)) - base) for step in self.grid]

    def _exact(self, lot: Lot) -> list[float]:
        bad = (self.stable_bad + 0.5) / (self.stable_total + 1)
        good = (self.stable_total - self.stable_bad + 0.5) / (self.stable_total + 1)
        return [log_ratio(lot, self.null, bad, good, self.null * step, worse=step > 1) for step in self.grid]


class Rate(NamedTuple):
    """A share of bad events, and what is left of it to 1.

    Kept apart: as a difference the smaller of the two would lose its digits, and with them the promise that the
    expectation is at most 1.
    """

    bad: float
    good: float


def log_ratio(lot: Lot, null: float, bad: float, good: float, odds: float, *, worse: bool) -> float:
    """Log likelihood ratio of one window: the canary's odds are `odds` times stable's, against the nearest null.

    `bad` and `good` are stable's rates, together 1. The null is a half plane of both rates, so convex; where its
    nearest point is off the alternative, the expectation of the ratio is at most 1 under all of it: its log is at most
    the slope of the divergence along the way from there, which points away.
    """
    rest = good + odds * bad
    if (odds <= null * rest) if worse else (odds >= null * rest):
        return 0.0
    canary, stable = Rate(odds * bad / rest, good / rest), Rate(bad, good)
    at_canary, at_stable = nearest(lot, null, canary, stable)
    x, y = lot.canary_bad, lot.bad - lot.canary_bad
    (bad_c, good_c), (bad_s, good_s) = _log_times(canary, at_canary), _log_times(stable, at_stable)
    return x * bad_c + (lot.canary_total - x) * good_c + y * bad_s + (lot.stable_total - y) * good_s


def _log_times(rate: Rate, other: Rate) -> tuple[float, float]:
    """Logs of how many times the other's chances are a bad event's and a good one's.

    That of the likelier, which counts the most events, from the difference of the unlikelier, which is exact.
    """
    if rate.good > rate.bad:
        return math.log(rate.bad / other.bad), math.log1p((other.bad - rate.bad) / other.good)
    return math.log1p((other.good - rate.good) / other.bad), math.log(rate.good / other.good)


def nearest(lot: Lot, null: float, canary: Rate, stable: Rate) -> tuple[Rate, Rate]:
    """Of the null's border (null*t, t), the canary's and stable's rate that diverge least from two others.

    Each side is weighed by its requests in the window.
    """
    if null >= 1:
        return _on_border(null, null - 1, (lot.canary_total, canary), (lot.stable_total, stable))
    at_stable, at_canary = _on_border(
        1 / null, (1 - null) / null, (lot.stable_total, stable), (lot.canary_total, canary)
    )
    return at_canary, at_stable


def _on_border(times: float, over: float, more: tuple[int, Rate], less: tuple[int, Rate]) -> tuple[Rate, Rate]:
    """The nearest (times*t, t) to the rates of the side with more bad events and of the other; `over` is times - 1.

    Where the slope is zero: n_m (times*t - more)/(1 - times*t) + n_l (t - less)/(1 - t) = 0, a quadratic in t. Written
    in w = 1 - times*t it is n w^2 + b w - c = 0 with c >= 0: its discriminant is a sum, in which nothing is lost.
    """
    (n_more, rate), (n_less, other) = more, less
    whole = n_more + n_less
    linear = whole * over - n_more * rate.good - n_less * times * other.good
    constant = n_more * rate.good * over
    root = math.sqrt(linear * linear + 4 * whole * constant)
    good = 2 * constant / (linear + root) if linear > 0 else (root - linear) / (2 * whole)
    in_bad = n_more * (times + rate.bad) + n_less * (1 + times * other.bad)
    bad = 2 * (n_more * rate.bad + n_less * other.bad) / (in_bad + root)
    return Rate(times * bad, good), Rate(bad, (good + over) / times)
