"""GitHub: the report in the job's summary, the ending and the warnings as annotations."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem
from davy.pipeline.core.events import Event, ReleaseFinished, Warned
from davy.pipeline.core.text.sanitize import harmless
from davy.workflows.render.phrases import ENDINGS

MOST_BYTES = 1024 * 1024 - 4096
"""GitHub takes 1 MiB of summary a step."""
MOST_SHOWN = 10
"""Annotations of a kind that it shows of a step."""


def escaped(text: str) -> str:
    """A message as the runner's command format wants it."""
    return harmless(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def annotation(event: Event) -> str:
    """`::error title=…::…` for an end that is not good, `::warning …` for a warning, else nothing."""
    match event:
        case Warned():
            return f"::warning title=davy::{escaped(event.what)}"
        case ReleaseFinished() if event.ending is not Ending.DONE:
            words = event.sentence + (f"\nNext: {event.remedy}" if event.remedy else "")
            return f"::error title=davy%3A {ENDINGS[event.ending]}::{escaped(words)}"
        case _:
            return ""


def of_problems(
    what: str, problems: Sequence[Problem], *, root: Path, workspace: str, kind: str = "error"
) -> list[str]:
    """An annotation for each problem, at its file and line; for the whole where none has one.

    `root`: what files are relative to. GitHub shows ten of a step: the tenth says how many more there are.
    """
    if not any(one.file for one in problems):
        return [f"::{kind} title=davy::{escaped(' '.join([what, *map(str, problems)]))}"] if what else []
    shown = problems[: MOST_SHOWN if len(problems) <= MOST_SHOWN else MOST_SHOWN - 1]
    rest = len(problems) - len(shown)
    lines = [f"::{kind} {_place(one, root, workspace)}title=davy::{escaped(_said(one))}" for one in shown]
    return lines + ([f"::{kind} title=davy::{escaped(f'{what} {rest} more are in the log.')}"] if rest else [])


def _said(problem: Problem) -> str:
    return f"{problem.path}: {problem.what}" if problem.path else problem.what


def _place(problem: Problem, root: Path, workspace: str) -> str:
    """As GitHub finds the file: from the workspace on."""
    if not problem.file:
        return ""
    path = root / problem.file
    inside = bool(workspace) and path.is_relative_to(workspace)
    file = path.relative_to(workspace).as_posix() if inside else problem.file
    line = f",line={problem.line}" if problem.line else ""
    return f"file={escaped(file).replace(':', '%3A').replace(',', '%2C')}{line},"


def announce(events: Iterable[Event], report: str, environment: Mapping[str, str], stream: TextIO) -> None:
    """Nothing outside GitHub Actions. A summary file that cannot be written is said and stops nothing."""
    if environment.get("GITHUB_ACTIONS") != "true":
        return
    for words in filter(None, map(annotation, events)):
        stream.write(words + "\n")
    place = environment.get("GITHUB_STEP_SUMMARY")
    if place:
        try:
            with Path(place).open("a", encoding="utf-8") as summary:
                summary.write(report.encode()[:MOST_BYTES].decode(errors="ignore") + "\n")
        except OSError as error:
            stream.write(f"::warning title=davy::{escaped(f'the job summary cannot be written: {error}')}\n")
    stream.flush()
