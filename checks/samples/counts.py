"""Counts: what each side counted in one span of time, from raw counters, or why it cannot be said. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from davy.checks.samples.pod_series import ByPod, OwnSeries, Pod, Raw, Scrapes, of_histogram, spelled
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import NOTHING, Counts, Gap, Pair

__all__ = ["MetricReading", "Pod", "Raw", "Scrapes", "of_histogram", "read", "spelled"]

FEW_BEYOND, BEYOND = 3, 0.01
"""So many good events beyond all, or such a share, may a scrape between two counters bring."""
STORED_WITHIN = 1.0
"""Seconds that a scrape may take to be there to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricReading:
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


def read(raw: Raw, pods: Sequence[Pod], *, label: str, start: float, now: float, scrape: float) -> MetricReading:
    """Both sides' counts in `(start, end]`, where `end` is the newest moment that all fresh pods have reached.

    A pod that is scraped is fresh up to two scrapes (the configured interval, or the spacing seen where that is
    longer). Nothing is lost at the end: samples after it are read by the next look. A pod that is not fresh is not
    waited for while others of its side are; what it did meanwhile counts in the window in which it is read again, for
    a pod too busy with its errors to be scraped must not hide them.
    """
    apart = raw.by(label)
    of_pod = {pod.name: OwnSeries.of(_own(apart, pod, start), pod) for pod in pods}
    scrapes = {pod.name: of_pod[pod.name].scrapes(pod) for pod in pods}
    gaps = {pod.name: _gap(pod, scrapes[pod.name], now, scrape) for pod in pods if pod.serves}
    fresh = [seen.newest for name, seen in scrapes.items() if seen and name in gaps and gaps[name] is not Gap.STALE]
    end = max(start, min(fresh, default=start))
    gap = _whole_gap(pods, gaps)
    waiting = tuple(pod.name for pod in pods if pod.serves and pod.canary and _waits(scrapes[pod.name]))
    unread = gap in (Gap.ABSENT, Gap.STALE) and not _any_fresh(pods, scrapes, gaps)
    if end <= start or unread:
        return MetricReading(start=start, end=start, pair=None, gap=gap, waiting=waiting)
    pair = Pair(
        canary=_counts(of_pod[p.name].counts(p, start, end) for p in pods if p.canary),
        stable=_counts(of_pod[p.name].counts(p, start, end) for p in pods if not p.canary),
    )
    if gap is None and pair.canary.total == 0 and not waiting:
        gap = Gap.EMPTY
    elif gap is None and _has_excess(pods, of_pod, start, end):
        gap = Gap.EXCESS
    left_out = {pod.name: of_pod[pod.name].left_out(pod) for pod in pods if pod.warms_up}
    warm = {name: counts for name, counts in left_out.items() if counts is not None}
    return MetricReading(start=start, end=end, pair=pair, gap=gap, waiting=waiting, left_out=warm)


def _own(apart: ByPod, pod: Pod, start: float) -> Raw:
    """A pod's series. Of a warm-up all is told, from its birth on."""
    own = apart.of(pod.name)
    return own if pod.warms_up else own.lately(start)


def _has_excess(pods: Sequence[Pod], of_pod: Mapping[str, OwnSeries], start: float, end: float) -> bool:
    """More good events than events: these selectors count different things, and nothing could ever be bad."""
    for side in (True, False):
        each = [of_pod[pod.name].excess(pod, start, end) for pod in pods if pod.canary is side]
        over, total = (sum(one[at] for one in each) for at in (0, 1))
        if over > max(FEW_BEYOND, BEYOND * total):
            return True
    return False


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
