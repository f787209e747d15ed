"""GitHub: the report in the job's summary, the ending and the warnings as annotations."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from davy.pipeline.endings import Ending
from davy.pipeline.events import Event, ReleaseFinished, Warned
from davy.workflows.render.clean import harmless
from davy.workflows.render.phrases import ENDINGS

MOST_BYTES = 1024 * 1024 - 4096
"""GitHub takes 1 MiB of summary a step."""


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
