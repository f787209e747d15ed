"""Foreseeing: a plan printed, as text and as one JSON object; nothing is touched."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from davy.pipeline.codec import plain
from davy.pipeline.plan import Plan, PlanStep
from davy.workflows.render.clean import harmless
from davy.workflows.render.jsontext import json_text


def plan_told(made: Plan, said: Mapping[str, Any], warnings: Sequence[str]) -> None:
    """A whole release."""
    if said["output"] == "json":
        click.echo(json_text({"davy_plan": 1, **plain(made), "warnings": list(warnings)}))
        return
    click.echo(harmless(f"Plan for {made.service}, {made.workload}. Nothing is touched yet."))
    _steps(made.steps)
    for warning in warnings:
        click.echo(harmless(f"  warning {warning}"))


def steps_told(service: str, steps: Sequence[PlanStep], said: Mapping[str, Any]) -> None:
    """Some stages of one."""
    if said["output"] == "json":
        click.echo(json_text({"davy_plan": 1, "service": service, "steps": [plain(step) for step in steps]}))
        return
    click.echo(harmless(f"Plan for {service}. Nothing is touched yet."))
    _steps(steps)


def _steps(steps: Sequence[PlanStep]) -> None:
    for step in steps:
        click.echo(harmless(f"  {step.stage:<7} {step.sentence}"))
        if step.if_it_fails:
            click.echo(harmless(f"          else: {step.if_it_fails}"))
