"""Feeds: watches of a simulated machine, heard between its ticks. The weather lies over them as over every request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulation.exchange import Request
from simulation.objects import Unfit
from simulation.watches import Stream

if TYPE_CHECKING:
    from simulation.machine import Machine

SILENT = frozenset({"lost", "unanswered", "drip"})
"""Faults of which a stream shows nothing: what it should have told comes later, or never."""
DIES = 0.3
"""Odds that a stream that met such a fault is silent for ever."""


class SimulatedFeed:
    """`canary.adapters.feeds.Feed`."""

    def __init__(self, machine: Machine, path: str, query: Mapping[str, Any], accept: str) -> None:
        world = machine.world
        self._machine = machine
        machine.watches += 1
        said = {key: str(value) for key, value in query.items()}
        self._request = Request(machine.name, "GET", path, said, accept=accept)
        self._opens = world.timeline.now + sum(world.latency())
        self._luck = world.luck(f"feed of {machine.name} at {world.timeline.now}")
        self._is_deaf = False
        self.is_refused = self.is_over = not world.may_watch
        self._stream: Stream | None = None
        if not self.is_over and not self._meets_weather():
            self._begin()
        world.note(machine, f"WATCH {path}", "no" if self._stream is None else "")

    @property
    def is_open(self) -> bool:
        return not self.is_over and self._stream is not None and self._machine.world.timeline.now >= self._opens

    def taken(self) -> list[str]:
        self._machine.live()
        if not self.is_open or self._meets_weather() or self._is_deaf or self._stream is None:
            return []
        lines = self._stream.waiting()
        self._machine.bytes_read += sum(len(line) + 1 for line in lines)
        return lines

    def close(self) -> None:
        self.is_over = True

    def _begin(self) -> None:
        try:
            self._stream = Stream(None, self._machine.world.server, self._request)
        except Unfit:
            self.is_over = True

    def _meets_weather(self) -> bool:
        fault = self._machine.world.weather.fault(self._request)
        if fault is None:
            return False
        if fault.kind in SILENT:
            self._is_deaf = self._is_deaf or self._luck.random() < DIES
        else:
            self.is_over = True
        return True
