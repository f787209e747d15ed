"""Outlet: lines for a reader who may stop reading. Whoever writes into it waits for nobody.

A pipe that nobody empties blocks its writer. The writer here drives a rollout: it has to go on looking and to be able
to take it back, so the writing waits in a thread of its own.
"""

import os
import stat
import threading
import time
from collections import deque
from typing import TextIO

MOST = 16 * 1024 * 1024
"""Bytes that are kept for a slow reader; one that is further behind has stopped reading."""
QUIET = 5.0
"""Seconds without a byte taken after which the end is not waited for any more."""


def may_block(stream: TextIO) -> bool:
    """True for a pipe or a socket; a file takes everything, and a terminal is its person's own."""
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


class Outlet:
    """What a `TextIO` needs for lines: write, flush and, at the end, drain."""

    def __init__(self, stream: TextIO) -> None:
        stream.flush()
        self._fd, self._encoding = stream.fileno(), stream.encoding
        self._waiting: deque[bytes] = deque()
        self._behind, self._written = 0, 0
        self._broken: OSError | None = None
        self._news = threading.Condition()
        threading.Thread(target=self._empty, name="writing", daemon=True).start()

    def write(self, text: str) -> int:
        """Raises OSError where the reader has gone, or does not read."""
        data = text.encode(self._encoding, "backslashreplace")
        with self._news:
            if self._broken is not None:
                raise BrokenPipeError(*self._broken.args)
            if self._behind > MOST:
                raise BlockingIOError("the reader does not read")
            self._waiting.append(data)
            self._behind += len(data)
            self._news.notify_all()
        return len(text)

    def flush(self) -> None:
        """Nothing waits here."""

    def drain(self, quiet: float = QUIET) -> None:
        """Wait for the reader as long as it reads."""
        with self._news:
            seen, since = self._written, time.monotonic()
            while self._behind and self._broken is None and time.monotonic() - since < quiet:
                self._news.wait(0.2)
                if self._written != seen:
                    seen, since = self._written, time.monotonic()

    def _empty(self) -> None:
        while True:
            with self._news:
                while not self._waiting:
                    self._news.wait()
                data = self._waiting.popleft()
            try:
                while data:
                    took = os.write(self._fd, data[:65536])
                    data = data[took:]
                    with self._news:
                        self._written += took
                        self._behind -= took
                        self._news.notify_all()
            except OSError as error:
                with self._news:
                    self._broken = error
                    self._news.notify_all()
                return
