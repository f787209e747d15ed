"""Scene: what a viewer needs to know now, folded from the events. Pure; `live` draws it."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from functools import singledispatch

from davy.pipeline.core import events
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.core.verdict import Verdict, Window
from davy.workflows.render.phrases import counted, counts, phrase
from davy.workflows.render.views import BuildCount, BuildView, PartView, StageView, Trail

TAIL = 8
"""Log lines kept."""
LOOKS = 120
"""Looks kept for the sparklines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything the live view shows."""

    started: datetime | None = None
    last: datetime | None = None
    head: events.ReleaseStarted | None = None
    source: str = ""
    stages: Mapping[events.Stage, StageView] = field(default_factory=dict)
    builds: Mapping[str, BuildView] = field(default_factory=dict)
    """By label, those that run."""
    images: BuildCount = BuildCount()
    suites: tuple[str, ...] = ()
    results: tuple[events.SuiteFinished, ...] = ()
    parts: tuple[PartView, ...] = ()
    """Of suites: those that run now, the newest last."""
    parts_over: int = 0
    parts_waiting: int = 0
    tail: tuple[str, ...] = ()
    canary: events.CanaryStarted | None = None
    step: int = -1
    step_at: datetime | None = None
    reached: float | None = None
    """Percent reached at the step; None while its pods start."""
    reaches: tuple[float, ...] = ()
    pods: events.PodsSeen | None = None
    verdict: Verdict | None = None
    trails: Mapping[str, Trail] = field(default_factory=dict)
    burn: tuple[float, ...] = ()
    windows: tuple[Window, ...] = ()
    """Of looks whose words the journal does not keep."""
    phase: str = ""
    """`promoting`, `baking`, `rolling back`, …; empty while steps are taken."""
    news: str = ""
    """The newest sentence that is not the judge's."""
    troubles: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    finished: events.ReleaseFinished | None = None


def folded(scene: Scene, event: events.Event) -> Scene:
    """The scene after the event."""
    return _fold(event, replace(scene, started=scene.started or event.at, last=event.at))


@singledispatch
def _fold(event: events.Event, scene: Scene) -> Scene:
    return replace(scene, news=one_line(phrase(event)))


@_fold.register
def _(event: events.ReleaseStarted, scene: Scene) -> Scene:
    return replace(scene, head=event)


@_fold.register
def _(event: events.SourceRead, scene: Scene) -> Scene:
    return replace(scene, source=one_line(event.revision.short))


@_fold.register
def _(event: events.StageStarted, scene: Scene) -> Scene:
    return replace(scene, stages={**scene.stages, event.stage: StageView(began=event.at)}, tail=())


@_fold.register
def _(event: events.StageFinished, scene: Scene) -> Scene:
    before = scene.stages.get(event.stage, StageView(began=event.at - event.took))
    return replace(scene, stages={**scene.stages, event.stage: replace(before, finished=event)}, tail=())


@_fold.register
def _(event: events.LogLine, scene: Scene) -> Scene:
    lines = [line for line in harmless(event.line).split("\n") if line.strip()]
    label = event.source.removeprefix("build ")
    running = scene.builds.get(label)
    if running is not None and lines:
        scene = replace(scene, builds={**scene.builds, label: replace(running, line=one_line(lines[-1]))})
    at = next((at for at, part in enumerate(scene.parts) if part.source == event.source), None)
    if at is not None and lines:
        said = replace(scene.parts[at], line=lines[-1])
        scene = replace(scene, parts=(*scene.parts[:at], said, *scene.parts[at + 1 :]))
    return replace(scene, tail=(*scene.tail, *lines)[-TAIL:])


@_fold.register
def _(event: events.BuildStarted, scene: Scene) -> Scene:
    view = BuildView(began=event.at, line=one_line(event.because))
    return replace(scene, builds={**scene.builds, event.label: view})


@_fold.register
def _(event: events.ImageBuilt, scene: Scene) -> Scene:
    count = scene.images
    ours = replace(count, reused=count.reused + 1) if event.is_reused else replace(count, built=count.built + 1)
    return _build_ended(replace(scene, images=ours), event.label)


@_fold.register
def _(event: events.BuildFailed, scene: Scene) -> Scene:
    ours = replace(scene, images=replace(scene.images, failed=scene.images.failed + 1))
    return _build_ended(replace(ours, troubles=(*ours.troubles, one_line(phrase(event)))), event.label)


def _build_ended(scene: Scene, label: str) -> Scene:
    left = {name: view for name, view in scene.builds.items() if name != label}
    view = scene.stages.get(events.Stage.BUILD)
    stages = {**scene.stages, events.Stage.BUILD: replace(view, note=str(scene.images))} if view else scene.stages
    return replace(scene, builds=left, stages=stages)


@_fold.register
def _(event: events.PartStarted, scene: Scene) -> Scene:
    view = PartView(suite=event.suite, part=event.part, since=event.at, attempt=event.attempt)
    return replace(scene, parts=(*scene.parts, view), parts_waiting=event.waiting)


@_fold.register
def _(event: events.PartFinished, scene: Scene) -> Scene:
    left = tuple(part for part in scene.parts if (part.suite, part.part) != (event.suite, event.part))
    return replace(
        scene,
        parts=left,
        parts_over=scene.parts_over + (not event.again),
        parts_waiting=scene.parts_waiting + event.again,
    )


@_fold.register
def _(event: events.SuiteFinished, scene: Scene) -> Scene:
    scene = replace(scene, parts=(), parts_over=0, parts_waiting=0)
    scene = replace(scene, results=(*scene.results, event))
    words = f"{event.suite} {counted(event)}" + (f" ({event.because})" if event.because else "")
    return _noted(replace(scene, suites=(*scene.suites, one_line(words))), events.Stage.TEST, words)


def _noted(scene: Scene, stage: events.Stage, words: str) -> Scene:
    view = scene.stages.get(stage)
    if view is None:
        return scene
    note = " · ".join(part for part in (view.note, one_line(words)) if part)
    return replace(scene, stages={**scene.stages, stage: replace(view, note=note)})


@_fold.register
def _(event: events.Warned, scene: Scene) -> Scene:
    return replace(scene, warnings=(*scene.warnings, one_line(event.what)))


@_fold.register
def _(event: events.ReleaseFinished, scene: Scene) -> Scene:
    return replace(scene, finished=event)


@_fold.register
def _(event: events.CanaryStarted, scene: Scene) -> Scene:
    stages = scene.stages
    if events.Stage.CANARY not in stages:
        stages = {**stages, events.Stage.CANARY: StageView(began=event.at)}
    return replace(scene, canary=event, stages=stages, tail=())


@_fold.register
def _(event: events.StepEntered, scene: Scene) -> Scene:
    return replace(scene, step=event.step, step_at=event.at, reached=None, phase="")


@_fold.register
def _(event: events.StepReached, scene: Scene) -> Scene:
    return replace(
        scene, step=event.step, step_at=event.at, reached=event.weight, reaches=(*scene.reaches, event.weight)
    )


@_fold.register
def _(event: events.PodsSeen, scene: Scene) -> Scene:
    return replace(scene, pods=event)


@_fold.register
def _(event: events.PodTrouble, scene: Scene) -> Scene:
    words = harmless(phrase(event))
    return replace(scene, troubles=(*scene.troubles, words) if words not in scene.troubles else scene.troubles)


@_fold.register
def _(event: events.Judged, scene: Scene) -> Scene:
    verdict = event.verdict
    if not verdict.sentence:  # The journal keeps only a look's windows.
        windows = (*scene.windows, *verdict.windows)
        return replace(scene, windows=windows, news=one_line(counts(windows)))
    trails = dict(scene.trails)
    for evidence in verdict.evidence:
        before = trails.get(evidence.metric, Trail())
        trails[evidence.metric] = Trail(
            worse=(*before.worse, evidence.log_e_roll_back)[-LOOKS:],
            fine=(*before.fine, evidence.log_e_promote)[-LOOKS:],
        )
    warnings = (*scene.warnings, *map(one_line, verdict.notes))
    burn = (*scene.burn, verdict.log_e_burn)[-LOOKS:]
    return replace(scene, verdict=verdict, trails=trails, burn=burn, warnings=warnings)


@_fold.register
def _(event: events.CanaryFinished, scene: Scene) -> Scene:
    return replace(scene, reaches=event.weights or scene.reaches, news=one_line(phrase(event)))


@_fold.register
def _(event: events.PromotionStarted, scene: Scene) -> Scene:
    return replace(scene, phase="promoting", step_at=event.at, news=one_line(phrase(event)))


@_fold.register
def _(event: events.FullyShifted, scene: Scene) -> Scene:
    return replace(scene, phase="baking", step_at=event.at, news=one_line(phrase(event)))


@_fold.register
def _(event: events.RollbackStarted, scene: Scene) -> Scene:
    return replace(scene, phase="rolling back", step_at=event.at, news=one_line(phrase(event)))


@_fold.register
def _(event: events.RolledBack, scene: Scene) -> Scene:
    return replace(scene, phase="rolled back", news=one_line(phrase(event)))


@_fold.register
def _(event: events.Held, scene: Scene) -> Scene:
    return replace(scene, phase="held", news=one_line(phrase(event)))
