"""`davy validate`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from davy.workflows import canaryfile, options

if TYPE_CHECKING:
    from davy.pipeline.checksconfig import ChecksConfig


@click.command()
@options.file
@options.output
def command(file: Path, output: str) -> None:
    """Check davy.yaml.

    Reads the file and Kayenta's canary config where it names one: no cluster, no registry, no Prometheus. Every
    problem is said at once, as `file:line: path: what`, with exit code 2. Changes nothing.
    """
    from davy.pipeline import configfile  # noqa: PLC0415 - pydantic

    config = configfile.loaded(file, os.environ)
    analysis = canaryfile.read(config.checks, file.resolve().parent)
    for note in analysis.notes if analysis else ():
        click.echo(f"note: {note}", err=True)
    if output == "json":
        click.echo(json.dumps({"davy_validation": 1, "file": str(file), "service": config.service, "problems": []}))
    else:
        click.echo(f"{file}: good. Service {config.service}, {len(config.canary.steps)} steps, "
                   f"{_count(config.checks) + len(analysis.metrics if analysis else ())} checks.")  # fmt: skip


def _count(checks: "ChecksConfig") -> int:
    return len(checks.slos) + len(checks.thresholds)
