"""Feeds: watches of a simulated machine, heard between its ticks. The weather lies over them as over every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from davy.canary.platforms.kubernetes.watches.feeds import LASTS
from davy.canary.platforms.kubernetes.watches.feeds import SILENT as BELIEVED
from simulation.exchange import Request
from simulation.objects import Unfit
from simulation.watches import Stream

if TYPE_CHECKING:
    from simulation.machine import Machine

SILENT = frozenset({"lost", "unanswered", "drip"})
"""Faults of which a stream shows nothing: what it should have told comes later, or never."""
DIES = 0.3
"""Odds that a stream that met such a fault is silent for ever."""
BOOKMARK = 250
"""Bytes of what a stream without changes says before its end, and of the head of the next one's answer."""


class SimulatedFeed:
    """`canary.adapters.feeds.Feed`."""

    def __init__(self, machine: Machine, path: str, query: Mapping[str, Any], accept: str) -> None:
        world = machine.world
        self._machine, self.path = machine, path
        machine.watches += 1
        said = {key: str(value) for key, value in query.items()}
        self._request = Request(machine.name, "GET", path, said, accept=accept)
        self._opens = world.timeline.now + sum(world.latency())
        self._luck = world.luck(f"feed of {machine.name} at {world.timeline.now}")
        self._deaf_since: float | None = None
        self._streams = 1
        self.is_refused = self._is_over = not world.may_watch
        self._stream: Stream | None = None
        if not self._is_over and not self._meets_weather():
            self._begin()
        world.note(machine, f"WATCH {path}", "no" if self._stream is None else "")

    @property
    def is_open(self) -> bool:
        return not self.is_over and self._stream is not None and self._machine.world.timeline.now >= self._opens

    @property
    def is_over(self) -> bool:
        """Of a deaf one the last word may have been its end, as it was begun or gone on with."""
        now, deaf = self._machine.world.timeline.now, self._deaf_since
        return self._is_over or (deaf is not None and now - deaf > BELIEVED)

    def taken(self) -> list[str]:
        self._machine.live()
        if not self.is_open or self._meets_weather() or self._deaf_since is not None or self._stream is None:
            return []
        self._go_on()
        lines = self._stream.waiting()
        self._machine.bytes_read += sum(len(line) + 1 for line in lines)
        return lines

    def close(self) -> None:
        self._is_over = True

    def die(self) -> None:
        """Its connection is gone, and nothing says so."""
        if self._deaf_since is None:
            self._deaf_since = self._machine.world.timeline.now

    def _go_on(self) -> None:
        """The server ended it, and was asked for what comes next, as often as its time was over."""
        streams = 1 + int((self._machine.world.timeline.now - self._opens) / LASTS)
        self._machine.watches += streams - self._streams
        self._machine.bytes_read += BOOKMARK * 2 * (streams - self._streams)
        self._streams = streams

    def _begin(self) -> None:
        try:
            self._stream = Stream(None, self._machine.world.server, self._request)
        except Unfit:
            self._is_over = True

    def _meets_weather(self) -> bool:
        fault = self._machine.world.weather.fault(self._request)
        if fault is None:
            return False
        if fault.kind in SILENT:
            if self._luck.random() < DIES:
                self.die()
        else:
            self._is_over = True
        return True
