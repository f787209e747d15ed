"""Judges: the judges that are let loose on the same simulated rollouts, by name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from davy.checks.forecast.rollouts import (
    WARMUP,
    Scenario,
    SimulatedOutcome,
    SimulatedRollout,
    dispersions,
    sequential,
    since,
    tempered,
)
from davy.checks.traces import other_judges
from davy.checks.traces.result import TraceResult
from davy.checks.traces.trace import Glance, Trace
from davy.pipeline.core.verdict import Pair

Judge = Callable[[Trace], SimulatedOutcome]
Opened = Callable[[SimulatedRollout, Scenario, Random], Judge]
"""Made for one scenario: what is true (for the history of stable pods that it reads), and chance (to draw it)."""

POINT = 60.0
"""Seconds of one of Kayenta's points."""
HISTORIES = 20
"""So many histories are drawn for a scenario, and each rollout has one of them."""


def davy(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """The sequential judge, with the dispersion that stable pods' own history shows."""
    # Without clusters every history says about 1; a few are enough.
    histories = [dispersions(play, scenario, dice) for _ in range(HISTORIES if scenario.cluster > 1 else 3)]
    return lambda trace: sequential(tempered(_warm(trace, scenario), dice.choice(histories)))


def untempered(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """The same, believing that bad events come one by one."""
    del play, dice
    return lambda trace: sequential(_warm(trace, scenario))


def _warm(trace: Trace, scenario: Scenario) -> Trace:
    return since(trace, WARMUP) if scenario.cold > 1 else trace


def argo(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """Argo Rollouts' counting, once a minute: the objective, and at most three failures."""
    del scenario, dice
    return lambda trace: _of(other_judges.threshold(replace(trace, settings=_thresholds(play, "argo"))), trace)


def flagger(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """Flagger's, once a minute: the objective, and rolled back at five failed ticks, as in its documentation."""
    del scenario, dice
    return lambda trace: _of(other_judges.threshold(replace(trace, settings=_thresholds(play, "flagger"))), trace)


def kayenta(play: SimulatedRollout, scenario: Scenario, dice: Random) -> Judge:
    """Kayenta's Mann-Whitney test on points of a minute, judged every ten over all of them."""
    del play, scenario, dice
    settings = {"mannwhitney": {"interval": 600.0}}
    return lambda trace: _of(other_judges.mannwhitney(replace(coarser(trace, POINT), settings=settings)), trace)


def _thresholds(play: SimulatedRollout, style: str) -> dict[str, Any]:
    said: dict[str, Any] = {"style": style, "interval": 60.0}
    if any(stream.metric.objective is None for stream in play.streams):
        # Where nothing was promised, the limits of both documentations' examples.
        said |= {"success": ">= 0.95"} if style == "argo" else {"min": 0.99}
    return {"threshold": said}


def coarser(trace: Trace, seconds: float) -> Trace:
    """With windows of this length, made of the trace's own."""
    return replace(trace, windows=tuple(_merged(trace, seconds)))


def _merged(trace: Trace, seconds: float) -> Iterator[Glance]:
    held: dict[str, Pair] = {}
    edge = seconds
    for glance in trace.windows:
        for name, pair in glance.counts.items():
            before = held.get(name, Pair())
            held[name] = Pair(canary=before.canary + pair.canary, stable=before.stable + pair.stable)
        if glance.t >= edge or glance is trace.windows[-1]:
            yield replace(glance, counts=held)
            held, edge = {}, (glance.t // seconds + 1) * seconds


def _of(finding: TraceResult, trace: Trace) -> SimulatedOutcome:
    return SimulatedOutcome(result=finding.verdict, at=trace.windows[-1].t if finding.at is None else finding.at)


CONTENDERS: Mapping[str, Opened] = {
    "davy": davy,
    "davy, dispersion 1": untempered,
    "threshold (argo)": argo,
    "threshold (flagger)": flagger,
    "mannwhitney": kayenta,
}
