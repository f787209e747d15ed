"""Doomed: `davy …` that ends by SIGKILL, with all it started, as it tells of an event: not a moment later, on any
machine, however busy.

`python doomed.py StepReached canary start …`; a look of the judge counts once it brought requests of the canary.
"""

import io
import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import TextIO

from davy.pipeline.core.events import Judged
from davy.pipeline.core.json import codec

DAVY = Path(sys.executable).with_name("davy")


class LastWords(io.TextIOBase):
    """Standard output without a descriptor: davy writes to it at once, and from no other thread."""

    def __init__(self, stream: TextIO, kind: str) -> None:
        self._stream, self._kind = stream, kind

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def write(self, text: str, /) -> int:
        written = self._stream.write(text)
        self._stream.flush()
        if any(self._is_last(line) for line in text.splitlines() if line.strip()):
            os.killpg(0, signal.SIGKILL)
        return written

    def flush(self) -> None:
        self._stream.flush()

    def _is_last(self, line: str) -> bool:
        said = json.loads(line)
        if said.get("event") != self._kind:
            return False
        event = codec.decode(said)
        return not isinstance(event, Judged) or has_counts(event)


def has_counts(judged: Judged) -> bool:
    return any(pair.canary.total for window in judged.verdict.windows for pair in window.counts.values())


def main(kind: str, *words: str) -> None:
    sys.stdout = LastWords(sys.stdout, kind)
    sys.argv = [str(DAVY), *words]
    runpy.run_path(str(DAVY), run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
