"""History: the past of the pods that serve now, read in pages, for how their bad events cluster."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from davy.checks.judges.sequential import notes
from davy.checks.ports import Metrics
from davy.checks.samples import reader
from davy.checks.samples.blocks import BlockSpan, blocks_of
from davy.checks.samples.reader import needed_buckets
from davy.checks.statistics.dispersion import ASSUMED, Dispersion, estimated
from davy.pipeline.config.sections.checks import ChecksConfig
from davy.pipeline.config.sections.objectives import SloConfig
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.text.time_text import shown
from davy.pipeline.core.verdict import Counts
from davy.pipeline.core.workload import ReadyPod

PAGE = timedelta(minutes=30)
PAGES_AT_A_LOOK = 3
"""So that a look stays short: the whole past is read during the warm-up."""
MOST_PODS = 24
"""The scatter is as well known from these; those that have served longest."""
MOST_SAMPLES = 600_000
"""Of all metrics together: some 30 MB."""
SHORTEST_BLOCK = timedelta(minutes=1)
WEEK = timedelta(weeks=1)
HOUR = timedelta(hours=1)


@dataclass(slots=True, kw_only=True)
class _Way:
    """How far back it is to be read, and how far it was."""

    end: datetime
    floor: datetime
    read_to: datetime

    @property
    def is_done(self) -> bool:
        return self.read_to <= self.floor


class StableHistory:
    """The stable pods' own past. The pods are those of the first look, and so is the moment it is read back from."""

    def __init__(self, metrics: Metrics, config: ChecksConfig, warmup: timedelta) -> None:
        self._metrics, self._slos, self._label, self._warmup = metrics, config.slos, config.pod_label, warmup
        self._wished = config.dispersion_history
        self._length = max(SHORTEST_BLOCK, 2 * config.interval)
        self._since: dict[str, float] = {}
        self._way: _Way | None = None
        self._blocks: dict[str, dict[int, dict[str, Counts]]] = {slo.name: {} for slo in config.slos}
        self._samples = 0
        self._failed = False

    def read(self, pods: Iterable[ReadyPod], now: datetime) -> None:
        """The next pages, from the newest to the oldest. Never raises for a server that is away."""
        way = self._way = self._way or self._begun(tuple(pods), now)
        for _ in range(PAGES_AT_A_LOOK):
            if way.is_done or self._samples >= MOST_SAMPLES:
                return
            start = max(way.floor, way.read_to - PAGE)
            try:
                self._page(start, way.read_to)
            except DavyError:
                self._failed = True
                return
            self._failed = False
            way.read_to = start

    def _begun(self, pods: tuple[ReadyPod, ...], now: datetime) -> "_Way":
        longest = sorted(pods, key=lambda pod: (pod.ready_since, pod.name))[:MOST_PODS]
        self._since = {pod.name: (pod.ready_since + self._warmup).timestamp() for pod in longest}
        oldest = min((pod.ready_since for pod in longest), default=now)
        return _Way(end=now, floor=max(now - self._wished, min(oldest, now)), read_to=now)

    def _page(self, start: datetime, end: datetime) -> None:
        only = (self._label, tuple(self._since))
        found = reader.read(self._metrics, self._slos, start - self._length, end, only=only)
        self._samples += found.samples
        span = BlockSpan(
            start=start.timestamp(),
            end=end.timestamp(),
            length=self._length.total_seconds(),
            label=self._label,
            since=self._since,
        )
        for name, raw in found.raw.items():
            held = self._blocks[name]
            for number, counts in blocks_of(raw, span).items():  # A page may begin or end within a block.
                held[number] = _added(held.get(number, {}), counts)

    def dispersions(self) -> dict[str, Dispersion]:
        """By metric, from what was read so far."""
        if self._failed and not any(self._blocks.values()):
            said = f"dispersion {ASSUMED:g} assumed: the past of the stable pods could not be read"
            return {slo.name: Dispersion(value=ASSUMED, pods=0, events=0, said=said) for slo in self._slos}
        return {name: estimated(tuple(held.values())) for name, held in self._blocks.items()}

    def cut(self) -> str:
        """Where not the whole past that was wished for was read: how much was, and why. Empty otherwise."""
        way = self._way
        if way is None or way.is_done:
            return ""
        read = shown(way.end - way.read_to) if way.read_to < way.end else "nothing"
        if self._failed:
            why = "the metrics server did not answer about the rest"
        elif self._samples >= MOST_SAMPLES:
            why = f"more than {MOST_SAMPLES:,} samples"
        else:
            why = "the warm-up was over before the rest"
        return f"of the past {shown(way.end - way.floor)} only {read} was read ({why})"


def week_ago(metrics: Metrics, slos: Iterable[SloConfig], now: datetime) -> tuple[str, ...]:
    """For people: each metric's rate over all its series in the last hour, and in the same hour a week ago.

    By PromQL, and so extrapolated: good enough to look at, and nothing is decided by it.
    """
    return tuple(notes.week_ago(slo.name, _rate(metrics, slo, now), _rate(metrics, slo, now - WEEK)) for slo in slos)


def _rate(metrics: Metrics, slo: SloConfig, at: datetime) -> float | None:
    """Share of bad events in the hour before; None where it is not known."""
    span = f"[{int(HOUR.total_seconds())}s]"
    try:
        values = metrics.query(_share(slo, span), at).values
    except DavyError:
        return None
    return max(0.0, values[0][1]) if values and values[0][1] == values[0][1] else None


def _share(slo: SloConfig, span: str) -> str:
    if slo.errors is not None:
        return f"sum(increase({slo.errors}{span})) / sum(increase({slo.total}{span}))"
    if slo.good is not None:
        return f"1 - sum(increase({slo.good}{span})) / sum(increase({slo.total}{span}))"
    buckets = needed_buckets(slo.copied(bounds=()))
    every = buckets.joined('le=~"[+]?Inf"')
    good = buckets.joined('le!~"[+]?Inf"')
    return f"1 - sum(increase({good}{span})) / sum(increase({every}{span}))"


def _added(before: Mapping[str, Counts], more: Mapping[str, Counts]) -> dict[str, Counts]:
    nothing = Counts(bad=0, total=0)
    return {name: before.get(name, nothing) + more.get(name, nothing) for name in {**before, **more}}
