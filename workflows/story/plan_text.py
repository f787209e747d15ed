"""Plan text: a plan printed, as text and as one JSON object; nothing is touched."""

import sys
import textwrap
from collections.abc import Sequence

import click

from davy.pipeline.core.json.codec import plain
from davy.pipeline.core.text.sanitize import harmless
from davy.pipeline.release.plan import PlanStep, ReleasePlan
from davy.workflows.render.json_text import json_text
from davy.workflows.render.text.width import width_of

HANG = " " * 10
"""Where the sentence of a stage begins."""


def print_plan(made: ReleasePlan, output: str, warnings: Sequence[str]) -> None:
    """A whole release."""
    if output == "json":
        click.echo(json_text({"davy_plan": 1, **plain(made), "warnings": list(warnings)}))
        return
    _say(f"Plan for {made.service}, {made.workload}. Nothing is touched yet.")
    _steps(made.steps)
    for warning in warnings:
        _say(f"  warning {warning}")


def print_steps(service: str, steps: Sequence[PlanStep], output: str) -> None:
    """Some stages of one."""
    if output == "json":
        click.echo(json_text({"davy_plan": 1, "service": service, "steps": [plain(step) for step in steps]}))
        return
    _say(f"Plan for {service}. Nothing is touched yet.")
    _steps(steps)


def _steps(steps: Sequence[PlanStep]) -> None:
    for step in steps:
        _say(f"  {step.stage:<7} {step.sentence}")
        if step.if_it_fails:
            _say(f"{HANG}else: {step.if_it_fails}")


def _say(line: str) -> None:
    """On a terminal broken at its width, elsewhere one fact a line."""
    click.echo(folded(harmless(line), width_of(sys.stdout)))


def folded(line: str, width: int | None) -> str:
    """The line broken at words, what goes on under the sentence; a width of None leaves it whole."""
    if width is None or len(line) <= width:
        return line
    return "\n".join(textwrap.wrap(line, width, subsequent_indent=HANG, break_long_words=False, break_on_hyphens=False))
