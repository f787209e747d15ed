"""Explanation: one look in full: every count, share and limit, whom to blame, what is missing for a verdict. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from davy.checks.judges.sequential.case import CaseStanding, Metric, Rules, SequentialCase, Track
from davy.checks.statistics.mixtures import log_e_health, log_weighted
from davy.checks.traces.replay import Replay
from davy.checks.traces.result import TraceResult
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.text.shares import rest
from davy.pipeline.core.verdict import NOTHING, Counts, Evidence, Pair

FURTHEST = 2**40
"""More requests than that are never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The canary's part of the requests as observed, 0 to 1, over windows that both sides served."""

    least: float
    mean: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AtBound:
    """A histogram's relative evidence at one bucket bound."""

    bound: str
    canary: int
    """Above it."""
    stable: int
    log_e: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BurnBound:
    """The canary's own rate against the fastest that is let pass."""

    limit: float
    """Times what the objective allows."""
    speed: float
    """Observed, in the same unit."""
    rate: float
    """The limit as a share of bad events; from 1 on nothing can show that it is exceeded."""
    weight: float
    log_e: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """How many more canary requests would bring a verdict; 0: none, None: no number of them would."""

    clean: int | None
    """To promote: without a bad one, while stable goes on as it was."""
    alike: int | None
    """To promote: with bad ones as often as stable has."""
    bad: int | None
    """To roll back: each of them bad (above every bound), while stable has none bad."""
    held: str = ""
    """Why nothing was promoted at this look, whatever the evidence; empty where it may have been."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One metric in full."""

    metric: Metric
    evidence: Evidence
    shares: Shares | None
    """None where the two sides never served in the same window."""
    bounds: tuple[AtBound, ...]
    burn: BurnBound | None
    """None without an objective."""
    log_e_relative: float
    """Promotion's first arm: less than `worse` times as bad as stable."""
    log_e_absolute: float | None
    """Its second: inside the objective. None without one."""
    weight: float
    """Of its relative evidence; all weights and those of the burn sum to 1."""
    log_part: float
    """Log of its weighted part in the evidence against the canary."""
    origin: str
    """Where its dispersion comes from."""
    missing: Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One look in full."""

    finding: TraceResult
    t: float | None
    """Seconds of the look; None where there was no window."""
    rules: Rules
    worse: float
    standing: CaseStanding
    metrics: tuple[Explained, ...]


@dataclass(slots=True)
class _Seen:
    """Sums over windows that both sides served."""

    least: float = math.inf
    most: float = 0.0
    canary: int = 0
    both: int = 0

    def add(self, pair: Pair) -> None:
        if not pair.canary.total or not pair.stable.total:
            return
        both = pair.canary.total + pair.stable.total
        share = pair.canary.total / both
        self.least, self.most = min(self.least, share), max(self.most, share)
        self.canary, self.both = self.canary + pair.canary.total, self.both + both

    def shares(self) -> Shares | None:
        if not self.both:
            return None
        return Shares(least=self.least, mean=self.canary / self.both, most=self.most)


def explained(trace: Trace, windows: Iterable[Glance], at: float | None = None) -> Explanation:
    """The look of the verdict, or of the end where there was none; `at`: that of the last window up to then."""
    replay, t = Replay(trace, to_end=at is not None), None
    seen: dict[str, _Seen] = {metric.name: _Seen() for metric in trace.metrics}
    for glance in windows:
        if replay.over or (at is not None and glance.t > at):
            break
        t = glance.t
        replay.see(glance)
        for name, pair in glance.counts.items():
            seen[name].add(pair)
    case, standing = replay.case(), replay.standing(may_promote=False)
    shares = {name: one.shares() for name, one in seen.items()}
    return Explanation(
        finding=replay.finding(),
        t=t,
        rules=trace.rules,
        worse=replay.worse,
        standing=standing,
        metrics=tuple(
            _Metric(case, standing, replay.worse, shares[track.metric.name], replay.held).explained(
                track, trace.origins
            )
            for track in case.tracks
        ),
    )


@dataclass(frozen=True, slots=True)
class _Metric:
    """What one metric's explanation is made from."""

    case: SequentialCase
    standing: CaseStanding
    worse: float
    shares: Shares | None
    held: str
    burns: Mapping[str, float] = field(init=False)

    def __post_init__(self) -> None:
        limit = self.case.rules.burn
        object.__setattr__(self, "burns", _burns(self.case, limit))

    def explained(self, track: Track, origins: Mapping[str, str]) -> Explained:
        metric, rules = track.metric, self.case.rules
        whole = sum(one.metric.weight for one in self.case.tracks)
        burn_weight = rules.burn_weight if self.burns else 0.0
        evidence = next(one for one in self.standing.evidence if one.metric == metric.name)
        weight, burn = metric.weight / whole * (1 - burn_weight), self._burn(track)
        return Explained(
            metric=metric,
            evidence=evidence,
            shares=self.shares,
            bounds=_bounds(track),
            burn=burn,
            log_e_relative=track.better[self.worse].log_e(metric.dispersion),
            log_e_absolute=_absolute(track),
            weight=weight,
            log_part=log_weighted([(weight, evidence.log_e_roll_back), (burn.weight, burn.log_e) if burn else (0, 0)]),
            origin=origins.get(metric.name, "parameters"),
            missing=self._missing(track),
        )

    def _burn(self, track: Track) -> BurnBound | None:
        objective, rules = track.metric.objective, self.case.rules
        if objective is None:
            return None
        return BurnBound(
            limit=rules.burn,
            speed=track.canary.rate / rest(objective),
            rate=rules.burn * rest(objective),
            weight=rules.burn_weight / len(self.burns),
            log_e=self.burns[track.metric.name],
        )

    def _missing(self, track: Track) -> Shortfall:
        share = self.shares.mean if self.shares else None
        rate = track.stable.rate

        def promotes(counts: Pair) -> bool:
            return track.seen(counts).log_e_promote(self.worse) >= self.case.rules.promote_at

        def rolls_back(counts: Pair) -> bool:
            later = self.case.counted({track.metric.name: counts})
            return later.standing(self.worse).log_e_roll_back >= self.case.rules.roll_back_at

        return Shortfall(
            clean=_fewest(lambda n: promotes(_more(track, n, share, canary=0.0, stable=rate))),
            alike=_fewest(lambda n: promotes(_more(track, n, share, canary=rate, stable=rate))) if share else None,
            bad=_fewest(lambda n: rolls_back(_more(track, n, share, canary=1.0, stable=0.0))),
            held=self.held,
        )


def _burns(case: SequentialCase, limit: float) -> dict[str, float]:
    return {one.metric.name: one.log_e_burn(limit) for one in case.tracks if one.metric.objective is not None}


def _bounds(track: Track) -> tuple[AtBound, ...]:
    metric = track.metric
    return tuple(
        AtBound(
            bound=bound,
            canary=track.canary.above.get(bound, 0),
            stable=track.stable.above.get(bound, 0),
            log_e=mixture.log_e(metric.dispersion),
        )
        for bound, mixture in zip(metric.bounds, track.worse, strict=False)
    )


def _absolute(track: Track) -> float | None:
    metric = track.metric
    if metric.objective is None:
        return None
    return log_e_health(track.canary.bad, track.canary.total, rest(metric.objective), metric.dispersion)


def _more(track: Track, requests: int, share: float | None, *, canary: float, stable: float) -> Pair:
    """So many more canary requests at the observed share, bad at these rates; a histogram's bounds as stable has them.

    At the rates 0 and 1 the bounds are all clean or all bad.
    """
    others = round(requests * (1 - share) / share) if share else 0
    return Pair(
        canary=_at_rate(track, requests, canary),
        stable=_at_rate(track, others, stable) if others else NOTHING,
    )


def _at_rate(track: Track, total: int, rate: float) -> Counts:
    if rate in (0.0, 1.0):
        return Counts(
            bad=round(total * rate), total=total, above=dict.fromkeys(track.metric.bounds, round(total * rate))
        )
    rates = {bound: track.stable.above.get(bound, 0) / track.stable.total for bound in track.metric.bounds}
    above = {bound: round(total * one) for bound, one in rates.items()}
    return Counts(bad=round(total * rate), total=total, above=above)


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The fewest requests that are enough; None where no number is. More never harm, but for the rounding."""
    if enough(0):
        return 0
    high = 1
    while not enough(high):
        high *= 2
        if high > FURTHEST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
