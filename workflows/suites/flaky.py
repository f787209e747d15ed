"""Flaky: what `davy test flaky` and `davy test history` say, from the runs in the archive."""

import textwrap
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.errors import Problem, Unusable
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json.codec import plain
from davy.pipeline.core.text import nouns
from davy.pipeline.core.text.sanitize import harmless, one_line
from davy.pipeline.suites.history import quarantine
from davy.pipeline.suites.history.flakes import Flake, FlakeRate, entries, flakes, sparkline
from davy.pipeline.suites.history.record import RunRecord
from davy.workflows import wiring
from davy.workflows.render.json_text import json_text
from davy.workflows.render.text.table import table
from davy.workflows.story.task import Task

VERSION = 1
WIDTH = 79
NAME = 36
"""Columns for a test's name; of a longer one the end tells more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakyOptions:
    """What the command line of `davy test flaky` says."""

    file: Path
    suite: str | None
    last: int
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsOptions:
    """What the command line of `davy test history` says."""

    file: Path
    last: int
    output: str


def flaky(task: Task, options: FlakyOptions) -> Ending:
    """The tests that did not simply pass. Raises what the archive raises."""
    _known(task, options.suite)
    records = wiring.archive(task.config, task.folder).recent(options.last, _warn)
    found, today = flakes(records, options.suite), task.clock.now().date()
    notes = _notes(task, records, today, whole=options.suite is None)
    match options.output:
        case "json":
            click.echo(json_text(_document(task, records, found, notes)))
        case "quarantine":
            click.echo(entries(found, today), nl=bool(found))
        case _:
            click.echo("\n".join(map(harmless, _text(task, records, found))))
            _note(notes)
    return Ending.DONE


def history(task: Task, options: RunsOptions) -> Ending:
    """The last runs. Raises what the archive raises."""
    records = wiring.archive(task.config, task.folder).recent(options.last, _warn)
    if options.output == "json":
        runs = [_run(record) for record in records]
        click.echo(json_text({"davy_test_history": VERSION, "service": task.config.service, "runs": runs}))
    else:
        click.echo("\n".join(_runs(records)))
    return Ending.DONE


def _known(task: Task, suite: str | None) -> None:
    names = [one.name for one in task.config.tests]
    if suite is not None and suite.partition("[")[0] not in names:
        problem = Problem(what=f"--suite {suite!r}: there is no suite of this name")
        raise Unusable("A suite is not there.", problems=(problem,), remedy=nouns.named(tuple(names)))


def _notes(task: Task, records: Sequence[RunRecord], today: date, *, whole: bool) -> tuple[str, ...]:
    """What there is to say of the quarantine."""
    held = task.quarantine
    seen = {(case.suite, name) for record in records for case in record.cases for name in case.names}
    told = quarantine.notes(held, seen, today, whole=whole and bool(records))
    return (*told, *quarantine.release_notes(held, records, today))


def _warn(warning: str) -> None:
    click.echo(f"warning: {one_line(warning)}", err=True)


def _note(notes: Sequence[str]) -> None:
    for note in notes:
        click.echo(f"note: {one_line(note)}", err=True)


def _text(task: Task, records: Sequence[RunRecord], found: Sequence[Flake]) -> list[str]:
    if not records:
        return [f"No run of {task.config.service} is in the archive yet; `davy test` keeps one."]
    runs = "the last run" if len(records) == 1 else f"the last {len(records)} runs"
    span = f"{runs}, {records[-1].at:%Y-%m-%d} to {records[0].at:%Y-%m-%d}"
    if not found:
        return [f"No test of {task.config.service} was flaky or failed in {span}."]
    head = ("test", "flaky", "failed", "last", "trend")
    rows = [(_name(flake), _share(flake.flaky), _percent(flake.failing.value), f"{flake.last:%m-%d}",
             sparkline(flake.trend)) for flake in found]  # fmt: skip
    lines = table([head, *rows], right=(1, 2))
    offered = any(flake.flaky.hits and not flake.quarantined for flake in found)
    hint = ["", "`davy test flaky -o quarantine` prints entries for the quarantine file."] if offered else []
    head_line = f"Tests of {task.config.service} that did not simply pass in {span}."
    return [*textwrap.wrap(head_line, WIDTH), "", *lines, *hint]


def _name(flake: Flake) -> str:
    """With a star where it is quarantined."""
    name = f"{one_line(flake.suite)} {one_line(flake.name)}" + (" *" if flake.quarantined else "")
    return name if len(name) <= NAME else f"…{name[1 - NAME :]}"


def _share(rate: FlakeRate) -> str:
    """`15 % (5-36)`: the 95 % interval beside it."""
    low, high = rate.interval
    return f"{_percent(rate.value)} ({100 * low:.0f}-{100 * high:.0f})" if rate.hits else "0 %"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _document(
    task: Task, records: Sequence[RunRecord], found: Sequence[Flake], notes: Sequence[str]
) -> dict[str, object]:
    return {
        "davy_flaky": VERSION,
        "service": task.config.service,
        "runs": len(records),
        "since": plain(records[-1].at) if records else None,
        "until": plain(records[0].at) if records else None,
        "tests": [_test(flake) for flake in found],
        "notes": list(notes),
    }


def _test(flake: Flake) -> dict[str, object]:
    return {
        "suite": flake.suite,
        "name": flake.name,
        "flaky": _rate(flake.flaky) | {"across_runs": flake.across},
        "failed": _rate(flake.failing),
        "last": plain(flake.last),
        "trend": [round(share, 3) for share in flake.trend],
        "seconds": flake.seconds,
        "quarantined": flake.quarantined,
    }


def _rate(rate: FlakeRate) -> dict[str, object]:
    low, high = rate.interval
    return {
        "runs": rate.hits,
        "of": rate.of,
        "rate": round(rate.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _run(record: RunRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "at": plain(record.at),
        "revision": record.revision,
        "branch": record.branch,
        "dirty": record.dirty,
        "passed": record.passed,
        **_counts(record),
    }


def _counts(record: RunRecord) -> dict[str, int]:
    bad = [case for case in record.cases if case.result in ("failed", "error")]
    return {
        "tests": len(record.cases),
        "failed": sum(not case.quarantined for case in bad),
        "flaky": sum(case.flaky for case in record.cases),
        "quarantined": sum(case.quarantined for case in bad),
    }


def _runs(records: Sequence[RunRecord]) -> list[str]:
    if not records:
        return ["no run is in the archive yet"]
    head = ("when", "", "tests", "failed", "flaky", "quarantined", "revision", "branch")
    rows = [
        (
            f"{record.at:%Y-%m-%d %H:%M}Z",
            "passed" if record.passed else "failed",
            *map(str, _counts(record).values()),
            record.revision[:7] + ("*" if record.dirty else ""),
            one_line(record.branch)[:12],
        )
        for record in records
    ]
    return table([head, *rows], right=(2, 3, 4, 5))
