"""Feeds: what an API server tells by itself of a list, heard beside the rollout's ticks.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from davy.pipeline.clients.kubernetes.api import KubeApi
from davy.pipeline.core.errors import DavyError, Forbidden

LASTS = 4
"""Seconds after which the server is to end a stream; it is gone on with from there. So it shows that it still hears."""
SILENT = LASTS + 1.0
"""Seconds of silence after which nobody believes a stream: its connection may have died without a word."""
QUIET = 10.0
"""The same, after which nobody listens any more."""
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
        self._is_open = self._is_over = self.is_refused = False
        self._left = False
        self._lines: deque[str] = deque()
        self._api, self._path, self._accept = api.again(), path, accept
        self._query = {"timeoutSeconds": LASTS, **query}
        self._heard_at = time.monotonic()
        threading.Thread(target=self._hear, name=f"feed of {path}", daemon=True).start()

    @property
    def is_open(self) -> bool:
        """See the port."""
        return self._is_open and not self.is_over

    @property
    def is_over(self) -> bool:
        """See the port. One that has been silent for too long is as good as over."""
        return self._is_over or time.monotonic() - self._heard_at > SILENT

    def taken(self) -> list[str]:
        """See the port."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def close(self) -> None:
        """See the port. Its thread ends with the next line, or the next end of its stream."""
        self._left = True

    def _hear(self) -> None:
        try:
            with suppress(DavyError, OSError, ValueError, KeyError, TypeError):
                while self._keep_one():
                    pass
        finally:
            self._is_over = True
            self._api.close()

    def _keep_one(self) -> bool:
        """One stream, to its end; True where the next one begins there."""
        last = ""
        try:
            for line in self._api.lines(self._path, self._query, quiet=QUIET, accept=self._accept, begun=self._begun):
                self._heard_at = time.monotonic()
                if self._left or len(self._lines) >= MOST_WAITING:
                    return False
                self._lines.append(line)
                last = line
        except Forbidden:
            self.is_refused = True
            return False
        if last:
            self._query["resourceVersion"] = json.loads(last)["object"]["metadata"]["resourceVersion"]
        self._heard_at = time.monotonic()
        return self._api.has_streamed and not self._left

    def _begun(self) -> None:
        self._heard_at = time.monotonic()
        self._is_open = True
