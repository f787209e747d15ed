"""Lines: plain lines, one fact a line, times relative to the first event; for CI logs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TextIO

from davy.pipeline.core.events import (
    CanaryFinished,
    Event,
    Judged,
    PartFinished,
    PartStarted,
    ReleaseFinished,
    ReleaseStarted,
    Result,
    StageFinished,
)
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Decision
from davy.workflows.render.phrases import phrase

LOOKS_EVERY = timedelta(minutes=1)


class Text:
    """Writes each event as a line, flushed at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start: datetime | None = None
        self._mark = ""
        self._look: tuple[Decision, frozenset[str], datetime] | None = None
        self._told_end = False

    def show(self, event: Event, more: Sequence[str] = ()) -> None:
        """One event, one line; more only where its words have more. Of looks that say the same, one a minute.

        `more`: lines that belong below it.
        """
        self._start = self._start or event.at
        if _is_silent(event) or (isinstance(event, Judged) and not self._is_news(event)):
            return
        self._told_end = self._told_end or isinstance(event, CanaryFinished)
        if isinstance(event, ReleaseFinished) and self._told_end:  # Its words stand in the line of the canary's end.
            event = replace(event, sentence="")
        if (
            isinstance(event, StageFinished) and event.result is Result.FAILED
        ):  # Why is the end's sentence, which follows.
            event = replace(event, note="")
        if isinstance(event, ReleaseStarted) and event.rehearsal:
            self._mark = "rehearsal  "
        margin = f"{shown(event.at - self._start):>7}  {self._mark}"
        first, *rest = harmless("\n".join((phrase(event), *more))).strip("\n").split("\n")
        self._stream.write(f"{margin}{first}\n")
        for line in rest:
            self._stream.write(f"{'':7}  {self._mark}  | {line}\n")
        self._stream.flush()

    def _is_news(self, event: Judged) -> bool:
        verdict, last = event.verdict, self._look
        now = (verdict.decision, frozenset(verdict.gaps), event.at)
        if not verdict.notes and last is not None and last[:2] == now[:2] and event.at - last[2] < LOOKS_EVERY:
            return False
        self._look = now
        return True

    def close(self) -> None:
        """Nothing is held back."""


def _is_silent(event: Event) -> bool:
    """A part's beginning; and the end of one that is all of its suite, whose own end says as much."""
    match event:
        case PartStarted():
            return True
        case PartFinished():
            return not event.part and not event.again
        case _:
            return False
