"""Trial: a policy tried on a service's own past. Stable pods play the canary, with and without an injected fault."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from davy.checks.backtest.pod_counts import PodCounts
from davy.checks.backtest.pseudo_canary import Draw, Regression, Skipped, TriedPolicy, drawn, injected, windows
from davy.checks.forecast.judges import POINT, coarser
from davy.checks.statistics.dispersion import Dispersion, estimated
from davy.checks.traces import other_judges
from davy.checks.traces.replay import LOOKS, Replay
from davy.checks.traces.result import ReplayEnd, TraceResult
from davy.checks.traces.trace import Glance, Trace

HEALTHY = 1.0
"""The ratio of a run in which nothing is wrong."""
MOST_PODS = 24
"""The dispersion is as well known from these; those that served longest."""
JUDGES = ("sequential", "threshold", "mannwhitney")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOutcome:
    """What one judge made of one run."""

    judge: str
    verdict: ReplayEnd
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
    outcomes: tuple[TrialOutcome, ...]


@dataclass(slots=True)
class Histories:
    """The dispersion as the judge would have known it before a start: from the pods' past before that."""

    counts: PodCounts
    policy: TriedPolicy
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


def dispersions(counts: PodCounts, policy: TriedPolicy, first: int, end: int) -> dict[str, Dispersion]:
    """By metric, how bad events clustered in these windows."""
    lives = counts.lives()
    first = max(first, counts.first)
    inside = {pod: min(last, end) - max(begun, first) for pod, (begun, last) in lives.items()}
    longest = sorted((pod for pod, length in inside.items() if length > 0), key=lambda pod: (-inside[pod], pod))
    return {
        metric.name: estimated(counts.blocks(metric.name, first, end, policy.block, longest[:MOST_PODS]))
        for metric in policy.metrics
    }


def trace_of(policy: TriedPolicy, glances: Sequence[Glance], dispersion: Mapping[str, float]) -> Trace:
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


def judged(judge: str, trace: Trace, *, whole: bool = False) -> TraceResult:
    """What a judge makes of a trace; only `whole` with the confidence sequence in its sentence."""
    if judge == "threshold":
        return other_judges.threshold(trace)
    if judge == "mannwhitney":
        return other_judges.mannwhitney(coarser(trace, POINT))
    replay = Replay(trace, ratios=whole, keep=LOOKS if whole else 0)
    for glance in trace.windows:
        replay.see(glance)
        if replay.over:
            break
    return replay.finding()


Dice = Callable[[str], Random]
"""Chance for a purpose: the same words, the same numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A past, a policy to try on it, and chance."""

    counts: PodCounts
    policy: TriedPolicy
    dice: Dice
    histories: Histories

    @classmethod
    def of(cls, counts: PodCounts, policy: TriedPolicy, dice: Dice) -> "Trial":
        """With no history looked at yet."""
        return cls(counts=counts, policy=policy, dice=dice, histories=Histories(counts, policy))

    def runs(self, start: int, faults: Sequence[Regression]) -> tuple[Run, ...] | Skipped:
        """One start: healthy first, then with each fault, the same pods every time."""
        healthy = self.played(start)
        return healthy if isinstance(healthy, Skipped) else tuple(self._runs(start, healthy, faults))

    def _runs(self, start: int, healthy: "Played", faults: Sequence[Regression]) -> Iterator[Run]:
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

    def _with(self, fault: Regression, start: int, healthy: "Played") -> "Played":
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


def _outcome(judge: str, trace: Trace, moved: Sequence[int]) -> TrialOutcome:
    finding = judged(judge, trace)
    at = trace.windows[-1].t if finding.at is None else finding.at
    extra = sum(more for glance, more in zip(trace.windows, moved, strict=True) if glance.t <= at)
    return TrialOutcome(judge=judge, verdict=finding.verdict, at=at, extra=extra)
