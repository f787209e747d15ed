"""Figures: lines, intervals, bars and tables as SVG and HTML that stand alone. Pure; all names are made safe here."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from davy.workflows.render.plots.axes import Axis, apart
from davy.workflows.render.plots.curves import thinned, thinned_band
from davy.workflows.render.plots.paper import safe
from davy.workflows.render.plots.shapes import Band, Curve, Group, Interval, Limit, Moment, Point, Spot

WIDTH, LEFT, RIGHT = 440, 58, 14
"""In SVG units, which are about a pixel on a phone."""
HEAD, PLOT, FEET, STRIP = 36, 190, 40, 30
POINTS = 220
"""Of a line: two for each unit of width would not be seen."""
ROW, BAR = 36, 13
LETTER = 6.5
"""About the width of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a figure says to people who do not see it, and beside it to those who do."""

    key: str
    """Unlike any other of the page; ours, not from outside."""
    title: str
    words: str
    note: str = ""


def figure(told: Told, picture: str, legend: str = "") -> str:
    """With its caption and its legend."""
    note = f"<span>{safe(told.note)}</span>" if told.note else ""
    return f"<figure><figcaption>{safe(told.title)}{note}</figcaption>\n{picture}\n{legend}</figure>"


def legend(entries: Iterable[tuple[int, str, str]]) -> str:
    """From hue, name and value in words."""
    items = "".join(
        f'<li><svg viewBox="0 0 26 10" aria-hidden="true"><path class="line l{hue}" d="M0 5H26"/></svg>'
        f"{safe(name, 80)}{f' <b>{safe(value)}</b>' if value else ''}</li>"
        for hue, name, value in entries
    )
    return f'<ul class="legend">{items}</ul>' if items else ""


def svg(told: Told, height: float, parts: Iterable[str], width: float = WIDTH) -> str:
    """The picture with its title and description."""
    return (
        f'<svg class="figure" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-labelledby="{told.key}t {told.key}d"><title id="{told.key}t">{safe(told.title)}</title>'
        f'<desc id="{told.key}d">{safe(told.words, 2000)}</desc>{"".join(parts)}</svg>'
    )


def text(x: float, y: float, words: str, looks: str = "", longest: int = 70) -> str:
    """Words at a place."""
    kind = f' class="{looks}"' if looks else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{safe(words, longest)}</text>'


def lines(
    told: Told,
    x: Axis,
    y: Axis,
    series: Sequence[Curve],
    *,
    limits: Sequence[Limit] = (),
    bands: Sequence[Band] = (),
    moment: Moment | None = None,
    spots: Sequence[Spot] = (),
    strip: Sequence[Point] = (),
) -> str:
    """Lines over a common axis. `strip`: shares, 0 to 1, drawn small below."""
    parts = [
        *plotted(x, y, series, limits=limits, bands=bands, moment=moment, spots=spots),
        *(_Plot(x, y, WIDTH - LEFT - RIGHT).strip(strip) if strip else ()),
    ]
    return svg(told, HEAD + PLOT + FEET + (STRIP + 18 if strip else 0), parts)


def plotted(
    x: Axis,
    y: Axis,
    series: Sequence[Curve],
    *,
    limits: Sequence[Limit] = (),
    bands: Sequence[Band] = (),
    moment: Moment | None = None,
    spots: Sequence[Spot] = (),
    right: float = RIGHT,
) -> list[str]:
    """The parts of such a figure, for one that is put together of several. `right`: room for the series' tags."""
    plot = _Plot(x, y, WIDTH - LEFT - right)
    return [
        *plot.frame(),
        *(plot.band(one) for one in bands),
        *plot.limits(limits, moment),
        *(part for one in sorted(series, key=lambda one: -one.hue) for part in plot.line(one)),
        *plot.tags(series),
        *(part for one in spots for part in plot.spot(one)),
        *(plot.moment(moment) if moment else ()),
    ]


@dataclass(frozen=True, slots=True)
class _Plot:
    """The room between the axes."""

    x: Axis
    y: Axis
    width: float

    def across(self, value: float) -> float:
        return LEFT + self.x.place(value) * self.width

    def down(self, value: float) -> float:
        return HEAD + (1 - self.y.place(value)) * PLOT

    def frame(self) -> Iterator[str]:
        end, bottom = LEFT + self.width, HEAD + PLOT
        yield text(2, 12, self.y.words, "soft")
        for tick in self.y.ticks:
            at = self.down(tick.at)
            yield f'<path class="g" d="M{LEFT} {at:.1f}H{end:.1f}"/>' + text(LEFT - 6, at + 4, tick.words, "end")
        yield f'<path class="axis" d="M{LEFT} {bottom}H{end:.1f}"/>'
        for tick in self.x.ticks:
            at = self.across(tick.at)
            looks = "end" if at > WIDTH - 24 else "mid"
            yield f'<path class="axis" d="M{at:.1f} {bottom}v4"/>' + text(
                min(at, WIDTH), bottom + 17, tick.words, looks
            )
        yield text(end, bottom + 33, self.x.words, "end soft")

    def limits(self, limits: Sequence[Limit], moment: Moment | None) -> Iterator[str]:
        end = LEFT + self.width
        early = moment is not None and self.x.place(moment.at) < 0.5
        worded = [limit for limit in limits if limit.words]
        places = apart([self.down(limit.at) - 4 for limit in worded], 12, HEAD + 10, HEAD + PLOT - 2)
        for limit in limits:
            kind = "limit" if limit.words else "limit one"
            yield f'<path class="{kind}" d="M{LEFT} {self.down(limit.at):.1f}H{end:.1f}"/>'
        for limit, at in zip(worded, places, strict=True):
            yield text(end - 6 if early else LEFT + 6, at, limit.words, "limitword halo" + (" end" if early else ""))

    def line(self, one: Curve) -> Iterator[str]:
        points = thinned(one.points, POINTS)
        if not points:
            return
        places = [(self.across(at), self.down(value)) for at, value in points]
        if len(places) > 1:
            drawn = "L".join(f"{at:.1f} {value:.1f}" for at, value in places)
            yield f'<path class="line l{one.hue}" d="M{drawn}"/>'
        for (at, _), (low, high) in zip(places, one.whiskers, strict=False):
            span = f"M{at:.1f} {self.down(low):.1f}V{self.down(high):.1f}"
            yield f'<path class="whisker l{one.hue}" d="{span}m-3 0h6"/>'
        for at, value in places if one.whiskers else places[-1:]:
            yield f'<circle class="f{one.hue}" cx="{at:.1f}" cy="{value:.1f}" r="3"/>'

    def tags(self, series: Sequence[Curve]) -> Iterator[str]:
        tagged = [one for one in series if one.tag and one.points]
        places = apart([self.down(one.last) + 4 for one in tagged], 13, HEAD + 8, HEAD + PLOT)
        for one, at in zip(tagged, places, strict=True):
            yield text(self.across(one.points[-1][0]) + 7, at, one.tag, f"b halo f{one.hue}", 22)

    def band(self, one: Band) -> str:
        points = thinned_band(one.points, POINTS)
        if not points:
            return ""
        if len(points) == 1:  # A band of one look is a whisker.
            at, low, high = points[0]
            span = f"M{self.across(at):.1f} {self.down(low):.1f}V{self.down(high):.1f}"
            return f'<path class="whisker l{one.hue}" d="{span}"/>'
        there = [f"{self.across(at):.1f} {self.down(high):.1f}" for at, _, high in points]
        back = [f"{self.across(at):.1f} {self.down(low):.1f}" for at, low, _ in reversed(points)]
        return (
            f'<path class="band f{one.hue}" d="M{"L".join([*there, *back])}Z"/>'
            f'<path class="line l{one.hue}" d="M{"L".join(there)}M{"L".join(back)}"/>'
        )

    def spot(self, one: Spot) -> Iterator[str]:
        at, down = self.across(one.x), self.down(one.y)
        yield f'<path class="spot" d="M{at:.1f} {down - 6:.1f}l6 6l-6 6l-6 -6Z"/>'
        near_end = at + 9 + LETTER * len(one.words) > WIDTH
        yield text(at + (-9 if near_end else 9), down - 7, one.words, "limitword halo" + (" end" if near_end else ""))

    def moment(self, one: Moment) -> Iterator[str]:
        at = self.across(one.at)
        yield f'<path class="moment" d="M{at:.1f} {HEAD - 4}V{HEAD + PLOT}"/>'
        late = at > LEFT + self.width / 2
        yield text(at + (3 if late else -3), HEAD - 8, one.words, "b note" + (" end" if late else ""), 40)

    def strip(self, shares: Sequence[Point]) -> Iterator[str]:
        """Each share fills the time since the one before."""
        bottom = HEAD + PLOT + FEET + 14 + STRIP
        full = STRIP - 4
        before, drawn = self.x.low, [f"M{LEFT} {bottom}"]
        for at, share in _steps(shares):
            drawn.append(f"L{self.across(before):.1f} {bottom - share * full:.1f}H{self.across(at):.1f}")
            before = at
        yield text(LEFT, HEAD + PLOT + FEET + 12, self._strip_words(shares), "soft note")
        yield f'<path class="strip" d="{"".join(drawn)}V{bottom}Z"/>'
        yield f'<path class="axis" d="M{LEFT} {bottom}h{self.width:.1f}"/>'
        yield text(LEFT - 6, bottom - full + 8, "100%", "end note soft") + text(LEFT - 6, bottom, "0%", "end note soft")

    def _strip_words(self, shares: Sequence[Point]) -> str:
        low, high = min(share for _, share in shares), max(share for _, share in shares)
        words = (
            f"{100 * low:.0f}%" if round(100 * low) == round(100 * high) else f"{100 * low:.0f}% to {100 * high:.0f}%"
        )
        return f"share of requests that the canary served: {words}"


def _steps(shares: Sequence[Point]) -> list[Point]:
    """One for every pixel is enough: the last of those that fall on it."""
    step = max(1, math.ceil(len(shares) / POINTS))
    return [shares[min(i + step, len(shares)) - 1] for i in range(0, len(shares), step)]


def intervals(told: Told, axis: Axis, rows: Sequence[Interval], limits: Sequence[Limit] = ()) -> str:
    """Dot and whisker: a row each, its name above it, on one axis."""
    bottom, begin, width = HEAD + ROW * len(rows), 14, WIDTH - 28
    parts = list(_columns(axis, limits, begin, width, bottom))
    for number, row in enumerate(rows):
        y = HEAD + ROW * number
        low, high = (begin + axis.place(value) * width for value in (row.low, row.high))
        parts.append(
            text(begin, y + 13, row.name, "halo", 38) + text(begin + width, y + 13, row.words, "end b halo", 30)
        )
        ends = f"M{low:.1f} {y + 19}v8M{high:.1f} {y + 19}v8M{low:.1f} {y + 23}H{high:.1f}"
        parts.append(f'<path class="line whisker l{row.hue}" d="{ends}"/>')
        if row.middle is not None:
            middle = begin + axis.place(row.middle) * width
            parts.append(f'<circle class="f{row.hue}" cx="{middle:.1f}" cy="{y + 23}" r="4"/>')
    return svg(told, bottom + 40, parts)


def _columns(axis: Axis, limits: Sequence[Limit], begin: float, width: float, bottom: float) -> Iterator[str]:
    """The axis below, its grid, and the limits with their words above."""
    for tick in axis.ticks:
        at = begin + axis.place(tick.at) * width
        looks = "end" if at > WIDTH - 24 else "mid" if at > 24 else ""
        yield f'<path class="g" d="M{at:.1f} {HEAD - 6}V{bottom}"/>' + text(at, bottom + 15, tick.words, looks)
    yield text(begin + width, bottom + 32, axis.words, "end soft")
    for number, limit in enumerate(limits):
        at = begin + axis.place(limit.at) * width
        kind = "limit" if limit.words else "limit one"
        # Two rows of words, since the limits stand near each other.
        yield f'<path class="{kind}" d="M{at:.1f} {HEAD - 8}V{bottom}"/>'
        yield text(at, 12 + 13 * (number % 2), limit.words, "limitword mid") if limit.words else ""


def bars(told: Told, axis: Axis, groups: Sequence[Group], limit_words: str = "") -> str:
    """Grouped bars that lie down, with their values in words; a tick on each where its limit is."""
    begin, width = 14, WIDTH - 28 - 96
    parts, y = [], 4.0
    for group in groups:
        parts.append(text(begin, y + 13, group.name, "", 60))
        top = y + 19
        for number, bar in enumerate(group.bars):
            at, length = top + number * BAR, max(axis.place(bar.value) * width, 1.0)
            parts.append(f'<rect class="f{bar.hue}" x="{begin}" y="{at:.1f}" width="{length:.1f}" height="{BAR - 3}"/>')
            parts.append(text(begin + length + 6, at + BAR - 4, bar.words, "note halo", 26))
        y = top + BAR * len(group.bars) + 8
        if group.limit is not None and group.limit <= axis.high:
            limit = begin + axis.place(group.limit) * width
            parts.append(f'<path class="limit" d="M{limit:.1f} {top - 3:.1f}V{y - 8:.1f}"/>')
    for tick in axis.ticks:
        at = begin + axis.place(tick.at) * width
        parts.append(
            f'<path class="axis" d="M{at:.1f} {y:.1f}v4"/>' + text(at, y + 17, tick.words, "mid" if at > 24 else "")
        )
    parts.append(f'<path class="axis" d="M{begin} {y:.1f}h{width}"/>')
    parts.append(text(begin, y + 34, f"{axis.words}{f'; {limit_words}' if limit_words else ''}", "soft"))
    return svg(told, y + 40, parts)


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column names the row."""
    heads = "".join(f'<th scope="col">{safe(word)}</th>' for word in head)
    body = "".join(
        f'<tr><th scope="row">{safe(row[0])}</th>{"".join(f"<td>{safe(cell)}</td>" for cell in row[1:])}</tr>\n'
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(caption)}">'
        f"<table><caption>{safe(caption)}</caption><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )
