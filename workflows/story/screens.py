"""Screens: where events are shown. What is shown never stops what is done: a reader who leaves ends the showing."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Protocol, TextIO, cast

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events import CanaryFinished, Event, LogLine, ReleaseFinished
from davy.workflows.render import veil
from davy.workflows.render.json_lines import JsonLines
from davy.workflows.render.text.brief import Brief
from davy.workflows.render.text.lines import Text
from davy.workflows.story.options import ViewOptions
from davy.workflows.story.outlet import Outlet, may_block


class Screen(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """May raise OSError where its reader has gone."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


def screen(view: ViewOptions, now: Callable[[], datetime], *, rehearsal: bool = False) -> Screen:
    """JSON lines on stdout; else on stderr: the live view on a terminal, plain lines elsewhere."""
    if view.output == "json":
        return _unblocked(sys.stdout, lambda stream: JsonLines(stream, rehearsal=rehearsal))
    if is_live(view, sys.stderr):
        from davy.workflows.render.live.live import Live  # noqa: PLC0415 - rich only where it draws

        return Live(sys.stderr, now, color=view.color)
    if view.verbose:
        return _unblocked(sys.stderr, Text)
    one = are_one(sys.stdout, sys.stderr)
    return _unblocked(sys.stderr, lambda stream: Brief(stream, ends_elsewhere=one))


def _unblocked(stream: TextIO, make: Callable[[TextIO], Screen]) -> Screen:
    """A screen that no reader can hold up."""
    if not may_block(stream):
        return make(stream)
    outlet = Outlet(stream)
    return _Drained(make(cast("TextIO", outlet)), outlet)


class _Drained:
    """A screen that at its end waits for its reader, as long as that one reads."""

    def __init__(self, shown: Screen, outlet: Outlet) -> None:
        self._shown, self._outlet = shown, outlet

    def show(self, event: Event) -> None:
        """See the port."""
        self._shown.show(event)

    def close(self) -> None:
        """See the port."""
        self._shown.close()
        self._outlet.drain()


def are_one(one: TextIO, other: TextIO) -> bool:
    """Whether both come out at the same place: one terminal, one log of a CI job."""
    try:
        return os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError):
        return False


def is_live(view: ViewOptions, stream: TextIO) -> bool:
    """True where the live view can be drawn."""
    return (
        view.output == "text"
        and not (view.plain or view.verbose)
        and stream.isatty()
        and os.environ.get("TERM") != "dumb"
    )


def played(events: Iterator[Event], shown: Screen) -> tuple[Ending, tuple[Event, ...]]:
    """Drive the events to their end and show each. The ending is the last that was said; log lines are not kept."""
    kept: list[Event] = []
    ending = Ending.DONE
    open_eyes = True
    try:
        for told in events:
            # Here events leave davy: for screens, files, reports, summaries and annotations.
            event = veil.masks().value(told)
            open_eyes = open_eyes and _seen(event, shown)
            if not isinstance(event, LogLine):
                kept.append(event)
            if isinstance(event, ReleaseFinished | CanaryFinished):
                ending = event.ending
    finally:
        with suppress(OSError, ValueError):
            shown.close()
    return ending, tuple(kept)


def _seen(event: Event, shown: Screen) -> bool:
    try:
        shown.show(event)
    except (OSError, ValueError):  # A closed pipe or terminal; ValueError is Python's for a closed file.
        return False
    return True
