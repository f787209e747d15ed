"""Case: windows in, evidence and a decision out. Valid at every look."""

import math
from collections.abc import Iterable, Mapping, Sequence

from davy.checks.judges.sequential.evidence import Comparison, Metric, Track
from davy.checks.statistics.mixtures import log_mean, log_weighted
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Decision, Evidence, Gap, Pair, Window

__all__ = ["CaseStanding", "Comparison", "Metric", "Rules", "SequentialCase", "Track"]


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
class CaseStanding:
    """Where the case stands after the windows so far."""

    evidence: tuple[Evidence, ...]
    log_e_roll_back: float
    log_e_burn: float
    blame: str
    """The metric with the largest part of the evidence against the canary; empty where there is none."""
    bound: str = ""
    """Of a histogram that is to blame: the bound that tells most against the canary."""
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class SequentialCase:
    """The canary's case: every metric's track under one set of rules."""

    rules: Rules
    tracks: tuple[Track, ...]

    @classmethod
    def opened(cls, rules: Rules, metrics: Iterable[Metric]) -> "SequentialCase":
        """Nothing seen yet."""
        return cls(rules=rules, tracks=tuple(Track.opened(metric, rules.tolerate) for metric in metrics))

    def seen(self, window: Window) -> "SequentialCase":
        """With one more window."""
        return self.counted(window.counts)

    def counted(self, counts: Mapping[str, Pair]) -> "SequentialCase":
        """With the counts of one more window; a metric without any in it stays as it is."""
        tracks = [
            track.seen(counts[track.metric.name]) if track.metric.name in counts else track for track in self.tracks
        ]
        return SequentialCase(rules=self.rules, tracks=tuple(tracks))

    def excluding(self, worse: float) -> "SequentialCase":
        """Ready for `standing` with this ratio; cheap where it has been asked before."""
        if all(worse in track.better for track in self.tracks):
            return self
        return SequentialCase(rules=self.rules, tracks=tuple(track.excluding(worse) for track in self.tracks))

    def standing(
        self, worse: float, gaps: Mapping[str, Gap] | None = None, *, may_promote: bool = True
    ) -> CaseStanding:
        """Evidence and decision at this look. `gaps`: what could not be read in it, by metric."""
        case = self.excluding(worse)
        against = {track.metric.name: track.log_e_worse() for track in case.tracks}
        burns = {t.metric.name: t.log_e_burn(self.rules.burn) for t in case.tracks if t.metric.objective is not None}
        parts = self._parts(against, burns)
        log_roll_back = log_weighted((1.0, part) for part in parts.values())
        evidence = []
        for track in case.tracks:
            name = track.metric.name
            share = math.exp(parts[name] - log_roll_back) if log_roll_back > -math.inf else 0.0
            evidence.append(_evidence(track, worse, (gaps or {}).get(name), against=against[name], share=share))
        blame = max(parts, key=lambda name: parts[name], default="") if log_roll_back > 0 else ""
        return CaseStanding(
            evidence=tuple(evidence),
            log_e_roll_back=log_roll_back,
            log_e_burn=log_mean(list(burns.values())) if burns else 0.0,
            blame=blame,
            bound=next((track.worst_bound() for track in case.tracks if track.metric.name == blame), ""),
            decision=self._decision(evidence, log_roll_back, burns, blame, bool(gaps), may_promote=may_promote),
        )

    def _parts(self, against: Mapping[str, float], burns: Mapping[str, float]) -> dict[str, float]:
        """By metric, the log of its part in the evidence against the canary: relative and burn, weighted.

        The weights sum to 1, so the sum of all parts is again evidence of the same error rate, however the metrics
        depend on each other (Vovk and Wang 2021).
        """
        burn_weight = self.rules.burn_weight if burns else 0.0
        whole = sum(track.metric.weight for track in self.tracks)
        parts = {}
        for track in self.tracks:
            name = track.metric.name
            terms = [(track.metric.weight / whole * (1 - burn_weight), against[name])]
            if name in burns:
                terms.append((burn_weight / len(burns), burns[name]))
            parts[name] = log_weighted(terms)
        return parts

    def _decision(
        self,
        evidence: Sequence[Evidence],
        log_roll_back: float,
        burns: Mapping[str, float],
        blame: str,
        gaps: bool,
        *,
        may_promote: bool,
    ) -> Decision:
        """Rolling back is asked before promoting, and a limit that is just reached is crossed.

        What could not be read never promotes.
        """
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
        track = next((track for track in self.tracks if track.metric.name == blame), None)
        if track is None or track.bad_events < self.rules.bad_at_least:
            return False
        dead = 0 < track.canary.total == track.canary.bad
        outage = dead or burns.get(blame, 0.0) >= self.rules.roll_back_at
        return outage or track.bad_windows >= self.rules.windows_at_least


def _evidence(track: Track, worse: float, gap: Gap | None, *, against: float, share: float) -> Evidence:
    return Evidence(
        metric=track.metric.name,
        canary=track.canary,
        stable=track.stable,
        log_e_roll_back=against,
        log_e_promote=track.log_e_promote(worse),
        ratio=track.ratio.bounds(dispersion=track.metric.dispersion),
        gap=gap,
        dispersion=track.metric.dispersion,
        share=share,
    )
