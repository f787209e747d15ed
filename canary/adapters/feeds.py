"""Feeds: what an API server tells by itself of a list, heard beside the rollout's ticks.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from davy.pipeline.adapters.kubeapi import KubeApi
from davy.pipeline.errors import DavyError, Forbidden

QUIET = 90.0
"""Seconds of silence after which a stream is given up: a bookmark comes every minute or so."""
LASTS = 1800
"""Seconds after which the server is to end a stream; it is then begun anew."""
MOST_WAITING = 10_000
"""Lines that nobody took yet."""


class Feed(Protocol):
    """One stream."""

    @property
    def is_open(self) -> bool:
        """True from the moment the server agreed until the stream ended."""
        ...

    @property
    def is_over(self) -> bool:
        """True once it ended, whatever the reason; what came before may still be taken."""
        ...

    @property
    def is_refused(self) -> bool:
        """True where the credentials lack the right to it."""
        ...

    def taken(self) -> list[str]:
        """The lines that came since the last time; never waits."""
        ...

    def close(self) -> None:
        """Nobody listens any more."""
        ...


Opened = Callable[[KubeApi, str, Mapping[str, Any], str], Feed]
"""By client, path, query and what is accepted."""


class ThreadFeed:
    """Heard in a thread of its own, which keeps nobody from ending."""

    def __init__(self, api: KubeApi, path: str, query: Mapping[str, Any], accept: str) -> None:
        """Begins at once; nothing is raised here."""
        self.is_open = self.is_over = self.is_refused = False
        self._left = False
        self._lines: deque[str] = deque()
        self._stream = api.again().lines(
            path, {"timeoutSeconds": LASTS, **query}, quiet=QUIET, accept=accept, begun=self._begun
        )
        threading.Thread(target=self._hear, name=f"feed of {path}", daemon=True).start()

    def taken(self) -> list[str]:
        """See the port."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def close(self) -> None:
        """See the port. Its thread ends with the next line, or the next bookmark."""
        self._left = True

    def _begun(self) -> None:
        self.is_open = True

    def _hear(self) -> None:
        try:
            with suppress(DavyError, OSError, ValueError):
                self._kept()
        finally:
            self.is_open, self.is_over = False, True

    def _kept(self) -> None:
        try:
            for line in self._stream:
                if self._left or len(self._lines) >= MOST_WAITING:
                    break
                self._lines.append(line)
        except Forbidden:
            self.is_refused = True
