"""Text: plain lines, one fact a line, times relative to the first event; for CI logs."""

from datetime import datetime
from typing import TextIO

from davy.pipeline.durations import shown
from davy.pipeline.events import Event, ReleaseStarted
from davy.workflows.render.clean import harmless
from davy.workflows.render.phrases import phrase


class Text:
    """Writes each event as a line, flushed at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._start: datetime | None = None
        self._mark = ""

    def show(self, event: Event) -> None:
        """One event, one line; more only where the event's own words have more."""
        self._start = self._start or event.at
        if isinstance(event, ReleaseStarted) and event.rehearsal:
            self._mark = "rehearsal  "
        margin = f"{shown(event.at - self._start):>7}  {self._mark}"
        first, *rest = harmless(phrase(event)).strip("\n").split("\n")
        self._stream.write(f"{margin}{first}\n")
        for line in rest:
            self._stream.write(f"{'':7}  {self._mark}  | {line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held back."""
