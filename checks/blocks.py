"""Blocks: raw counters as counts by pod and minute, for what their scatter tells. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from davy.checks import counters
from davy.checks.ports import Series
from davy.checks.samples import Raw
from davy.pipeline.model import Counts

Sums = dict[int, dict[str, float]]
"""By the block's number, by pod."""


def blocks_of(
    raw: Raw, since: Mapping[str, float], *, label: str, start: float, end: float, length: float
) -> dict[int, dict[str, Counts]]:
    """Counts of each pod in blocks of `length` seconds within `(start, end]`, by the block's number since 1970.

    `since`: by pod that is meant, from when on it is counted (its warm-up is over). What grew between two samples
    belongs to the block of the later one; between samples further apart than a block it is left out, for nothing says
    which block it belongs to. The base of the first sample is read from before `start`.
    """

    def sums(group: Iterable[Series]) -> Sums:
        return _sums(group, anew, since, label, start, end, length)

    own = [one for one in raw.every if one.labels.get(label, "") in since]
    anew = {
        name: counters.resets(one for one in own if one.labels[label] == name)
        for name in {one.labels[label] for one in own}
    }
    total = sums(raw.total)
    bad = sums(raw.bad) if raw.good is None else _above(total, sums(raw.good[raw.bound]))
    return {
        block: {
            name: Counts(bad=min(round(bad.get(block, {}).get(name, 0.0)), round(all_of)), total=round(all_of))
            for name, all_of in held.items()
        }
        for block, held in total.items()
    }


def _sums(
    group: Iterable[Series],
    anew: Mapping[str, Mapping[counters.Target, tuple[float, ...]]],
    since: Mapping[str, float],
    label: str,
    start: float,
    end: float,
    length: float,
) -> Sums:
    found: Sums = defaultdict(lambda: defaultdict(float))
    for one in group:
        name = one.labels.get(label, "")
        if name not in since:
            continue
        for before, at, grown in counters.steps(counters.finite(one.samples), counters.by_target(anew[name], one)):
            if start < at <= end and before >= since[name] and at - before <= length:
                found[int(at // length)][name] += grown
    return found


def _above(total: Sums, good: Sums) -> Sums:
    return {
        block: {name: max(0.0, all_of - good.get(block, {}).get(name, 0.0)) for name, all_of in held.items()}
        for block, held in total.items()
    }
