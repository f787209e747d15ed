"""Counters and a histogram in Prometheus' text format.

Every series that can ever be is there from the start, at zero: a counter that appears
with its first error hides that error from whoever subtracts two samples.
https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Durations:
    """How long the requests of one route took: a count per bucket, and the sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


class Metrics:
    """The service's numbers; safe to use from many threads."""

    def __init__(self, answers: Iterable[tuple[str, str, int]], version: str) -> None:
        """`answers` are all (method, path, code) that the service can give."""
        self._lock = threading.Lock()
        self._version = version
        self._requests = dict.fromkeys(answers, 0)
        routes = {(method, path) for method, path, _ in self._requests}
        self._durations = {route: Durations() for route in sorted(routes)}

    def count(self, method: str, path: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        with self._lock:
            key = (method, path, code)
            self._requests[key] = self._requests.get(key, 0) + 1
            self._durations.setdefault((method, path), Durations()).observe(seconds)

    def render(self) -> str:
        """The page that Prometheus scrapes."""
        with self._lock:
            return "\n".join([*self._about(), *self._counters(), *self._histogram(), ""])

    def _about(self) -> Iterable[str]:
        yield "# HELP checkout_build_info The version that runs."
        yield "# TYPE checkout_build_info gauge"
        yield f'checkout_build_info{{version="{self._version}"}} 1'

    def _counters(self) -> Iterable[str]:
        yield "# HELP http_requests_total Requests answered."
        yield "# TYPE http_requests_total counter"
        for (method, path, code), count in self._requests.items():
            labels = f'method="{method}",path="{path}",code="{code}"'
            yield f"http_requests_total{{{labels}}} {count}"

    def _histogram(self) -> Iterable[str]:
        name = "http_request_duration_seconds"
        yield f"# HELP {name} How long the answer took."
        yield f"# TYPE {name} histogram"
        for (method, path), durations in self._durations.items():
            labels = f'method="{method}",path="{path}"'
            sofar = 0
            for bound, count in zip((*BUCKETS, "+Inf"), durations.counts, strict=True):
                sofar += count
                yield f'{name}_bucket{{{labels},le="{bound}"}} {sofar}'
            yield f"{name}_sum{{{labels}}} {durations.seconds:.6f}"
            yield f"{name}_count{{{labels}}} {sofar}"
