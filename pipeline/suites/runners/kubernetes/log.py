"""Log: the lines of a suite's pod, followed over broken connections."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from davy.pipeline.clients.kubernetes.api import KubeApi, RefusedRequest
from davy.pipeline.core.errors import DavyError, Forbidden, Missing, Unreachable

TRIES = 10
"""Streams with nothing new after which a log is taken to be over."""


@dataclass(slots=True)
class LogReader:
    """Follows a log in a thread, over broken connections, until its container has ended."""

    api: KubeApi
    path: str
    end: str
    """The line after which nothing comes."""
    has_ended: Callable[[], bool]
    lines: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)
    _last: str = ""
    _left: bool = False
    _whole: bool = False

    def start(self) -> None:
        """Lines come into `lines`, None after the last."""
        threading.Thread(target=self._read, daemon=True).start()

    def leave(self) -> None:
        """Read no more."""
        self._left = True

    def _read(self) -> None:
        """A container may be over before its last lines are in the log: the script's own end is what counts."""
        tries = TRIES
        try:
            while not self._left and not self._whole and tries:
                ended = self.has_ended()
                before = self._last
                with suppress(OSError, Forbidden, Unreachable, RefusedRequest):
                    for line in self._stream():
                        self._whole = self._whole or line == self.end
                        self.lines.put(line)
                tries = TRIES if self._last != before and not ended else tries - 1
                time.sleep(0.2)
        except Missing:
            return
        except DavyError as error:
            self.lines.put(f"(the log could not be followed: {error})")
        finally:
            self.lines.put(None)

    def _stream(self) -> Iterator[str]:
        """New lines only: every line has its time, and a stream begins at a whole second."""
        query = {"container": "suite", "follow": "true", "timestamps": "true"}
        if self._last:
            query["sinceTime"] = self._last[:19] + "Z"
        before = self._last
        for stamped in self.api.lines(self.path, query):
            moment, _, line = stamped.partition(" ")
            # Fractions are of one length, with zeros cut off.
            moment = moment.rstrip("Z").ljust(29, "0") if "." in moment else moment.rstrip("Z") + "." + "0" * 9
            if moment > before:
                self._last = moment
                yield line
