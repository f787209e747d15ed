"""The two-sample form, for bad events that are not rare: exact where the conditional form gives evidence away. Pure.

Turner, Ly and Gruenwald, "Generic E-variables for exact sequential k-sample tests" (arXiv 2106.02693): the likelihood
of both sides' counts under an alternative, over that under the null which is nearest to it. Given the number of bad
events the conditional form takes the canary's for binomial; of a tenth of all requests they scatter less than that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from davy.checks.statistics import Lot, geomspace, log_mean

HIGHER_ODDS = geomspace(1.05, 10, 30)
"""Odds above the tolerated ones that the evidence against a canary is spread over. They begin nearer to 1 than the
conditional form's ratios: small differences are what this form is for."""
CERTAIN = 1e-9
"""A rate nearer to 1 than this can't be told from it in a float; such an alternative says nothing of the window."""


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


def log_ratio(lot: Lot, null: float, bad: float, good: float, odds: float, *, worse: bool) -> float:
    """Log likelihood ratio of one window: the canary's odds are `odds` times stable's, against the nearest null.

    `bad` and `good` are stable's rates, together 1. The null is a half plane of both rates, so convex; where its
    nearest point (t for stable, null*t for the canary) is off the alternative, the expectation of the ratio is at most
    1 under all of it: its log is at most the slope of the divergence along the way from there, which points away.
    """
    rest = 1 + (odds - 1) * bad
    canary = odds * bad / rest
    if (canary <= null * bad) if worse else (canary >= null * bad):
        return 0.0
    t = nearest(lot, null, canary, bad)
    if 1 - null * t < CERTAIN:
        return 0.0
    log, log1p = math.log, math.log1p
    x, y = lot.canary_bad, lot.bad - lot.canary_bad
    fit = x * log(canary / (null * t)) + (lot.canary_total - x) * (log(good / rest) - log1p(-null * t))
    return fit + y * log(bad / t) + (lot.stable_total - y) * (log(good) - log1p(-t))


def nearest(lot: Lot, null: float, canary: float, stable: float) -> float:
    """Stable's rate t of the null (null*t, t) that diverges least from two rates, weighed by the window's requests.

    Where the slope is zero: n_c (null*t - canary)/(1 - null*t) + n_b (t - stable)/(1 - t) = 0, a quadratic.
    """
    canary_total, stable_total = lot.canary_total, lot.stable_total
    square = (canary_total + stable_total) * null
    linear = canary_total * (null + canary) + stable_total * (1 + null * stable)
    constant = canary_total * canary + stable_total * stable
    return 2 * constant / (linear + math.sqrt(max(0.0, linear * linear - 4 * square * constant)))
