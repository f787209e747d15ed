"""Summary: a release's end in a few lines, for stdout."""

import textwrap
from pathlib import Path

from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.core.text.time_text import shown
from davy.workflows.render.phrases import ENDINGS, REHEARSAL, percent
from davy.workflows.render.scene import Scene
from davy.workflows.render.text.results import results

LAST_WORDS = 6
"""Lines of a failing pod's own words; the report has them all."""


def summary(scene: Scene, report: Path | None = None, width: int | None = None) -> str:
    """What ended how, with its numbers, and what to do next. Empty where nothing has ended.

    `width`: of a terminal, to break the lines at; None: one fact a line, however long.
    """
    end = scene.finished
    if end is None:
        return ""
    service = scene.head.service if scene.head else str(scene.canary.workload) if scene.canary else ""
    name = " ".join(part for part in (one_line(service), scene.source) if part)
    lines = [f"{ENDINGS[end.ending]}   {name}   {shown(end.took)}"]
    lines += [f"  {line}" for line in harmless(end.sentence).split("\n")]
    lines += [f"  {line}".rstrip() for line in results(scene.results)]
    if scene.reaches:
        lines.append(f"  weights reached: {' → '.join(percent(weight) for weight in scene.reaches)}")
    for trouble in scene.troubles[-2:]:
        said = [line for line in trouble.split("\n")[1:] if line.strip()]
        lines += [f"  | {line}" for line in said[-LAST_WORDS:]]
    if end.remedy:
        lines.append(f"  next: {one_line(end.remedy)}")
    if report:
        lines.append(f"  report: {report}")
    if scene.head and scene.head.rehearsal:
        lines.append(f"  {REHEARSAL}")
    if width is None:
        return "\n".join(lines)
    return "\n".join(
        part
        for line in lines
        for part in (textwrap.wrap(line, width, subsequent_indent="    ", break_long_words=False) or [""])
    )
