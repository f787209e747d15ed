"""`davy validate`."""

import json
import os
from pathlib import Path

import click

from davy.workflows import options


@click.command()
@options.file
@options.output
def command(file: Path, output: str) -> None:
    """Check davy.yaml.

    Reads the file alone: no cluster, no registry, no Prometheus. Every problem is said at once, as
    `file:line: path: what`, with exit code 2. What the query linter only advises against is said on stderr, and is
    no failure. Changes nothing.
    """
    from davy.workflows import linted  # noqa: PLC0415 - pydantic

    config, warnings = linted.loaded(file, os.environ)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if output == "json":
        said = {"davy_validation": 1, "file": str(file), "service": config.service, "problems": []}
        click.echo(json.dumps(said | {"warnings": [str(warning) for warning in warnings]}))
    else:
        click.echo(f"{file}: good. Service {config.service}, {len(config.canary.steps)} steps, "
                   f"{len(config.checks.slos) + len(config.checks.thresholds)} checks.")  # fmt: skip
