"""Suite log: a suite's lines, told as they come and kept in a file that does not grow without end."""

import threading
from dataclasses import dataclass, field
from typing import TextIO

from davy.pipeline.masks import NONE, Masks
from davy.pipeline.ports import Say

MOST_LOG = 64 * 2**20


@dataclass(slots=True, kw_only=True)
class SuiteLog:
    """The lines of one try."""

    kept: TextIO
    say: Say
    masks: Masks = NONE
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, line: str) -> None:
        """May come from two threads: the suite's own lines, and what is noted of it."""
        line = self.masks.text(line)
        self.say(line)
        with self._lock:
            if self._size > MOST_LOG or self.kept.closed:
                return
            self._size += len(line) + 1
            self.kept.write(f"{line}\n" if self._size <= MOST_LOG else "(the log was cut here, at 64 MiB)\n")
            self.kept.flush()
