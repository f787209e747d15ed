"""Axes: where a value stands between two ends, and which values are written beside it. Pure.

What spans decades is held as its common logarithm, so that evidence of any size has a place.
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from davy.pipeline.core.text.time_text import shown

DEEPEST, HIGHEST = -3, 12
"""Decades of evidence that are drawn; what lies beyond runs along the edge."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
"""Seconds between two moments that are easy to read."""
NO_REST = re.compile(r"(?<=[mhd])00[smh]$")
"""What a round moment need not say."""
LONGEST = 1e9
"""Seconds, some thirty years: beyond it a span is written as a number."""
UNENDING = 1e300
"""Stands for the logarithm of what has no end."""
LEAST_SHARE = -6
"""The smallest share drawn on a log scale: one in a million."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A value that is written beside the axis."""

    at: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From `low` to `high`, with `words` for what is measured."""

    low: float
    high: float
    words: str = ""
    ticks: tuple[Tick, ...] = ()

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high one. What lies outside stands at the edge."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)


def whole(log: float) -> str:
    """A common logarithm as the number people read: `0.3`, `100`, `2,291`, `10^12`."""
    if math.isnan(log):
        return "?"
    if log < -2:
        return "below 0.01"
    if log >= 6:
        return f"10^{math.floor(log + 1e-9)}" if log < 1e5 else "over 10^99999"
    value = 10.0**log
    # A billionth of slack: 10**2 by way of natural logs is a hair below 100.
    return f"{math.floor(value * (1 + 1e-9)):,}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def decade(power: int) -> str:
    """`0.001`, `1`, `10,000`, `10^6`."""
    if power >= 6 or power < -4:
        return f"10^{power}"
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:.{-power}f}"


def percentage(power: int) -> str:
    """The share `10^power`: `100%`, `0.1%`."""
    return f"{10.0 ** (power + 2):.{max(0, -power - 2)}f}%"


def evidence(logs: Iterable[float], limit: float, words: str, most: int) -> Axis:
    """Of common logarithms of evidence; 1 and the limit are always on it. `most`: ticks there is room for."""
    values = [value for value in logs if math.isfinite(value)]
    low = max(min([-1.0, *values]), DEEPEST)
    high = max(min(max([limit, *values]), HIGHEST), limit)
    return _decades(math.floor(low), max(math.floor(high + 1e-9) + 1, 1), words, most, decade)


def tail(shares: Iterable[float], words: str, most: int) -> Axis:
    """Of common logarithms of shares: from a decade below the smallest to 100 %."""
    values = [value for value in shares if math.isfinite(value)]
    low = max(math.floor(min([-1.0, *values]) - 1e-9), LEAST_SHARE)
    return _decades(low, 0, words, most, percentage)


def _decades(low: int, high: int, words: str, most: int, label: Callable[[int], str]) -> Axis:
    step = max(1, math.ceil((high - low) / max(most - 1, 1)))
    ticks = tuple(Tick(power, label(power)) for power in range(low, high + 1) if power % step == 0)
    return Axis(low=low, high=high, words=words, ticks=ticks)


def ratio(ends: Iterable[float], marks: Iterable[float], words: str, most: int) -> Axis:
    """Of common logarithms of canary rate over stable rate, by halves and doubles around 1x."""
    inner = [math.log2(1 / 4), math.log2(8), *(value / math.log10(2) for value in (*ends, *marks))]
    low, high = max(math.floor(min(inner)), -6), min(math.ceil(max(inner)), 6)
    step = max(1, math.ceil((high - low) / max(most - 1, 1)))
    powers = [power for power in range(low, high + 1) if power % step == 0]
    ticks = tuple(Tick(power * math.log10(2), f"{2**power}x" if power >= 0 else f"1/{2**-power}x") for power in powers)
    return Axis(low=low * math.log10(2), high=high * math.log10(2), words=words, ticks=ticks)


def time(moments: Sequence[float], words: str, most: int) -> Axis:
    """Of seconds; from 0 where the first moment is near it."""
    finite = [moment for moment in moments if is_near(moment)] or [0.0]
    first, last = min(finite), max(finite)
    low = 0.0 if first > 0 and (first <= last - first or len(set(finite)) == 1) else first
    high = last if last - low > max(abs(low), 1e-3) * 1e-6 else low + max(abs(low) * 1e-6, 1)
    step = _step(high - low, most)
    count = math.floor((high - low) / step * (1 + 1e-9))
    begin = math.ceil(low / step)
    places = [(begin + i) * step for i in range(count + 1)]
    return Axis(
        low=low, high=high, words=words, ticks=tuple(Tick(at, span(at)) for at in places if at <= high * (1 + 1e-9))
    )


def _step(length: float, most: int) -> float:
    fits = next((step for step in STEPS if length / step <= max(most - 1, 1)), None)
    if fits is not None and length >= 2:
        return float(fits)
    return _round_step(length / max(most - 1, 1))


def _round_step(least: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((times * power for times in (1, 2, 5) if times * power >= least), 10 * power)


def is_near(seconds: float) -> bool:
    """A moment that can be drawn: a number, and not beyond all time."""
    return abs(seconds) <= LONGEST * 1000


def span(seconds: float) -> str:
    """`15s`, `4m`, `4m30s`; `0` at the beginning."""
    if seconds == 0:
        return "0"
    if not abs(seconds) < LONGEST:
        return f"{seconds:.3g}s"
    return ("-" if seconds < 0 else "") + NO_REST.sub("", shown(timedelta(seconds=abs(seconds))))


def share(values: Iterable[float], words: str, most: int) -> Axis:
    """Of shares, 0 to 1, from 0 to a little above the largest."""
    top = max([value for value in values if math.isfinite(value)], default=0.0)
    if top <= 0:
        top = 0.01
    step = _round_step(top / max(most - 1, 1))
    count = math.ceil(top / step * (1 - 1e-9))
    places = 0 if step >= 0.01 else -math.floor(math.log10(step)) - 2
    ticks = tuple(Tick(i * step, f"{100 * i * step:.{places if i else 0}f}%") for i in range(count + 1))
    return Axis(low=0.0, high=count * step, words=words, ticks=ticks)


def apart(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """The same places in the same order, moved as little as a simple rule can so that none is nearer than `least`.

    All lie between `low` and `high` where there is room for them.
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    moved = list(places)
    floor = low
    for i in order:
        moved[i] = max(places[i], floor)
        floor = moved[i] + least
    ceiling = high
    for i in reversed(order):
        moved[i] = min(moved[i], ceiling)
        ceiling = moved[i] - least
    return moved
