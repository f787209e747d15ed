"""Samples to counts: what each side counted in one span of time, from raw counters, or why it cannot be said. Pure."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from davy.checks import counters
from davy.checks.counters import Points
from davy.checks.ports import Series
from davy.pipeline.errors import Unusable
from davy.pipeline.model import NOTHING, Counts, Gap, Pair

STORED_WITHIN = 1.0
"""Seconds that a scrape may take to be there to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod as its samples are counted."""

    name: str
    canary: bool
    counts_from: float
    """Unix seconds: what it did before (its warm-up) is left out."""
    from_zero: bool = False
    """True where its counters began at 0: Ready after the rollout began, and no warm-up to leave out."""
    warms_up: bool = False
    """True where what it did before `counts_from` was its warm-up, to be told of."""
    serves: bool = True
    """False for a pod that is gone: what it counted stays counted, and no new sample is expected of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """The series of one metric, read in the same moment: all events, and the bad ones or the good ones."""

    total: tuple[Series, ...]
    bad: tuple[Series, ...] = ()
    good: Mapping[str, tuple[Series, ...]] | None = None
    """For a histogram, by bound the buckets up to it; what is above is then total minus good."""
    bound: str = ""
    """The bound above which events are bad; of `good`."""

    @property
    def every(self) -> tuple[Series, ...]:
        """All of them."""
        return (*self.total, *self.bad, *(one for group in (self.good or {}).values() for one in group))

    def by(self, label: str) -> "ByPod":
        """Taken apart by a label's value, in one pass: pods may be hundreds."""
        good = None if self.good is None else {bound: _grouped(group, label) for bound, group in self.good.items()}
        return ByPod(_grouped(self.total, label), _grouped(self.bad, label), good, self.bound)


@dataclass(frozen=True, slots=True)
class ByPod:
    """The series of one metric by the pod that exports them."""

    total: Mapping[str, tuple[Series, ...]]
    bad: Mapping[str, tuple[Series, ...]]
    good: Mapping[str, Mapping[str, tuple[Series, ...]]] | None
    bound: str

    def of(self, name: str) -> Raw:
        """One pod's own."""
        good = None if self.good is None else {bound: group.get(name, ()) for bound, group in self.good.items()}
        return Raw(total=self.total.get(name, ()), bad=self.bad.get(name, ()), good=good, bound=self.bound)


def _grouped(series: Iterable[Series], label: str) -> dict[str, tuple[Series, ...]]:
    found: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        found[one.labels.get(label, "")].append(one)
    return {name: tuple(group) for name, group in found.items()}


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
    left_out: Mapping[str, Counts] = field(default_factory=dict)
    """By pod whose warm-up is over, what it had counted until then."""


def of_histogram(series: Iterable[Series], bound: float, more: Iterable[float] = ()) -> Raw:
    """Total and good events from a histogram's `_bucket` series; bounds are matched as numbers.

    `bound`: seconds above which events are bad; `more`: others to count at. Raises Unusable, naming the bounds that
    are there, where one of them is none of these.
    """
    every = tuple(series)
    total = tuple(one for one in every if _bound(one) == math.inf)
    good = {spelled(one): _up_to(every, one) for one in sorted({bound, *more})}
    missing = [name for name, found in good.items() if every and not found]
    if missing:
        there = ", ".join(f"{value:g}" for value in sorted({_bound(one) for one in every}) if math.isfinite(value))
        what = f"the histogram has no bucket bound {', '.join(missing)}; it has {there or 'none but +Inf'}"
        raise Unusable(what, remedy="Set `under` and `bounds` to these, or add the bucket to the service.")
    return Raw(total=total, good=good, bound=spelled(bound))


def spelled(bound: float) -> str:
    """A bound in seconds as counts name it: `0.25`."""
    return f"{bound:.12g}"


def _up_to(every: Iterable[Series], bound: float) -> tuple[Series, ...]:
    return tuple(one for one in every if math.isclose(_bound(one), bound, rel_tol=1e-9))


def _bound(series: Series) -> float:
    try:
        return float(series.labels.get("le", "nan"))
    except ValueError:
        return math.nan


def read(raw: Raw, pods: Sequence[Pod], *, label: str, start: float, now: float, scrape: float) -> Reading:
    """Both sides' counts in `(start, end]`, where `end` is the newest moment that all fresh pods have reached.

    A pod that is scraped is fresh up to two scrapes (the configured interval, or the spacing seen where that is
    longer). Nothing is lost at the end: samples after it are read by the next look. A pod that is not fresh is not
    waited for while others of its side are; what it did meanwhile counts in the window in which it is read again, for
    a pod too busy with its errors to be scraped must not hide them.
    """
    apart = raw.by(label)
    of_pod = {pod.name: _Own.of(apart.of(pod.name), pod) for pod in pods}
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
    left_out = {pod.name: of_pod[pod.name].left_out(pod) for pod in pods if pod.warms_up}
    warm = {name: counts for name, counts in left_out.items() if counts is not None}
    return Reading(start=start, end=end, pair=pair, gap=gap, waiting=waiting, left_out=warm)


@dataclass(frozen=True, slots=True)
class _Line:
    """One series of one pod, without what is not a number."""

    points: Points
    anew: Sequence[float]
    """When its process began anew."""

    def since(self, at: float) -> "_Line":
        """Without what is older."""
        return _Line([point for point in self.points if point[0] >= at], self.anew)

    def growth(self, start: float, end: float, *, born: bool) -> float:
        """How far it went in the span."""
        return counters.growth(self.points, start=start, end=end, born=born, anew=self.anew)


@dataclass(frozen=True, slots=True)
class _Own:
    """One pod's own series."""

    total: tuple[_Line, ...]
    bad: tuple[_Line, ...]
    good: Mapping[str, tuple[_Line, ...]] | None
    bound: str
    broken: bool
    every: tuple[float, ...]
    """Times of its total's samples, warm-up included."""

    @classmethod
    def of(cls, own: Raw, pod: Pod) -> "_Own":
        anew = counters.resets(own.every)

        def lines(group: Iterable[Series]) -> tuple[_Line, ...]:
            return tuple(_Line(counters.finite(one.samples), counters.by_target(anew, one)) for one in group)

        since = pod.counts_from
        return cls(
            total=lines(own.total),
            bad=lines(own.bad),
            good=None if own.good is None else {bound: lines(group) for bound, group in own.good.items()},
            bound=own.bound,
            broken=any(not math.isfinite(value) for one in own.every for at, value in one.samples if at >= since),
            every=tuple(sorted({at for one in own.total for at, _ in one.samples})),
        )

    def scrapes(self, pod: Pod) -> Scrapes | None:
        """None where the pod has no series at all."""
        if not self.every or (self.good is not None and not all(self.good.values())):
            return None
        spacing = median(b - a for a, b in zip(self.every, self.every[1:], strict=False)) if len(self.every) > 2 else 0
        counted = sum(at >= pod.counts_from for at in self.every)
        return Scrapes(newest=self.every[-1], spacing=spacing, counted=counted, broken=self.broken)

    def counts(self, pod: Pod, start: float, end: float) -> Counts:
        """What it counted in the span, since its warm-up."""
        # Counters that began at 0 with the pod may have been scraped before it was Ready: that is their base.
        since = -math.inf if pod.from_zero else pod.counts_from
        return self._summed(since, start, end, from_zero=pod.from_zero)

    def left_out(self, pod: Pod) -> Counts | None:
        """What it counted from its birth to the first sample after its warm-up; None while there is none."""
        first = next((at for at in self.every if at >= pod.counts_from), None)
        return None if first is None else self._summed(-math.inf, -math.inf, first, from_zero=True)

    def _summed(self, since: float, start: float, end: float, *, from_zero: bool) -> Counts:
        times = [at for at in self.every if at >= since]

        def grown(group: Iterable[_Line]) -> int:
            kept = (line.since(since) for line in group)
            return round(sum(one.growth(start, end, born=from_zero or _is_born(one, times)) for one in kept))

        total = grown(self.total)
        if self.good is None:
            return Counts(bad=grown(self.bad), total=total)
        above = {bound: max(0, total - grown(group)) for bound, group in self.good.items()}
        return Counts(bad=above[self.bound], total=total, above=above if len(above) > 1 else {})


def _is_born(line: _Line, times: Sequence[float]) -> bool:
    """Scraped before without this series: its label set was born since, and began at 0."""
    return bool(line.points) and bisect_right(times, line.points[0][0] - 1e-3) > 0


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
    return Counts(bad=whole.bad, total=max(whole.total, whole.bad), above=whole.above)
