"""`davy validate`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from davy.workflows import canaryfile, options
from davy.workflows.render.clean import one_line

if TYPE_CHECKING:
    from davy.pipeline.checksconfig import ChecksConfig


@click.command()
@options.file
@options.output
def command(file: Path, output: str) -> None:
    """Check davy.yaml.

    Reads the file, and those that it names (SLOs, Kayenta's canary config, quarantine): no cluster, no registry, no
    Prometheus. Every problem is said at once, as `file:line: path: what`, with exit code 2. What the query linter
    only advises against is said on stderr, and is no failure. Changes nothing.
    """
    from davy.workflows import linted, wiring  # noqa: PLC0415 - pydantic

    config, warnings, notes = linted.loaded(file, os.environ)
    wiring.quarantine(config, file.resolve().parent)
    analysis = canaryfile.read(config.checks, file.resolve().parent)
    noted = [one_line(str(note)) for note in (*notes, *(analysis.notes if analysis else ()))]
    for note in noted:
        click.echo(f"note: {note}", err=True)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if output == "json":
        said = {"davy_validation": 1, "file": str(file), "service": config.service, "problems": []}
        click.echo(json.dumps(said | {"warnings": [str(warning) for warning in warnings], "notes": noted}))
    else:
        click.echo(f"{file}: good. Service {config.service}, {len(config.canary.steps)} steps, "
                   f"{_count(config.checks) + len(analysis.metrics if analysis else ())} checks.")  # fmt: skip


def _count(checks: "ChecksConfig") -> int:
    return len(checks.slos) + len(checks.thresholds)
