"""Backtest: a policy tried on a service's own past. Stable pods play the canary, with and without an injected fault."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import sub
from random import Random

from davy.checks import otherwise
from davy.checks.chance import binomial
from davy.checks.contenders import POINT, coarser
from davy.checks.dispersion import Dispersion, estimated
from davy.checks.finding import Finding, Result
from davy.checks.podcounts import PodCounts
from davy.checks.replay import LOOKS, Replay
from davy.checks.sequential import Metric, Rules
from davy.checks.trace import Glance, Trace
from davy.pipeline.model import Counts, Pair

HEALTHY = 1.0
"""The ratio of a run in which nothing is wrong."""
SETTINGS: Mapping[str, object] = {
    "threshold": {"style": "argo", "interval": 60.0},
    "mannwhitney": {"interval": 600.0},
}
"""Of the other judges: the objective asked once a minute, three failures forgiven; Kayenta's rule every ten minutes."""
MOST_PODS = 24
"""The dispersion is as well known from these; those that served longest."""
HALF_DARK = 0.5
"""A start with a larger part of its windows empty is left out."""
JUDGES = ("sequential", "threshold", "mannwhitney")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
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
class Fault:
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
class Outcome:
    """What one judge made of one run."""

    judge: str
    verdict: Result
    at: float
    """Seconds; the run's end where nothing was decided."""
    extra: int
    """Injected bad events that had been served by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One start, one truth, every judge."""

    start: int
    """Window."""
    ratio: float
    pods: tuple[str, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A start that no run was made of."""

    start: int
    why: str


def starts(counts: PodCounts, policy: Policy, every: int, most: int | None = None) -> tuple[int, ...]:
    """Windows to begin at, `every` so many apart; at most `most` of them, spread over the whole."""
    grid = range(counts.first, counts.end - policy.windows + 1, max(every, 1))
    if most is None or len(grid) <= most:
        return tuple(grid)
    return tuple(grid[round(i * (len(grid) - 1) / max(most - 1, 1))] for i in range(most))


def drawn(counts: PodCounts, policy: Policy, start: int, dice: Random) -> Draw | Skipped:
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


def windows(counts: PodCounts, policy: Policy, draw: Draw) -> tuple[Glance, ...] | Skipped:
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
    glances: Sequence[Glance], metric: Metric, fault: Fault, dice: Random
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


@dataclass(slots=True)
class Histories:
    """The dispersion as the judge would have known it before a start: from the pods' past before that."""

    counts: PodCounts
    policy: Policy
    _known: dict[int, dict[str, float]] = field(default_factory=dict)

    def before(self, start: int) -> dict[str, float]:
        """By metric, from the whole block of history that ends at the start, or up to an hour before it."""
        if not self.policy.history:
            return {metric.name: metric.dispersion for metric in self.policy.metrics}
        hour = max(round(3600 / self.counts.length), 1)
        end = start - start % hour if start % hour and start - start % hour > self.counts.first else start
        if end not in self._known:
            found = dispersions(self.counts, self.policy, end - self.policy.history, end)
            self._known[end] = {name: one.value for name, one in found.items()}
        return self._known[end]


def dispersions(counts: PodCounts, policy: Policy, first: int, end: int) -> dict[str, Dispersion]:
    """By metric, how bad events clustered in these windows."""
    lives = counts.lives()
    first = max(first, counts.first)
    inside = {pod: min(last, end) - max(begun, first) for pod, (begun, last) in lives.items()}
    longest = sorted((pod for pod, length in inside.items() if length > 0), key=lambda pod: (-inside[pod], pod))
    return {
        metric.name: estimated(counts.blocks(metric.name, first, end, policy.block, longest[:MOST_PODS]))
        for metric in policy.metrics
    }


def trace_of(policy: Policy, glances: Sequence[Glance], dispersion: Mapping[str, float]) -> Trace:
    """The run as any judge can replay it."""
    metrics = tuple(replace(one, dispersion=dispersion.get(one.name, one.dispersion)) for one in policy.metrics)
    return Trace(
        metrics=metrics,
        rules=policy.rules,
        worse=policy.worse,
        promote_from=policy.promote_from,
        windows=tuple(glances),
        settings=dict(policy.settings),
    )


def judged(judge: str, trace: Trace, *, whole: bool = False) -> Finding:
    """What a judge makes of a trace; only `whole` with the confidence sequence in its sentence."""
    if judge == "threshold":
        return otherwise.threshold(trace)
    if judge == "mannwhitney":
        return otherwise.mannwhitney(coarser(trace, POINT))
    replay = Replay(trace, ratios=whole, keep=LOOKS if whole else 0)
    for glance in trace.windows:
        replay.see(glance)
        if replay.over:
            break
    return replay.finding()


def faults_of(counts: PodCounts, metric: str, ratios: Sequence[float]) -> tuple[Fault, ...]:
    """Regressions of one metric. Where nothing was bad at all, the base is as if one event were."""
    every = counts.whole(metric).values()
    total, bad = sum(one.total for one in every), sum(one.bad for one in every)
    base = min(max(bad, 1) / total, 1.0) if total else 0.0
    return tuple(Fault(metric=metric, ratio=ratio, base=base) for ratio in ratios)


Dice = Callable[[str], Random]
"""Chance for a purpose: the same words, the same numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A past, a policy to try on it, and chance."""

    counts: PodCounts
    policy: Policy
    dice: Dice
    histories: Histories

    @classmethod
    def of(cls, counts: PodCounts, policy: Policy, dice: Dice) -> "Trial":
        """With no history looked at yet."""
        return cls(counts=counts, policy=policy, dice=dice, histories=Histories(counts, policy))

    def runs(self, start: int, faults: Sequence[Fault]) -> tuple[Run, ...] | Skipped:
        """One start: healthy first, then with each fault, the same pods every time."""
        healthy = self.played(start)
        return healthy if isinstance(healthy, Skipped) else tuple(self._runs(start, healthy, faults))

    def _runs(self, start: int, healthy: "Played", faults: Sequence[Fault]) -> Iterator[Run]:
        yield _run(start, HEALTHY, healthy)
        for fault in faults:
            yield _run(start, fault.ratio, self._with(fault, start, healthy))

    def played(self, start: int) -> "Played | Skipped":
        """A healthy run as any judge can replay it; again the same, for chance goes by the start."""
        draw = drawn(self.counts, self.policy, start, self.dice(f"pods {start}"))
        if isinstance(draw, Skipped):
            return draw
        glances = windows(self.counts, self.policy, draw)
        if isinstance(glances, Skipped):
            return glances
        trace = trace_of(self.policy, glances, self.histories.before(start))
        return Played(draw=draw, trace=trace, moved=(0,) * len(glances))

    def _with(self, fault: Fault, start: int, healthy: "Played") -> "Played":
        metric = next(one for one in self.policy.metrics if one.name == fault.metric)
        dice = self.dice(f"fault {start} {fault.metric} {fault.ratio:g}")
        glances, moved = injected(healthy.trace.windows, metric, fault, dice)
        return replace(healthy, trace=replace(healthy.trace, windows=glances), moved=moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Who played the canary, what was counted, and how many events were turned bad in each window."""

    draw: Draw
    trace: Trace
    moved: tuple[int, ...]


def _run(start: int, ratio: float, played: "Played") -> Run:
    outcomes = tuple(_outcome(judge, played.trace, played.moved) for judge in JUDGES)
    return Run(start=start, ratio=ratio, pods=played.draw.pods, outcomes=outcomes)


def _outcome(judge: str, trace: Trace, moved: Sequence[int]) -> Outcome:
    finding = judged(judge, trace)
    at = trace.windows[-1].t if finding.at is None else finding.at
    extra = sum(more for glance, more in zip(trace.windows, moved, strict=True) if glance.t <= at)
    return Outcome(judge=judge, verdict=finding.verdict, at=at, extra=extra)
