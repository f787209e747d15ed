"""Sharding: which test file runs when and where, by how long each took in earlier runs.

One process that drives all runners needs a shared queue, longest expected first (list scheduling by longest
processing time: at most 4/3 - 1/3m of the best, Graham 1969). Separate CI jobs need static shards; these are the same
on every machine for the same history.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.suites.history.record import RunRecord

FADES = 0.8
"""A run's weight for each newer one."""
LEAST = 0.001
"""Seconds: nothing takes no time at all."""
PACE = 3
"""A bundle is at most one part in `PACE` of what is left for a worker: large ones first, single files at the end."""
WORTH = 4
"""So many times what a start costs a bundle should take, where there is so much for every worker."""
START = "(start)"
"""In records, beside the files: what it costs to begin a runner, a container or a session, with no test run yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """How long each is expected to take."""

    seconds: Mapping[str, float]
    known: bool
    """False where no earlier run says anything: then all count the same, and the seconds mean nothing."""
    start: float = 0.0
    """What it costs to begin, before the first of them."""

    def total(self, items: Iterable[str]) -> float:
        """Of these together, begun once."""
        return self.start + sum(self.seconds[item] for item in items)


def key(suite: str, cell: str = "") -> str:
    """The suite's name in records: `e2e`, or with its cell `e2e[chrome]`."""
    return f"{suite}[{cell}]" if cell else suite


def guess(records: Sequence[RunRecord], suite: str, cell: str, items: Sequence[str]) -> Guess:
    """From earlier runs, newest first. A new item gets the median of the known ones, not 0.

    A file that only other cells of the suite have run is expected to take as long as there.
    """
    own = key(suite, cell)
    start = _recent(records, (own,), START) if items else None
    beside = {name for record in records for name in record.items if name == suite or name.startswith(f"{suite}[")}
    found: dict[str, float] = {}
    for item in items:
        known = _recent(records, (own,), item) or _recent(records, sorted(beside), item)
        if known is not None:
            found[item] = known
    usual = median([(value, 1.0) for value in found.values()]) if found else 1.0
    seconds = {item: found.get(item, usual) for item in items}
    return Guess(seconds=seconds, known=bool(found), start=(start or 0.0) if found else 0.0)


def median(weighted: Sequence[tuple[float, float]]) -> float:
    """The value at which half of the weight is reached. Raises ValueError for none."""
    if not weighted:
        raise ValueError("no value has no median")
    half, reached = sum(weight for _, weight in weighted) / 2, 0.0
    for value, weight in sorted(weighted):
        reached += weight
        if reached >= half:
            return value
    return max(weighted)[0]


def longest_first(seconds: Mapping[str, float]) -> tuple[str, ...]:
    """The queue's order; ties by name, so that every machine has the same."""
    return tuple(sorted(seconds, key=lambda item: (-seconds[item], item)))


def shards(seconds: Mapping[str, float], count: int) -> tuple[tuple[str, ...], ...]:
    """Static shards: each item, longest first, to the shard with the least so far. Some are empty where items lack."""
    made: list[list[str]] = [[] for _ in range(count)]
    loads = [(0.0, number) for number in range(count)]
    for item in longest_first(seconds):
        load, number = heapq.heappop(loads)
        made[number].append(item)
        heapq.heappush(loads, (load + seconds[item], number))
    return tuple(map(tuple, made))


def bundles(
    seconds: Mapping[str, float], workers: int, *, start: float = 0.0, share: float = 1.0
) -> tuple[tuple[str, ...], ...]:
    """What a worker takes from the queue at once, in the queue's order.

    A start costs time: a container, a session. So short files are taken together while much is left, and by
    themselves at the end, where they even out what was guessed wrong (guided self-scheduling, Polychronopoulos and
    Kuck 1987); but never so few that the start costs more than they do. `share`: how much of the workers' time is
    for these items.
    """
    order, whole = longest_first(seconds), sum(seconds.values())
    each = max(1.0, workers * share)
    least = min(WORTH * start, whole / each)
    made: list[tuple[str, ...]] = []
    left, at = whole, 0
    while at < len(order):
        most = max(left / each / PACE, least)
        end, taken = at + 1, seconds[order[at]]
        while end < len(order) and taken + seconds[order[end]] <= most:
            taken += seconds[order[end]]
            end += 1
        made.append(order[at:end])
        left, at = left - taken, end
    return tuple(made)


def makespan(queue: Iterable[float], workers: int) -> float:
    """When the last of the queue ends, each taken by the worker that is free first."""
    free = [0.0] * max(1, workers)
    for seconds in queue:
        heapq.heapreplace(free, free[0] + seconds)
    return max(free)


def ideal(seconds: Iterable[float], workers: int) -> float:
    """What no order can be better than: an even share each, or the longest one."""
    each = tuple(seconds)
    return max(sum(each) / max(1, workers), max(each, default=0.0))


def _recent(records: Sequence[RunRecord], suites: Sequence[str], item: str) -> float | None:
    weighted: list[tuple[float, float]] = []
    for record in records:
        took = [record.items[name][item] for name in suites if item in record.items.get(name, {})]
        # By how many newer runs know it, not by the calendar: a file that is run weekly has a history, too.
        weight = FADES ** len(weighted)
        weighted += [(max(LEAST, round(sum(took) / len(took), 3)), weight)] if took else []
    return median(weighted) if weighted else None
