"""Show: rehearsals shown, one at a time to watch, many as a table."""

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import field, replace
from functools import reduce
from pathlib import Path
from typing import TextIO

import click

from davy.pipeline.config.document import Config
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import Event, ReleaseFinished
from davy.pipeline.core.fast_dataclass import dataclass
from davy.workflows.release.rehearsal.run import Play, Rehearsal, Wish, shares, table
from davy.workflows.render.phrases import ENDINGS, REHEARSAL
from davy.workflows.render.scene import Scene, folded
from davy.workflows.render.text.summary import summary
from davy.workflows.render.text.width import width_of
from davy.workflows.story.options import ViewOptions, part
from davy.workflows.story.screens import is_live, played, screen

VERSION = 1
LIVE_SECONDS = 0.08
"""Between events on a live view, so that eyes can follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearseOptions:
    """What the command line of `davy rehearse` says."""

    file: Path
    view: ViewOptions = field(metadata=part(ViewOptions))
    wish: Wish = field(metadata=part(Wish))
    repeat: int
    exit_code: bool


def one(config: Config, wish: Wish, view: ViewOptions) -> Ending:
    """Play it and show it; the ending is the play's."""
    rehearsal = Rehearsal(config, wish)
    events = rehearsal.events()
    if is_live(view, sys.stderr):
        events = _paced(events)
    ending, seen = played(events, screen(view, rehearsal.clock.now, rehearsal=True))
    if view.output == "text":
        with suppress(OSError):  # A reader that has gone changes nothing of how it ended.
            click.echo(summary(reduce(folded, seen, Scene()), width=width_of(sys.stdout)))
    return ending


def _paced(events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        yield event
        time.sleep(LIVE_SECONDS)


def many(config: Config, wish: Wish, repeat: int, talk: TextIO) -> tuple[Play, ...]:
    """Play `repeat` seeds; progress goes to `talk`."""
    plays = []
    for number in range(repeat):
        rehearsal = Rehearsal(config, replace(wish, seed=wish.seed + number))
        end = next(event for event in rehearsal.events() if isinstance(event, ReleaseFinished))
        plays.append(rehearsal.play(end))
        if talk.isatty():
            talk.write(f"\rrehearsal {number + 1} of {repeat}" + ("\n" if number + 1 == repeat else ""))
            talk.flush()
    return tuple(plays)


def text(plays: tuple[Play, ...]) -> str:
    """The table, with a line that says what it is."""
    return f"{REHEARSAL}\n{table(shares(plays), ENDINGS)}"


def document(plays: tuple[Play, ...]) -> dict[str, object]:
    """`{"davy_rehearsal": 1, "rehearsal": true, "plays": n, "endings": […]}`; spans are seconds."""
    return {
        "davy_rehearsal": VERSION,
        "rehearsal": True,
        "plays": len(plays),
        "endings": [
            {
                "ending": share.ending.name.lower(),
                "exit_code": int(share.ending),
                "count": share.count,
                "share": round(share.count / share.of, 4),
                "median_seconds": share.took.total_seconds(),
                "median_excess": round(share.excess, 1),
                "most_excess": round(share.most_excess, 1),
            }
            for share in shares(plays)
        ],
    }
