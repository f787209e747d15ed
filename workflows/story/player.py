"""Player: a story played from its events to its end: shown, summed up, kept as a report."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import reduce
from pathlib import Path

import click

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event
from davy.pipeline.core.json import codec
from davy.pipeline.core.ports import Clock
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.files import own_files
from davy.workflows.ci import github
from davy.workflows.render import markdown as report
from davy.workflows.render.scene import Scene, folded
from davy.workflows.render.text.summary import summary
from davy.workflows.render.text.width import width_of
from davy.workflows.story.options import ViewOptions
from davy.workflows.story.screens import played, screen


def keeper(out: Path) -> Callable[[tuple[Event, ...]], Path]:
    """Writes `report.md` and `events.jsonl` into the folder. Raises Unwritable."""

    def keep(events: tuple[Event, ...]) -> Path:
        # What is kept here is no part of the source: without this the next release would call the tree dirty.
        own_files.write(out / ".gitignore", "*\n")
        path = out / "report.md"
        own_files.write(path, report.markdown(report.summarized(events)))
        lines = "".join(json.dumps(codec.encode(event)) + "\n" for event in events)
        own_files.write(out / "events.jsonl", lines)
        return path

    return keep


Keep = Callable[[tuple[Event, ...]], Path | None]
"""Writes the report of these events; where it lies."""


def play(
    events: Iterator[Event], clock: Clock, view: ViewOptions, keep: Keep | None = None, *, talk: bool = False
) -> Ending:
    """Drive the events to their end. In text mode the summary is the data on stdout, in JSON the events are.

    `talk`: the command has other data for stdout, so the summary goes to stderr.
    """
    ending, seen = played(events, screen(view, clock.now))
    report = _kept(keep, seen) if keep else None
    if view.output == "text":
        width = width_of(sys.stderr if talk else sys.stdout)
        with suppress(OSError):  # A reader that has gone changes nothing of how it ended.
            click.echo(summary(reduce(folded, seen, Scene()), report, width), err=talk)
    if report:
        github.announce(seen, report.read_text(encoding="utf-8"), os.environ, sys.stderr)
    return ending


def _kept(keep: Keep, seen: tuple[Event, ...]) -> Path | None:
    """How it ended stays so where it cannot be written down."""
    try:
        return keep(seen)
    except OSError as error:
        click.echo(harmless(f"warning: the report is not kept: {error}"), err=True)
        return None
