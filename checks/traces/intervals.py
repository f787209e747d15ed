"""Intervals: a trace's windows added up, for judges that look at rates. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from davy.checks.traces.result import Look, ReplayEnd
from davy.checks.traces.trace import Glance
from davy.pipeline.core.verdict import NOTHING, Counts, Evidence, Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A verdict, and the window that brought it."""

    verdict: ReplayEnd
    at: float
    sentence: str
    blame: str = ""


@dataclass(slots=True)
class Sums:
    """Both sides' counts by metric, cumulative over the trace, and the last value asked for."""

    counts: dict[str, Pair] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)

    def see(self, glance: Glance) -> None:
        """One more window."""
        for name, pair in glance.counts.items():
            before = self.counts.get(name, Pair())
            self.counts[name] = Pair(canary=before.canary + pair.canary, stable=before.stable + pair.stable)

    def look(self, t: float, names: Iterable[str], blame: str) -> Look:
        """Where these metrics stand."""
        return Look(t=t, evidence=tuple(self._evidence(name, blame) for name in names))

    def _evidence(self, name: str, blame: str) -> Evidence:
        pair = self.counts.get(name, Pair())
        return Evidence(
            metric=name,
            canary=pair.canary,
            stable=pair.stable,
            value=self.values.get(name),
            share=1.0 if name == blame else 0.0,
        )


class Intervals:
    """Cuts a trace's windows into intervals of equal length; a window belongs where it ends."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = seconds
        self._counts: dict[str, Counts] = {}

    def see(self, glance: Glance) -> dict[str, float] | None:
        """At an interval's end the share of good events by metric, not a number without events; else None."""
        for name, pair in glance.counts.items():
            self._counts[name] = self._counts.get(name, NOTHING) + pair.canary
        if glance.t < self._next:
            return None
        self._next = (math.floor(glance.t / self._seconds) + 1) * self._seconds
        counts, self._counts = self._counts, {}
        return {name: (one.total - one.bad) / one.total if one.total else math.nan for name, one in counts.items()}
