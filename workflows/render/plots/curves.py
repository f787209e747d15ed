"""Curves: what a finding and its trace look like as lines, bands and bars, before anything is drawn. Pure.

Evidence, ratios and shares above a bound are held as common logarithms. Names are text from outside: whoever draws
them makes them harmless.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from davy.checks.judges.sequential.case import Metric
from davy.checks.judges.sequential.sentences import percent, times
from davy.checks.statistics.bands import reach
from davy.checks.traces.result import Look, ReplayEnd, TraceResult
from davy.checks.traces.trace import Trace
from davy.pipeline.core.text import nouns
from davy.pipeline.core.verdict import NOTHING, Counts, Evidence, Pair
from davy.workflows.render.plots.axes import UNENDING, is_near, span
from davy.workflows.render.plots.shapes import BURNING, CANARY, OTHER, OWN, STABLE, SUM, Band, Bar, Curve, Point

TOGETHER, BURN = "all together", "error budget burn"
BOTH_SIDES_MISS = 0.025
"""Of each side's band, so that both hold together with 95 %."""
FARTHEST = 1000.0
"""Times worse or better; the confidence sequence itself ends at 64."""
NEVER = -UNENDING
"""Stands for the logarithm of nothing: below every axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCounts:
    """Both sides' counts of one metric, over all windows that were read."""

    metric: Metric
    canary: Counts
    stable: Counts


def common(log: float) -> float:
    """A natural logarithm as a common one; what has no place stands far outside every axis."""
    value = log / math.log(10)
    return value if math.isfinite(value) else math.nan if math.isnan(value) else math.copysign(UNENDING, value)


def log_share(share: float) -> float:
    """Common logarithm of a share, which may be 0."""
    return math.log10(share) if share > 0 else NEVER


def read(finding: TraceResult, trace: Trace) -> Trace:
    """The windows the judge has read: it stops at its verdict, unless it was told to go to the end."""
    return replace(trace, windows=trace.windows[: finding.windows])


def looks(finding: TraceResult) -> tuple[Look, ...]:
    """Those at a moment that can be drawn."""
    return tuple(look for look in finding.looks if is_near(look.t))


def hues(finding: TraceResult) -> dict[str, int]:
    """By metric, the ones that matter first; they have a hue of their own, in every figure the same.

    That is the one to blame, the one that promotion waits for, and those with the largest part of the evidence.
    """
    told = final(finding).values()
    weakest = min(told, key=lambda one: one.log_e_promote).metric if told else ""
    order = sorted(told, key=lambda one: (one.metric != finding.blame, one.metric != weakest, -one.share))
    return {one.metric: OWN[i] if i < len(OWN) else OTHER for i, one in enumerate(order)}


def against(finding: TraceResult, trace: Trace) -> tuple[Curve, ...]:
    """Evidence against the canary: the sum that decides, the burn, then the metrics with the strongest first."""
    told = looks(finding)
    together = _line(TOGETHER, SUM, ((look.t, look.log_e_roll_back) for look in told))
    burn = _line(BURN, BURNING, ((look.t, look.log_e_burn) for look in told))
    objective = any(metric.objective is not None for metric in trace.metrics)
    # A judge without such evidence leaves its fields at 0; a line along 1 would say more than it knows.
    own = _by_metric(finding, lambda one: one.log_e_roll_back) if together.points else ()
    metrics = sorted(own, key=lambda one: -one.last)
    return tuple(one for one in (together, *((burn,) if objective else ()), *metrics) if one.points)


def promoting(finding: TraceResult) -> tuple[Curve, ...]:
    """Evidence for the canary by metric, the weakest first: it is the one that is waited for."""
    if finding.promote_at is None:
        return ()
    return tuple(sorted(_by_metric(finding, lambda one: one.log_e_promote), key=lambda one: one.last))


def _by_metric(finding: TraceResult, value: Callable[[Evidence], float]) -> tuple[Curve, ...]:
    points: dict[str, list[Point]] = {}
    for look in looks(finding):
        for one in look.evidence:
            points.setdefault(one.metric, []).append((look.t, value(one)))
    hue = hues(finding)
    return tuple(_line(name, hue.get(name, OTHER), found) for name, found in points.items())


def _line(name: str, hue: int, points: Iterable[tuple[float, float | None]]) -> Curve:
    logs = ((t, common(log)) for t, log in points if log is not None)
    return Curve(name=name, hue=hue, points=tuple((t, log) for t, log in logs if not math.isnan(log)))


def ratios(finding: TraceResult) -> tuple[Band, ...]:
    """By metric, how many times worse the canary is; the one to blame first. None for a metric without a bad event."""
    points: dict[str, list[tuple[float, float, float]]] = {}
    for look in looks(finding):
        for one in look.evidence:
            if one.ratio is not None and 0 < one.ratio[0] <= one.ratio[1]:
                low, high = (math.log10(min(max(end, 1 / FARTHEST), FARTHEST)) for end in one.ratio)
                points.setdefault(one.metric, []).append((look.t, low, high))
    hue = hues(finding)
    bands = [Band(name=name, hue=hue.get(name, OTHER), points=tuple(found)) for name, found in points.items()]
    return tuple(sorted(bands, key=lambda band: (band.name != finding.blame, -band.points[-1][1])))


def between(low: float, high: float) -> str:
    """A ratio's interval, from common logarithms: `1.4 to 7.2 times`."""
    return f"{times(10**low)} to {times(10**high)} times"


def shares(trace: Trace) -> tuple[Point, ...]:
    """The canary's share of all requests counted in each window."""
    points = []
    for window in trace.windows:
        canary = sum(pair.canary.total for pair in window.counts.values())
        both = canary + sum(pair.stable.total for pair in window.counts.values())
        if both and is_near(window.t):
            points.append((window.t, canary / both))
    return tuple(points)


def sides(finding: TraceResult, trace: Trace) -> tuple[SideCounts, ...]:
    """By metric, the counts of all windows; in the order of the evidence against them, where there is any."""
    found = []
    for metric in trace.metrics:
        pairs = [window.counts.get(metric.name, Pair()) for window in trace.windows]
        canary, stable = (_total(pair.canary for pair in pairs), _total(pair.stable for pair in pairs))
        found.append(SideCounts(metric=metric, canary=canary, stable=stable))
    order = {name: place for place, name in enumerate(hues(finding))}
    return tuple(sorted(found, key=lambda one: order.get(one.metric.name, len(order))))


def _total(counts: Iterable[Counts]) -> Counts:
    """As adding them up, without a mapping for every step of the way."""
    bad = total = 0
    above: dict[str, int] = {}
    for one in counts:
        bad, total = bad + one.bad, total + one.total
        for bound, number in one.above.items():
            above[bound] = above.get(bound, 0) + number
    return Counts(bad=bad, total=total, above=above) if total or above else NOTHING


def bounds(one: SideCounts) -> tuple[str, ...]:
    """The bucket bounds that either side has counts at, the smallest first; none for a counter."""
    return tuple(sorted({*one.canary.above, *one.stable.above}, key=_seconds))


def _seconds(bound: str) -> tuple[float, str]:
    try:
        value = float(bound)
    except ValueError:
        value = math.inf
    return (math.inf if math.isnan(value) else value, bound)


def bound_words(bound: str) -> str:
    """`250ms`, `1s`; as it stands where it is no number of seconds."""
    seconds, _ = _seconds(bound)
    if not 0.001 <= seconds < 1e9 or (seconds < 1 and round(seconds * 1000) != seconds * 1000):
        return bound
    return bound + "s" if seconds < 60 and seconds != round(seconds) and seconds > 1 else span(seconds)


def survival(one: SideCounts, name: str, counts: Counts, hue: int, shift: float = 0.0) -> Curve:
    """The share above each bound of one side, with the band that holds at every look. Places count the bounds."""
    if not counts.total:
        return Curve(name=name, hue=hue, points=())
    told, margin = bounds(one), reach(counts.total, BOTH_SIDES_MISS)
    found = [(place + shift, counts.above.get(bound, 0) / counts.total) for place, bound in enumerate(told)]
    return Curve(
        name=name,
        hue=hue,
        points=tuple((place, log_share(share)) for place, share in found),
        whiskers=tuple((log_share(share - margin), log_share(min(share + margin, 1.0))) for _, share in found),
    )


def pair(one: SideCounts, bound: str | None = None) -> tuple[Bar, Bar]:
    """Both sides' share of bad events, or of those above a bound, to be compared."""
    return (_bar("canary", one.canary, bound, CANARY), _bar("stable", one.stable, bound, STABLE))


def _bar(name: str, counts: Counts, bound: str | None, hue: int) -> Bar:
    bad = counts.bad if bound is None else counts.above.get(bound, 0)
    if not counts.total:
        return Bar(name=name, value=0.0, words="no requests", hue=hue)
    return Bar(name=name, value=bad / counts.total, words=f"{percent(bad / counts.total)} ({bad:,})", hue=hue)


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """At most about so many points, with every peak and trough of the line still there."""
    if len(points) <= most:
        return tuple(points)
    parts = max(most // 2 - 1, 1)
    kept = {0, len(points) - 1}
    for part in range(parts):
        numbers = range(part * len(points) // parts, (part + 1) * len(points) // parts)
        kept |= {min(numbers, key=lambda i: points[i][1]), max(numbers, key=lambda i: points[i][1])}
    return tuple(points[i] for i in sorted(kept))


def thinned_band(points: Sequence[tuple[float, float, float]], most: int) -> tuple[tuple[float, float, float], ...]:
    """At most about so many points, evenly."""
    step = math.ceil(len(points) / most) if len(points) > most else 1
    return (*points[:-1:step], *points[-1:])


def ending(finding: TraceResult) -> str:
    """`rolled back at 4m30s`."""
    words = {ReplayEnd.ROLL_BACK: "rolled back", ReplayEnd.PROMOTE: "promoted", ReplayEnd.INCONCLUSIVE: "no verdict"}
    said = words[finding.verdict]
    return said if finding.at is None else f"{said} at {span(finding.at)}"


def windows(finding: TraceResult) -> str:
    """`11 windows read`."""
    return f"{nouns.counted(finding.windows, 'window')} read"


def final(finding: TraceResult) -> dict[str, Evidence]:
    """By metric, where it stands at the end."""
    return {one.metric: one for one in finding.looks[-1].evidence} if finding.looks else {}
