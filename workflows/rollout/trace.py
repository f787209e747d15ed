"""Trace: a rollout's journal as a trace that any judge can replay. Pure."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from davy.checks.traces.reader import TraceReader
from davy.checks.traces.trace import BESIDE, Glance, Trace
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.events import (
    CanaryStarted,
    Event,
    Judged,
    PromotionStarted,
    RollbackStarted,
    StepEntered,
    StepReached,
)
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Decision, Pair, Window
from davy.workflows.story.options import TargetOptions, part


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOptions:
    """What the command line of `davy canary trace` says."""

    target: TargetOptions = field(metadata=part(TargetOptions))
    out: Path | None


def trace_of(events: Sequence[Event]) -> Trace:
    """The rollout that the journal tells of. Raises Missing where it tells of none, or not of its rules."""
    started = _started(events)
    if not started.rules:
        raise Missing(
            f"The journal of {started.release} does not say by which rules its counts were judged.",
            remedy="Thresholds measure PromQL and keep no counts; rollouts of a davy before this one noted no rules.",
        )
    header = TraceReader([started.rules.encode()], "the journal").checked()
    steps = started.policy.steps
    header = replace(header, worse=steps[-1].worse if steps else header.worse)
    windows, asked_at = _windows(events, started, header.worse)
    promote_from = _promote_from(events, started)
    if asked_at is not None and promote_from == asked_at and all(one.t != asked_at for one in windows):
        # The look that promoted brought no counts of its own: it is journaled by what followed from it.
        windows = tuple(sorted([*windows, Glance(t=asked_at, counts={})], key=lambda one: one.t))
    return _dispersed(replace(header, windows=windows, promote_from=promote_from), events)


def beside(events: Sequence[Event]) -> tuple[str, ...]:
    """Threshold checks that had their say in the rollout too, and are not in its trace."""
    rules = _started(events).rules
    return tuple(json.loads(rules).get(BESIDE, ())) if rules else ()


def _started(events: Sequence[Event]) -> CanaryStarted:
    for event in events:
        if isinstance(event, CanaryStarted):
            return event
    raise Missing("The journal tells of no rollout.", remedy="`davy canary history` lists the past ones.")


def _windows(events: Iterable[Event], started: CanaryStarted, worse: float) -> tuple[tuple[Glance, ...], float | None]:
    """A window for each look that brought counts; and when the judge's promotion began, where it did."""
    found, step, asked_at = [], 0, None
    for event in events:
        match event:
            case StepEntered():
                step = event.step
            case PromotionStarted() if not event.by:
                asked_at = _since(started, event.at)
            case Judged(verdict=verdict) if verdict.windows:
                own = started.policy.steps[step].worse
                found.append(
                    Glance(
                        t=_since(started, event.at),
                        counts=_summed(verdict.windows),
                        worse=own if own != worse else None,
                        gap=verdict.decision is Decision.UNKNOWN,
                    )
                )
    return tuple(found), asked_at


def _since(started: CanaryStarted, at: datetime) -> float:
    return (at - started.at).total_seconds()


def _summed(windows: Iterable[Window]) -> dict[str, Pair]:
    """One look's: its metrics may have been read over different spans."""
    counts: dict[str, Pair] = {}
    for window in windows:
        for name, pair in window.counts.items():
            before = counts.get(name, Pair())
            counts[name] = Pair(canary=before.canary + pair.canary, stable=before.stable + pair.stable)
    return counts


def _promote_from(events: Sequence[Event], started: CanaryStarted) -> float:
    """When the rollout's own rules let the evidence promote: infinite where they never did.

    Evidence is not all that a promotion waits for: the last step's least time, two scrapes of each new pod. So where
    the judge promoted, it is the look it went by; a rollout that went back, or on by a person's word, never got there.
    """
    last_step, reached = len(started.policy.steps) - 1, math.inf
    promoting: Judged | None = None
    for event in events:
        match event:
            case StepReached() if event.step == last_step and math.isinf(reached):
                reached = _since(started, event.at) + started.policy.steps[last_step].at_least.total_seconds()
            case Judged(verdict=verdict):
                promoting = event if verdict.decision is Decision.PROMOTE and verdict.windows else None
            case PromotionStarted():
                if event.by or any(isinstance(one, RollbackStarted) for one in events):
                    return math.inf
                return _since(started, promoting.at if promoting else event.at)
            case RollbackStarted():
                return math.inf
    return reached


def _dispersed(trace: Trace, events: Iterable[Event]) -> Trace:
    """With the dispersion that the rollout estimated for itself, where its windows note one."""
    noted: dict[str, float] = {}
    for event in events:
        for window in event.verdict.windows if isinstance(event, Judged) else ():
            noted = {**window.dispersion, **noted}
    metrics = tuple(replace(one, dispersion=noted.get(one.name, one.dispersion)) for one in trace.metrics)
    return replace(trace, metrics=metrics)
