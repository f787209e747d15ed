"""Simulation: rollouts of a service as traces, seeded, and what the sequential judge makes of them.

`Fast` decides exactly as `sequential.Case` does and leaves out what only people read, so that thousands of rollouts
take seconds. Every judge is given the same traces.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from statistics import NormalDist

from davy.checks.chance import binomial, geometric, poisson
from davy.checks.dispersion import estimated
from davy.checks.finding import Result
from davy.checks.sequential import Metric, Rules
from davy.checks.statistics import (
    BETTER_GRID,
    WORSE_GRID,
    Lot,
    Mixture,
    log_e_burn,
    log_e_health,
    log_mean,
    log_weighted,
)
from davy.checks.trace import Glance, Trace
from davy.pipeline.model import Counts, Pair

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
class Stream:
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
class Play:
    """A rollout to simulate: steps on a timetable."""

    streams: tuple[Stream, ...]
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
class Outcome:
    """What a judge made of a trace."""

    result: Result
    at: float
    """Seconds; the trace's end where nothing was decided."""


Contender = Callable[[Trace, Scenario, Random], Outcome]
"""A judge, given a trace, what is true (for a history of its own), and chance (for that history)."""


def played(play: Play, scenario: Scenario, dice: Random) -> Trace:
    """One rollout's counts."""
    return Trace(
        metrics=tuple(stream.metric for stream in play.streams),
        rules=play.rules,
        worse=play.worse,
        promote_from=play.promote_from,
        windows=tuple(_windows(play, scenario, dice)),
        settings=play.settings,
    )


def _windows(play: Play, scenario: Scenario, dice: Random) -> Iterator[Glance]:
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
    stream: Stream, scenario: Scenario, requests: int, times: float, dice: Random, *, is_canary: bool
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


def _slow(stream: Stream, scenario: Scenario, requests: int, times: float, dice: Random, *, is_canary: bool) -> Counts:
    """Nested counts: those above a bound are among those above the bound before."""
    above, left, before = {}, requests, 1.0
    for bound in sorted(stream.metric.bounds or (stream.metric.bound,), key=float):
        share = min(slow_share(stream, scenario, float(bound), is_canary=is_canary) * times, before)
        left = binomial(left, share / before if before else 0.0, dice)
        above[bound], before = left, share
    return Counts(bad=above[stream.metric.bound], total=requests, above=above)


def slow_share(stream: Stream, scenario: Scenario, bound: float, *, is_canary: bool) -> float:
    """Share of a side's answers above the bound."""
    if stream.latency is None:
        return 0.0
    return stream.latency.above(bound, *((scenario.scale, scenario.tail) if is_canary else ()))


def excess(trace: Trace, play: Play, scenario: Scenario, until: float) -> float:
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


def _extra(stream: Stream, scenario: Scenario) -> float:
    if stream.latency is None:
        return stream.base * (scenario.worse - 1)
    bound = float(stream.metric.bound)
    usual = slow_share(stream, scenario, bound, is_canary=False)
    return slow_share(stream, scenario, bound, is_canary=True) - usual


def dispersions(play: Play, scenario: Scenario, dice: Random, pods: int = 9) -> dict[str, float]:
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


class _Running:
    """One metric's sums."""

    def __init__(self, metric: Metric, rules: Rules, worse: float) -> None:
        self.metric = metric
        self.worse = [Mixture.against(rules.tolerate, WORSE_GRID) for _ in range(max(1, len(metric.bounds)))]
        self.better = Mixture.against(worse, BETTER_GRID)
        self.bad = self.total = self.bad_windows = 0

    def see(self, pair: Pair) -> None:
        canary, stable = pair.canary, pair.stable
        self.bad += canary.bad
        self.total += canary.total
        self.bad_windows += canary.bad > 0
        if not canary.total or not stable.total:
            return
        share = canary.total / (canary.total + stable.total)
        self.better = self.better.seen(Lot(canary.bad, canary.bad + stable.bad, share))
        for place, bound in enumerate(self.metric.bounds or ("",)):
            x = canary.above.get(bound, 0) if bound else canary.bad
            m = x + (stable.above.get(bound, 0) if bound else stable.bad)
            if m:
                self.worse[place] = self.worse[place].seen(Lot(x, m, share))

    def log_worse(self) -> float:
        return log_mean([mixture.log_e(self.metric.dispersion) for mixture in self.worse])

    def log_burn(self, burn: float) -> float | None:
        if self.metric.objective is None:
            return None
        return log_e_burn(self.bad, self.total, burn * (1 - self.metric.objective), self.metric.dispersion)

    def log_better(self) -> float:
        relative = self.better.log_e(self.metric.dispersion)
        if self.metric.objective is None:
            return relative
        allowed = 1 - self.metric.objective
        return log_mean([relative, log_e_health(self.bad, self.total, allowed, self.metric.dispersion)])


def sequential(trace: Trace, *, may_promote: bool = True) -> Outcome:
    """The sequential judge's decision on a trace, the same as `sequential.Case` comes to."""
    rules = trace.rules
    tracks = {metric.name: _Running(metric, rules, trace.worse) for metric in trace.metrics}
    for glance in trace.windows:
        news = False
        for name, pair in glance.counts.items():
            tracks[name].see(pair)
            # Without a bad event on the canary the evidence against it cannot have grown.
            news = news or bool(pair.canary.bad) or any(pair.canary.above.values())
        if news and _against(tuple(tracks.values()), rules):
            return Outcome(result=Result.ROLL_BACK, at=glance.t)
        if may_promote and glance.t >= trace.promote_from and _for(tuple(tracks.values()), rules):
            return Outcome(result=Result.PROMOTE, at=glance.t)
    return Outcome(result=Result.INCONCLUSIVE, at=trace.windows[-1].t if trace.windows else 0.0)


def _against(tracks: Sequence[_Running], rules: Rules) -> bool:
    burns = [track.log_burn(rules.burn) for track in tracks]
    with_burn = sum(burn is not None for burn in burns)
    burn_weight = rules.burn_weight if with_burn else 0.0
    whole = sum(track.metric.weight for track in tracks)
    parts = []
    for track, burn in zip(tracks, burns, strict=True):
        terms = [(track.metric.weight / whole * (1 - burn_weight), track.log_worse())]
        if burn is not None:
            terms.append((burn_weight / with_burn, burn))
        parts.append(log_weighted(terms))
    if log_weighted((1.0, part) for part in parts) < rules.roll_back_at:
        return False
    place = max(range(len(parts)), key=lambda one: parts[one])
    blamed, burn = tracks[place], burns[place]
    if blamed.bad < rules.bad_at_least:
        return False
    outage = blamed.bad == blamed.total or (burn or 0.0) >= rules.roll_back_at
    return outage or blamed.bad_windows >= rules.windows_at_least


def _for(tracks: Sequence[_Running], rules: Rules) -> bool:
    return all(track.log_better() >= rules.promote_at for track in tracks)
