"""Mirror: what the API server has under one path, kept current by a watch instead of being read at each look.

A watch begins where a reading ended, so nothing is missed between the two. It is not believed for ever: what was not
read for a while is read again, for a connection may die without a word. Where there is no watch, or not yet, or not any
more, everything is read each time.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from davy.canary.platforms.kubernetes.watches.feeds import Feed, Opened
from davy.pipeline.clients.kubernetes.api import METADATA_LIST, KubeApi
from davy.pipeline.clients.kubernetes.call import JSON
from davy.pipeline.core.fast_dataclass import dataclass

Doc = dict[str, Any]

EVERY = 60.0
"""Seconds, then all is read again, whatever a watch told."""
RETRY = 10.0
"""Seconds after a stream's beginning before another is begun in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """How a client hears of changes."""

    opened: Opened | None = None
    """None: not at all; then everything is read each time."""
    monotonic: Callable[[], float] = time.monotonic


class Mirror:
    """Things under one path, by name."""

    def __init__(
        self,
        api: KubeApi,
        listening: Listening,
        read: Callable[[], Doc],
        *,
        folder: str,
        query: Mapping[str, Any],
        glance: Callable[[], Doc] | None = None,
        every: float = EVERY,
        accept: str = JSON,
    ) -> None:
        """`read`: a list, or one thing. `folder`, `query`: of the watch. `every`: seconds, then it is read again.

        `glance`: the same as `read` without what is in the things: enough to see whether the watch told everything.
        """
        self._glance = glance
        self._api, self._listening, self._read = api, listening, read
        self._folder, self._query, self._every, self._accept = folder, dict(query), every, accept
        self._held: dict[str, Doc] = {}
        self.stamp = 0
        """Another one whenever the documents may be others."""
        self._version = 0
        """Of the last reading; 0 where nothing can be heard from there on."""
        self._read_at: float | None = None
        self._feed: Feed | None = None
        self._begun_at = -RETRY
        self._is_sure = False
        """True where the stream was open before the last reading began: then all that changed since is told by it."""
        self._is_mute = listening.opened is None

    def documents(self, *, anew: bool = False) -> list[Doc]:
        """As they are now. Raises what reading raises, and then knows nothing."""
        now = self._listening.monotonic()
        try:
            if anew or not (self._is_told() and (self.age < self._every or self._is_confirmed(now))):
                self._renew(now)
        except Exception:  # Whatever was odd: what is held may be half of it.
            self._held, self._version, self._read_at = {}, 0, None
            self.stamp += 1
            self.close()
            raise
        return list(self._held.values())

    @property
    def age(self) -> float:
        """Seconds since it was read whole."""
        return float("inf") if self._read_at is None else self._listening.monotonic() - self._read_at

    def learn(self, document: Doc) -> None:
        """The one thing under this path, as a write of our own left it: nothing older is believed from now on."""
        version = _number(document)
        if self._feed is not None and version > self._version:
            self._held, self._version = {_name(document): document}, version
            self.stamp += 1

    def forget(self) -> None:
        """What is known is not good enough any more."""
        self._read_at = None

    def close(self) -> None:
        """Hear nothing any more."""
        if self._feed is not None:
            self._feed.close()
        self._feed, self._is_sure = None, False

    def _is_told(self) -> bool:
        """True where the watch told everything since it was read."""
        feed = self._feed
        if feed is None or self._read_at is None:
            return False
        if all(self._heard(line) for line in feed.taken()) and not feed.is_over:
            return self._is_sure
        self._is_mute = self._is_mute or feed.is_refused
        self.close()
        return False

    def _is_confirmed(self, now: float) -> bool:
        """True where a glance shows what the watch told."""
        if self._glance is None:
            return False
        seen = self._glance()
        if not _number(seen) or _marks(_by_name(seen)) != _marks(self._held):
            return False
        self._version, self._read_at = _number(seen), now
        return True

    def _renew(self, now: float) -> None:
        first, known = not self._version, self._told()
        read = self._read()
        self._take(_by_name(read))
        self._version, self._read_at = _number(read), now
        if not self._version or (known is not None and known != _marks(self._held)):
            self.close()  # It should have told. It may have been about to; then another costs little.
        # One look needs no watch: it is begun by who looks again.
        if self._feed is None and self._version and not (first or self._is_mute) and now - self._begun_at >= RETRY:
            self._begin(now)

    def _take(self, held: dict[str, Doc]) -> None:
        """What was read; where nothing of it is new, it is the same."""
        if held != self._held:
            self._held = held
            self.stamp += 1

    def _told(self) -> dict[str, object] | None:
        """What should be read next, by a stream that was open at the last reading; None where there is no such."""
        feed, was_sure = self._feed, self._is_sure
        self._is_sure = feed is not None and feed.is_open
        if feed is None or not all(self._heard(line) for line in feed.taken()):
            self.close()
            return None
        return _marks(self._held) if was_sure and self._read_at is not None else None

    def _begin(self, now: float) -> None:
        query = {**self._query, "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": str(self._version)}
        assert self._listening.opened is not None  # noqa: S101 - it is mute else
        self._feed, self._begun_at = self._listening.opened(self._api, self._folder, query, self._accept), now

    def _heard(self, line: str) -> bool:
        """One event, taken in; False where the stream is of no use any more."""
        try:
            event = json.loads(line)
            kind, document = event["type"], event["object"]
            version, name = _number(document), _name(document)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
        if kind == "BOOKMARK":
            return True
        if kind not in ("ADDED", "MODIFIED", "DELETED") or not (version and name):
            return False
        if version <= self._version:
            return True  # Of before the last reading.
        self.stamp += 1
        if kind == "DELETED":
            self._held.pop(name, None)
        else:
            self._held[name] = document
        return True


def listed(api: KubeApi, listening: Listening, path: str, query: Mapping[str, Any]) -> Mirror:
    """Of a list."""
    return Mirror(
        api,
        listening,
        lambda: api.get(path, query),
        folder=path,
        query=query,
        glance=lambda: api.get(path, query, METADATA_LIST),
    )


def _number(document: Doc) -> int:
    """Its resourceVersion, where such can be compared; else 0."""
    said = str((document.get("metadata") or {}).get("resourceVersion") or "")
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 20 else 0


def _name(document: Doc) -> str:
    return str((document.get("metadata") or {}).get("name") or "")


def _by_name(read: Doc) -> dict[str, Doc]:
    return {_name(one): one for one in read.get("items", [read])}


def _marks(held: Mapping[str, Doc]) -> dict[str, object]:
    """What changes whenever a thing does, by name."""
    return {name: (one.get("metadata") or {}).get("resourceVersion") or one for name, one in held.items()}
