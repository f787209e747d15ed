"""Pod reader: days of every pod's own counts, read page by page from the metrics server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from davy.checks.backtest.pod_counts import APART, PodCounts, Stretch, counted
from davy.checks.ports import Metrics
from davy.checks.samples import reader
from davy.checks.samples.counts import Raw
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.text.time_text import shown

PAGE = timedelta(minutes=30)
MOST_CELLS = 50_000_000
"""Numbers that are kept: some 200 MB."""
LATE = timedelta(hours=1)
"""A beginning that is later than asked by more is told."""


@dataclass(slots=True, kw_only=True)
class PodHistory:
    """What was read, and what a person should know of it."""

    counts: PodCounts
    notes: list[str] = field(default_factory=list)


def read(
    metrics: Metrics,
    config: ChecksConfig,
    *,
    warmup: timedelta,
    start: datetime,
    end: datetime,
    told: Callable[[float], None],
) -> PodHistory:
    """Every pod's counts in `(start, end]`, in windows of the judge's interval, oldest first.

    A pod that came in between is counted from its warm-up on. `told` hears how much is read, 0 to 1. Raises as the
    port does, and Unusable naming every SLO that no pod has counted for.
    """
    bounds = {slo.name: found if len(found := reader.bounds_of(slo)) > 1 else () for slo in config.slos}
    held = PodHistory(counts=PodCounts(start=start.timestamp(), length=config.interval.total_seconds(), bounds=bounds))
    pages = _Pages(metrics, config, warmup, held)
    at = start
    while at < end:
        told((at - start) / (end - start))
        pages.read(at, min(at + PAGE, end))
        at += PAGE
        if held.counts.cells > MOST_CELLS and at < end:
            held.notes.append(f"the last {shown(end - at)} was not read: more than {MOST_CELLS:,} numbers")
            break
    told(1.0)
    _missing(held, config, start, end)
    held.notes += metrics.heard()
    return held


class _Pages:
    """Reads one page after the other, and remembers when each pod was first seen."""

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta, held: PodHistory) -> None:
        self._metrics, self._config, self._warmup, self._held = metrics, config, warmup, held
        self._seen: dict[str, float] = {}
        self._said: dict[str, None] = {}
        self._base = timedelta(seconds=APART * held.counts.length)

    def read(self, start: datetime, end: datetime) -> None:
        found = reader.read(self._metrics, self._config.slos, start - self._base, end)
        self._held.notes += [note for note in found.notes if note not in self._said]
        self._said.update(dict.fromkeys(found.notes))
        self._see(found.raw)
        counts = self._held.counts
        first = counts.start + 2 * counts.length
        stretch = Stretch(
            origin=counts.start,
            start=start.timestamp(),
            end=end.timestamp(),
            length=counts.length,
            label=self._config.pod_label,
            # Who was there at the beginning has been warm for long, as far as anyone knows.
            counts_from={p: at + self._warmup.total_seconds() for p, at in self._seen.items() if at > first},
        )
        for name, raw in found.raw.items():
            for window, pod, each in counted(raw, stretch):
                counts.put(name, window, pod, each)

    def _see(self, raws: Mapping[str, Raw]) -> None:
        for raw in raws.values():
            for one in raw.total:
                pod = one.labels.get(self._config.pod_label, "")
                if one.samples:
                    self._seen[pod] = min(self._seen.get(pod, one.samples[0][0]), one.samples[0][0])


def _missing(held: PodHistory, config: ChecksConfig, start: datetime, end: datetime) -> None:
    counts, span = held.counts, shown(end - start)
    problems = tuple(
        Problem(
            path=f"checks.slos[{index}]",
            what=f"nothing was counted in the last {span} with a label `{config.pod_label}`: {reader.first_of(slo)}",
        )
        for index, slo in enumerate(config.slos)
        if not any(one.total for one in counts.whole(slo.name).values())
    )
    if problems:
        raise Unusable(
            "There is no past to test on.",
            problems=problems,
            remedy="Look at the selectors and `checks.pod_label`, or further back with --days.",
        )
    began = timedelta(seconds=counts.first * counts.length)
    if began > LATE:
        held.notes.append(f"the first {shown(began)} of {span} hold nothing: a short retention, or a young service")
    empty = sum(not total for total in _totals(counts))
    if empty:
        missing = timedelta(seconds=empty * counts.length)
        held.notes.append(f"{shown(missing)} in between were not scraped, or nobody asked anything")


def _totals(counts: PodCounts) -> list[int]:
    """Requests by window, of the metric that has the most."""
    each = [counts.sums(name, counts.first, counts.end)[0] for name in counts.bounds]
    return max(each, key=sum)
