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
    `file:line: path: what`, with exit code 2. Changes nothing.
    """
    from davy.pipeline import configfile  # noqa: PLC0415 - pydantic

    config = configfile.loaded(file, os.environ)
    if output == "json":
        click.echo(json.dumps({"davy_validation": 1, "file": str(file), "service": config.service, "problems": []}))
    else:
        click.echo(f"{file}: good. Service {config.service}, {len(config.canary.steps)} steps, "
                   f"{len(config.checks.slos) + len(config.checks.thresholds)} checks.")  # fmt: skip
