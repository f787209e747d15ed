"""Picture: the scene as lines of a given width and height. Pure; `live` puts it onto the terminal."""

import textwrap
from collections.abc import Iterable
from datetime import datetime, timedelta

from rich.text import Text

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Result, Stage
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Decision, Evidence, Verdict
from davy.workflows.render.bars import bar, factor, sparkline
from davy.workflows.render.phrases import ENDINGS, REHEARSAL, percent
from davy.workflows.render.scene import Scene
from davy.workflows.render.views import StageView, Trail

MARKS = {
    Result.PASSED: ("✓", "green"),
    Result.FAILED: ("✗", "red"),
    Result.SKIPPED: ("-", "dim"),
}
DECISION_STYLES = {
    Decision.ROLL_BACK: "red",
    Decision.PROMOTE: "green",
    Decision.GO_ON: "",
    Decision.UNKNOWN: "yellow",
}
INDENT = "     "
BACK = {"rolling back", "rolled back"}
PART = 30
"""Columns of a part's name."""
MARGIN = 6
"""Lines that parts of suites leave to what is said below them."""


def picture(scene: Scene, now: datetime, width: int, height: int) -> list[Text]:
    """At most `height` lines, none wider than `width` cells; what matters least gives way first."""
    head = [*_header(scene, now, width), *_stages(scene, now, width)]
    parts = _parts(scene, now, width, most=max(height - len(head) - MARGIN, 2))
    middle = [*parts, *_canary(scene, now, width)]
    end = [*_troubles(scene, width, most=6), *_ending(scene)]
    room = height - len(head) - len(middle) - len(end)
    # With several builds or parts at once each shows its last line beside its name instead.
    said = () if parts or len(scene.builds) > 1 else scene.tail[-max(room, 0) :]
    tail = [Text(f"{INDENT}│ {line}", style="dim") for line in said] if room > 0 else []
    lines = [*head, *middle, *tail, *end]
    if len(lines) > height:
        lines = [*head, *middle][: max(height - len(end), 1)] + end
    return [_cropped(line, width) for line in lines[-height:] if line is not None]


def _cropped(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line


def _spread(left: Text, right: str, width: int, style: str = "dim") -> Text:
    """`right` at the right edge; the left gives way."""
    left = left.copy()
    left.truncate(max(width - len(right) - 1, 0), overflow="ellipsis")
    left.pad_right(max(width - left.cell_len - len(right), 1))
    return left.append(right, style=style)


def _wrapped(words: str, width: int, most: int) -> list[str]:
    return textwrap.wrap(one_line(words), max(width, 20), max_lines=most, placeholder=" …")


def _header(scene: Scene, now: datetime, width: int) -> list[Text]:
    head = scene.head
    name = "canary" if head is None else "rehearsal" if head.rehearsal else one_line(head.part) or "release"
    title = Text(f" davy {name}  ", style="bold")
    title.append(one_line(head.service) if head else str(scene.canary.workload) if scene.canary else "", style="bold")
    title.append(f"  {scene.source}" if scene.source else "")
    if head and head.runner:
        title.append(f"  by {one_line(head.runner)}", style="dim")
    lines = [_spread(title, shown(_end(scene, now) - (scene.started or now)) + " ", width)]
    if head and head.rehearsal:
        lines.append(Text(f" {REHEARSAL}", style="black on yellow"))
    return lines


def _end(scene: Scene, now: datetime) -> datetime:
    """Time stands still once the release has ended, and never runs before the newest event."""
    if scene.finished:
        return scene.finished.at
    return max(now, scene.last or now)


def _stages(scene: Scene, now: datetime, width: int) -> list[Text]:
    stages = [stage for stage in Stage if stage in scene.stages]
    waiting = [stage for stage in (Stage.BUILD, Stage.TEST, Stage.CANARY) if stages and stage not in scene.stages]
    lines: list[Text] = []
    for stage in stages:
        if stage is not Stage.SOURCE:
            lines.append(_stage(stage, scene.stages[stage], scene, now, width))
            lines += _builds(scene, now, width) if stage is Stage.BUILD else []
    alone = scene.head is not None and scene.head.part != ""
    if scene.finished is None and Stage.BUILD in scene.stages and not alone:
        lines += [Text(f" · {stage}", style="dim") for stage in waiting]
    return lines


def _stage(stage: Stage, view: StageView, scene: Scene, now: datetime, width: int) -> Text:
    finished = view.finished
    mark, style = MARKS[finished.result] if finished else _mark(scene)
    took = finished.took if finished else _end(scene, now) - view.began
    line = Text(" ").append(mark, style=style).append(f" {stage.value:<8} ")
    line.append(one_line(finished.note if finished and finished.note else _doing(stage, view, scene)))
    return _spread(line, shown(max(took, timedelta(0))) + " ", width)


MOST_BUILDS = 8
"""Builds that have a line of their own; the rest is counted."""


def _builds(scene: Scene, now: datetime, width: int) -> list[Text]:
    """What is building now, each with the last that it said."""
    if scene.finished or not scene.builds:
        return []
    name = min(max(len(one_line(label)) for label in scene.builds), width // 3)
    lines = []
    for label, view in list(scene.builds.items())[:MOST_BUILDS]:
        line = Text(INDENT).append("▸ ", style="bold cyan").append(f"{one_line(label)[:name]:<{name}}  ")
        line.append(view.line, style="dim")
        lines.append(_spread(line, shown(max(_end(scene, now) - view.began, timedelta(0))) + " ", width))
    more = len(scene.builds) - MOST_BUILDS
    return [*lines, Text(f"{INDENT}  and {more} more", style="dim")] if more > 0 else lines


def _mark(scene: Scene) -> tuple[str, str]:
    """Of a stage whose own end was not told: it goes on, or ended with the whole."""
    if scene.finished is None:
        return ("▸", "bold cyan")
    return MARKS[Result.PASSED if scene.finished.ending is Ending.DONE else Result.FAILED]


def _doing(stage: Stage, view: StageView, scene: Scene) -> str:
    if stage is not Stage.CANARY or scene.canary is None:
        return view.note
    steps = scene.canary.policy.steps
    if scene.finished:
        return ENDINGS[scene.finished.ending]
    if scene.phase:
        return scene.phase
    if not 0 <= scene.step < len(steps):
        return "beginning"
    wished = f"step {scene.step + 1} of {len(steps)}, {percent(steps[scene.step].weight)} wished"
    reached = f"{percent(scene.reached)} reached" if scene.reached is not None else "pods are starting"
    return f"{wished}, {reached}"


def _parts(scene: Scene, now: datetime, width: int, *, most: int) -> list[Text]:
    """The parts of a suite that run now, each with the last that it said; none where it runs whole."""
    if scene.finished or not any(part.part for part in scene.parts):
        return []
    counts = f"{len(scene.parts)} at work, {scene.parts_over} over, {scene.parts_waiting} waiting"
    lines = [Text(f"{INDENT}{one_line(scene.parts[-1].suite)}: {counts}", style="dim")]
    room = most - 1 if len(scene.parts) < most else most - 2
    for part in scene.parts[:room]:
        name = one_line(part.part) + (f" (try {part.attempt})" if part.attempt > 1 else "")
        line = Text(f"{INDENT}▸ ", style="bold cyan").append(_fitted(name, PART).ljust(PART), style="not bold default")
        line.append(f" {one_line(part.line)}", style="not bold dim default")
        lines.append(_spread(line, shown(max(_end(scene, now) - part.since, timedelta(0))) + " ", width))
    left = len(scene.parts) - room
    return lines + ([Text(f"{INDENT}… and {left} more", style="dim")] if left > 0 else [])


def _fitted(name: str, width: int) -> str:
    """The end of a long name tells parts apart."""
    return name if len(name) <= width else f"…{name[-width + 1 :]}"


def _canary(scene: Scene, now: datetime, width: int) -> list[Text]:
    if scene.canary is None:
        return []
    return [*_steps(scene, now), *_pods(scene, width), *_verdict(scene, width)]


def _steps(scene: Scene, now: datetime) -> Iterable[Text]:
    if scene.canary is None:
        return
    line = Text(f"{INDENT}steps    ", style="")
    done = scene.phase in {"promoting", "baking"} or bool(scene.finished and scene.finished.ending is Ending.DONE)
    for number, step in enumerate(scene.canary.policy.steps):
        mark, style = ("✓", "green") if done or number < scene.step else ("·", "dim")
        if number == scene.step and not done:
            mark, style = ("✗", "red") if scene.phase in BACK else ("▸", "bold cyan")
        line.append(f"{mark} {percent(step.weight)}", style=style).append("  ")
    line.append("✓ 100 %" if done and scene.phase != "promoting" else "· 100 %", style="green" if done else "dim")
    if scene.step_at and scene.finished is None:
        line.append(f"   {shown(max(_end(scene, now) - scene.step_at, timedelta(0)))} here", style="dim")
    yield line


def _pods(scene: Scene, width: int) -> Iterable[Text]:
    seen = scene.pods
    if seen is None:
        return
    most = max(seen.stable, seen.canary, 1)
    room = max(min(width - 45, 40), 5)
    for side, count, style in (("stable", seen.stable, "blue"), ("canary", seen.canary, "yellow")):
        line = Text(f"{INDENT}{side:<8} ").append(bar(count, most, room).ljust(room), style=style)
        line.append(f"  {count:>3} {'pod' if count == 1 else 'pods'}")
        if side == "canary" and seen.canary_ready != seen.canary:
            line.append(f", {seen.canary_ready} ready", style="yellow")
        yield line


def _verdict(scene: Scene, width: int) -> list[Text]:
    verdict = scene.verdict
    lines = [] if verdict is None else _evidence(scene, verdict, width)
    if scene.finished:
        return lines
    said = verdict.sentence if verdict and not scene.phase else scene.news
    style = DECISION_STYLES[verdict.decision] if verdict and not scene.phase else ""
    wrapped = _wrapped(said, width - 7, 3)
    return lines + [Text(INDENT + part, style=style) for part in wrapped]


def _evidence(scene: Scene, verdict: Verdict, width: int) -> list[Text]:
    if not verdict.evidence:
        return []
    name = min(max(len("burn"), *(len(item.metric) for item in verdict.evidence)), 20)
    column = max((width - len(INDENT) - name - 8) // 2, 14)
    worse = f"worse? roll back at {factor(verdict.roll_back_at)}"
    fine = f"not worse? go on at {factor(verdict.promote_at)}"
    limits = Text(f"{INDENT}{'':<{name}}  {worse:<{column}}  {fine}", style="dim")
    lines = [limits] if verdict.roll_back_at > 0 and verdict.judge == "sequential" else []
    lines += [_metric(item, scene.trails.get(item.metric, Trail()), verdict, name, column) for item in verdict.evidence]
    if scene.burn and verdict.judge == "sequential":
        burn = Text(f"{INDENT}{'burn':<{name}}  ")
        burn.append(_gauge(scene.burn, verdict.log_e_burn, verdict.roll_back_at, column), style="red")
        lines.append(burn)
    return lines


def _metric(item: Evidence, trail: Trail, verdict: Verdict, name: int, column: int) -> Text:
    line = Text(f"{INDENT}{one_line(item.metric)[:name]:<{name}}  ")
    gap = verdict.gaps.get(item.metric, item.gap)
    if verdict.judge != "sequential":
        value = "no value" if item.value is None else f"{item.value:.6g}"
        return line.append(f"{value}" + (f"  {gap}" if gap else ""), style="yellow" if gap else "")
    if verdict.roll_back_at <= 0:
        return line.append(str(gap or "nothing known yet"), style="yellow")
    line.append(_gauge(trail.worse, item.log_e_roll_back, verdict.roll_back_at, column), style="red").append("  ")
    reached = verdict.promote_at > 0 and item.log_e_promote >= verdict.promote_at
    line.append(_gauge(trail.fine, item.log_e_promote, verdict.promote_at, column).rstrip(), style="green")
    line.append(" ✓" if reached else "", style="green")
    return line.append(f" {gap}" if gap else "", style="yellow")


def _gauge(trail: tuple[float, ...], newest: float, limit: float, column: int) -> str:
    spark = min(max(column - 8, 4), 20)
    return f"{sparkline(trail, limit, spark)} {factor(newest):>6}".ljust(column)


def _troubles(scene: Scene, width: int, *, most: int) -> list[Text]:
    lines: list[Text] = []
    for words in scene.warnings[-2:]:
        parts = _wrapped(words, width - 4, 2)
        lines += [Text(f" {' ' if at else '!'} {part}", style="yellow") for at, part in enumerate(parts)]
    for words in scene.troubles[-2:]:
        first, *rest = words.split("\n")
        lines += [Text(f" ✗ {first}", style="red"), *(Text(f"   {line}", style="dim") for line in rest[-2:])]
    return lines[-most:]


def _ending(scene: Scene) -> list[Text]:
    end = scene.finished
    if end is None:
        return []
    style = "bold green" if end.ending is Ending.DONE else "bold red"
    if end.ending in {Ending.UNDECIDED, Ending.INTERRUPTED}:
        style = "bold yellow"
    # The summary on stdout has all the words; here one line keeps the picture whole.
    return [Text(f" {one_line(f'{ENDINGS[end.ending]}: {end.sentence}')}", style=style)]
