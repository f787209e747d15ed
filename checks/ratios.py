"""The confidence sequence for canary rate over stable rate: which ratios the counts have not refuted. Pure.

A ratio r stands while mean(L)/L(r) < 1/miss, where L(r) = r^x * prod (1+share*(r-1))^-m over the windows, and the mean
is over 1601 ratios, uniform in the log from 1/64 to 64. The log of L is smooth and concave in log r, so every 16th
point is kept and the rest interpolated: a look costs microseconds and finds the same points as the whole grid.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from davy.checks.statistics import Lot

POINTS = 1601
STRIDE = 16
STEP = 2 * math.log(64) / (POINTS - 1)
NODES = (POINTS - 1) // STRIDE + 1
NODE_LOGS = tuple((STRIDE * i - (POINTS - 1) // 2) * STEP for i in range(NODES))
NODE_EXCESSES = tuple(math.expm1(u) for u in NODE_LOGS)
NEGLIGIBLE = 45.0
"""e^-45 of the largest term is below what a float's sum can tell."""


@dataclass(frozen=True, slots=True)
class RatioSequence:
    """The log likelihood at the kept points, cumulative over windows."""

    logs: tuple[float, ...] = (0.0,) * NODES
    events: int = 0

    def seen(self, lot: Lot) -> "RatioSequence":
        """With one more window; one that only one side has served says nothing."""
        if not lot.bad or not 0 < lot.share < 1:
            return self
        log1p, x, m, share = math.log1p, lot.canary_bad, lot.bad, lot.share
        nodes = zip(self.logs, NODE_LOGS, NODE_EXCESSES, strict=True)
        return RatioSequence(
            tuple([total + x * u - m * log1p(share * excess) for total, u, excess in nodes]), self.events + m
        )

    def bounds(self, miss: float = 0.05, dispersion: float = 1.0) -> tuple[float, float] | None:
        """The ratios not refuted; all looks together miss the truth with at most this probability. None for no data."""
        if not self.events:
            return None
        curve = _Curve(tuple([value / dispersion for value in self.logs]))
        limit = curve.log_mean() + math.log(miss)
        low, high = curve.above(limit)
        return (_ratio(low), _ratio(high))


def _ratio(point: int) -> float:
    return math.exp((point - (POINTS - 1) // 2) * STEP)


class _Curve:
    """A concave log likelihood, read at any of the points."""

    def __init__(self, nodes: tuple[float, ...]) -> None:
        self.nodes = nodes

    def at(self, point: int) -> float:
        """The value at a point: kept, or from the six kept points around it."""
        node, offset = divmod(point, STRIDE)
        if not offset:
            return self.nodes[node]
        first = min(max(node - 2, 0), NODES - 6)
        weights = WEIGHTS[point - first * STRIDE]
        return sum([w * v for w, v in zip(weights, self.nodes[first : first + 6], strict=True)])

    @cached_property
    def top(self) -> int:
        """The point of the largest value."""
        node = self.nodes.index(max(self.nodes))
        low, high = max(node - 1, 0) * STRIDE, min(node + 1, NODES - 1) * STRIDE
        return low + bisect_left(range(low, high), True, key=lambda point: self.at(point) >= self.at(point + 1))

    def above(self, limit: float) -> tuple[int, int]:
        """The first and the last point above a limit (the top where none is)."""
        first, last = self._nodes_above(limit)
        begin = first * STRIDE if first <= last else self.top
        end = last * STRIDE if first <= last else self.top
        far = min((last + 1) * STRIDE, POINTS - 1)
        low = _first(lambda point: self.at(point) > limit, max(first - 1, 0) * STRIDE, begin)
        back = _first(lambda back: self.at(far - back) > limit, 0, far - end)
        return low, far - back

    def _nodes_above(self, limit: float) -> tuple[int, int]:
        """The first and the last kept point above a limit; the first behind the last where none is."""
        node = self.nodes.index(max(self.nodes))
        first = bisect_left(self.nodes, limit, 0, node) if self.nodes[node] > limit else self.top // STRIDE + 1
        last = bisect_left(range(node, NODES), True, key=lambda i: self.nodes[i] <= limit) + node - 1
        return first, last if first <= node else first - 1

    def log_mean(self) -> float:
        """Log of the mean over all points."""
        stride = self._stride()
        most = max(self.nodes) if stride == STRIDE else self.at(self.top)
        first, last = self._nodes_above(most - NEGLIGIBLE)
        first, last = max(first - 1, 0), min(last + 1, NODES - 1)
        low, high = first * STRIDE, last * STRIDE
        kept = self.nodes[first : last + 1]
        values = kept if stride == STRIDE else [self.at(point) for point in range(low, high + 1, stride)]
        exp = math.exp
        terms = [exp(value - most) for value in values]
        ends = (terms[0] + terms[-1]) / 2
        whole = stride * (math.fsum(terms) - ends) + ends
        # Euler and Maclaurin: the coarser sum is nearer than this only by the slopes at both ends.
        slopes = terms[-1] * self._slope(high, stride) - terms[0] * self._slope(low, stride)
        whole -= (stride * stride - 1) / 12 * slopes
        return most + math.log(whole / POINTS)

    def _stride(self) -> int:
        """The coarsest step that still sums a peak this sharp to many digits."""
        top = self.nodes.index(max(self.nodes))
        nodes = self.nodes[max(top - 4, 0) : top + 5]
        sharpest = max([2 * b - a - c for a, b, c in zip(nodes, nodes[1:], nodes[2:], strict=False)])
        # A peak cut off by the grid's end is as sharp as its slope there.
        cut = max(self.nodes[0] - self.nodes[1], self.nodes[-1] - self.nodes[-2], 0.0)
        stride = STRIDE
        while stride > 1 and max(sharpest, cut * cut) * (stride / STRIDE) ** 2 > 0.8:
            stride //= 2
        return stride

    def _slope(self, point: int, stride: int) -> float:
        """By one point."""
        if point < 2 * stride:
            return (4 * self.at(point + stride) - 3 * self.at(point) - self.at(point + 2 * stride)) / (2 * stride)
        return (3 * self.at(point) - 4 * self.at(point - stride) + self.at(point - 2 * stride)) / (2 * stride)


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first number from which on it holds; `high` where none before it does."""
    return low + bisect_left(range(low, high), True, key=holds)


def _lagrange(place: float) -> Sequence[float]:
    return tuple(math.prod((place - j) / (i - j) for j in range(6) if j != i) for i in range(6))


WEIGHTS = tuple(_lagrange(offset / STRIDE) for offset in range(5 * STRIDE + 1))
