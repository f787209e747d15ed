"""Pod series: one metric's raw series, taken apart by pod, and what each pod counted by them."""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from davy.checks.ports import Series
from davy.checks.samples import counters
from davy.checks.samples.counters import Points
from davy.pipeline.core.errors import Unusable
from davy.pipeline.core.verdict import Counts

BEFORE = 10
"""Samples of each series that are kept from before the oldest base: enough to see how far apart scrapes are."""


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
    may_lack_good: bool = False
    """True where good events are a counter of their own, whose series appear with the first of them: a pod without
    one has had none. A histogram's buckets are all there from the start."""

    @property
    def every(self) -> tuple[Series, ...]:
        """All of them."""
        return (*self.total, *self.bad, *(one for group in (self.good or {}).values() for one in group))

    def lately(self, start: float) -> "Raw":
        """Without what says nothing any more of a span that begins at `start`. Meant for one pod's own series.

        Growth is reckoned from each series' last sample before the span, and a restart since the oldest of these
        concerns it; so all from there on is kept, and whatever is not a number.
        """
        bases = [found for one in self.every if (found := _base(one.samples, start)) is not None]
        since = min(bases, default=start)
        good = self.good and {bound: _since(group, since) for bound, group in self.good.items()}
        return replace(self, total=_since(self.total, since), bad=_since(self.bad, since), good=good)

    def by(self, label: str) -> "ByPod":
        """Taken apart by a label's value, in one pass: pods may be hundreds."""
        good = None if self.good is None else {bound: _grouped(group, label) for bound, group in self.good.items()}
        # Where nobody at all has had a good event, it is the selector that is wrong.
        may_lack = self.may_lack_good and any((self.good or {}).values())
        return ByPod(_grouped(self.total, label), _grouped(self.bad, label), good, self.bound, may_lack)


@dataclass(frozen=True, slots=True)
class ByPod:
    """The series of one metric by the pod that exports them."""

    total: Mapping[str, tuple[Series, ...]]
    bad: Mapping[str, tuple[Series, ...]]
    good: Mapping[str, Mapping[str, tuple[Series, ...]]] | None
    bound: str
    may_lack_good: bool = False

    def of(self, name: str) -> Raw:
        """One pod's own."""
        good = None if self.good is None else {bound: group.get(name, ()) for bound, group in self.good.items()}
        return Raw(
            total=self.total.get(name, ()),
            bad=self.bad.get(name, ()),
            good=good,
            bound=self.bound,
            may_lack_good=self.may_lack_good,
        )


def _base(points: Points, start: float) -> float | None:
    """When it was last scraped before the span."""
    number = bisect_right(points, (start, math.inf))
    return points[number - 1][0] if number else None


def _since(group: Iterable[Series], since: float) -> tuple[Series, ...]:
    return tuple(replace(one, samples=_shortened(one.samples, since)) for one in group)


def _shortened(points: tuple[tuple[float, float], ...], since: float) -> tuple[tuple[float, float], ...]:
    first = max(0, bisect_right(points, (since, math.inf)) - BEFORE)
    # Nearly all of them are numbers, and these are gone through at every look: no call for each.
    odd = [point for point in points[:first] if point[1] - point[1] != 0]
    return (*odd, *points[first:]) if odd else points[first:]


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


@dataclass(frozen=True, slots=True)
class PodSeries:
    """One series of one pod, without what is not a number."""

    points: Points
    anew: Sequence[float]
    """When its process began anew."""

    def since(self, at: float) -> "PodSeries":
        """Without what is older."""
        return PodSeries([point for point in self.points if point[0] >= at], self.anew)

    def growth(self, start: float, end: float, *, born: bool) -> float:
        """How far it went in the span."""
        return counters.growth(self.points, start=start, end=end, born=born, anew=self.anew)


@dataclass(frozen=True, slots=True)
class OwnSeries:
    """One pod's own series."""

    total: tuple[PodSeries, ...]
    bad: tuple[PodSeries, ...]
    good: Mapping[str, tuple[PodSeries, ...]] | None
    bound: str
    may_lack_good: bool
    broken: bool
    every: tuple[float, ...]
    """Times of its total's samples, warm-up included."""

    @classmethod
    def of(cls, own: Raw, pod: Pod) -> "OwnSeries":
        """Of this pod's own series."""
        anew = counters.resets(own.every)

        def lines(group: Iterable[Series]) -> tuple[PodSeries, ...]:
            return tuple(PodSeries(counters.finite(one.samples), counters.by_target(anew, one)) for one in group)

        since = pod.counts_from
        return cls(
            total=lines(own.total),
            bad=lines(own.bad),
            good=None if own.good is None else {bound: lines(group) for bound, group in own.good.items()},
            bound=own.bound,
            may_lack_good=own.may_lack_good,
            broken=any(not math.isfinite(value) for one in own.every for at, value in one.samples if at >= since),
            every=tuple(sorted({at for one in own.total for at, _ in one.samples})),
        )

    def scrapes(self, pod: Pod) -> Scrapes | None:
        """None where the pod has no series at all."""
        lacks_good = self.good is not None and not all(self.good.values()) and not self.may_lack_good
        if not self.every or lacks_good:
            return None
        spacing = median(b - a for a, b in zip(self.every, self.every[1:], strict=False)) if len(self.every) > 2 else 0
        counted = sum(at >= pod.counts_from for at in self.every)
        return Scrapes(newest=self.every[-1], spacing=spacing, counted=counted, broken=self.broken)

    def counts(self, pod: Pod, start: float, end: float) -> Counts:
        """What it counted in the span, since its warm-up."""
        # Counters that began at 0 with the pod may have been scraped before it was Ready: that is their base.
        since = -math.inf if pod.from_zero else pod.counts_from
        return self._summed(since, start, end, from_zero=pod.from_zero)

    def excess(self, pod: Pod, start: float, end: float) -> tuple[int, int]:
        """Good events beyond all events in the span, and these; only of a counter of good events of its own."""
        if not self.may_lack_good or self.good is None:
            return 0, 0
        since = -math.inf if pod.from_zero else pod.counts_from
        total = self._grown(self.total, since, start, end, from_zero=pod.from_zero)
        good = self._grown(self.good[self.bound], since, start, end, from_zero=pod.from_zero)
        return max(0, good - total), total

    def left_out(self, pod: Pod) -> Counts | None:
        """What it counted from its birth to the first sample after its warm-up; None while there is none."""
        first = next((at for at in self.every if at >= pod.counts_from), None)
        return None if first is None else self._summed(-math.inf, -math.inf, first, from_zero=True)

    def _grown(self, group: Iterable[PodSeries], since: float, start: float, end: float, *, from_zero: bool) -> int:
        times = [at for at in self.every if at >= since]
        kept = (line.since(since) for line in group)
        return round(sum(one.growth(start, end, born=from_zero or _is_born(one, times)) for one in kept))

    def _summed(self, since: float, start: float, end: float, *, from_zero: bool) -> Counts:
        grown = partial(self._grown, since=since, start=start, end=end, from_zero=from_zero)
        total = grown(self.total)
        if self.good is None:
            return Counts(bad=grown(self.bad), total=total)
        above = {bound: max(0, total - grown(group)) for bound, group in self.good.items()}
        return Counts(bad=above[self.bound], total=total, above=above if len(above) > 1 else {})


def _is_born(line: PodSeries, times: Sequence[float]) -> bool:
    """Scraped before without this series: its label set was born since, and began at 0."""
    return bool(line.points) and bisect_right(times, line.points[0][0] - 1e-3) > 0
