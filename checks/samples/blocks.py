"""Blocks: raw counters as counts by pod and minute, for what their scatter tells. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from davy.checks.ports import Series
from davy.checks.samples import counters
from davy.checks.samples.counts import Raw
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.verdict import Counts

Sums = dict[int, dict[str, float]]
"""By the block's number, by pod."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpan:
    """What is counted, and in blocks of what length."""

    start: float
    end: float
    length: float
    """Seconds, all three."""
    label: str
    """That holds the pod's name."""
    since: Mapping[str, float]
    """By pod that is meant, from when on it is counted: its warm-up is over."""


def blocks_of(raw: Raw, span: BlockSpan) -> dict[int, dict[str, Counts]]:
    """Counts of each pod in blocks within `(start, end]`, by the block's number since 1970.

    What grew between two samples belongs to the block of the later one; between samples further apart than a block it
    is left out, for nothing says which block it belongs to. The base of the first sample is read from before `start`.
    """
    own: dict[str, list[Series]] = defaultdict(list)
    for one in raw.every:
        own[one.labels.get(span.label, "")].append(one)
    anew = {name: counters.resets(series) for name, series in own.items() if name in span.since}
    total = _sums(raw.total, anew, span)
    bad = _sums(raw.bad, anew, span) if raw.good is None else _above(total, _sums(raw.good[raw.bound], anew, span))
    return {
        block: {
            name: Counts(bad=min(round(bad.get(block, {}).get(name, 0.0)), round(all_of)), total=round(all_of))
            for name, all_of in held.items()
        }
        for block, held in total.items()
    }


def _sums(
    group: Iterable[Series], anew: Mapping[str, Mapping[counters.Target, Sequence[float]]], span: BlockSpan
) -> Sums:
    found: Sums = defaultdict(lambda: defaultdict(float))
    for one in group:
        name = one.labels.get(span.label, "")
        if name not in span.since:
            continue
        for before, at, grown in counters.steps(counters.finite(one.samples), counters.by_target(anew[name], one)):
            if span.start < at <= span.end and before >= span.since[name] and at - before <= span.length:
                found[int(at // span.length)][name] += grown
    return found


def _above(total: Sums, good: Sums) -> Sums:
    return {
        block: {name: max(0.0, all_of - good.get(block, {}).get(name, 0.0)) for name, all_of in held.items()}
        for block, held in total.items()
    }
