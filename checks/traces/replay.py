"""Replay: the sequential judge over a trace, window by window, as it would have been in the rollout. Pure."""

from dataclasses import dataclass, field

from davy.checks.judges.sequential import sentences
from davy.checks.judges.sequential.case import CaseStanding, SequentialCase
from davy.checks.judges.sequential.tally import Tally
from davy.checks.traces.result import Look, ReplayEnd, TraceResult
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Decision

LOOKS = 1024
"""So many looks are kept for pictures, at least; of longer traces every second, fourth, … and the last."""


def sequential(trace: Trace, *, to_end: bool = False, keep: int = LOOKS) -> TraceResult:
    """What the judge makes of the trace's windows. It stops at the verdict; `to_end`: the figures are the end's."""
    replay = Replay(trace, to_end=to_end, keep=keep)
    for glance in trace.windows:
        if replay.over:
            break
        replay.see(glance)
    return replay.finding()


@dataclass(frozen=True, slots=True)
class _Reached:
    """The first verdict."""

    verdict: ReplayEnd
    at: float
    sentence: str
    blame: str


@dataclass(slots=True)
class Replay:
    """A replay under way: `see` each window until it is `over`, then ask for the `finding`."""

    trace: Trace
    """Its header; windows in it are not looked at."""
    to_end: bool = False
    keep: int = 0
    """So many looks are kept on the way, at least; 0: only the last."""
    ratios: bool = True
    """False: the verdict alone is asked for; the confidence sequences, which cost the most, are left out."""
    windows: int = 0
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _worse: float = 0.0
    _last: Glance | None = None
    _reached: _Reached | None = None
    _looks: list[Look] = field(default_factory=list)
    _stride: int = 1

    def __post_init__(self) -> None:
        self._worse = self.trace.worse
        rules = self.trace.rules
        self._tallies = {m.name: Tally(m, rules.tolerate, self._worse) for m in self.trace.metrics}

    @property
    def over(self) -> bool:
        """True where no more windows are wanted."""
        return self._reached is not None and not self.to_end

    def see(self, glance: Glance) -> None:
        """One more window."""
        self.windows, self._last = self.windows + 1, glance
        worse = self.trace.worse if glance.worse is None else glance.worse
        if worse != self._worse:
            self._exclude(worse)
        raised = [name for name, pair in glance.counts.items() if self._tallies[name].see(pair)]
        if self._reached is None:
            # With data rules a roll-back may also wait for the blame to pass on, and that needs no bad event.
            self._judge(glance, raised=bool(raised) or self.trace.rules.bad_at_least > 0)
        if self.keep:
            self._keep(glance)

    def _exclude(self, worse: float) -> None:
        self._worse = worse
        for tally in self._tallies.values():
            tally.excluding(worse)

    def _judge(self, glance: Glance, *, raised: bool) -> None:
        may_promote = self._may_promote(glance)
        if not self._could_be_over(raised=raised, may_promote=may_promote):
            return
        if self.standing(may_promote=may_promote, with_ratio=False).decision is Decision.GO_ON:
            return
        standing = self.standing(may_promote=may_promote, with_ratio=self.ratios)
        verdict = ReplayEnd.ROLL_BACK if standing.decision is Decision.ROLL_BACK else ReplayEnd.PROMOTE
        self._reached = _Reached(verdict, glance.t, self._sentence(standing), standing.blame)

    def _may_promote(self, glance: Glance) -> bool:
        return not self._held(glance)

    def _held(self, glance: Glance) -> str:
        if glance.gap:
            return sentences.UNREAD
        return sentences.not_before(self.trace.promote_from) if glance.t < self.trace.promote_from else ""

    @property
    def held(self) -> str:
        """Why nothing was promoted at the newest window, whatever the evidence; empty where it may have been."""
        return self._held(self._last) if self._last is not None else ""

    def _could_be_over(self, *, raised: bool, may_promote: bool) -> bool:
        """False where bounds that are quickly had say that no limit is reached.

        `raised`: the window held a bad canary event; without one no evidence against the canary grows.
        """
        rules, tallies = self.trace.rules, self._tallies.values()
        if raised and any(tally.most_against(rules.burn) >= rules.roll_back_at - SLACK for tally in tallies):
            return True
        return may_promote and all(tally.most_for() >= rules.promote_at - SLACK for tally in tallies)

    def case(self, *, with_ratio: bool = True) -> SequentialCase:
        """The case as the rollout would hold it now."""
        tracks = tuple(tally.track(with_ratio=with_ratio) for tally in self._tallies.values())
        return SequentialCase(rules=self.trace.rules, tracks=tracks)

    @property
    def worse(self) -> float:
        """The ratio that promotion had to exclude at the newest window."""
        return self._worse

    def standing(self, *, may_promote: bool, with_ratio: bool = True) -> CaseStanding:
        """Where the case stands now."""
        return self.case(with_ratio=with_ratio).standing(self._worse, may_promote=may_promote)

    def _sentence(self, standing: CaseStanding) -> str:
        metrics = {name: tally.metric for name, tally in self._tallies.items()}
        return sentences.sentence(standing, metrics, self.trace.rules, worse=self._worse, gaps={}, waits=self.held)

    def _keep(self, glance: Glance) -> None:
        if self.windows % self._stride:
            return
        standing = self.standing(may_promote=False)
        self._looks.append(look_of(glance.t, standing))
        if len(self._looks) >= 2 * self.keep:
            del self._looks[::2]
            self._stride *= 2

    def finding(self) -> TraceResult:
        """What was made of the windows so far."""
        rules, last = self.trace.rules, self._last
        may_promote = last is not None and self._may_promote(last)
        standing = self.standing(may_promote=may_promote, with_ratio=self.ratios)
        looks = tuple(self._looks)
        if not looks or last is None or looks[-1].t != last.t:
            looks = (*looks, look_of(last.t if last else 0.0, standing))
        reached = self._reached
        return TraceResult(
            judge="sequential",
            verdict=reached.verdict if reached else ReplayEnd.INCONCLUSIVE,
            at=reached.at if reached else None,
            looks=looks,
            read=self.windows,
            sentence=reached.sentence if reached else self._sentence(standing),
            blame=reached.blame if reached else standing.blame,
            roll_back_at=rules.roll_back_at,
            promote_at=rules.promote_at,
        )


SLACK = 1e-6
"""The bounds are sums of their own: no verdict may hang on their last digits."""


def look_of(t: float, standing: CaseStanding) -> Look:
    """A standing as it is kept."""
    return Look(
        t=t,
        log_e_roll_back=standing.log_e_roll_back,
        log_e_burn=standing.log_e_burn,
        evidence=standing.evidence,
    )
