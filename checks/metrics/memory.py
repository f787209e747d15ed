"""Memory: counters of simulated pods, scraped when told to, with faults on order."""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from davy.checks.ports import Answer, Series
from davy.checks.samples.selectors import Selector
from davy.checks.samples.selectors import selector as parsed
from davy.pipeline.core.errors import Unreachable, Unusable
from davy.pipeline.core.verdict import Gap

Labels = tuple[tuple[str, str], ...]
LOOKBACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFault:
    """Something wrong from `start` up to `end`: of the whole server, or of the series with these labels.

    UNREACHABLE: no answer. STALE: no scrapes. NAN: scrapes bring no number. ABSENT and EMPTY: the series are not there.
    """

    kind: Gap
    start: datetime
    end: datetime
    labels: Mapping[str, str]

    def holds(self, at: float, labels: Mapping[str, str]) -> bool:
        """True where it is in force for a series."""
        hit = self.labels.items() <= labels.items()
        return hit and self.start.timestamp() <= at < self.end.timestamp()


class SimulatedMetrics:
    """What a Prometheus would hold of the counters it scraped."""

    def __init__(self) -> None:
        self._counters: dict[Labels, float] = {}
        self._samples: dict[Labels, list[tuple[float, float]]] = {}
        self._faults: list[ServerFault] = []
        self._answers: dict[str, Callable[[datetime], Answer]] = {}
        self.asked: int = 0
        """How many questions were put."""

    def count(self, name: str, labels: Mapping[str, str], by: float = 1.0) -> None:
        """A counter of a pod goes up; it is born where it was not there."""
        key = _key(name, labels)
        self._counters[key] = self._counters.get(key, 0.0) + by

    def observe(self, name: str, labels: Mapping[str, str], above: Mapping[str, int], total: int) -> None:
        """`total` observations of a histogram: per bucket bound, how many took longer."""
        for bound, slower in above.items():
            self.count(f"{name}_bucket", {**labels, "le": bound}, total - slower)
        self.count(f"{name}_bucket", {**labels, "le": "+Inf"}, total)

    def restart(self, **labels: str) -> None:
        """A process of these labels begins anew: its counters are gone until they count again."""
        for key in [key for key in self._counters if labels.items() <= dict(key).items()]:
            del self._counters[key]

    def scrape(self, at: datetime, **labels: str) -> None:
        """Record every counter (of these labels) as it stands."""
        when = at.timestamp()
        for key, value in self._counters.items():
            have = dict(key)
            if not labels.items() <= have.items():
                continue
            kinds = {fault.kind for fault in self._faults if fault.holds(when, have)}
            if kinds & {Gap.STALE, Gap.ABSENT, Gap.EMPTY}:
                continue
            self.record(have, when, math.nan if Gap.NAN in kinds else value)

    def record(self, labels: Mapping[str, str], at: float, value: float) -> None:
        """Store one sample; `labels` holds `__name__` too."""
        self._samples.setdefault(tuple(sorted(labels.items())), []).append((at, value))

    def fail(self, kind: Gap, start: datetime, end: datetime, **labels: str) -> None:
        """Order a fault."""
        self._faults.append(ServerFault(kind=kind, start=start, end=end, labels=labels))

    def answer(self, promql: str, value: Callable[[datetime], Answer]) -> None:
        """Say what a query that is no plain selector answers."""
        self._answers[promql] = value

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        """As the port has it."""
        self._reach(end)
        first, last = start.timestamp(), end.timestamp()
        found = []
        for labels, points in self._matching(selector):
            inside = tuple(points[bisect_right(points, (first, math.inf)) : bisect_right(points, (last, math.inf))])
            if inside:
                found.append(Series(labels=labels, samples=inside))
        return tuple(found)

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        """See the port."""
        return tuple(self.samples(selector, start, end) for selector in selectors)

    def heard(self) -> tuple[str, ...]:
        """See the port."""
        return ()

    def query(self, promql: str, at: datetime) -> Answer:
        """As the port has it; knows plain selectors and what `answer` taught it."""
        self._reach(at)
        if promql in self._answers:
            return self._answers[promql](at)
        series = self.samples(promql, at - LOOKBACK, at)
        return Answer(values=tuple((one.labels, one.samples[-1][1]) for one in series))

    def _reach(self, at: datetime) -> None:
        self.asked += 1
        if any(fault.kind is Gap.UNREACHABLE and fault.holds(at.timestamp(), {}) for fault in self._faults):
            raise Unreachable("Asked the metrics server: it did not answer.", remedy="Wait, or look after it.")

    def _matching(self, text: str) -> Iterable[tuple[Mapping[str, str], list[tuple[float, float]]]]:
        try:
            wanted = parsed(text)
        except ValueError as error:
            raise Unusable(f"Asked the metrics server for {text!r}: {error}") from error
        for key, points in self._samples.items():
            labels = dict(key)
            if _matches(wanted, labels):
                yield labels, points


def _matches(wanted: Selector, labels: Mapping[str, str]) -> bool:
    try:
        return wanted.matches(labels)
    except re.error as error:
        raise Unusable(f"Asked the metrics server for {wanted}: a regex does not parse: {error}") from error


def _key(name: str, labels: Mapping[str, str]) -> Labels:
    return tuple(sorted({**labels, "__name__": name}.items()))
