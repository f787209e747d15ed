"""Tally: many windows of one metric folded fast into the track that the judge knows. Pure, but for its own sums.

A track is a value, made anew at every window; of a million windows that would be minutes. A tally adds up in place and
gives the track when it is asked for: the same sums in the same order. It also tells cheaply, without a sum of
exponentials, that a limit cannot have been reached: a mean is at most its largest term.
"""

import math
from array import array
from dataclasses import replace

from davy.checks.judges.sequential.evidence import Comparison, Metric, Track
from davy.checks.statistics.mixtures import BETTER_GRID, WORSE_GRID, Mixture
from davy.checks.statistics.ratio_sequence import NODE_EXCESSES, RatioSequence
from davy.pipeline.core.text.shares import rest
from davy.pipeline.core.verdict import Counts, Pair


class _Sums:
    """One mixture's sums."""

    def __init__(self, null: float, grid: tuple[float, ...]) -> None:
        self.null, self.grid = null, grid
        self.steps = [math.log(step) for step in grid]
        self.excesses = [null * step - 1 for step in grid]
        self.canary_bad, self.base = 0, 0.0
        self.sums = [0.0] * len(grid)

    def costs(self, share: float) -> tuple[float, list[float]]:
        """What each bad event on either side adds at this share: to the base, and by ratio."""
        log1p = math.log1p
        return log1p(share * (self.null - 1)), [log1p(share * excess) for excess in self.excesses]

    def add(self, x: int, m: int, costs: tuple[float, list[float]]) -> None:
        self.canary_bad += x
        self.base += m * costs[0]
        self.sums = [so_far + m * cost for so_far, cost in zip(self.sums, costs[1], strict=True)]

    def most(self) -> float:
        """The largest log likelihood ratio."""
        x = self.canary_bad
        return self.base + max([x * step - so_far for step, so_far in zip(self.steps, self.sums, strict=True)])

    def mixture(self) -> Mixture:
        nothing = Mixture.against(self.null, self.grid)
        return nothing._replace(canary_bad=self.canary_bad, base=self.base, sums=self.sums)


class Tally:
    """One metric's sums. `bounds` of a histogram are those of the metric, else of the first pair that has any."""

    def __init__(self, metric: Metric, tolerate: float, worse: float) -> None:
        self.metric = metric
        self.tolerate, self.worse = tolerate, worse
        self._canary, self._stable = [0, 0], [0, 0]
        self._above: tuple[list[int], list[int]] = ([], [])
        self._bad_events = self._bad_windows = 0
        self._against = [_Sums(tolerate, WORSE_GRID)]
        self._better = _Sums(worse, BETTER_GRID)
        self._left: dict[float, tuple[_Sums, int]] = {}
        """Sums for other ratios, and how many lots are in them."""
        self._xs, self._ms, self._shares = array("q"), array("q"), array("d")
        self._share = -1.0
        self._costs = ((0.0, [0.0]), (0.0, [0.0]))
        self._ratio, self._folded = RatioSequence(), 0
        self._slow: Track | None = None
        """The track itself, for a form whose windows are no mere sums."""
        self._bound(metric.bounds)

    def _bound(self, bounds: tuple[str, ...]) -> None:
        self.metric = replace(self.metric, bounds=bounds)
        if bounds:
            self._against = [_Sums(self.tolerate, WORSE_GRID) for _ in bounds]
            self._above = ([0] * len(bounds), [0] * len(bounds))
        if self.metric.evidence is not Comparison.CONDITIONAL:
            self._slow = Track.opened(self.metric, self.tolerate).excluding(self.worse)

    def see(self, pair: Pair) -> bool:
        """One more window. True where it can have raised the evidence against the canary: it has a bad event there."""
        canary, stable = pair.canary, pair.stable
        if not self.metric.bounds and (canary.above or stable.above):
            self._bound(tuple(canary.above or stable.above))
        if self._slow is not None:
            self._slow = self._slow.seen(pair)
            return True
        x, m = canary.bad, canary.bad + stable.bad
        self._canary[0] += x
        self._canary[1] += canary.total
        if canary.total:
            self._stable[0] += stable.bad
            self._stable[1] += stable.total
        ms = self._at_bounds(canary, stable) if self.metric.bounds else [(x, m)]
        worst = max(x, *[at for at, _ in ms]) if self.metric.bounds else x
        self._bad_events += worst
        self._bad_windows += worst > 0
        if canary.total and stable.total and any(both for _, both in ms):
            self._compare(canary.total / (canary.total + stable.total), x, m, ms)
        return worst > 0

    def _at_bounds(self, canary: Counts, stable: Counts) -> list[tuple[int, int]]:
        found = []
        of_canary, of_stable = self._above
        for index, bound in enumerate(self.metric.bounds):
            x, other = canary.above.get(bound, 0), stable.above.get(bound, 0)
            of_canary[index] += x
            of_stable[index] += other if canary.total else 0
            found.append((x, x + other))
        return found

    def _compare(self, share: float, x: int, m: int, ms: list[tuple[int, int]]) -> None:
        if share != self._share:
            self._share, self._costs = share, (self._against[0].costs(share), self._better.costs(share))
        for sums, (bad, both) in zip(self._against, ms, strict=True):
            if both:
                sums.add(bad, both, self._costs[0])
        if m:
            self._better.add(x, m, self._costs[1])
            self._xs.append(x)
            self._ms.append(m)
            self._shares.append(share)

    def excluding(self, worse: float) -> None:
        """From here on promotion must exclude this ratio; what was seen before counts for it too."""
        if worse == self.worse:
            return
        self._left[self.worse] = (self._better, len(self._ms))
        self.worse, self._share = worse, -1.0
        if self._slow is not None:
            self._slow = self._slow.excluding(worse)
        self._better, begin = self._left.pop(worse, (_Sums(worse, BETTER_GRID), 0))
        for at in range(begin, len(self._ms)):
            self._better.add(self._xs[at], self._ms[at], self._better.costs(self._shares[at]))

    def _ratios(self) -> RatioSequence:
        """The confidence sequence, brought up to the newest window."""
        new = slice(self._folded, len(self._ms))
        if self._folded < len(self._ms):
            self._folded = len(self._ms)
            before, weights = self._ratio, dict[float, int]()
            for share, m in zip(self._shares[new], self._ms[new], strict=True):
                weights[share] = weights.get(share, 0) + m
            items, log1p = list(weights.items()), math.log1p
            sums = [
                so_far + sum([m * log1p(share * excess) for share, m in items])
                for so_far, excess in zip(before.sums, NODE_EXCESSES, strict=True)
            ]
            bad, events = sum(self._xs[new]), sum(self._ms[new])
            self._ratio = RatioSequence(before.canary_bad + bad, before.events + events, sums)
        return self._ratio

    def track(self, *, with_ratio: bool) -> Track:
        """As the judge knows it, ready for this tally's `worse`; other ratios cannot be asked of it."""
        if self._slow is not None:
            return self._slow if with_ratio else replace(self._slow, ratio=RatioSequence())
        bounds, (of_canary, of_stable) = self.metric.bounds, self._above
        return Track(
            metric=self.metric,
            worse=tuple(sums.mixture() for sums in self._against),
            ratio=self._ratios() if with_ratio else RatioSequence(),
            better={self.worse: self._better.mixture()},
            canary=_counts(self._canary, dict(zip(bounds, of_canary, strict=True))),
            stable=_counts(self._stable, dict(zip(bounds, of_stable, strict=True))),
            bad_events=self._bad_events,
            bad_windows=self._bad_windows,
        )

    def most_against(self, burn: float) -> float:
        """Log evidence against the canary is at most this, relative and burn."""
        if self._slow is not None:
            return math.inf
        relative = max([sums.most() for sums in self._against])
        if self.metric.objective is None:
            return relative / self.metric.dispersion
        absolute = self._peak(burn * rest(self.metric.objective), above=True)
        return max(relative, absolute) / self.metric.dispersion

    def most_for(self) -> float:
        """Log evidence for promotion is at most this."""
        if self._slow is not None:
            return math.inf
        relative = self._better.most()
        if self.metric.objective is None:
            return relative / self.metric.dispersion
        return max(relative, self._peak(rest(self.metric.objective), above=False)) / self.metric.dispersion

    def _peak(self, null: float, *, above: bool) -> float:
        """The log likelihood ratio at the likeliest rate of that side of `null`: no rate's is larger."""
        bad, total = self._canary
        if not 0 < null < 1 or not total or (bad > null * total) is not above:
            return 0.0
        rate, good = bad / total, total - bad
        of_bad = bad * math.log(rate / null) if bad else 0.0
        return of_bad + (good * (math.log1p(-rate) - math.log1p(-null)) if good else 0.0)


def _counts(sums: list[int], above: dict[str, int]) -> Counts:
    return Counts(bad=sums[0], total=sums[1], above=above)
