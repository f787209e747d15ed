"""Pseudo canary: stable pods of the past that play the canary, as windows of counts; and faults injected into them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import sub
from random import Random

from davy.checks.backtest.pod_counts import PodCounts
from davy.checks.judges.sequential.case import Metric, Rules
from davy.checks.statistics.sampling import binomial
from davy.checks.traces.trace import Glance
from davy.pipeline.core.verdict import Counts, Pair

SETTINGS: Mapping[str, object] = {
    "threshold": {"style": "argo", "interval": 60.0},
    "mannwhitney": {"interval": 600.0},
}
"""Of the other judges: the objective asked once a minute, three failures forgiven; Kayenta's rule every ten minutes."""
HALF_DARK = 0.5
"""A start with a larger part of its windows empty is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPolicy:
    """What is tried: the rules, and the ladder as a timetable."""

    metrics: tuple[Metric, ...]
    """Their dispersion is a fixed one, where `history` is 0."""
    rules: Rules
    worse: float
    """The ratio that promotion must exclude."""
    steps: tuple[tuple[float, int], ...]
    """(the canary's share, windows), in order."""
    promote_from: float
    """Seconds."""
    history: int
    """Windows before a start that its dispersion is estimated from."""
    block: int
    """Windows that are one block of that."""
    settings: Mapping[str, object] = field(default_factory=lambda: SETTINGS)

    @property
    def windows(self) -> int:
        """Of one rollout."""
        return sum(length for _, length in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Who plays the canary from a window on."""

    start: int
    pods: tuple[str, ...]
    """All that are drawn; each step takes the first of them."""
    sizes: tuple[int, ...]
    """How many, by step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A regression to inject."""

    metric: str
    ratio: float
    base: float
    """The share of bad events that the ratio is of."""

    @property
    def chance(self) -> float:
        """That a good event is turned bad: p(r-1)/(1-p), so that the share becomes r*p."""
        return min(self.base * (self.ratio - 1) / (1 - self.base), 1.0) if self.base < 1 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A start that no run was made of."""

    start: int
    why: str


def starts(counts: PodCounts, policy: TriedPolicy, every: int, most: int | None = None) -> tuple[int, ...]:
    """Windows to begin at, `every` so many apart; at most `most` of them, spread over the whole."""
    grid = range(counts.first, counts.end - policy.windows + 1, max(every, 1))
    if most is None or len(grid) <= most:
        return tuple(grid)
    return tuple(grid[round(i * (len(grid) - 1) / max(most - 1, 1))] for i in range(most))


def drawn(counts: PodCounts, policy: TriedPolicy, start: int, dice: Random) -> Draw | Skipped:
    """Pods for the canary's side, by chance, of those that served all the while; as many as give the steps' shares."""
    end = start + policy.windows
    lives = counts.lives()
    whole = sorted(pod for pod, (first, last) in lives.items() if first <= start and last >= end)
    serving = sum(first < end and last > start for first, last in lives.values())
    if serving < 2:
        return Skipped(start=start, why="fewer than two pods served")
    if not whole:
        return Skipped(start=start, why="all pods were replaced meanwhile")
    dice.shuffle(whole)
    # At least one pod stays stable.
    most = len(whole) if serving > len(whole) else len(whole) - 1
    sizes = tuple(min(max(round(share * serving), 1), most) for share, _ in policy.steps)
    return Draw(start=start, pods=tuple(whole[: max(sizes)]), sizes=sizes)


def windows(counts: PodCounts, policy: TriedPolicy, draw: Draw) -> tuple[Glance, ...] | Skipped:
    """What the judge would have counted, the drawn pods as canary and all others as stable."""
    made: list[Glance] = []
    at = draw.start
    for size, (_, length) in zip(draw.sizes, policy.steps, strict=True):
        sides = {name: _sides(counts, name, at, at + length, draw.pods[:size]) for name in counts.bounds}
        for place in range(length):
            pairs = {name: found[place] for name, found in sides.items() if _has_events(found[place])}
            t = (at - draw.start + place + 1) * counts.length
            made.append(Glance(t=t, counts=pairs, gap=not pairs))
        at += length
    if sum(glance.gap for glance in made) > HALF_DARK * len(made):
        return Skipped(start=draw.start, why="nothing was counted most of the time")
    return tuple(made)


def _has_events(pair: Pair) -> bool:
    return pair.canary.total + pair.stable.total > 0


def _sides(counts: PodCounts, metric: str, first: int, end: int, canary: Sequence[str]) -> list[Pair]:
    bounds = counts.bounds[metric]
    own = counts.sums(metric, first, end, canary)
    every = counts.sums(metric, first, end)
    others = [list(map(sub, all_of, some)) for all_of, some in zip(every, own, strict=True)]
    return [
        Pair(canary=one, stable=other)
        for one, other in zip(_each(own, bounds), _each(others, bounds), strict=True)
    ]  # fmt: skip


def _each(columns: Sequence[Sequence[int]], bounds: Sequence[str]) -> Iterator[Counts]:
    for total, bad, *above in zip(*columns, strict=True):
        yield Counts(bad=bad, total=total, above=dict(zip(bounds, above, strict=True)))


def injected(
    glances: Sequence[Glance], metric: Metric, fault: Regression, dice: Random
) -> tuple[tuple[Glance, ...], tuple[int, ...]]:
    """With good canary events turned bad by chance, and how many in each window.

    Of a histogram an event is moved above the SLO's bound, and so above all lower ones; higher bounds are left.
    """
    made, moved = [], []
    for glance in glances:
        pair = glance.counts.get(metric.name)
        if pair is None:
            made.append(glance)
            moved.append(0)
            continue
        canary = _worse(pair.canary, metric.bound, fault.chance, dice)
        made.append(replace(glance, counts={**glance.counts, metric.name: replace(pair, canary=canary)}))
        moved.append(canary.bad - pair.canary.bad)
    return tuple(made), tuple(moved)


def _worse(counts: Counts, bound: str, chance: float, dice: Random) -> Counts:
    if not counts.above:
        return replace(counts, bad=counts.bad + binomial(counts.total - counts.bad, chance, dice))
    above, over, moved = dict(counts.above), counts.total, 0
    for name in sorted((one for one in above if float(one) <= float(bound)), key=float):
        # Events between the bound before and this one, each moved beyond the SLO's.
        moved += binomial(over - counts.above[name], chance, dice)
        over = counts.above[name]
        above[name] = over + moved
    return Counts(bad=above[bound], total=counts.total, above=above)


def faults_of(counts: PodCounts, metric: str, ratios: Sequence[float]) -> tuple[Regression, ...]:
    """Regressions of one metric. Where nothing was bad at all, the base is as if one event were."""
    every = counts.whole(metric).values()
    total, bad = sum(one.total for one in every), sum(one.bad for one in every)
    base = min(max(bad, 1) / total, 1.0) if total else 0.0
    return tuple(Regression(metric=metric, ratio=ratio, base=base) for ratio in ratios)
