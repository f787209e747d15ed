"""Lookback: what a metrics server answered before, so that a look reads only what may be new.

Every look needs some minutes from before its span, for each counter's last value. Asked for anew each time, that would
be nearly all of every answer. What is asked again is a little more than what is new: a scrape may be stored late.
"""

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import TypeVar

from davy.checks.ports import Answer, Metrics, Series

WHOLE_EVERY = 60.0
"""Seconds, then all is read again: where some series are stored later than others by more than the overlap, one that
was never seen would be missed until then."""
LONGEST = timedelta(minutes=10)
"""A longer span is somebody's past, asked for once."""
MOST_SELECTORS = 256
GONE = 4.0
"""A series that is so many overlaps behind the newest is not waited for; should it come back, all is read again."""
Key = frozenset[tuple[str, str]]
P = TypeVar("P")
Points = tuple[tuple[float, P], ...]


class _Hole(Exception):
    """Something may lie between what is known and what was found, unread."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The last answer to one selector."""

    start: float
    end: float
    whole_at: float
    """Until when it was last read whole."""
    series: Mapping[Key, Series]

    def is_of(self, start: float, end: float) -> bool:
        """Whether it can be gone on from. Nothing is the same to read whole, and then nothing is missed."""
        is_next = self.start <= start <= self.end <= end
        return is_next and end - self.whole_at < WHOLE_EVERY and bool(self.series)

    def known_until(self, overlap: float) -> float:
        """What is older was told: a scrape may be stored late, and some later than others."""
        newest = [_newest(one) for one in self.series.values()]
        gone = max(newest) - GONE * overlap
        return min(self.end, *(at for at in newest if at > gone)) - overlap

    def joined(self, found: Sequence[Series], span: "_Span") -> "_Held":
        """With what was found since. Raises _Hole."""
        told = {_key(one): one for one in found}
        kept = {key: _kept(one, span) for key, one in self.series.items() if key not in told}
        whole = {key: self._grown(key, one, span) for key, one in told.items()}
        both = {key: one for key, one in (whole | kept).items() if one.samples or one.histograms}
        return _Held(span.start, span.end, self.whole_at, both)

    def _grown(self, key: Key, found: Series, span: "_Span") -> Series:
        """One series. One that is new begins after what was known, or more of it was stored late."""
        known, oldest = self.series.get(key), _oldest(found)
        if oldest <= span.since + span.overlap if known is None else _newest(known) <= span.since:
            raise _Hole
        return found if known is None else _appended(_kept(known, span, before=oldest), found)


@dataclass(frozen=True, slots=True)
class _Span:
    """What is asked for: all of `(start, end]`, of which all up to `since` is known."""

    start: float
    since: float
    end: float
    overlap: float


class Lookback:
    """A Metrics that remembers. What it answers is what the server would have answered to the whole."""

    def __init__(self, metrics: Metrics, overlap: timedelta) -> None:
        """`overlap`: how far back from the newest sample everything is read once more."""
        self._metrics, self._overlap = metrics, overlap.total_seconds()
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()

    def samples(self, selector: str, start: datetime, end: datetime) -> tuple[Series, ...]:
        """See the port."""
        return self.samples_of((selector,), start, end)[0]

    def samples_of(self, selectors: Sequence[str], start: datetime, end: datetime) -> tuple[tuple[Series, ...], ...]:
        """See the port."""
        if end - start > LONGEST:
            return self._metrics.samples_of(selectors, start, end)
        held = self._continued(selectors, start.timestamp(), end.timestamp())
        try:
            read = self._since(held, selectors, start, end)
        except _Hole:
            read = self._whole(selectors, start, end)
        self._keep(read)
        return tuple(tuple(read[selector].series.values()) for selector in selectors)

    def query(self, promql: str, at: datetime) -> Answer:
        """See the port."""
        return self._metrics.query(promql, at)

    def heard(self) -> tuple[str, ...]:
        """See the port."""
        return self._metrics.heard()

    def _continued(self, selectors: Sequence[str], start: float, end: float) -> dict[str, _Held]:
        """What is known of those that can be gone on from."""
        with self._lock:
            held = {selector: one for selector in selectors if (one := self._held.get(selector))}
        return {selector: one for selector, one in held.items() if one.is_of(start, end)}

    def _since(
        self, held: Mapping[str, _Held], selectors: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, _Held]:
        """All, where only what may be new is read. Raises _Hole."""
        known = min((one.known_until(self._overlap) for one in held.values()), default=0.0)
        if len(held) < len(set(selectors)) or known <= start.timestamp():
            raise _Hole
        since = datetime.fromtimestamp(known, tz=start.tzinfo)
        span = _Span(start.timestamp(), known, end.timestamp(), self._overlap)
        found = self._metrics.samples_of(selectors, since, end)
        return {selector: held[selector].joined(one, span) for selector, one in zip(selectors, found, strict=True)}

    def _whole(self, selectors: Sequence[str], start: datetime, end: datetime) -> dict[str, _Held]:
        found = self._metrics.samples_of(selectors, start, end)
        first, last = start.timestamp(), end.timestamp()
        return {
            selector: _Held(first, last, last, {_key(one): one for one in series})
            for selector, series in zip(selectors, found, strict=True)
        }

    def _keep(self, read: Mapping[str, _Held]) -> None:
        with self._lock:
            for selector, one in read.items():
                self._held.pop(selector, None)
                self._held[selector] = one
            for oldest in list(self._held)[:-MOST_SELECTORS]:
                del self._held[oldest]


def _key(series: Series) -> Key:
    return frozenset(series.labels.items())


def _newest(series: Series) -> float:
    return max(points[-1][0] for points in (series.samples, series.histograms) if points)


def _oldest(series: Series) -> float:
    return min(points[0][0] for points in (series.samples, series.histograms) if points)


def _kept(series: Series, span: _Span, before: float = inf) -> Series:
    """What of it is known for good."""
    return Series(
        labels=series.labels,
        samples=_between(series.samples, span, before),
        histograms=_between(series.histograms, span, before),
    )


def _between(points: Points[P], span: _Span, before: float) -> Points[P]:
    first, last = bisect_right(points, span.start, key=_at), bisect_right(points, span.since, key=_at)
    return points[first : min(last, bisect_left(points, before, key=_at))]


def _at(point: tuple[float, object]) -> float:
    return point[0]


def _appended(before: Series, after: Series) -> Series:
    return Series(
        labels=after.labels,
        samples=before.samples + after.samples,
        histograms=before.histograms + after.histograms,
    )
