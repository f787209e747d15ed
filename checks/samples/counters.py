"""Counters: how far raw counters went, whatever was reset or born on the way. Pure.

`rate()` and `increase()` are not asked: they extrapolate, they see each series alone, and they lose what a series had
counted before its first sample.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from davy.checks.ports import Series

Points = Sequence[tuple[float, float]]
"""(unix seconds, value), oldest first."""
Target = tuple[str, ...]
OF_TARGET = ("job", "instance", "container", "endpoint")
"""Labels that a scrape gives to every series of one process."""


def target(series: Series) -> Target:
    """The process that exports it, as far as its labels tell."""
    return tuple(series.labels.get(label, "") for label in OF_TARGET)


def finite(points: Points) -> Points:
    """Without what is not a number."""
    return [(at, value) for at, value in points if math.isfinite(value)]


def resets(series: Iterable[Series]) -> dict[Target, tuple[float, ...]]:
    """When each process began anew: the scrape at which the greater part of all it had counted was gone.

    A restart takes every counter of a process back at once, but one that was small before may be above its old value
    by the next scrape, and alone it would not show: errors would go uncounted, and the buckets of one histogram would
    contradict each other. A single label set that a client library drops is no restart.
    """
    fallen: dict[Target, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    whole: dict[Target, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for one in {frozenset(each.labels.items()): each for each in series}.values():
        process, points = target(one), finite(one.samples)
        for (_, before), (at, value) in pairwise(points):
            whole[process][at] += before
            fallen[process][at] += before if value < before else 0.0
    return {
        process: tuple(sorted(at for at, lost in falls.items() if lost > 0 and 2 * lost >= whole[process][at]))
        for process, falls in fallen.items()
    }


def steps(points: Points, anew: Sequence[float] = ()) -> Iterator[tuple[float, float, float]]:
    """(from, to, growth) between neighbouring samples; after a reset the new value is what was counted since.

    `anew`: when its process began anew, sorted.
    """
    for (before, base), (at, value) in pairwise(points):
        began = value < base or bisect_right(anew, at) > bisect_right(anew, before)
        yield before, at, value if began else value - base


def growth(points: Points, *, start: float, end: float, born: bool, anew: Sequence[float] = ()) -> float:
    """How far a counter went in `(start, end]`.

    The base is the last sample at or before `start`. Without one it is 0 for a series that was `born` inside, and
    otherwise the first sample: what that holds may be older than the span.
    """
    inside = [point for point in points if start < point[0] <= end]
    if not inside:
        return 0.0
    before = [point for point in points if point[0] <= start]
    base = before[-1:] or ([(start, 0.0)] if born else [])
    return math.fsum(grown for _, _, grown in steps([*base, *inside], anew))


def by_target(anew: Mapping[Target, Sequence[float]], series: Series) -> Sequence[float]:
    """When the process of this series began anew."""
    return anew.get(target(series), ())
