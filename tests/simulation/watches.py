"""Watches: streams of what changes in a list, as `watch=true` asks for them.

What a list held at a resourceVersion is remembered for a while; from then on differences are sent.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from simulation.listing import Listing
from simulation.objects import Item, Unfit, partial, text

if TYPE_CHECKING:
    from simulation.exchange import Request
    from simulation.server import Server
    from simulation.wire import Wire

REMEMBERED = 50
EVERY = 0.05
"""Seconds after which a stream looks for changes."""

Held = Mapping[str, Item]
"""By name."""


class Watches:
    """What lists held when they were read."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._past: OrderedDict[tuple[str, str], Listing] = OrderedDict()

    def listed(self, path: str, query: Mapping[str, str]) -> Listing:
        """What is in a list now."""
        listing = self._server.listed(path, query)
        self.remember(path, listing)
        return listing

    def remember(self, path: str, listing: Listing) -> None:
        """A list, as it was sent."""
        self._past[path, listing.version] = listing
        if len(self._past) > REMEMBERED:
            self._past.popitem(last=False)

    def since(self, path: str, version: str) -> Held:
        """What a list held then. Raises Unfit 410 where that is forgotten."""
        try:
            return self._past[path, version].held
        except KeyError:
            raise Unfit(410, "Expired", f"too old resource version: {version}") from None


class Stream:
    """The answer to a watch."""

    will_close = True
    status = 200
    length = 0
    headers: Mapping[str, str] = {"Content-Type": "application/json"}

    def __init__(self, wire: Wire | None, server: Server, request: Request) -> None:
        """Raises Unfit."""
        self._wire, self._watches, self._request = wire, server.watches, request
        version = request.query.get("resourceVersion", "")
        self._held: Held = {}
        self._listing: Listing | None = None
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
            assert self._wire is not None
            self._wire.pause(EVERY, silent)
            silent += EVERY
            self._left -= EVERY
        return self._lines.pop(0)

    def waiting(self) -> list[str]:
        """The events that there are by now, as lines."""
        self._compare()
        lines, self._lines = self._lines, []
        return [line.decode().rstrip() for line in lines]

    def _compare(self) -> None:
        listing = self._watches.listed(self._request.path, self._request.query)
        if listing is self._listing:
            return
        self._listing, now = listing, listing.held
        for name in {**self._held, **now}:
            before, after = self._held.get(name), now.get(name)
            if before is after:
                continue
            if before is None and after is not None:
                self._lines.append(self._event("ADDED", after, listing.version))
            elif after is None and before is not None:
                self._lines.append(self._event("DELETED", before, listing.version))
            elif before is not None and after is not None and before.document != after.document:
                self._lines.append(self._event("MODIFIED", after, listing.version))
        self._held = now

    def _event(self, kind: str, item: Item, version: str) -> bytes:
        meta, is_partial = item.document["metadata"], self._request.is_partial
        if kind != "DELETED" and "resourceVersion" in meta:
            said = item.partial if is_partial else item.text
        else:
            meta = {**meta, "resourceVersion": version}
            said = partial(meta) if is_partial else text({**item.document, "metadata": meta}).encode()
        return b'{"type":"%s","object":%s}\n' % (kind.encode(), said)

    def read(self, most: int | None = None) -> bytes:
        return b""

    def isclosed(self) -> bool:
        return False
