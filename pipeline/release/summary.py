"""Summary: what a release's events add up to."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from davy.pipeline.core import events
from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, ImageBuilt, PodTrouble, StageFinished, StepPlan, SuiteFinished, Warned
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import time_text
from davy.pipeline.core.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the canary, as wished and as reached."""

    number: int
    wished: float | None
    pods: int
    reached: float | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the events add up to."""

    service: str = ""
    release: str = ""
    runner: str = ""
    rehearsal: bool = False
    revision: Revision | None = None
    stages: tuple[StageFinished, ...] = ()
    images: tuple[ImageBuilt, ...] = ()
    suites: tuple[SuiteFinished, ...] = ()
    plan: tuple[StepPlan, ...] = ()
    workload: str = ""
    steps: tuple[Step, ...] = ()
    verdict: Verdict | None = None
    notes: tuple[str, ...] = ()
    """What the judge said beside its verdicts."""
    troubles: tuple[PodTrouble, ...] = ()
    warnings: tuple[Warned, ...] = ()
    story: tuple[str, ...] = ()
    """What persons and runners did, in order: asked, resumed, promoted, rolled back, held."""
    canary: events.CanaryFinished | None = None
    end: events.ReleaseFinished | None = None

    @property
    def ending(self) -> Ending | None:
        """How it ended; None while it runs."""
        return self.end.ending if self.end else self.canary.ending if self.canary else None

    @property
    def sentence(self) -> str:
        """The end in one sentence; empty while it runs."""
        return self.end.sentence if self.end else self.canary.sentence if self.canary else ""


def summarized(told: Iterable[Event]) -> Report:
    """Fold the events. A fold of a beginning is the report of the release so far."""
    report = Report()
    for event in told:
        report = folded(report, event)
    return report


def folded(report: Report, event: Event) -> Report:
    """The report with one more event."""
    change: dict[str, Any] = {}
    match event:
        case events.ReleaseStarted():
            change = {"service": event.service, "release": event.release, "runner": event.runner}
            change["rehearsal"] = event.rehearsal
        case events.SourceRead():
            change = {"revision": event.revision}
        case StageFinished():
            change = {"stages": (*report.stages, event)}
        case ImageBuilt():
            change = {"images": (*report.images, event)}
        case SuiteFinished():
            change = {"suites": (*report.suites, event)}
        case Warned():
            change = {"warnings": (*report.warnings, event)}
        case events.ReleaseFinished():
            change = {"end": event}
        case _:
            change = _canary(report, event)
    return replace(report, **change)


def _canary(report: Report, event: Event) -> dict[str, Any]:
    change: dict[str, Any] = {}
    match event:
        case events.CanaryStarted():
            change = {"plan": event.policy.steps, "workload": str(event.workload)}
        case events.StepEntered():
            change = {"steps": (*report.steps, _entered(report, event))}
        case events.StepReached():
            change = {"steps": tuple(_reached(step, event) for step in report.steps)}
        case events.Judged():
            change = {"verdict": event.verdict, "notes": (*report.notes, *event.verdict.notes)}
        case PodTrouble():
            change = {"troubles": (*report.troubles, event)}
        case events.CanaryFinished():
            change = {"canary": event}
        case _:
            line = _told(event)
            change = {"story": (*report.story, f"{event.at:%H:%M:%S} {line}")} if line else {}
    return change


def _entered(report: Report, event: events.StepEntered) -> Step:
    wished = report.plan[event.step].weight if event.step < len(report.plan) else None
    return Step(number=event.step, wished=wished, pods=event.pods, because=event.because)


def _reached(step: Step, event: events.StepReached) -> Step:
    if step.number != event.step or step.reached is not None:
        return step
    return replace(step, reached=event.weight, pods=event.pods)


def _told(event: Event) -> str:
    line = ""
    match event:
        case events.Asked():
            line = f"{event.by} asked to {event.what}" + (f": {event.why}" if event.why else "")
        case events.Resumed():
            line = f"{event.runner} took over"
        case events.PromotionStarted():
            line = f"promotion began: {event.because}" + (f" ({event.by})" if event.by else "")
        case events.FullyShifted():
            line = "every pod is of the new version"
        case events.RollbackStarted():
            line = f"rollback began: {event.because}" + (f" ({event.how})" if event.how else "")
        case events.RolledBack():
            line = f"rolled back in {time_text.shown(event.took)}"
        case events.Held():
            line = f"held at {event.weight:.1f} %: {event.because}"
    return line
