"""Replaying: a trace from a file to a judge, and what it found in words and as JSON."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from davy.checks.finding import Finding, Result
from davy.checks.reading import Reading
from davy.checks.replay import Replay
from davy.checks.sentences import percent, times
from davy.checks.trace import Trace
from davy.pipeline.errors import Problem, Unusable
from davy.pipeline.model import Counts, Evidence
from davy.workflows.render.bars import factor
from davy.workflows.render.clean import one_line

VERSION = 1
NAME = 16
"""Columns for a metric's name."""
LOOKS = 512
"""Kept for a picture, at least."""


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """The trace's bytes; `-` is stdin. Raises Unusable where there are none."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(path).open("rb") as lines:
            yield lines
    except OSError as error:
        problem = Problem(what=f"cannot be read: {error.strerror or error}", file=path)
        remedy = "Name a trace: `davy canary trace -o FILE` writes one, docs/trace.md has the format."
        raise Unusable(f"{path} cannot be read.", problems=(problem,), remedy=remedy) from error


def found(path: str, *, to_end: bool, pictures: bool = False) -> tuple[Finding, Trace]:
    """The sequential judge's finding, the windows read one by one; and the trace, with its windows only for pictures.

    Raises Unusable with every malformed line, also those behind the verdict.
    """
    with opened(path) as lines:
        reading = Reading(lines, _name(path))
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
    from davy.checks.reading import read  # noqa: PLC0415

    with opened(path) as lines:
        return read(lines, _name(path))


def _name(path: str) -> str:
    return "stdin" if path == "-" else path


def document(finding: Finding, trace: Trace) -> dict[str, Any]:
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


VERDICTS = {
    Result.ROLL_BACK: "roll back",
    Result.PROMOTE: "promote",
    Result.INCONCLUSIVE: "inconclusive",
}


def text(finding: Finding) -> str:
    """The verdict, its sentence, and a table of the metrics; at most 80 columns but for the sentence."""
    at = f" at {finding.at:g} s" if finding.at is not None else ""
    count = f"{finding.windows:,} window{'s' * (finding.windows != 1)} read"
    lines = [f"{VERDICTS[finding.verdict]}{at} ({finding.judge}, {count})", one_line(finding.sentence)]
    return "\n".join([*lines, "", *_table(finding)])


def _table(finding: Finding) -> list[str]:
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


def short(name: str) -> str:
    """A metric's name in its columns."""
    clean = one_line(name)
    return clean if len(clean) <= NAME else clean[: NAME - 1] + "…"


def side(counts: Counts) -> str:
    """`24/6,000 0.40%`."""
    return f"{counts.bad:,}/{counts.total:,} {percent(counts.rate)}" if counts.total else "no data"


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Columns two spaces apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
