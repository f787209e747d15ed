"""Pod counts: what every pod counted, window by window over days, in columns that take little room. Pure."""

import math
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add

from davy.checks.ports import Series
from davy.checks.samples import counters
from davy.checks.samples.counters import Points
from davy.checks.samples.counts import Raw
from davy.pipeline.core.verdict import Counts

APART = 4
"""Windows: what grew between two samples further apart is left out, for nothing says where it belongs."""
NARROW, WIDE = "I", "Q"
"""Four bytes a count hold nearly every past; a column that needs more takes eight."""
LARGEST = 2**53
"""Of one pod in one window; above it a count is no exact number to most programs."""


class Strip:
    """One pod's counts of one metric, from the first window that it was seen in to the last."""

    __slots__ = ("columns", "first")

    def __init__(self, first: int, width: int) -> None:
        self.first = first
        self.columns = [array(NARROW) for _ in range(width)]

    @property
    def end(self) -> int:
        """The window after the last."""
        return self.first + len(self.columns[0])

    def put(self, window: int, values: Sequence[int]) -> None:
        """Add to a window at or after the first; windows in between held nothing."""
        missing = window + 1 - self.end
        place = window - self.first
        for index, value in enumerate(values):
            column = self.columns[index]
            if missing > 0:
                column.extend([0] * missing)
            both = min(column[place] + value, LARGEST)
            try:
                column[place] = both
            except OverflowError:
                column = self.columns[index] = array(WIDE, column)
                column[place] = both


@dataclass(slots=True, kw_only=True)
class PodCounts:
    """The past of a service's pods. Windows are numbered from 0; window k is `(start + k*length, … + length]`."""

    start: float
    """Unix seconds."""
    length: float
    """Seconds of a window."""
    bounds: Mapping[str, tuple[str, ...]]
    """By metric, the bucket bounds that it is counted at; none for one that is no histogram, or has one bound."""
    strips: dict[str, dict[str, Strip]] = field(default_factory=dict)
    """By metric, by pod."""
    cells: int = 0
    """Numbers held, about."""

    def put(self, metric: str, window: int, pod: str, counts: Counts) -> None:
        """Add one pod's counts; windows of one pod come in order."""
        bounds = self.bounds[metric]
        strip = self.strips.setdefault(metric, {}).get(pod)
        if strip is None:
            strip = self.strips[metric][pod] = Strip(window, 2 + len(bounds))
        if window < strip.first:
            return
        before = strip.end
        strip.put(window, (counts.total, counts.bad, *(counts.above.get(bound, 0) for bound in bounds)))
        self.cells += (strip.end - before) * (2 + len(bounds))

    @property
    def first(self) -> int:
        """The first window with anything in it; 0 where there is none."""
        return min((strip.first for strips in self.strips.values() for strip in strips.values()), default=0)

    @property
    def end(self) -> int:
        """The window after the last with anything in it."""
        return max((strip.end for strips in self.strips.values() for strip in strips.values()), default=0)

    def lives(self) -> dict[str, tuple[int, int]]:
        """By pod, its first window and the one after its last, over all metrics."""
        found: dict[str, tuple[int, int]] = {}
        for strips in self.strips.values():
            for pod, strip in strips.items():
                first, end = found.get(pod, (strip.first, strip.end))
                found[pod] = (min(first, strip.first), max(end, strip.end))
        return found

    def sums(self, metric: str, first: int, end: int, pods: Collection[str] | None = None) -> tuple[list[int], ...]:
        """Totals, bad ones, and those above each bound, by window, of these pods together; of all without `pods`."""
        summed = tuple([0] * (end - first) for _ in range(2 + len(self.bounds[metric])))
        strips = self.strips.get(metric, {})
        for pod in strips if pods is None else pods:
            strip = strips.get(pod)
            low, high = (max(first, strip.first), min(end, strip.end)) if strip else (0, 0)
            if strip is None or low >= high:
                continue
            for into, column in zip(summed, strip.columns, strict=True):
                held = column[low - strip.first : high - strip.first]
                into[low - first : high - first] = map(add, into[low - first : high - first], held)
        return summed

    def whole(self, metric: str, first: int = 0, end: int | None = None) -> dict[str, Counts]:
        """By pod, what it counted in these windows together."""
        last = self.end if end is None else end
        return {
            pod: Counts(bad=_part(strip, 1, first, last), total=_part(strip, 0, first, last))
            for pod, strip in self.strips.get(metric, {}).items()
            if strip.first < last and strip.end > first
        }

    def blocks(self, metric: str, first: int, end: int, width: int, pods: Iterable[str]) -> list[dict[str, Counts]]:
        """Counts by pod in blocks of `width` windows: those with a bad event, and the one that most pods served."""
        strips = self.strips.get(metric, {})
        kept = {pod: strips[pod] for pod in pods if pod in strips}
        found, most = [], dict[str, Counts]()
        for at in range(first, end - width + 1, width):
            block = {
                pod: Counts(bad=_part(strip, 1, at, at + width), total=_part(strip, 0, at, at + width))
                for pod, strip in kept.items()
                if strip.first < at + width and strip.end > at
            }
            if any(one.bad for one in block.values()):
                found.append(block)
            if len(block) > len(most):
                most = block
        return [*found, most]


def _part(strip: Strip, column: int, first: int, end: int) -> int:
    return sum(strip.columns[column][max(first - strip.first, 0) : max(end - strip.first, 0)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What is counted of the samples that were read."""

    origin: float
    """Unix seconds at which window 0 begins."""
    start: float
    end: float
    """Only growth in `(start, end]` is counted; samples before are its base."""
    length: float
    label: str
    """That holds the pod's name."""
    counts_from: Mapping[str, float]
    """By pod that has a warm-up to leave out, when that is over."""


def counted(raw: Raw, stretch: Stretch) -> Iterator[tuple[int, str, Counts]]:
    """(window, pod, counts), in the order of windows, of one metric.

    What grew between two samples belongs to the window of the later one. A series that was not there at its pod's
    scrape before was born since, and began at 0.
    """
    own: dict[str, list[Series]] = defaultdict(list)
    for one in raw.every:
        own[one.labels.get(stretch.label, "")].append(one)
    anew = {pod: counters.resets(series) for pod, series in own.items()}
    times: dict[str, list[float]] = {
        pod: sorted({at for one in raw.total if one.labels.get(stretch.label, "") == pod for at, _ in one.samples})
        for pod in own
    }

    def grown(group: Iterable[Series]) -> dict[tuple[int, str], float]:
        sums: dict[tuple[int, str], float] = defaultdict(float)
        for one in group:
            pod = one.labels.get(stretch.label, "")
            points = _with_birth(counters.finite(one.samples), times[pod])
            for window, growth in _steps(points, counters.by_target(anew[pod], one), stretch, pod):
                sums[window, pod] += growth
        return sums

    total = grown(raw.total)
    bad = grown(raw.bad)
    good = {bound: grown(group) for bound, group in (raw.good or {}).items()}
    for key in sorted(total):
        if not key[1]:
            continue
        events = round(total[key])
        above = {bound: max(0, events - round(held.get(key, 0.0))) for bound, held in good.items()}
        wrong = min(events, above[raw.bound] if good else round(bad.get(key, 0.0)))
        yield *key, Counts(bad=wrong, total=events, above=above if len(above) > 1 else {})


def _with_birth(points: Points, times: Sequence[float]) -> Points:
    """With the 0 it began at, at the scrape before its first, where there was one without it."""
    place = bisect_right(times, points[0][0] - 1e-3) if points else 0
    return [(times[place - 1], 0.0), *points] if place else points


def _steps(points: Points, anew: Sequence[float], stretch: Stretch, pod: str) -> Iterator[tuple[int, float]]:
    warm = stretch.counts_from.get(pod, -math.inf)
    longest = APART * stretch.length
    for before, at, growth in counters.steps(points, anew):
        if stretch.start < at <= stretch.end and before >= warm and at - before <= longest:
            yield math.ceil((at - stretch.origin) / stretch.length) - 1, growth
