"""Plan: what `davy test plan` says: which part of a suite runs where, and how long that should take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.text import time_text
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.suites import driver
from davy.pipeline.suites.history import archive
from davy.pipeline.suites.history.record import RunRecord
from davy.pipeline.suites.plan import pieces as expansion
from davy.pipeline.suites.plan import sharding
from davy.pipeline.suites.plan.pieces import Guesses, Piece, PlannedSuite
from davy.workflows import wiring
from davy.workflows.render.json_text import json_text
from davy.workflows.render.text.table import table
from davy.workflows.story.task import Task
from davy.workflows.suites import orders, stage
from davy.workflows.suites.run import chosen

SHOWN = 12
"""Parts that text names; JSON has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestPlanOptions:
    """What the command line of `davy test plan` says."""

    file: Path
    suites: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One suite, before it runs."""

    ask: PlannedSuite
    guesses: Guesses
    pieces: tuple[Piece, ...]

    @property
    def known(self) -> bool:
        """True where an earlier run says how long things take."""
        return any(guess.known for guess in self.guesses.values())

    @property
    def expected(self) -> float | None:
        """Seconds by the clock; None where nothing is known."""
        queue = [piece.expected for piece in self.pieces]
        return round(sharding.makespan(queue, self.ask.at_once), 1) if self.known else None


def plan(task: Task, options: TestPlanOptions) -> Ending:
    """Print it; nothing is run."""
    asked = orders.asks(task, chosen(task, options.suites))
    history, warnings = archive.recent(wiring.archive(task.config, task.folder), stage.LATEST)
    for warning in warnings:
        click.echo(harmless(f"warning: {warning}"), err=True)
    made = [_forecast(ask, history) for ask in asked]
    match options.output:
        case "json":
            click.echo(json_text({"davy_test_plan": 1, "service": task.config.service,
                                   "suites": [_document(each) for each in made]}))  # fmt: skip
        case "github-matrix":
            rows = [row for each in made for row in _rows(each)]
            if not rows:
                click.echo("note: no suite runs here; GitHub takes no empty matrix, so the job needs an `if`", err=True)
            click.echo(json_text({"include": rows}))
        case _:
            _printed(task.config.service, made)
    return Ending.DONE


def _forecast(ask: PlannedSuite, history: Sequence[RunRecord]) -> Forecast:
    guesses = driver.guesses(ask, history)
    # What a place takes at once is not asked here: a plan needs no account. Of all places one has a queue of its own.
    pieces = expansion.static if ask.suite.in_ == "kubernetes" else expansion.queued
    return Forecast(ask=ask, guesses=guesses, pieces=pieces(ask, guesses, ask.at_once))


def _document(each: Forecast) -> dict[str, object]:
    suite = each.ask.suite
    return {
        "suite": suite.name,
        "in": suite.in_,
        "at_once": each.ask.at_once,
        "files": len({item for cell in each.ask.cells for item in each.ask.of(cell)}),
        "expected_seconds": each.expected,
        "parts": [
            {"part": piece.name, "cell": dict(piece.cell.values), "files": list(piece.items)}
            | {"expected_seconds": round(piece.expected, 1) if each.known else None}
            for piece in each.pieces
        ],
    }


def _rows(each: Forecast) -> list[dict[str, object]]:
    """An entry for each CI job. The files are settled here: later jobs may find another history."""
    suite, count = each.ask.suite, each.ask.suite.shards
    if not suite.files:
        return [_row(each, number, count, None) for number in range(1, count + 1)]
    settled = expansion.settled(each.ask, each.guesses, count)
    return [_row(each, number, count, items) for number, items in enumerate(settled, start=1) if items]


def _row(each: Forecast, number: int, count: int, items: tuple[str, ...] | None) -> dict[str, object]:
    name = each.ask.suite.name
    row: dict[str, object] = {"suite": name, "shard": f"{number}/{count}"}
    row["name"] = f"{name} {number}/{count}" if count > 1 else name
    row["files"] = " ".join(items or ())
    keys = items or (expansion.shard_key(number, count),)
    row["expected_seconds"] = (
        round(sum(guess.total(keys) for guess in each.guesses.values()), 1) if each.known else None
    )
    return row


def _printed(service: str, made: Sequence[Forecast]) -> None:
    click.echo(harmless(f"Suites of {service}. Nothing is run."))
    for each in made:
        for line in _lines(each):
            click.echo(harmless(line))


def _lines(each: Forecast) -> list[str]:
    suite, count = each.ask.suite, len(each.pieces)
    expected = "no earlier run is known" if each.expected is None else f"about {_shown(each.expected)}"
    parts_said = f"{count} part{'s' * (count != 1)}, {min(each.ask.at_once, count)} at once"
    head = f"\n{suite.name}  in {suite.in_}, {parts_said}, {expected}"
    rows = [
        (f"  {piece.name or 'whole'}", _shown(piece.expected) if each.known else "", _files(piece))
        for piece in each.pieces[:SHOWN]
    ]
    more = [f"  … and {count - SHOWN} more"] if count > SHOWN else []
    return [head, *(line[:79] for line in table(rows, right=(1,))), *more] if rows else [head]


def _files(piece: Piece) -> str:
    return f"{len(piece.items)} file{'s' * (len(piece.items) != 1)}" if piece.items else ""


def _shown(seconds: float) -> str:
    return time_text.shown(timedelta(seconds=round(seconds)))
