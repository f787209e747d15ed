"""Rollouts: rollouts of a service as traces, seeded. Every judge is given the same traces."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random
from statistics import NormalDist

from davy.checks.judges.sequential.case import Metric, Rules
from davy.checks.statistics.dispersion import estimated
from davy.checks.statistics.sampling import binomial, geometric, poisson
from davy.checks.traces.replay import Replay
from davy.checks.traces.result import ReplayEnd
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Counts, Pair

NORMAL = NormalDist()
SHOCK = (300.0, 420.0)
"""Seconds from which and until which both sides are shocked."""
WARMUP = 60.0
HISTORY_BLOCKS = 360
"""Minutes of stable pods that the dispersion is estimated from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Log-normal times to answer, in seconds."""

    median: float
    spread: float = 0.7

    def above(self, bound: float, scale: float = 1.0, tail: float = 0.0) -> float:
        """Share of answers slower than `bound`; `scale` times as slow, and a share `tail` a second slower still."""
        slower = self._above(bound / scale)
        return slower if not tail else (1 - tail) * slower + tail * self._above((bound - 1) / scale)

    def _above(self, bound: float) -> float:
        return 1 - NORMAL.cdf(math.log(bound / self.median) / self.spread) if bound > 0 else 1.0

    @classmethod
    def reaching(cls, share: float, bound: float, spread: float = 0.7) -> "Latency":
        """The one of which this share (above 0) is slower than `bound`."""
        return cls(median=bound * math.exp(-spread * NORMAL.inv_cdf(1 - share)), spread=spread)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricStream:
    """One metric of the simulated service."""

    metric: Metric
    base: float = 0.0
    """Stable's share of bad events."""
    latency: Latency | None = None
    """Where it is set, bad events are slow answers, and `base` says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is true of the new version, and what happens to both."""

    name: str
    worse: float = 1.0
    """The canary has this many times as many bad events, of those that are no slow answers."""
    scale: float = 1.0
    """The canary takes this many times as long."""
    tail: float = 0.0
    """Share of the canary's answers that take a second longer."""
    shock: float = 1.0
    """Both sides are this many times worse for two minutes."""
    drift: float = 1.0
    """Both sides go from as usual to this many times worse."""
    cluster: float = 1.0
    """Mean size of the clusters that bad events come in."""
    cold: float = 1.0
    """The canary is this many times worse in its first minute."""
    skew: float = 1.0
    """The canary really gets this many times its share."""

    @property
    def is_healthy(self) -> bool:
        """True where a rollback is false."""
        return self.worse == self.scale == 1.0 and not self.tail


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRollout:
    """A rollout to simulate: steps on a timetable."""

    streams: tuple[MetricStream, ...]
    rules: Rules = field(default_factory=Rules)
    rps: float = 100.0
    steps: tuple[tuple[float, float], ...] = ((0.1, 1800.0),)
    """(the canary's share, seconds), in order."""
    interval: float = 15.0
    worse: float = 2.0
    promote_from: float = 0.0
    settings: Mapping[str, object] = field(default_factory=dict)
    """For other judges."""

    @property
    def seconds(self) -> float:
        """Of the whole."""
        return sum(seconds for _, seconds in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedOutcome:
    """What a judge made of a trace."""

    result: ReplayEnd
    at: float
    """Seconds; the trace's end where nothing was decided."""


Contender = Callable[[Trace, Scenario, Random], SimulatedOutcome]
"""A judge, given a trace, what is true (for a history of its own), and chance (for that history)."""


def played(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Trace:
    """One rollout's counts."""
    return Trace(
        metrics=tuple(stream.metric for stream in play.streams),
        rules=play.rules,
        worse=play.worse,
        promote_from=play.promote_from,
        windows=tuple(_windows(play, scenario, dice)),
        settings=play.settings,
    )


def _windows(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Iterator[Glance]:
    at = 0.0
    for share, seconds in play.steps:
        for _ in range(round(seconds / play.interval)):
            at += play.interval
            requests = poisson(play.rps * play.interval, dice)
            canary = binomial(requests, min(share * scenario.skew, 0.95), dice)
            both = _shared(scenario, at, play.seconds)
            cold = scenario.cold if at <= WARMUP else 1.0
            yield Glance(
                t=at,
                counts={
                    stream.metric.name: Pair(
                        canary=_counts(stream, scenario, canary, both * cold, dice, is_canary=True),
                        stable=_counts(stream, scenario, requests - canary, both, dice, is_canary=False),
                    )
                    for stream in play.streams
                },
            )


def _shared(scenario: Scenario, at: float, whole: float) -> float:
    """How many times worse than usual both sides are now."""
    shock = scenario.shock if SHOCK[0] < at <= SHOCK[1] else 1.0
    return shock * (1 + (scenario.drift - 1) * at / whole)


def _counts(
    stream: MetricStream, scenario: Scenario, requests: int, times: float, dice: Random, *, is_canary: bool
) -> Counts:
    if stream.latency is not None:
        return _slow(stream, scenario, requests, times, dice, is_canary=is_canary)
    share = min(stream.base * times * (scenario.worse if is_canary else 1.0), 1.0)
    return Counts(bad=_bad(requests, share, scenario.cluster, dice), total=requests)


def _bad(requests: int, share: float, cluster: float, dice: Random) -> int:
    if cluster <= 1:
        return binomial(requests, share, dice)
    clusters = poisson(requests * share / cluster, dice)
    return min(requests, sum(geometric(cluster, dice) for _ in range(clusters)))


def _slow(
    stream: MetricStream, scenario: Scenario, requests: int, times: float, dice: Random, *, is_canary: bool
) -> Counts:
    """Nested counts: those above a bound are among those above the bound before."""
    above, left, before = {}, requests, 1.0
    for bound in sorted(stream.metric.bounds or (stream.metric.bound,), key=float):
        share = min(slow_share(stream, scenario, float(bound), is_canary=is_canary) * times, before)
        left = binomial(left, share / before if before else 0.0, dice)
        above[bound], before = left, share
    return Counts(bad=above[stream.metric.bound], total=requests, above=above)


def slow_share(stream: MetricStream, scenario: Scenario, bound: float, *, is_canary: bool) -> float:
    """Share of a side's answers above the bound."""
    if stream.latency is None:
        return 0.0
    return _above(stream.latency, bound, *((scenario.scale, scenario.tail) if is_canary else (1.0, 0.0)))


@lru_cache(maxsize=512)
def _above(latency: Latency, bound: float, scale: float, tail: float) -> float:
    return latency.above(bound, scale, tail)


def excess(trace: Trace, play: SimulatedRollout, scenario: Scenario, until: float) -> float:
    """Extra bad events that users were served until then, as expected of the requests that the canary got."""
    if scenario.is_healthy:
        return 0.0
    extra = [_extra(stream, scenario) for stream in play.streams]
    return sum(
        pair.canary.total * more
        for glance in trace.windows
        if glance.t <= until
        for pair, more in zip(glance.counts.values(), extra, strict=True)
    )


def _extra(stream: MetricStream, scenario: Scenario) -> float:
    if stream.latency is None:
        return stream.base * (scenario.worse - 1)
    bound = float(stream.metric.bound)
    usual = slow_share(stream, scenario, bound, is_canary=False)
    return slow_share(stream, scenario, bound, is_canary=True) - usual


def dispersions(play: SimulatedRollout, scenario: Scenario, dice: Random, pods: int = 9) -> dict[str, float]:
    """By metric, what is estimated from six hours of stable pods before the rollout."""
    each = play.rps * 60 / pods
    return {
        stream.metric.name: estimated(
            [
                {
                    str(pod): _counts(stream, scenario, poisson(each, dice), 1.0, dice, is_canary=False)
                    for pod in range(pods)
                }
                for _ in range(HISTORY_BLOCKS)
            ]
        ).value
        for stream in play.streams
    }


def tempered(trace: Trace, by: Mapping[str, float]) -> Trace:
    """With these dispersions, by metric."""
    return replace(trace, metrics=tuple(replace(one, dispersion=by.get(one.name, 1.0)) for one in trace.metrics))


def since(trace: Trace, seconds: float) -> Trace:
    """Without the windows of a warm-up."""
    return replace(trace, windows=tuple(glance for glance in trace.windows if glance.t > seconds))


def sequential(trace: Trace, *, may_promote: bool = True) -> SimulatedOutcome:
    """The sequential judge's verdict, by the code that replays traces."""
    replay = Replay(trace if may_promote else replace(trace, promote_from=math.inf))
    for glance in trace.windows:
        replay.see(glance)
        if replay.over:
            break
    finding = replay.finding()
    return SimulatedOutcome(result=finding.verdict, at=trace.windows[-1].t if finding.at is None else finding.at)
