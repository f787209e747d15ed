"""Watches: streams of what changes in a list, as `watch=true` asks for them.

What a list held at a resourceVersion is remembered for a while; from then on differences are sent.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simulation.objects import Unfit, text

if TYPE_CHECKING:
    from simulation.server import Request, Server
    from simulation.wire import Wire

REMEMBERED = 50
EVERY = 0.05
"""Seconds after which a stream looks for changes."""

Held = Mapping[str, str]
"""By name, the document as text."""


class Watches:
    """What lists held when they were read."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._past: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def held(self, path: str, query: Mapping[str, str]) -> tuple[str, Held]:
        """The resourceVersion of a list now, and what is in it."""
        version, body = self._server.listed(path, query)
        self.remember(path, version, body)
        return version, _held(body)

    def remember(self, path: str, version: str, body: bytes) -> None:
        """A list, as it was sent."""
        self._past[path, version] = body
        if len(self._past) > REMEMBERED:
            self._past.popitem(last=False)

    def since(self, path: str, version: str) -> Held:
        """What a list held then. Raises Unfit 410 where that is forgotten."""
        try:
            return _held(self._past[path, version])
        except KeyError:
            raise Unfit(410, "Expired", f"too old resource version: {version}") from None


def _held(body: bytes) -> Held:
    return {item["metadata"]["name"]: text(item) for item in json.loads(body)["items"]}


class Stream:
    """The answer to a watch."""

    will_close = True
    status = 200
    length = 0
    headers: Mapping[str, str] = {"Content-Type": "application/json"}

    def __init__(self, wire: Wire, server: Server, request: Request) -> None:
        """Raises Unfit."""
        self._wire, self._watches, self._request = wire, server.watches, request
        version = request.query.get("resourceVersion", "")
        self._held: Held = {}
        if version not in ("", "0"):
            self._held = self._watches.since(request.path, version)
        self._left = float(request.query.get("timeoutSeconds", 300))
        self._lines: list[bytes] = []

    def readline(self, most: int) -> bytes:
        """The next event; nothing once the stream's time is over. Raises TimeoutError after too long a silence."""
        silent = 0.0
        while not self._lines:
            self._compare()
            if self._lines:
                break
            if self._left <= 0:
                return b""
            self._wire.pause(EVERY, silent)
            silent += EVERY
            self._left -= EVERY
        return self._lines.pop(0)

    def _compare(self) -> None:
        version, now = self._watches.held(self._request.path, self._request.query)
        for name in {**self._held, **now}:
            before, after = self._held.get(name), now.get(name)
            if before != after:
                kind = "ADDED" if before is None else "DELETED" if after is None else "MODIFIED"
                self._lines.append(self._event(kind, after or before or "", version))
        self._held = now

    def _event(self, kind: str, document: str, version: str) -> bytes:
        whole = json.loads(document)
        whole["metadata"]["resourceVersion"] = version
        return text({"type": kind, "object": whole}).encode() + b"\n"

    def read(self, most: int | None = None) -> bytes:
        return b""

    def isclosed(self) -> bool:
        return False
