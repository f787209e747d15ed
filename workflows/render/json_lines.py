"""JSON lines: every event as one line of versioned JSON, flushed at once."""

from typing import TextIO

from davy.pipeline.core.events import Event
from davy.pipeline.core.json.codec import encode
from davy.workflows.render.json_text import json_text


class JsonLines:
    """Writes each event as `{"davy_event": 1, "event": …}`; a rehearsal's lines say so."""

    def __init__(self, stream: TextIO, *, rehearsal: bool = False) -> None:
        self._stream = stream
        self._mark = {"rehearsal": True} if rehearsal else {}

    def show(self, event: Event) -> None:
        """One event, one line; only ASCII, so that no terminal and no log reads a command in it."""
        self._stream.write(json_text(encode(event) | self._mark, separators=(",", ":")) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held back."""
