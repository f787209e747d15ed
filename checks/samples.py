"""Samples to counts: what each side counted in one span of time, from raw counters, or why it cannot be said. Pure."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from davy.checks.ports import Series
from davy.pipeline.errors import Unusable
from davy.pipeline.model import NOTHING, Counts, Gap, Pair

STORED_WITHIN = 1.0
"""Seconds that a scrape may take to be there to read."""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod as its samples are counted."""

    name: str
    canary: bool
    counts_from: float
    """Unix seconds: what it did before (its warm-up) is left out."""
    from_zero: bool = False
    """True where its counters began at 0: Ready after the rollout began, and no warm-up to leave out."""
    serves: bool = True
    """False for a pod that is gone: what it counted stays counted, and no new sample is expected of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """The series of one metric, read in the same moment: all events, and the bad ones or the good ones."""

    total: tuple[Series, ...]
    bad: tuple[Series, ...] = ()
    good: tuple[Series, ...] | None = None
    """For a histogram, the bucket of the bound; bad is then total minus good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrapes:
    """How the samples of one pod's total lie in time."""

    newest: float
    spacing: float
    """Seconds between scrapes as seen; 0 where there are too few samples to tell."""
    counted: int
    """Samples since the pod's warm-up ended."""
    broken: bool
    """True where a value was not a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at one metric gave."""

    start: float
    end: float
    """The newest moment up to which every fresh pod's scrapes are in; `start` where nothing new was scraped."""
    pair: Pair | None
    """None where the span could not be read, and is to be read again later."""
    gap: Gap | None = None
    waiting: tuple[str, ...] = ()
    """Canary pods that have not been scraped twice since their warm-up."""


def of_histogram(series: Iterable[Series], bound: float) -> Raw:
    """Total and good events from a histogram's `_bucket` series; bounds are matched as numbers.

    Raises Unusable, naming the bounds that are there, where `bound` (seconds) is none of them.
    """
    every = tuple(series)
    total = tuple(one for one in every if _bound(one) == math.inf)
    good = tuple(one for one in every if math.isclose(_bound(one), bound, rel_tol=1e-9))
    if every and not good:
        there = ", ".join(f"{value:g}" for value in sorted({_bound(one) for one in every}) if math.isfinite(value))
        what = f"the histogram has no bucket bound {bound:g}; it has {there or 'none but +Inf'}"
        raise Unusable(what, remedy="Set `under` to one of these, or add the bucket to the service.")
    return Raw(total=total, good=good)


def _bound(series: Series) -> float:
    try:
        return float(series.labels.get("le", "nan"))
    except ValueError:
        return math.nan


def growth(points: Points, *, start: float, end: float, born: bool) -> float:
    """How far a counter went in `(start, end]`; a fall is a reset, and the new value what was counted since.

    The base is the last sample at or before `start`. Without one it is 0 for a series that was `born` inside, and
    otherwise the first sample: what that holds may be older than the span.
    """
    before = [value for at, value in points if at <= start]
    inside = [value for at, value in points if start < at <= end]
    if not inside:
        return 0.0
    base = before[-1] if before else 0.0 if born else inside[0]
    grown = 0.0
    for value in inside:
        grown += value - base if value >= base else value
        base = value
    return grown


def read(raw: Raw, pods: Sequence[Pod], *, label: str, start: float, now: float, scrape: float) -> Reading:
    """Both sides' counts in `(start, end]`, where `end` is the newest moment that all fresh pods have reached.

    A pod that is scraped is fresh up to two scrapes (the configured interval, or the spacing seen where that is
    longer). Nothing is lost at the end: samples after it are read by the next look.
    """
    of_pod = {pod.name: _Own.of(raw, pod, label) for pod in pods}
    scrapes = {pod.name: of_pod[pod.name].scrapes(pod) for pod in pods}
    gaps = {pod.name: _gap(pod, scrapes[pod.name], now, scrape) for pod in pods if pod.serves}
    fresh = [seen.newest for name, seen in scrapes.items() if seen and name in gaps and gaps[name] is not Gap.STALE]
    end = max(start, min(fresh, default=start))
    gap = _whole_gap(pods, gaps)
    waiting = tuple(pod.name for pod in pods if pod.serves and pod.canary and _waits(scrapes[pod.name]))
    unread = gap in (Gap.ABSENT, Gap.STALE) and not _any_fresh(pods, scrapes, gaps)
    if end <= start or unread:
        return Reading(start=start, end=start, pair=None, gap=gap, waiting=waiting)
    pair = Pair(
        canary=_counts(of_pod[p.name].counts(p, start, end) for p in pods if p.canary),
        stable=_counts(of_pod[p.name].counts(p, start, end) for p in pods if not p.canary),
    )
    if gap is None and pair.canary.total == 0 and not waiting:
        gap = Gap.EMPTY
    return Reading(start=start, end=end, pair=pair, gap=gap, waiting=waiting)


@dataclass(frozen=True, slots=True)
class _Own:
    """One pod's own series, without what lies in its warm-up."""

    total: tuple[Points, ...]
    bad: tuple[Points, ...]
    good: tuple[Points, ...] | None
    broken: bool
    every: tuple[float, ...]
    """Times of its total's samples, warm-up included."""

    @classmethod
    def of(cls, raw: Raw, pod: Pod, label: str) -> "_Own":
        groups = [_mine(series, pod.name, label) for series in (raw.total, raw.bad, raw.good or ())]
        total, bad, good = ([_clean(points, pod.counts_from) for points in group] for group in groups)
        broken = any(not math.isfinite(value) for group in groups for points in group for _, value in points)
        every = tuple(sorted({at for points in groups[0] for at, _ in points}))
        return cls(tuple(total), tuple(bad), None if raw.good is None else tuple(good), broken, every)

    def scrapes(self, pod: Pod) -> Scrapes | None:
        """None where the pod has no series at all."""
        if not self.every or self.good == ():
            return None
        spacing = median(b - a for a, b in zip(self.every, self.every[1:], strict=False)) if len(self.every) > 2 else 0
        counted = sum(at >= pod.counts_from for at in self.every)
        return Scrapes(newest=self.every[-1], spacing=spacing, counted=counted, broken=self.broken)

    def counts(self, pod: Pod, start: float, end: float) -> Counts:
        times = [at for at in self.every if at >= pod.counts_from]
        grown = [sum(self._growth(p, pod, times, start, end) for p in group) for group in (self.total, self.bad)]
        total, bad = round(grown[0]), round(grown[1])
        if self.good is not None:
            bad = max(0, total - round(sum(self._growth(p, pod, times, start, end) for p in self.good)))
        return Counts(bad=bad, total=total)

    def _growth(self, points: Points, pod: Pod, times: Sequence[float], start: float, end: float) -> float:
        if not points:
            return 0.0
        # Scraped before without this series: its label set was born since, and began at 0.
        scraped_before = bisect_right(times, points[0][0] - 1e-3) > 0
        return growth(points, start=start, end=end, born=scraped_before or pod.from_zero)


def _mine(series: Iterable[Series], name: str, label: str) -> list[Points]:
    return [one.samples for one in series if one.labels.get(label) == name]


def _clean(points: Points, since: float) -> Points:
    return [(at, value) for at, value in points if at >= since and math.isfinite(value)]


def _gap(pod: Pod, seen: Scrapes | None, now: float, scrape: float) -> Gap | None:
    due = pod.counts_from + 2 * scrape
    if seen is None:
        return Gap.ABSENT if now > due else None
    if now - seen.newest > 2 * max(scrape, seen.spacing) + STORED_WITHIN and now > due:
        return Gap.STALE
    return Gap.NAN if seen.broken else None


def _waits(seen: Scrapes | None) -> bool:
    return seen is None or seen.counted < 2


def _any_fresh(pods: Sequence[Pod], scrapes: dict[str, Scrapes | None], gaps: dict[str, Gap | None]) -> bool:
    return any(p.canary and p.serves and scrapes[p.name] and gaps[p.name] is not Gap.STALE for p in pods)


def _whole_gap(pods: Sequence[Pod], gaps: dict[str, Gap | None]) -> Gap | None:
    """The worst of the canary's pods; stable's only where none of them can be read."""
    order = (Gap.NAN, Gap.STALE, Gap.ABSENT)
    canary = [gaps[pod.name] for pod in pods if pod.serves and pod.canary]
    stable = [gaps[pod.name] for pod in pods if pod.serves and not pod.canary]
    found = [gap for gap in order if gap in canary]
    if not found and stable and all(gap in (Gap.STALE, Gap.ABSENT) for gap in stable):
        found = [gap for gap in order if gap in stable]
    if not found and Gap.NAN in stable:
        found = [Gap.NAN]
    return found[0] if found else None


def _counts(each: Iterable[Counts]) -> Counts:
    """The side's sum. A bad event is an event: where a reset hid some of the total, bad ones still count as events."""
    whole = sum(each, NOTHING)
    return Counts(bad=whole.bad, total=max(whole.total, whole.bad))
