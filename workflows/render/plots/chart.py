"""Chart: a verdict drawn in a terminal's letters. Pure; whoever calls knows the terminal."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from davy.checks.judges.sequential.sentences import percent
from davy.checks.traces.result import ReplayEnd, TraceResult
from davy.checks.traces.trace import Trace
from davy.pipeline.core.text import shares
from davy.pipeline.core.text.sanitize import one_line
from davy.workflows.render.bars import BLOCKS
from davy.workflows.render.plots import axes, curves
from davy.workflows.render.plots.axes import Axis
from davy.workflows.render.plots.canvas import SOFT, Canvas, Ink
from davy.workflows.render.plots.curves import SideCounts
from davy.workflows.render.plots.shapes import OTHER, Band, Bar, Curve, Group, Interval, Limit, Moment

NARROWEST = 40
GUTTER, NAMES, FEWEST = 8, 26, 18
"""Columns left of a plot for its ticks, and right of it for the lines' names, at most and at least."""
AGAINST, PROMOTING = 9, 6
"""Rows of the two plots of evidence: with the sentence, the first fills the first page of 24 lines."""
MOST, BOUNDS = 8, 6
ASCII_BLOCKS = " .:-=+*#"
BOLD = "1"
RATIOS = "How many times worse than stable (95%, valid at every look)"
SIDES = "Bad events, and how slow requests were (each metric on its own scale)"
STYLES = {ReplayEnd.ROLL_BACK: "1;31", ReplayEnd.PROMOTE: "1;32", ReplayEnd.INCONCLUSIVE: "1;33"}
PLAIN = str.maketrans("┄┊│─└├┤┼●▇…", ".:|-+||+o#~")


def drawn(finding: TraceResult, trace: Trace, width: int, *, color: bool, unicode: bool = True) -> str:
    """The verdict, its evidence, the ratios and both sides' distributions; no line wider than `width` (at least 40)."""
    ink, width = Ink(color, unicode), max(width, NARROWEST)
    trace = curves.read(finding, trace)
    parts = [
        _head(finding, width, ink),
        _against(finding, trace, width, ink),
        _promoting(finding, width, ink),
        _ratios(finding, trace, width, ink),
        _sides(finding, trace, width, ink),
    ]
    text = "\n\n".join("\n".join(line.rstrip() for line in part) for part in parts if part)
    return text if unicode else text.translate(PLAIN).encode("ascii", "replace").decode()


def _head(finding: TraceResult, width: int, ink: Ink) -> list[str]:
    said = f"{curves.ending(finding)}   {curves.windows(finding)} by the {finding.judge} judge"
    sentence = textwrap.wrap(one_line(finding.sentence), width) or [""]
    rows = [part for line in sentence for part in chop_cells(line, width)]
    return [ink.painted(fitted(said, width).rstrip(), STYLES[finding.verdict]), *rows]


def fitted(text: str, width: int) -> str:
    """Exactly so many cells wide, harmless; what is too long ends in dots."""
    plain = one_line(text)
    if cell_len(plain) <= width:
        return set_cell_size(plain, width)
    return set_cell_size(plain, max(width - 1, 0)) + "…"[:width]


def line(
    series: Sequence[Curve],
    limits: Sequence[Limit],
    width: int,
    height: int,
    *,
    x: Axis,
    y: Axis,
    ink: Ink,
    moment: Moment | None = None,
) -> list[str]:
    """Lines over a common axis: their names at the right, the time below; `height` rows and two or three more.

    Lines without a hue of their own are counted, not drawn: cells are too coarse for a crowd.
    """
    names = min(NAMES, max(width // 3, FEWEST))
    canvas = Canvas(width - GUTTER - names - 2, height, ink)
    for one in sorted(_told(series), key=lambda one: -one.hue):
        points = curves.thinned(one.points, canvas.width * 2)
        canvas.line([(x.place(at), y.place(value)) for at, value in points], one.hue)
    if moment:
        for row in range(height):
            canvas.write(row, canvas.column(x.place(moment.at)), "┊", BOLD)
    _limits(canvas, limits, y)
    ticks = {canvas.row(y.place(tick.at)): tick.words for tick in reversed(y.ticks)}
    sides = _names(series, y, canvas, names, ink)
    rows = [
        ink.painted(f"{ticks.get(row, ''):>{GUTTER - 1}} │", SOFT) + f"{cells} {sides.get(row, '')}"
        for row, cells in enumerate(canvas.lines())
    ]
    return [*_above(moment, x, canvas, ink), *rows, *_below(x, canvas, ink)]


def _told(series: Sequence[Curve]) -> list[Curve]:
    return [one for one in series if one.hue != OTHER and one.points]


def _limits(canvas: Canvas, limits: Sequence[Limit], y: Axis) -> None:
    for limit in limits:
        row = canvas.row(y.place(limit.at))
        canvas.write(row, 0, "┄" * canvas.width)
        words = f" {limit.words} "
        places = (2, canvas.width - len(words) - 2, (canvas.width - len(words)) // 2)
        free = next((at for at in places if at >= 0 and canvas.is_free(row, at, len(words))), None)
        if limit.words and free is not None:
            canvas.write(row, free, words, "33")


def _names(series: Sequence[Curve], y: Axis, canvas: Canvas, width: int, ink: Ink) -> dict[int, str]:
    """By row: the name and the last value of the line that ends nearest."""
    told = _told(series)[: canvas.height]
    rest = len(series) - len(told)
    if rest and len(told) == canvas.height:
        told, rest = told[:-1], rest + 1
    places = axes.apart([canvas.row(y.place(one.last)) for one in told], 1, 0, canvas.height - 1 - bool(rest))
    found = {}
    for one, row in zip(told, places, strict=True):
        value = axes.whole(one.last)
        found[round(row)] = f"{ink.mark(one.hue)} {fitted(one.name, width - len(value) - 3).rstrip()} {value}"
    if rest:
        found[canvas.height - 1] = ink.painted(fitted(f"  and {rest} more", width), SOFT)
    return found


def _above(moment: Moment | None, x: Axis, canvas: Canvas, ink: Ink) -> list[str]:
    if moment is None:
        return []
    words = fitted(moment.words, min(len(moment.words), canvas.width))
    at = canvas.column(x.place(moment.at))
    begin = max(0, min(at - len(words) // 2, canvas.width - len(words)))
    return [" " * (GUTTER + 1 + begin) + ink.painted(words, BOLD)]


def _below(x: Axis, canvas: Canvas, ink: Ink) -> list[str]:
    """The axis with its ticks; of two that would touch, the later is left out."""
    row, free = [" "] * canvas.width, 0
    for tick in x.ticks:
        at = min(max(canvas.column(x.place(tick.at)) - len(tick.words) // 2, 0), canvas.width - len(tick.words))
        if at >= free:
            row[at : at + len(tick.words)] = tick.words
            free = at + len(tick.words) + 1
    return [
        " " * GUTTER + ink.painted("└" + "─" * canvas.width, SOFT),
        " " * (GUTTER + 1) + ink.painted("".join(row).rstrip(), SOFT),
    ]


def bars(groups: Sequence[Group], axis: Axis, width: int, ink: Ink) -> list[str]:
    """Grouped bars that lie down: names at the left, values in words at the right."""
    names = min(max((cell_len(bar.name) for group in groups for bar in group.bars), default=0), width // 4)
    words = min(max((len(bar.words) for group in groups for bar in group.bars), default=0), width // 2)
    length = max(width - names - words - 6, 4)
    rows = []
    for group in groups:
        rows += [fitted(group.name, width)] if group.name else []
        for bar in group.bars:
            full = max(round((group.axis or axis).place(bar.value) * length), 1 if bar.value > 0 else 0)
            blocks = ink.hued("▇" * full, bar.hue) + " " * (length - full)
            rows.append(f"  {fitted(bar.name, names)} {blocks}  {fitted(bar.words, words)}")
    return rows


def intervals(rows: Sequence[Interval], limits: Sequence[Limit], axis: Axis, width: int, ink: Ink) -> list[str]:
    """Dot and whisker: a row each on one axis, limits as columns through all of them."""
    words = min(max((len(row.words) for row in rows), default=0), width // 2)
    names = min(max((cell_len(one_line(row.name)) for row in rows), default=0), width // 4)
    canvas = Canvas(width - names - words - 4, len(rows), ink)
    for number, row in enumerate(rows):
        for limit in limits:
            canvas.write(number, canvas.column(axis.place(limit.at)), "┊")
        low, high = canvas.column(axis.place(row.low)), canvas.column(axis.place(row.high))
        canvas.write(number, low, "├" + "─" * (high - low - 1) + "┤" if high > low else "●", BOLD)
        for at in (canvas.column(axis.place(limit.at)) for limit in limits):
            canvas.write(number, at, "┼" if low < at < high else "", BOLD)
        if row.middle is not None:
            canvas.write(number, canvas.column(axis.place(row.middle)), "●", BOLD)
    told = [
        f"{ink.hued(fitted(row.name, names), row.hue)}  {cells}  {fitted(row.words, words)}"
        for row, cells in zip(rows, canvas.lines(), strict=True)
    ]
    return [*told, " " * (names + 1) + _below(axis, canvas, ink)[1].removeprefix(" " * GUTTER)]


def _moment(finding: TraceResult) -> Moment | None:
    at = finding.at
    return Moment(at=at, words=curves.ending(finding)) if at is not None and axes.is_near(at) else None


def _plot(
    title: str, series: Sequence[Curve], limit: Limit, finding: TraceResult, *, height: int, width: int, ink: Ink
) -> list[str]:
    y = axes.evidence((v for one in _told(series) for _, v in one.points), limit.at, "", max(height * 2 // 3, 3))
    x = axes.time([look.t for look in curves.looks(finding)], "", max((width - GUTTER - NAMES) // 9, 2))
    limits = (Limit(at=0.0), limit)
    return [
        ink.painted(fitted(title, width).rstrip(), BOLD),
        *line(series, limits, width, height, x=x, y=y, ink=ink, moment=_moment(finding)),
    ]


def _against(finding: TraceResult, trace: Trace, width: int, ink: Ink) -> list[str]:
    series = curves.against(finding, trace)
    if not series or finding.roll_back_at is None:
        return []
    limit = Limit(at=curves.common(finding.roll_back_at), words="rolled back from here on")
    title = "Evidence against the canary (1: none either way)"
    return [
        *_plot(title, series, limit, finding, height=AGAINST, width=width, ink=ink),
        *_strip(finding, trace, width, ink),
    ]


def _promoting(finding: TraceResult, width: int, ink: Ink) -> list[str]:
    series = curves.promoting(finding)
    if not series or finding.promote_at is None:
        return []
    limit = Limit(at=curves.common(finding.promote_at), words="promoted when all are above")
    return _plot("Evidence for the canary", series, limit, finding, height=PROMOTING, width=width, ink=ink)


def _strip(finding: TraceResult, trace: Trace, width: int, ink: Ink) -> list[str]:
    """The canary's share of requests, a block a column."""
    shares = curves.shares(trace)
    if not shares:
        return []
    names = min(NAMES, max(width // 3, FEWEST))
    columns = width - GUTTER - names - 2
    x = axes.time([look.t for look in curves.looks(finding)], "", 2)
    blocks = BLOCKS if ink.unicode else ASCII_BLOCKS
    row, newest = "", 0
    for column in range(columns):
        at = x.low + (x.high - x.low) * column / max(columns - 1, 1)
        while newest < len(shares) - 1 and shares[newest][0] < at:
            newest += 1
        row += blocks[min(int(shares[newest][1] * len(blocks)), len(blocks) - 1)]
    words = fitted(f"{percent(shares[0][1])} to {percent(shares[-1][1])}", names)
    return [f"{'share':>{GUTTER - 1}}  {ink.painted(row, SOFT)} {words}"]


def _ratios(finding: TraceResult, trace: Trace, width: int, ink: Ink) -> list[str]:
    bands = curves.ratios(finding)
    if not bands:
        return []
    limits = [Limit(at=0.0)]
    if finding.roll_back_at is not None:
        limits += [Limit(at=curves.log_share(ratio)) for ratio in (trace.rules.tolerate, trace.worse)]
    axis = axes.ratio((v for band in bands[:MOST] for v in band.points[-1][1:]), (one.at for one in limits), "", 8)
    rows = [_interval(band) for band in bands[:MOST]]
    marks = f"; lines: 1x, tolerated {trace.rules.tolerate:g}x, too bad to promote {trace.worse:g}x"
    head = textwrap.wrap(f"{RATIOS}{marks if len(limits) > 1 else ''}", width)
    return [*(ink.painted(row, BOLD) for row in head), *intervals(rows, limits, axis, width, ink), *_more(bands)]


def _more(metrics: Sequence[object]) -> list[str]:
    return [f"and {len(metrics) - MOST} more metrics"] if len(metrics) > MOST else []


def _interval(band: Band) -> Interval:
    _, low, high = band.points[-1]
    return Interval(name=band.name, low=low, high=high, words=curves.between(low, high), hue=band.hue)


def _sides(finding: TraceResult, trace: Trace, width: int, ink: Ink) -> list[str]:
    sides = [one for one in curves.sides(finding, trace) if one.canary.total + one.stable.total]
    groups = [group for one in sides[:MOST] for group in _groups(one)]
    if not groups:
        return []
    return [
        ink.painted(fitted(SIDES, width).rstrip(), BOLD),
        *bars(groups, Axis(low=0, high=1), width, ink),
        *_more(sides),
    ]


def _groups(one: SideCounts) -> Iterator[Group]:
    """Of a counter one, of a histogram one for each of some bounds; the objective's is among them."""
    bounds = curves.bounds(one)
    allowed = "" if one.metric.objective is None else f", objective {percent(shares.rest(one.metric.objective))}"
    if len(bounds) < 2:
        pair = curves.pair(one, None)
        yield Group(name=f"{one.metric.name}: {one.metric.bad_words}{allowed}", bars=pair, axis=_scale(pair))
        return
    axis = _scale([bar for bound in bounds for bar in curves.pair(one, bound)])
    step = 1 + (len(bounds) - 1) // BOUNDS
    for place, bound in enumerate(bounds):
        if place % step == 0 or bound == one.metric.bound:
            said = allowed if bound == one.metric.bound else ""
            yield Group(
                name=f"{one.metric.name}: over {curves.bound_words(bound)}{said}",
                bars=curves.pair(one, bound),
                axis=axis,
            )


def _scale(told: Sequence[Bar]) -> Axis:
    return Axis(low=0.0, high=max(bar.value for bar in told) or 1.0)
