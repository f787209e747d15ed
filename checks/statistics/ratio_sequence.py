"""The confidence sequence for canary rate over stable rate: which ratios the counts have not refuted. Pure.

A ratio r stands while mean(L)/L(r) < 1/miss, where L(r) = r^x * prod (1+share*(r-1))^-m over the windows, and the mean
is over 1601 ratios, uniform in the log from 1/64 to 64. The log of L is concave in log r and so smooth (its nearest
singularity is pi away from the real line) that every 32nd point is kept, four beyond either end, and the rest
interpolated from the ten around it: off by less than 1e-10 for each bad event. So a look costs microseconds and finds
the same points as the whole grid.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from davy.checks.statistics.mixtures import Lot

POINTS = 1601
LAST = POINTS - 1
STRIDE = 32
STEP = 2 * math.log(64) / LAST
NODES = LAST // STRIDE + 1
BEYOND = 4
NODE_LOGS = tuple((STRIDE * i - LAST // 2) * STEP for i in range(-BEYOND, NODES + BEYOND))
NODE_EXCESSES = tuple(math.expm1(u) for u in NODE_LOGS)
NEGLIGIBLE = 17.0
"""Terms below e^-17 of the largest are left out of a mean: together about 5e-9 of it."""
COARSE = 1.2
"""By so much may the log bend over one step of a sum; a bell's sum is off by 1e-7 then."""


@dataclass(frozen=True, slots=True)
class RatioSequence:
    """What the likelihood at the kept points is made of, cumulative over windows."""

    canary_bad: int = 0
    events: int = 0
    sums: Sequence[float] = (0.0,) * len(NODE_LOGS)
    """By kept point r, the sum of m*log(1+share*(r-1)). Made anew by each window, never changed."""
    known: dict[tuple[float, float], tuple[float, float]] = field(default_factory=dict, compare=False, repr=False)
    """Bounds found before, by miss and dispersion: without a new window they are not sought again."""

    def seen(self, lot: Lot) -> "RatioSequence":
        """With one more window; one that only one side has served says nothing."""
        if not lot.bad or not 0 < lot.share < 1:
            return self
        log1p, m, share = math.log1p, float(lot.bad), lot.share
        sums = [so_far + m * log1p(share * excess) for so_far, excess in zip(self.sums, NODE_EXCESSES, strict=True)]
        return RatioSequence(self.canary_bad + lot.canary_bad, self.events + lot.bad, sums)

    def bounds(self, miss: float = 0.05, dispersion: float = 1.0) -> tuple[float, float] | None:
        """The ratios not refuted; all looks together miss the truth with at most this probability. None for no data."""
        if not self.events:
            return None
        key = (miss, dispersion)
        if key not in self.known:
            self.known[key] = self._found(miss, dispersion)
        return self.known[key]

    def _found(self, miss: float, dispersion: float) -> tuple[float, float]:
        x, part = self.canary_bad / dispersion, 1 / dispersion
        curve = _Curve([x * u - part * so_far for u, so_far in zip(NODE_LOGS, self.sums, strict=True)])
        low, high = curve.above(curve.log_mean() + math.log(miss))
        return math.exp((low - LAST // 2) * STEP), math.exp((high - LAST // 2) * STEP)


class _Curve:
    """A concave log likelihood, read at any of the points."""

    def __init__(self, padded: list[float]) -> None:
        self.padded = padded
        self.nodes = padded[BEYOND:-BEYOND]
        self.most = max(self.nodes)
        self.node = self.nodes.index(self.most)

    def at(self, point: int) -> float:
        """The value at a point: kept, or from the ten kept points around it."""
        first, offset = divmod(point, STRIDE)
        if not offset:
            return self.nodes[first]
        a, b, c, d, e, f, g, h, i, j = self.padded[first : first + 10]
        p, q, r, s, t, u, v, w, x, y = WEIGHTS[offset]
        return p * a + q * b + r * c + s * d + t * e + u * f + v * g + w * h + x * i + y * j

    def above(self, limit: float) -> tuple[int, int]:
        """The first and the last point above a limit (the top where none is)."""
        nodes = self.nodes
        if self.most > limit:
            first = bisect_right(nodes, limit, 0, self.node)
            last = NODES - 1 - bisect_right(nodes[::-1], limit, 0, NODES - 1 - self.node)
            begin, end = first * STRIDE, last * STRIDE
        else:
            begin = end = self.top()
            first, last = -(-begin // STRIDE), begin // STRIDE
        return self._edge(begin, (first - 1) * STRIDE, limit), self._edge(end, (last + 1) * STRIDE, limit)

    def _edge(self, inside: int, outside: int, limit: float) -> int:
        """The outermost point above the limit between one that is and one that is not, or lies beyond the grid."""
        if not 0 <= outside <= LAST:
            return inside
        step = 1 if outside > inside else -1
        point = self._crossing(inside, outside, limit)
        while abs(outside - inside) > 1:
            if self.at(point) > limit:
                inside, point = point, point + step
            else:
                outside, point = point, point - step
        return inside

    def _crossing(self, inside: int, outside: int, limit: float) -> int:
        """About where the limit is crossed, strictly between the two: by the parabola through three kept points."""
        gap = outside - inside
        if abs(gap) != STRIDE:
            return inside + gap // 2
        here, there = self.at(inside), self.at(outside)
        beyond = self.padded[outside // STRIDE + BEYOND + gap // STRIDE]
        bend = (here - 2 * there + beyond) / 2
        fall = there - here - bend
        part = 2 * (here - limit) / (math.sqrt(max(0.0, fall * fall - 4 * bend * (here - limit))) - fall)
        return inside + gap // STRIDE * min(max(int(part * STRIDE), 1), STRIDE - 1)

    def top(self) -> int:
        """The point of the largest value."""
        low, high = max(self.node - 1, 0) * STRIDE, min(self.node + 1, NODES - 1) * STRIDE
        return low + bisect_left(range(low, high), True, key=lambda point: self.at(point) >= self.at(point + 1))

    def log_mean(self) -> float:
        """Log of the mean over all points."""
        sharpest = self._sharpest()
        floor = self.most - NEGLIGIBLE
        if self.nodes[0] < floor and self.nodes[-1] < floor:
            stride = max(1, int(STRIDE / math.sqrt(max(sharpest / COARSE, 1.0))))
            values = self.nodes if stride == STRIDE else self._around_top(stride)
            most = max(values)
            return most + math.log(stride * sum([math.exp(value - most) for value in values]) / POINTS)
        return self._log_mean_of_cut(sharpest)

    def _log_mean_of_cut(self, sharpest: float) -> float:
        """Where the peak reaches an end of the grid: finer, and with what a coarse sum lacks there."""
        pairs = ((self.nodes[0], self.nodes[1]), (self.nodes[-1], self.nodes[-2]))
        slopes = [end - inner for end, inner in pairs if end >= self.most - NEGLIGIBLE]
        sharpest = 4 * max(sharpest, *(slope * slope for slope in slopes))
        stride = STRIDE
        while stride > 1 and sharpest > 1:
            stride, sharpest = stride // 2, sharpest / 4
        values = self.nodes if stride == STRIDE else self._around_top(stride)
        most = max(values)
        ends = self._end(0, stride, most) + self._end(LAST, stride, most)
        terms = sum([math.exp(value - most) for value in values if value > most - NEGLIGIBLE])
        return most + math.log((stride * terms + ends) / POINTS)

    def _around_top(self, stride: int) -> list[float]:
        """Every so manieth value, from the top outwards as far as it matters."""
        at = self.at
        start = round(self._peak() / stride) * stride
        most = at(start)
        values = [most]
        for step in (stride, -stride):
            point = start + step
            while 0 <= point <= LAST:
                value = at(point)
                values.append(value)
                if value > most:
                    most = value
                elif value < most - NEGLIGIBLE:
                    break
                point += step
        return values

    def _peak(self) -> float:
        """About where the top is, by the parabola through the largest kept point and its neighbours."""
        before, here, after = self.padded[self.node + BEYOND - 1 : self.node + BEYOND + 2]
        bend = 2 * here - before - after
        shift = (after - before) / (2 * bend) if bend > 0 else 0.0
        return min(max((self.node + min(max(shift, -1.0), 1.0)) * STRIDE, 0), LAST)

    def _sharpest(self) -> float:
        """How much the log bends over one kept point, at the top."""
        a, b, c, d, e = self.padded[self.node + BEYOND - 2 : self.node + BEYOND + 3]
        return max(2 * b - a - c, 2 * c - b - d, 2 * d - c - e)

    def _end(self, point: int, stride: int, most: float) -> float:
        """What the coarser sum lacks at an end of the grid where it is cut off, by Euler and Maclaurin.

        The sum over all points is the coarse one times its stride, less half of what the stride has added to the last
        term, less the odd derivatives there. Those of e^f follow from the first three of f.
        """
        value = self.nodes[0] if not point else self.nodes[-1]
        if stride == 1 or value < most - NEGLIGIBLE:
            return 0.0
        outward = -1 if not point else 1
        slope, bend, twist = self._derivatives(point, outward)
        first = slope
        third = slope**3 + 3 * slope * bend + twist
        fifth = slope**5 + 10 * slope**3 * bend + 15 * slope * bend**2 + 10 * slope**2 * twist + 10 * bend * twist
        lacking = (stride**2 - 1) / 12 * first - (stride**4 - 1) / 720 * third + (stride**6 - 1) / 30240 * fifth
        return -math.exp(value - most) * ((stride - 1) / 2 + lacking)

    def _derivatives(self, point: int, outward: int) -> tuple[float, float, float]:
        """The first three at an end, by one point outward, from the kept points on both sides of it."""
        middle = BEYOND + point // STRIDE
        a3, a2, a1, here, b1, b2, b3 = self.padded[middle - 3 : middle + 4]
        slope = (45 * (b1 - a1) - 9 * (b2 - a2) + (b3 - a3)) / 60
        bend = (270 * (b1 + a1) - 27 * (b2 + a2) + 2 * (b3 + a3) - 490 * here) / 180
        twist = (-13 * (b1 - a1) + 8 * (b2 - a2) - (b3 - a3)) / 8
        return outward * slope / STRIDE, bend / STRIDE**2, outward * twist / STRIDE**3


def _lagrange(place: float) -> tuple[float, ...]:
    return tuple(math.prod((place - j) / (i - j) for j in range(10) if j != i) for i in range(10))


WEIGHTS = tuple(_lagrange(BEYOND + offset / STRIDE) for offset in range(STRIDE))
