"""Suite log: a suite's lines, told as they come and kept in a file that does not grow without end."""

import threading
from dataclasses import dataclass, field
from typing import TextIO

from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.core.ports import Say

MOST_LOG = 64 * 2**20


@dataclass(slots=True, kw_only=True)
class SuiteLog:
    """The lines of one try."""

    kept: TextIO
    say: Say
    masks: Masks = NONE
    most: int = MOST_LOG
    """Letters of the log, and of what is shown of it."""
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, line: str) -> None:
        """May come from two threads: the suite's own lines, and what is noted of it. Both ends are cut at one place."""
        line = self.masks.text(line)
        with self._lock:
            if self._size > self.most:
                return
            self._size += len(line) + 1
            told = line if self._size <= self.most else f"(the log was cut here, at {self.most // 2**20} MiB)"
            if not self.kept.closed:
                self.kept.write(f"{told}\n")
                self.kept.flush()
        self.say(told)
