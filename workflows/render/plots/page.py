"""Page: a verdict as one HTML page that needs no network, no script and no other file. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from davy.checks.judges.sequential.sentences import percent, times
from davy.checks.traces.result import TraceResult
from davy.checks.traces.trace import Trace
from davy.pipeline.core.text import shares
from davy.pipeline.core.verdict import Evidence
from davy.workflows.render.plots import axes, curves, figures
from davy.workflows.render.plots.axes import Axis, Tick
from davy.workflows.render.plots.curves import SideCounts
from davy.workflows.render.plots.figures import Told
from davy.workflows.render.plots.paper import safe, sheet
from davy.workflows.render.plots.shapes import CANARY, OTHER, STABLE, Band, Curve, Group, Interval, Limit, Moment, Spot

PANELS = 6
"""Metrics that have a figure of their own; the table has them all."""
ROWS = 20
TIME = "time since the trace began"


def page(finding: TraceResult, trace: Trace) -> str:
    """The whole page. Everything in the trace is text from outside and is escaped."""
    trace = curves.read(finding, trace)
    parts = [
        *_head(finding, trace),
        *_section("Is it worse? Is it good enough?", _evidence(finding, trace)),
        *_section("How many times worse?", _ratios(finding, trace)),
        *_section("How slow, how often bad?", _sides(finding, trace)),
        _table(finding, trace),
    ]
    return sheet(finding.sentence, "\n".join(parts))


def _section(title: str, drawn: Iterator[str]) -> Iterator[str]:
    found = list(drawn)
    if found:
        yield f'<section><h2>{safe(title)}</h2>\n<div class="figures">'
        yield from found
        yield "</div></section>"


def _head(finding: TraceResult, trace: Trace) -> Iterator[str]:
    yield f'<p class="outcome {finding.verdict.value}">{safe(curves.ending(finding))}</p>'
    yield f"<h1>{safe(finding.sentence, 1000)}</h1>"
    rules = trace.rules
    facts = [f"judge: {finding.judge}", curves.windows(finding)]
    if finding.roll_back_at is not None:
        facts.append(f"a good canary is rolled back in at most {percent(rules.alpha)} of rollouts")
        facts.append(f"tolerated: {rules.tolerate:g} times stable's rate")
    if finding.promote_at is not None:
        facts.append(f"promoted with {percent(1 - rules.beta)} confidence to be below {trace.worse:g} times")
    yield f'<p class="quiet">{safe("; ".join(facts), 1000)}.</p>'
    if not finding.looks:
        yield "<p>No window was read, so there is nothing to draw.</p>"


def _moment(finding: TraceResult) -> Moment | None:
    at = finding.at
    return Moment(at=at, words=curves.ending(finding)) if at is not None and axes.is_near(at) else None


def _evidence(finding: TraceResult, trace: Trace) -> Iterator[str]:
    against, limit = curves.against(finding, trace), finding.roll_back_at
    if against and limit is not None:
        told = Told(
            key="against",
            title="Evidence against the canary",
            note="The thick line decides. A fine canary brings it to the limit in at most "
            f"{percent(trace.rules.alpha)} of rollouts, however often one looks.",
            words=f"{_ends(against[0])}; the limit is {axes.whole(curves.common(limit))}.",
        )
        yield _times(told, finding, trace, against, Limit(at=curves.common(limit), words="rolled back from here on"))
    promoting = curves.promoting(finding)
    if promoting and finding.promote_at is not None:
        at = curves.common(finding.promote_at)
        told = Told(
            key="promoting",
            title="Evidence for the canary",
            note="Every metric has to reach the limit: the lowest line is the one that is waited for.",
            words=f"The lowest is {_ends(promoting[0])}; the limit is {axes.whole(at)}.",
        )
        yield _times(told, finding, trace, promoting, Limit(at=at, words="promoted when all are above"))


def _ends(one: Curve) -> str:
    return f"{one.name}, which ends at {axes.whole(one.last)}"


def _times(told: Told, finding: TraceResult, trace: Trace, series: Sequence[Curve], limit: Limit) -> str:
    """Evidence over time, its limit and 1, and the share of traffic below."""
    y = axes.evidence((v for one in series for _, v in one.points), limit.at, "evidence (1: none either way)", 9)
    x = axes.time([look.t for look in curves.looks(finding)], TIME, 7)
    if any(not y.low <= value <= y.high for one in series for _, value in one.points):
        told = replace(told, note=f"{told.note} A line along the edge goes on beyond it.")
    picture = figures.lines(
        told,
        x,
        y,
        series,
        limits=(Limit(at=0.0), limit),
        moment=_moment(finding),
        strip=curves.shares(trace),
    )
    own = [one for one in series if one.hue != OTHER]
    entries = [(one.hue, one.name, axes.whole(one.last)) for one in own]
    rest = len(series) - len(own)
    if rest:
        entries.append((OTHER, f"{rest} more metrics; the table below has their figures", ""))
    return figures.figure(told, picture, figures.legend(entries))


def _marks(finding: TraceResult, trace: Trace) -> tuple[Limit, ...]:
    one = Limit(at=0.0)
    if finding.roll_back_at is None:
        return (one,)
    tolerated = Limit(at=curves.log_share(trace.rules.tolerate), words=f"tolerated: {trace.rules.tolerate:g}x")
    return (one, tolerated, Limit(at=curves.log_share(trace.worse), words=f"too bad to promote: {trace.worse:g}x"))


def _ratios(finding: TraceResult, trace: Trace) -> Iterator[str]:
    bands, marks = curves.ratios(finding), _marks(finding, trace)
    if not bands:
        return
    ends = [value for band in bands for value in band.points[-1][1:]]
    words = "canary's rate over stable's"
    y = axes.ratio(ends, (mark.at for mark in marks), words, 8)
    x = axes.time([look.t for look in curves.looks(finding)], TIME, 7)
    for number, band in enumerate(bands[:PANELS]):
        _, low, high = band.points[-1]
        told = Told(
            key=f"ratio{number}",
            title=band.name,
            note=f"{curves.between(low, high)} the rate of stable: 95 %, valid at every look",
            words=f"The band of ratios that are not refuted ends at {curves.between(low, high)}.",
        )
        picture = figures.lines(told, x, y, (), bands=(band,), limits=marks, moment=_moment(finding))
        yield figures.figure(told, picture)
    if len(bands) > 1:
        yield _at_the_end(bands, marks, axes.ratio(ends, (mark.at for mark in marks), words, 10))


def _at_the_end(bands: Sequence[Band], marks: Sequence[Limit], axis: Axis) -> str:
    rest = len(bands) - ROWS
    told = Told(
        key="ratios",
        title="At the end, side by side",
        note=f"{rest} more metrics are in the table below" if rest > 0 else "",
        words="; ".join(f"{band.name}: {curves.between(*band.points[-1][1:])}" for band in bands[:ROWS]),
    )
    rows = [
        Interval(
            name=b.name, low=b.points[-1][1], high=b.points[-1][2], words=curves.between(*b.points[-1][1:]), hue=b.hue
        )
        for b in bands[:ROWS]
    ]
    return figures.figure(told, figures.intervals(told, axis, rows, marks))


def _sides(finding: TraceResult, trace: Trace) -> Iterator[str]:
    sides = curves.sides(finding, trace)
    histograms = [one for one in sides if len(curves.bounds(one)) > 1]
    for number, one in enumerate(histograms[:PANELS]):
        yield _survival(one, f"above{number}")
    counters = [one for one in sides if one not in histograms and one.canary.total + one.stable.total]
    if counters:
        yield _rates(counters)


def _survival(one: SideCounts, key: str) -> str:
    """The share of requests above each bucket bound, of both sides."""
    bounds = curves.bounds(one)
    series = (
        curves.survival(one, "stable", one.stable, STABLE, -0.06),
        curves.survival(one, "canary", one.canary, CANARY, 0.06),
    )
    step = 1 + (len(bounds) - 1) // 8
    ticks = tuple(Tick(i, curves.bound_words(bound)) for i, bound in enumerate(bounds) if i % step == 0)
    x = Axis(
        low=-0.3, high=len(bounds) - 0.7, words="took longer than (the histogram's bounds, evenly spaced)", ticks=ticks
    )
    objective = _objective(one, bounds)
    shares = [y for line in series for _, y in line.points if y > curves.NEVER] + [spot.y for spot in objective]
    told = Told(
        key=key,
        title=one.metric.name,
        note="Share of requests that took longer. Whiskers: 95 % for both sides, at every look, "
        "if requests came one by one and alike. They are wide in the tail; the verdict does not rest on them.",
        words="; ".join(_above(one, bound) for bound in bounds[:20]),
    )
    picture = figures.lines(told, x, axes.tail(shares, "share of requests", 7), series, spots=objective)
    entries = [
        (CANARY, "canary", f"{one.canary.total:,} requests"),
        (STABLE, "stable", f"{one.stable.total:,} requests"),
    ]
    return figures.figure(told, picture, figures.legend(entries))


def _objective(one: SideCounts, bounds: Sequence[str]) -> tuple[Spot, ...]:
    metric = one.metric
    if metric.objective is None or metric.bound not in bounds:
        return ()
    allowed = shares.rest(metric.objective)
    words = f"objective: {percent(allowed)}"
    return (Spot(x=bounds.index(metric.bound), y=curves.log_share(allowed), words=words),)


def _above(one: SideCounts, bound: str) -> str:
    canary, stable = (
        percent(counts.above.get(bound, 0) / counts.total) if counts.total else "no request"
        for counts in (one.canary, one.stable)
    )
    return f"over {curves.bound_words(bound)}: canary {canary}, stable {stable}"


def _rates(counters: Sequence[SideCounts]) -> str:
    shown = counters[:ROWS]
    groups = [
        Group(
            name=f"{one.metric.name}: {one.metric.bad_words}",
            bars=curves.pair(one),
            limit=None if one.metric.objective is None else shares.rest(one.metric.objective),
        )
        for one in shown
    ]
    rest = len(counters) - len(shown)
    told = Told(
        key="rates",
        title="Rates of bad events",
        note=f"{rest} more metrics are in the table below" if rest else "",
        words="; ".join(f"{g.name}: canary {g.bars[0].words}, stable {g.bars[1].words}" for g in groups),
    )
    axis = axes.share((bar.value for group in groups for bar in group.bars), "share of bad events", 5)
    limited = any(group.limit is not None and group.limit <= axis.high for group in groups)
    entries = [(CANARY, "canary", ""), (STABLE, "stable", "")]
    drawn = figures.bars(told, axis, groups, "dotted: what the objective allows" if limited else "")
    return figures.figure(told, drawn, figures.legend(entries))


def _table(finding: TraceResult, trace: Trace) -> str:
    """Every metric with its figures."""
    told, judged = curves.final(finding), finding.roll_back_at is not None
    head = ["metric", "canary: bad of all", "rate", "stable: bad of all", "rate"]
    if judged:
        head += ["times worse (95 %)", "evidence against", "for", "part of the blame"]
    rows = [
        [*_counts(one), *(_figures(told.get(one.metric.name)) if judged else ())]
        for one in curves.sides(finding, trace)
    ]
    return f"<section><h2>All figures</h2>{figures.table('Counts and evidence at the end', head, rows)}</section>"


def _counts(one: SideCounts) -> Iterator[str]:
    yield one.metric.name
    for counts in (one.canary, one.stable):
        yield f"{counts.bad:,} of {counts.total:,}"
        yield percent(counts.rate) if counts.total else "no data"


def _figures(one: Evidence | None) -> tuple[str, ...]:
    if one is None:
        return ("no data", "", "", "")
    ratio = "no bad event yet" if one.ratio is None else f"{times(one.ratio[0])} to {times(one.ratio[1])}"
    against, promoting = (axes.whole(curves.common(log)) for log in (one.log_e_roll_back, one.log_e_promote))
    return (ratio, against, promoting, percent(one.share))
