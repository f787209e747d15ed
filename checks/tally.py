"""Tally: many windows of one metric folded fast into the track that the judge knows. Pure, but for its own sums.

A track is a value, made anew at every window; of a million windows that would be minutes. A tally adds up in place and
gives the track when it is asked for: the same sums in the same order. It also tells cheaply, without a sum of
exponentials, that a limit cannot have been reached: a mean is at most its largest term.
"""

import math
from array import array
from dataclasses import replace

from davy.checks.ratios import NODE_EXCESSES, NODE_LOGS, RatioSequence
from davy.checks.sequential import Metric, Track
from davy.checks.statistics import BETTER_GRID, WORSE_GRID, Mixture
from davy.pipeline.model import Counts, Pair


class _Sums:
    """The log likelihood ratios of one mixture, cumulative."""

    def __init__(self, null: float, grid: tuple[float, ...]) -> None:
        self.null, self.grid = null, grid
        self.steps = [math.log(step) for step in grid]
        self.excesses = [null * step - 1 for step in grid]
        self.logs = [0.0] * len(grid)

    def costs(self, share: float) -> list[float]:
        """By ratio, what each bad event on either side takes off at this share."""
        log1p = math.log1p
        base = log1p(share * (self.null - 1))
        return [log1p(share * excess) - base for excess in self.excesses]

    def add(self, x: int, m: int, costs: list[float]) -> None:
        self.logs = [
            total + x * step - m * cost for total, step, cost in zip(self.logs, self.steps, costs, strict=True)
        ]

    def mixture(self) -> Mixture:
        return Mixture(self.null, self.grid, tuple(self.logs))


class Tally:
    """One metric's sums. `bounds` of a histogram are those of the metric, else of the first pair that has any."""

    def __init__(self, metric: Metric, tolerate: float, worse: float) -> None:
        self.metric = metric
        self.tolerate, self.worse = tolerate, worse
        self.canary_bad = self.canary_total = self.stable_bad = self.stable_total = 0
        self.above: tuple[list[int], list[int]] = ([], [])
        self.bad_windows = 0
        self._against = [_Sums(tolerate, WORSE_GRID)]
        self._better = {worse: _Sums(worse, BETTER_GRID)}
        self._xs, self._ms, self._shares = array("d"), array("d"), array("d")
        self._share, self._costs = -1.0, ([0.0], [0.0])
        self._ratio, self._folded = RatioSequence(), 0
        self._bound(metric.bounds)

    def _bound(self, bounds: tuple[str, ...]) -> None:
        if bounds:
            self.metric = replace(self.metric, bounds=bounds)
            self._against = [_Sums(self.tolerate, WORSE_GRID) for _ in bounds]
            self.above = ([0] * len(bounds), [0] * len(bounds))

    def see(self, pair: Pair) -> None:
        """One more window."""
        canary, stable = pair.canary, pair.stable
        if not self.metric.bounds and (canary.above or stable.above):
            self._bound(tuple(canary.above or stable.above))
        x, m = canary.bad, canary.bad + stable.bad
        self.canary_bad += x
        self.canary_total += canary.total
        self.stable_bad += stable.bad
        self.stable_total += stable.total
        self.bad_windows += x > 0
        ms = [(x, m)]
        if self.metric.bounds:
            ms = self._above(canary, stable)
        if canary.total and stable.total and any(both for _, both in ms):
            self._compare(canary.total / (canary.total + stable.total), x, m, ms)

    def _above(self, canary: Counts, stable: Counts) -> list[tuple[int, int]]:
        found = []
        of_canary, of_stable = self.above
        for index, bound in enumerate(self.metric.bounds):
            x, other = canary.above.get(bound, 0), stable.above.get(bound, 0)
            of_canary[index] += x
            of_stable[index] += other
            found.append((x, x + other))
        return found

    def _compare(self, share: float, x: int, m: int, ms: list[tuple[int, int]]) -> None:
        better = self._better[self.worse]
        if share != self._share:
            self._share, self._costs = share, (self._against[0].costs(share), better.costs(share))
        for sums, (bad, both) in zip(self._against, ms, strict=True):
            if both:
                sums.add(bad, both, self._costs[0])
        if m:
            better.add(x, m, self._costs[1])
            self._xs.append(x)
            self._ms.append(m)
            self._shares.append(share)

    def excluding(self, worse: float) -> None:
        """From here on promotion must exclude this ratio; what was seen before counts for it too."""
        if worse == self.worse:
            return
        self.worse, self._share = worse, -1.0
        sums = self._better[worse] = _Sums(worse, BETTER_GRID)
        for x, m, share in zip(self._xs, self._ms, self._shares, strict=True):
            sums.add(int(x), int(m), sums.costs(share))

    def ratio(self) -> RatioSequence:
        """The confidence sequence, brought up to the newest window."""
        new = slice(self._folded, len(self._ms))
        if self._folded < len(self._ms):
            self._folded = len(self._ms)
            x, events = sum(self._xs[new]), int(sum(self._ms[new]))
            weights: dict[float, float] = {}
            for share, m in zip(self._shares[new], self._ms[new], strict=True):
                weights[share] = weights.get(share, 0.0) + m
            items, log1p = list(weights.items()), math.log1p
            nodes = zip(self._ratio.logs, NODE_LOGS, NODE_EXCESSES, strict=True)
            logs = [total + x * u - sum([m * log1p(share * e) for share, m in items]) for total, u, e in nodes]
            self._ratio = RatioSequence(tuple(logs), self._ratio.events + events)
        return self._ratio

    def track(self, *, with_ratio: bool) -> Track:
        """As the judge knows it, ready for this tally's `worse`; other ratios cannot be asked of it."""
        metric, (of_canary, of_stable) = self.metric, self.above
        return Track(
            metric=metric,
            worse=tuple(sums.mixture() for sums in self._against),
            ratio=self.ratio() if with_ratio else RatioSequence(),
            better={self.worse: self._better[self.worse].mixture()},
            canary=Counts(
                bad=self.canary_bad, total=self.canary_total, above=dict(zip(metric.bounds, of_canary, strict=True))
            ),
            stable=Counts(
                bad=self.stable_bad, total=self.stable_total, above=dict(zip(metric.bounds, of_stable, strict=True))
            ),
            bad_windows=self.bad_windows,
        )

    def most_against(self, burn: float) -> float:
        """Log evidence against the canary is at most this, relative and burn."""
        relative = max([max(sums.logs) for sums in self._against])
        if self.metric.objective is None:
            return relative / self.metric.dispersion
        absolute = self._peak(burn * (1 - self.metric.objective), above=True)
        return max(relative, absolute) / self.metric.dispersion

    def most_for(self) -> float:
        """Log evidence for promotion is at most this."""
        relative = max(self._better[self.worse].logs)
        if self.metric.objective is None:
            return relative / self.metric.dispersion
        return max(relative, self._peak(1 - self.metric.objective, above=False)) / self.metric.dispersion

    def _peak(self, null: float, *, above: bool) -> float:
        """The log likelihood ratio at the likeliest rate of that side of `null`: no rate's is larger."""
        bad, total = self.canary_bad, self.canary_total
        if not 0 < null < 1 or not total or (bad > null * total) is not above:
            return 0.0
        rate, good = bad / total, total - bad
        of_bad = bad * math.log(rate / null) if bad else 0.0
        return of_bad + (good * (math.log1p(-rate) - math.log1p(-null)) if good else 0.0)
