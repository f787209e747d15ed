"""Replay: a trace from a file to a judge, and what it found in words and as JSON."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from davy.checks.judges.sequential.sentences import times
from davy.checks.traces.reader import TraceReader
from davy.checks.traces.replay import Replay
from davy.checks.traces.result import TraceResult
from davy.checks.traces.trace import Trace
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.core.verdict import Counts, Evidence
from davy.workflows.judge.trace_file import name_of, opened, write
from davy.workflows.render.bars import factor
from davy.workflows.render.text.columns import VERDICTS, short, side
from davy.workflows.render.text.table import table
from davy.workflows.render.text.width import width_of
from davy.workflows.story.options import ViewOptions

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """What the command line of `davy judge replay` says."""

    trace: str
    judge: str
    to_end: bool
    plot: bool
    html: Path | None
    output: str
    no_color: bool


WIDTH = 80
LOOKS = 512
"""Kept for a picture, at least."""


def asked(path: str, judge: str, *, to_end: bool, pictures: bool = False) -> tuple[TraceResult, Trace]:
    """One of the judges' findings, and the trace. Raises Unusable for a malformed trace, or a judge's settings."""
    if judge == "sequential":
        return found(path, to_end=to_end, pictures=pictures)
    from davy.checks.traces import other_judges  # noqa: PLC0415 - only when it is run

    trace = whole(path)
    say = other_judges.threshold if judge == "threshold" else other_judges.mannwhitney
    return say(trace, to_end=to_end), trace


def found(path: str, *, to_end: bool, pictures: bool = False) -> tuple[TraceResult, Trace]:
    """The sequential judge's finding, the windows read one by one; and the trace, with its windows only for pictures.

    Raises Unusable with every malformed line, also those behind the verdict.
    """
    with opened(path) as lines:
        reading = TraceReader(lines, name_of(path))
        replay = Replay(reading.header or Trace(metrics=()), to_end=to_end, keep=LOOKS if pictures else 0)
        windows = []
        for glance in reading.windows():
            if not reading.problems and not replay.over:
                replay.see(glance)
                if pictures:
                    windows.append(glance)
        trace = reading.checked()
    return replay.finding(), replace(trace, windows=tuple(windows))


def whole(path: str) -> Trace:
    """All of it. Raises Unusable with every malformed line."""
    from davy.checks.traces.reader import read  # noqa: PLC0415

    with opened(path) as lines:
        return read(lines, name_of(path))


def document(finding: TraceResult, trace: Trace) -> dict[str, Any]:
    """`{"davy_replay": 1, "judge": …, "verdict": …, …}` as docs/trace.md has it."""
    last = finding.looks[-1] if finding.looks else None
    by_name = {one.metric: one for one in last.evidence} if last else {}
    counted = last is not None and last.log_e_roll_back is not None
    return {
        "davy_replay": VERSION,
        "judge": finding.judge,
        "verdict": finding.verdict.value,
        "at": _seconds(finding.at),
        "windows": finding.windows,
        "log_e_roll_back": last.log_e_roll_back if last else None,
        "log_e_burn": last.log_e_burn if last else None,
        "metrics": {metric.name: _metric(by_name.get(metric.name), counted=counted) for metric in trace.metrics},
        "sentence": finding.sentence,
    }


def _seconds(at: float | None) -> float | int | None:
    return int(at) if at is not None and at.is_integer() else at


def _metric(evidence: Evidence | None, *, counted: bool) -> dict[str, Any]:
    one = evidence or Evidence(metric="", canary=Counts(bad=0, total=0), stable=Counts(bad=0, total=0))
    return {
        "log_e": one.log_e_roll_back if counted else None,
        "log_e_promote": one.log_e_promote if counted else None,
        "ratio": list(one.ratio) if one.ratio else None,
        "canary": {"total": one.canary.total, "bad": one.canary.bad},
        "stable": {"total": one.stable.total, "bad": one.stable.bad},
        "blame": one.share,
    }


def paged(out: Path, finding: TraceResult, trace: Trace) -> None:
    """The verdict as a page of its own. Raises Unusable where it cannot be written."""
    from davy.workflows.render.plots.page import page  # noqa: PLC0415

    write(out, page(finding, trace))


def plotted(finding: TraceResult, trace: Trace, *, no_color: bool) -> str:
    """The verdict drawn: as wide as the terminal, 80 columns and without colour where there is none."""
    from davy.workflows.render.plots.chart import drawn  # noqa: PLC0415

    width = width_of(sys.stdout)
    color = width is not None and ViewOptions(no_color=no_color).color
    unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return drawn(finding, trace, width or WIDTH, color=color, unicode=unicode)


def text(finding: TraceResult) -> str:
    """The verdict, its sentence, and a table of the metrics; at most 80 columns but for the sentence."""
    at = f" at {finding.at:g} s" if finding.at is not None else ""
    count = f"{finding.windows:,} window{'s' * (finding.windows != 1)} read"
    lines = [f"{VERDICTS[finding.verdict]}{at} ({finding.judge}, {count})", one_line(finding.sentence)]
    return "\n".join([*lines, "", *_table(finding)])


def _table(finding: TraceResult) -> list[str]:
    last = finding.looks[-1] if finding.looks else None
    if last is None or not last.evidence:
        return ["no metric was judged"]
    rows: list[tuple[str, ...]] = [("metric", "canary", "stable", "worse", "fine", "ratio", "blame")]
    counted = last.log_e_roll_back is not None
    rows += [_row(one, counted=counted) for one in last.evidence]
    if finding.roll_back_at is not None and finding.promote_at is not None and last.log_e_roll_back is not None:
        limits = (factor(finding.roll_back_at), factor(finding.promote_at))
        rows.append(("together", "", "", factor(last.log_e_roll_back), "", "", ""))
        rows.append(("limit", "", "", limits[0], limits[1], "", ""))
    return table(rows, right=(3, 4, 6))


def _row(one: Evidence, *, counted: bool) -> tuple[str, ...]:
    return (
        short(one.metric),
        side(one.canary),
        side(one.stable),
        factor(one.log_e_roll_back) if counted else "-",
        factor(one.log_e_promote) if counted else "-",
        f"{times(one.ratio[0])} to {times(one.ratio[1])}" if one.ratio else "-",
        f"{100 * one.share:.0f}%",
    )
