"""Traffic: simulated requests to the pods of the memory twins, scraped into the metrics twin."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from davy.canary.platforms.memory.deployment import SimulatedPod
from davy.checks.metrics.memory import SimulatedMetrics
from davy.checks.statistics.sampling import binomial, poisson


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One metric as the simulated service exports it: a counter of all and of bad events, or a histogram."""

    name: str
    stable: float
    """Share of bad events on stable, 0 to 1."""
    canary: float
    bound: str = ""
    """A histogram's bucket bound in seconds; events above it are bad. Empty for counters."""

    @property
    def metric(self) -> str:
        """Name of the metric, without suffix."""
        return "rehearsed_" + "".join(letter if letter.isalnum() else "_" for letter in self.name)


@dataclass(slots=True, kw_only=True)
class Served:
    """What users felt of one side: requests, and bad answers over all signals."""

    total: int = 0
    bad: int = 0


class Traffic:
    """Sends `rps` requests a second, evenly over the ready pods, and scrapes them every `interval`."""

    def __init__(
        self,
        pods: Callable[[], Iterable[SimulatedPod]],
        metrics: SimulatedMetrics,
        signals: tuple[Signal, ...],
        *,
        stable_hash: str,
        rps: float,
        interval: timedelta,
        seed: int,
    ) -> None:
        self._pods, self._metrics, self._signals, self._stable = pods, metrics, signals, stable_hash
        self._rps, self._interval = rps, interval
        self._dice = random.Random(seed)  # noqa: S311 - a simulation has to be repeatable
        self._waiting: dict[str, float] = {}
        self._last: datetime | None = None
        self._scraped: datetime | None = None
        self.stable, self.canary = Served(), Served()

    @property
    def excess(self) -> float:
        """Bad answers of the canary beyond what stable would have given to the same requests."""
        return self.canary.bad - self.canary.total * sum(signal.stable for signal in self._signals)

    def pass_time(self, now: datetime) -> None:
        """Requests since the last call; a scrape where one is due."""
        ready = [pod for pod in self._pods() if pod.ready_since(now)]
        if self._last is not None:
            each = self._rps * (now - self._last).total_seconds() / max(len(ready), 1)
            for pod in ready:
                self._waiting[pod.name] = self._waiting.get(pod.name, 0.0) + each
        self._last = now
        if self._scraped is None or now - self._scraped >= self._interval:
            self._scraped = now
            for pod in ready:
                self._answer(pod)
                self._metrics.scrape(now, pod=pod.name)

    def _answer(self, pod: SimulatedPod) -> None:
        """The pod's requests since the last scrape, and how they went."""
        stable = pod.hash == self._stable
        requests = poisson(self._waiting.pop(pod.name, 0.0), self._dice)
        served = self.stable if stable else self.canary
        served.total += requests
        for signal in self._signals:
            bad = binomial(requests, signal.stable if stable else signal.canary, self._dice)
            served.bad += bad
            if signal.bound:
                self._metrics.observe(signal.metric, {"pod": pod.name}, {signal.bound: bad}, requests)
            else:
                self._metrics.count(f"{signal.metric}_total", {"pod": pod.name}, requests)
                self._metrics.count(f"{signal.metric}_errors", {"pod": pod.name}, bad)
