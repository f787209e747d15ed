"""JSON lines: every event as one line of versioned JSON, flushed at once."""

import json
from typing import TextIO

from davy.pipeline.codec import encode
from davy.pipeline.events import Event


class JsonLines:
    """Writes each event as `{"davy_event": 1, "event": …}`; a rehearsal's lines say so."""

    def __init__(self, stream: TextIO, *, rehearsal: bool = False) -> None:
        self._stream = stream
        self._mark = {"rehearsal": True} if rehearsal else {}

    def show(self, event: Event) -> None:
        """One event, one line; only ASCII, so that no terminal and no log reads a command in it."""
        line = json.dumps(encode(event) | self._mark, separators=(",", ":"))
        # Azure and TeamCity look for `##…[` anywhere in a line. A # stands only in strings, where this is the same one.
        self._stream.write(line.replace("##", "#\\u0023") + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held back."""
