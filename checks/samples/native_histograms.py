"""Native histograms: cumulative counts at bounds that the reader chooses. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from davy.checks.ports import Histogram, Series

SAME_EDGE = 1e-9
"""Relative difference of a bound and an edge that are the same number, computed in two ways."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a histogram had counted at or below a bound."""

    below: float
    inside: tuple[float, float] | None = None
    """Edges of the bucket that the bound cuts in two; None where it lies on an edge, and `below` is exact."""


def classic(series: Iterable[Series], bounds: Sequence[float]) -> tuple[tuple[Series, ...], tuple[str, ...]]:
    """The native histograms among `series` as `_bucket` series with `le`, and what to say about them.

    `bounds`: in the metric's own unit (seconds, of a latency); `+Inf` is added. A bound on a bucket's edge is exact,
    which with custom buckets is every bound that the service knows. A bound inside a bucket is interpolated, and a
    note names it. Series without histograms are left out.
    """
    wanted = sorted({float(bound) for bound in bounds if math.isfinite(bound)})
    natives = [one for one in series if one.histograms]
    notes: dict[str, None] = {}
    made = [_cut_series(one, bound, notes) for one in natives for bound in wanted]
    return (*made, *(_whole(one) for one in natives)), tuple(notes)


def cut(histogram: Histogram, bound: float) -> Cut:
    """What the histogram had counted at or below `bound`.

    Inside a bucket it is interpolated as Prometheus does: by the logarithm in an exponential bucket, by the value in
    the zero bucket and in custom ones (docs/querying/functions.md, `histogram_quantile`).
    """
    below = 0.0
    for low, high, count in histogram.buckets:
        if high <= bound or _same(high, bound):
            below += count
        elif low < bound and not _same(low, bound):
            return Cut(below + count * _share(_zero_based(histogram, low, high), high, bound), (low, high))
    return Cut(below)


def _zero_based(histogram: Histogram, low: float, high: float) -> float:
    """The lower edge to interpolate from: nothing negative is in the zero bucket where no other bucket is negative."""
    is_zero = low < 0 < high
    return 0.0 if is_zero and not any(upper <= low for _, upper, _ in histogram.buckets) else low


def _share(low: float, high: float, bound: float) -> float:
    """How much of a bucket lies at or below a bound inside of it; 0 where an edge is infinite: not known, not good."""
    if not math.isfinite(low) or not math.isfinite(high):
        return 0.0
    if _is_exponential(low, high):
        return (math.log(abs(bound)) - math.log(abs(low))) / (math.log(abs(high)) - math.log(abs(low)))
    return max(0.0, (bound - low) / (high - low))


def _is_exponential(low: float, high: float) -> bool:
    """True for edges whose ratio is 2^(2^n), a whole n from -8 to 4: a bucket of the standard schemas."""
    if not low * high > 0:
        return False
    doublings = abs(math.log2(high / low))
    power = math.log2(doublings)
    return -8.5 < power < 4.5 and abs(power - round(power)) < 1e-6


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=SAME_EDGE)


def _cut_series(one: Series, bound: float, notes: dict[str, None]) -> Series:
    cuts = [(at, histogram.count, cut(histogram, bound)) for at, histogram in one.histograms]
    inside = next((part.inside for _, _, part in reversed(cuts) if part.inside), None)
    if inside is not None:
        notes[_note(one, bound, inside)] = None
    return _as_bucket(one, repr(bound), tuple(_steady(cuts)))


def _steady(cuts: Iterable[tuple[float, float, Cut]]) -> Iterable[tuple[float, float]]:
    """(time, count) of a counter. It falls where the process began anew, never because buckets were merged.

    A service merges buckets when it has too many (and widens its zero bucket); the interpolated count may fall by
    that, which would read as a counter's reset and count everything twice. There it stays where it was.
    """
    total = held = -math.inf
    inside: tuple[float, float] | None = None
    for at, count, part in cuts:
        merged = part.inside is not None and part.inside != inside and count >= total
        held = max(held, part.below) if merged else part.below
        # What was held is kept until the merged bucket has caught up with it.
        total, inside = count, None if held > part.below else part.inside
        yield at, held


def _whole(one: Series) -> Series:
    return _as_bucket(one, "+Inf", tuple((at, histogram.count) for at, histogram in one.histograms))


def _as_bucket(one: Series, le: str, samples: tuple[tuple[float, float], ...]) -> Series:
    name = one.labels.get("__name__", "")
    named = {"__name__": f"{name}_bucket"} if name else {}
    return Series(labels={**one.labels, **named, "le": le}, samples=samples)


def _note(one: Series, bound: float, inside: tuple[float, float]) -> str:
    name = one.labels.get("__name__", "the histogram")
    low, high = (f"{edge:.6g}" for edge in inside)
    return (
        f"{name}: {bound:g} lies inside the bucket from {low} to {high}, so what is below it is approximate; "
        f"{low} and {high} would be exact"
    )
