"""The sequential judge as pure values: windows in, evidence and a decision out. Valid at every look."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from davy.checks.ratios import RatioSequence
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
from davy.pipeline.model import NOTHING, Counts, Decision, Evidence, Gap, Pair, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric as it is judged."""

    name: str
    objective: float | None = None
    """Share of good events promised, 0 to 1."""
    weight: float = 1.0
    dispersion: float = 1.0
    bad_words: str = "failed"
    """What a bad event did: `failed`, `took over 500ms`."""
    bound: str = ""
    """Of a histogram: the bucket bound whose counts are its bad events."""
    bounds: tuple[str, ...] = ()
    """Of a histogram: every bound that evidence is taken at; its evidence against the canary is the mean over them."""
    against: str = "stable"
    """What it is compared with, for people. Empty: with nothing, and its objective alone promotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The error rates promised and what counts as worse."""

    alpha: float = 0.01
    beta: float = 0.05
    tolerate: float = 1.1
    burn: float = 14.4
    burn_weight: float = 0.2
    bad_at_least: int = 3
    """Bad canary events of one metric without which nothing is rolled back; the evidence hardly ever needs fewer."""
    windows_at_least: int = 2
    """Windows they must lie in, so that one broken scrape is not enough; see `_enough`."""

    @property
    def roll_back_at(self) -> float:
        """Log of 1/alpha."""
        return -math.log(self.alpha)

    @property
    def promote_at(self) -> float:
        """Log of 1/beta."""
        return -math.log(self.beta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What has been seen of one metric."""

    metric: Metric
    worse: tuple[Mixture, ...]
    """One, or of a histogram one for each bound."""
    ratio: RatioSequence = field(default_factory=RatioSequence)
    better: Mapping[float, Mixture] = field(default_factory=dict)
    """By the ratio to exclude."""
    lots: tuple[Lot, ...] = ()
    """Kept, so that another ratio to exclude can be asked about later."""
    canary: Counts = NOTHING
    stable: Counts = NOTHING
    bad_windows: int = 0

    def seen(self, pair: Pair) -> "Track":
        """With one more window. Without requests on either side the relative part says nothing of it."""
        track = replace(
            self,
            canary=self.canary + pair.canary,
            stable=self.stable + pair.stable,
            bad_windows=self.bad_windows + (pair.canary.bad > 0),
        )
        both = pair.canary.total + pair.stable.total
        bad = pair.canary.bad + pair.stable.bad
        if not pair.canary.total or not pair.stable.total or not (bad or self.metric.bounds):
            return track
        share = pair.canary.total / both
        lot = Lot(canary_bad=pair.canary.bad, bad=bad, share=share)
        return replace(
            track,
            worse=self._worse(pair, lot),
            ratio=self.ratio.seen(lot),
            better={against: mixture.seen(lot) for against, mixture in self.better.items()},
            lots=(*self.lots, lot),
        )

    def _worse(self, pair: Pair, lot: Lot) -> tuple[Mixture, ...]:
        if not self.metric.bounds:
            return (self.worse[0].seen(lot),)
        return tuple(
            mixture.seen(
                Lot(
                    canary_bad=pair.canary.above.get(bound, 0),
                    bad=pair.canary.above.get(bound, 0) + pair.stable.above.get(bound, 0),
                    share=lot.share,
                )
            )
            for mixture, bound in zip(self.worse, self.metric.bounds, strict=True)
        )

    def log_e_worse(self) -> float:
        """Log evidence that the canary is worse than tolerated; of a histogram the mean over its bounds."""
        return log_mean([mixture.log_e(self.metric.dispersion) for mixture in self.worse])

    def excluding(self, against: float) -> "Track":
        """Ready to be asked whether the canary is less than `against` times worse."""
        if against in self.better:
            return self
        mixture = Mixture.against(against, BETTER_GRID)
        for lot in self.lots:
            mixture = mixture.seen(lot)
        return replace(self, better={**self.better, against: mixture})

    def log_e_burn(self, burn: float) -> float:
        """Log evidence that the canary burns its error budget faster than `burn`."""
        if self.metric.objective is None:
            return 0.0
        rate = burn * (1 - self.metric.objective)
        return log_e_burn(self.canary.bad, self.canary.total, rate, self.metric.dispersion)

    def log_e_promote(self, against: float) -> float:
        """Log evidence for promotion: the mean of the relative and the absolute kind, where there is an objective."""
        relative = self.better[against].log_e(self.metric.dispersion)
        if self.metric.objective is None:
            return relative
        rate = 1 - self.metric.objective
        absolute = log_e_health(self.canary.bad, self.canary.total, rate, self.metric.dispersion)
        if not self.metric.against:
            return absolute
        return log_mean([relative, absolute])


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the case stands after the windows so far."""

    evidence: tuple[Evidence, ...]
    log_e_roll_back: float
    log_e_burn: float
    blame: str
    """The metric with the largest part of the evidence against the canary; empty where there is none."""
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The canary's case: every metric's track under one set of rules."""

    rules: Rules
    tracks: tuple[Track, ...]

    @classmethod
    def opened(cls, rules: Rules, metrics: Iterable[Metric]) -> "Case":
        """Nothing seen yet."""
        against = rules.tolerate
        return cls(
            rules=rules,
            tracks=tuple(
                Track(metric=m, worse=(Mixture.against(against, WORSE_GRID),) * max(1, len(m.bounds))) for m in metrics
            ),
        )

    def seen(self, window: Window) -> "Case":
        """With one more window."""
        return self.counted(window.counts)

    def counted(self, counts: Mapping[str, Pair]) -> "Case":
        """With the counts of one more window; a metric without any in it stays as it is."""
        return replace(
            self,
            tracks=tuple(
                track.seen(counts[track.metric.name]) if track.metric.name in counts else track for track in self.tracks
            ),
        )

    def excluding(self, worse: float) -> "Case":
        """Ready for `standing` with this ratio; cheap where it has been asked before."""
        return replace(self, tracks=tuple(track.excluding(worse) for track in self.tracks))

    def standing(self, worse: float, gaps: Mapping[str, Gap] | None = None, *, may_promote: bool = True) -> Standing:
        """Evidence and decision at this look. `gaps`: what could not be read in it, by metric."""
        case = self.excluding(worse)
        burns = {t.metric.name: t.log_e_burn(self.rules.burn) for t in case.tracks if t.metric.objective is not None}
        log_burn = log_mean(list(burns.values())) if burns else 0.0
        parts = case.parts(burns)
        log_roll_back = log_weighted((1.0, part) for part in parts.values())
        blame = max(parts, key=lambda name: parts[name], default="") if log_roll_back > 0 else ""
        evidence = tuple(
            _evidence(
                track,
                worse,
                (gaps or {}).get(track.metric.name),
                share=math.exp(parts[track.metric.name] - log_roll_back),
            )
            for track in case.tracks
        )
        decision = case.decision(evidence, log_roll_back, burns, blame, bool(gaps), may_promote=may_promote)
        return Standing(
            evidence=evidence, log_e_roll_back=log_roll_back, log_e_burn=log_burn, blame=blame, decision=decision
        )

    def parts(self, burns: Mapping[str, float]) -> dict[str, float]:
        """By metric, the log of its part in the evidence against the canary: relative and burn, weighted.

        The weights sum to 1, so the sum of all parts is again evidence of the same error rate, however the metrics
        depend on each other (Vovk and Wang 2021).
        """
        burn_weight = self.rules.burn_weight if burns else 0.0
        whole = sum(track.metric.weight for track in self.tracks)
        parts = {}
        for track in self.tracks:
            name, metric = track.metric.name, track.metric
            terms = [(metric.weight / whole * (1 - burn_weight), track.log_e_worse())]
            if name in burns:
                terms.append((burn_weight / len(burns), burns[name]))
            parts[name] = log_weighted(terms)
        return parts

    def decision(
        self,
        evidence: tuple[Evidence, ...],
        log_roll_back: float,
        burns: Mapping[str, float],
        blame: str,
        gaps: bool,
        *,
        may_promote: bool,
    ) -> Decision:
        """Rolling back is asked before promoting; what could not be read never promotes."""
        rules = self.rules
        if log_roll_back >= rules.roll_back_at and self._enough(blame, burns):
            return Decision.ROLL_BACK
        if gaps:
            return Decision.UNKNOWN
        if may_promote and evidence and all(one.log_e_promote >= rules.promote_at for one in evidence):
            return Decision.PROMOTE
        return Decision.GO_ON

    def _enough(self, blame: str, burns: Mapping[str, float]) -> bool:
        """Data rules on top of the evidence: some bad events, not all out of one window.

        One window is enough for an outage: every canary request bad, or the burn alone at the limit.
        """
        track = next(track for track in self.tracks if track.metric.name == blame)
        if track.canary.bad < self.rules.bad_at_least:
            return False
        outage = track.canary.bad == track.canary.total or burns.get(blame, 0.0) >= self.rules.roll_back_at
        return outage or track.bad_windows >= self.rules.windows_at_least


def _evidence(track: Track, worse: float, gap: Gap | None, *, share: float) -> Evidence:
    return Evidence(
        metric=track.metric.name,
        canary=track.canary,
        stable=track.stable,
        log_e_roll_back=track.log_e_worse(),
        log_e_promote=track.log_e_promote(worse),
        ratio=track.ratio.bounds(dispersion=track.metric.dispersion),
        gap=gap,
        dispersion=track.metric.dispersion,
        share=share,
    )
