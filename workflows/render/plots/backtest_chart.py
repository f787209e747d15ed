"""Backtest chart: false rollbacks and what was found, by judge; in a terminal's letters and as a page. Pure."""

import math
from collections.abc import Sequence
from datetime import timedelta

from davy.checks.backtest.results import BacktestRow
from davy.checks.backtest.trial import HEALTHY
from davy.pipeline.core.text.time_text import shown
from davy.workflows.render.plots import axes, chart, figures
from davy.workflows.render.plots.axes import Axis
from davy.workflows.render.plots.canvas import Ink
from davy.workflows.render.plots.figures import Told
from davy.workflows.render.plots.paper import safe, sheet
from davy.workflows.render.plots.shapes import OWN, Bar, Group, Interval, Limit

TICKS = 6
FALSE = "Rolled back though nothing was wrong (exact 95 % interval)"
FOUND = "Injected faults that were found"


def drawn(rows: Sequence[BacktestRow], alpha: float, width: int, *, color: bool, unicode: bool) -> str:
    """Two charts, no line wider than `width`."""
    ink = Ink(color, unicode)
    healthy = _healthy(rows)
    found = _found(rows)
    parts = [
        FALSE,
        *chart.intervals(healthy, _limits(alpha), _axis(healthy, alpha), width, ink),
        *(("", FOUND, *chart.bars(found, _whole(), width, ink)) if found else ()),
    ]
    text = "\n".join(line.rstrip() for line in parts)
    return text if unicode else text.translate(chart.PLAIN).encode("ascii", "replace").decode()


def page(sentence: str, rows: Sequence[BacktestRow], alpha: float, text: str) -> str:
    """The pictures, a table, and the whole text; opens without a network."""
    healthy, found = _healthy(rows), _found(rows)
    parts = [
        f"<h1>{safe(sentence, 1000)}</h1>",
        '<section><h2>False alarms and what was found</h2>\n<div class="figures">',
        _false_alarms(healthy, alpha),
        *([_power(found), _prices(rows)] if found else []),
        "</div></section>",
        _table(rows),
        "<section><h2>In full</h2>",
        "<pre>",
        *(_safe_line(line) for line in text.splitlines()),
        "</pre></section>",
    ]
    return sheet(sentence, "\n".join(parts))


def _safe_line(line: str) -> str:
    """One line of the text, with the spaces it begins with and those between its columns."""
    return " ".join(safe(word) for word in line.split(" "))


def _healthy(rows: Sequence[BacktestRow]) -> list[Interval]:
    own = [row for row in rows if row.ratio == HEALTHY]
    return [
        Interval(
            name=row.judge,
            low=row.interval[0],
            high=row.interval[1],
            words=f"{row.rolled_back} of {row.runs} ({_percent(row.interval[0])} to {_percent(row.interval[1])})",
            middle=row.rolled_back / row.runs,
            hue=hue,
        )
        for row, hue in zip(own, OWN, strict=False)
    ]


def _found(rows: Sequence[BacktestRow]) -> list[Group]:
    return [
        Group(name=f"{ratio:g} times as many bad events", bars=tuple(_bar(row, hue) for row, hue in own))
        for ratio, own in _by_ratio(rows)
    ]


def _by_ratio(rows: Sequence[BacktestRow]) -> list[tuple[float, list[tuple[BacktestRow, int]]]]:
    ratios = [ratio for ratio in dict.fromkeys(row.ratio for row in rows) if ratio != HEALTHY]
    return [(one, list(zip((row for row in rows if row.ratio == one), OWN, strict=False))) for one in ratios]


def _bar(row: BacktestRow, hue: int) -> Bar:
    share = row.rolled_back / row.runs
    after = f", {shown(timedelta(seconds=row.seconds))}" if math.isfinite(row.seconds) else ""
    return Bar(name=row.judge, value=share, words=f"{_percent(share)}{after}", hue=hue)


def _limits(alpha: float) -> tuple[Limit, ...]:
    return (Limit(at=alpha, words=_percent(alpha)),)


def _axis(healthy: Sequence[Interval], alpha: float) -> Axis:
    return axes.share([alpha, *(row.high for row in healthy)], "share of healthy canaries", TICKS)


def _whole() -> Axis:
    return axes.share([1.0], "share that was found", TICKS)


def _false_alarms(healthy: Sequence[Interval], alpha: float) -> str:
    told = Told(
        key="false",
        title="Rolled back though nothing was wrong",
        note="Dot: the share of all starts. Bar: the exact 95 % interval, of as many starts as do not overlap. "
        "Dotted: what the sequential judge promises.",
        words="; ".join(f"{row.name}: {row.words}" for row in healthy),
    )
    return figures.figure(told, figures.intervals(told, _axis(healthy, alpha), healthy, _limits(alpha)))


def _power(found: Sequence[Group]) -> str:
    return _bars("found", FOUND, "With the median time until then.", found, _whole())


def _prices(rows: Sequence[BacktestRow]) -> str:
    groups = [
        Group(
            name=f"{ratio:g} times as many bad events",
            bars=tuple(Bar(name=row.judge, value=row.extra, words=f"{row.extra:,.1f}", hue=hue) for row, hue in own),
        )
        for ratio, own in _by_ratio(rows)
    ]
    most = max((bar.value for group in groups for bar in group.bars), default=0.0) or 1.0
    axis = Axis(low=0.0, high=most, words="extra bad answers")
    return _bars("price", "Extra bad answers until the verdict", "In the mean over all starts.", groups, axis)


def _bars(key: str, title: str, note: str, groups: Sequence[Group], axis: Axis) -> str:
    words = "; ".join(f"{group.name}: {', '.join(f'{bar.name} {bar.words}' for bar in group.bars)}" for group in groups)
    told = Told(key=key, title=title, note=note, words=words)
    names = [(bar.hue, bar.name, "") for bar in groups[0].bars]
    return figures.figure(told, figures.bars(told, axis, groups), figures.legend(names))


def _table(rows: Sequence[BacktestRow]) -> str:
    head = ("judge", "times worse", "runs", "rolled back", "promoted", "undecided", "median seconds", "extra bad")
    return figures.table(
        "Every judge under every truth",
        head,
        (
            (
                row.judge,
                f"{row.ratio:g}",
                f"{row.runs:,}",
                f"{row.rolled_back:,}",
                f"{row.promoted:,}",
                f"{row.undecided:,}",
                f"{row.seconds:,.0f}" if math.isfinite(row.seconds) else "-",
                f"{row.extra:,.1f}",
            )
            for row in rows
        ),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
