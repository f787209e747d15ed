"""What came back: exact counts per version and per pod, and how long it took."""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
FIRST_FAILURE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, or in `lost` why there was none."""

    status: int = 0
    version: str = ""
    pod: str = ""
    lost: str = ""

    @property
    def is_bad(self) -> bool:
        return bool(self.lost) or self.status >= FIRST_FAILURE

    @property
    def kind(self) -> str:
        return self.lost or f"http_{self.status}"


@dataclass(slots=True)
class Side:
    """The answers of one version, or of one pod."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    first: float = 0.0
    last: float = 0.0
    first_bad: float | None = None
    last_bad: float | None = None

    def add(self, reply: Reply, seconds: float, at: float) -> None:
        self.statuses[reply.status] += 1
        self.seconds.append(seconds)
        self.first = self.first or at
        self.last = at
        if reply.is_bad:
            self.first_bad = self.first_bad or at
            self.last_bad = at

    def as_dict(self) -> dict[str, Any]:
        failures = sum(n for status, n in self.statuses.items() if status >= FIRST_FAILURE)
        return {
            "requests": self.statuses.total(),
            "failures": failures,
            "statuses": {str(status): n for status, n in sorted(self.statuses.items())},
            "first": self.first,
            "last": self.last,
            "first_bad": self.first_bad,
            "last_bad": self.last_bad,
            "latency": quantiles(self.seconds),
            "histogram": histogram(self.seconds),
        }


class Tally:
    """All that is counted of a load; safe to read while it runs. Times are Unix seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = self._ended = 0.0
        self._sent = self._late = self._skipped = 0
        self._most_late = 0.0
        self._bad = Counter[str]()
        self._lost = 0
        self._first_bad: dict[str, Any] | None = None
        self._last_lost: float | None = None
        self._all = Side()
        self._versions: dict[str, Side] = {}
        self._pods: dict[tuple[str, str], Side] = {}

    def begin(self) -> None:
        self._began = time.time()

    def end(self) -> None:
        self._ended = time.time()

    def send(self, *, late: float, is_late_after: float) -> None:
        with self._lock:
            self._sent += 1
            self._late += late > is_late_after
            self._most_late = max(self._most_late, late)

    def skip(self) -> None:
        """A request that should have left but could not: too many were unanswered."""
        with self._lock:
            self._skipped += 1

    def count(self, reply: Reply, *, seconds: float, at: float) -> None:
        """Count what came of one request; `at` is when."""
        with self._lock:
            if reply.is_bad:
                self._bad[reply.kind] += 1
                self._first_bad = self._first_bad or {
                    "at": at,
                    "kind": reply.kind,
                    "version": reply.version,
                    "pod": reply.pod,
                }
            if reply.lost:
                self._lost += 1
                self._last_lost = at
                return
            self._all.add(reply, seconds, at)
            self._versions.setdefault(reply.version, Side()).add(reply, seconds, at)
            self._pods.setdefault((reply.version, reply.pod), Side()).add(reply, seconds, at)

    def snapshot(self) -> dict[str, Any]:
        with self._lock:
            whole = self._all.as_dict()
            elapsed = (self._ended or time.time()) - self._began if self._began else 0.0
            return {
                "began": self._began,
                "elapsed": elapsed,
                "sent": self._sent,
                "sent_per_second": self._sent / elapsed if elapsed else 0.0,
                "late": self._late,
                "most_late": max(self._most_late, 0.0),
                "skipped": self._skipped,
                "answered": whole["requests"],
                "failures": whole["failures"],
                "lost": self._lost,
                "last_lost": self._last_lost,
                "bad": dict(sorted(self._bad.items())),
                "first_bad": self._first_bad,
                "latency": whole["latency"],
                "versions": {name: side.as_dict() for name, side in self._versions.items()},
                "pods": {pod: {"version": version} | side.as_dict() for (version, pod), side in self._pods.items()},
            }


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Exact quantiles: the smallest value that at least this share does not exceed."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {name: ordered[min(last, max(0, math.ceil(share * len(ordered)) - 1))] for name, share in QUANTILES.items()}


def histogram(seconds: list[float]) -> dict[str, int]:
    """How many took at most so long, as Prometheus' buckets count."""
    counts = [0] * (len(BOUNDS) + 1)
    for value in seconds:
        counts[bisect_left(BOUNDS, value)] += 1
    sums, sofar = {}, 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), counts, strict=True):
        sofar += count
        sums[bound] = sofar
    return sums
