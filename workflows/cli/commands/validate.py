"""`davy validate`."""

import os
from pathlib import Path

import click

from davy.pipeline.core.text.sanitize import one_line
from davy.workflows.cli import errors, options
from davy.workflows.render.json_text import json_text


@click.command()
@options.file
@options.output
def command(file: Path, output: str) -> None:
    """Check davy.yaml.

    Reads the file, and those that it names (SLOs, Kayenta's canary config, quarantine, .sauce/config.yml): no
    cluster, no registry, no Prometheus. Every problem is said at once, as `file:line: path: what`, with exit code 2.
    What the query linter only advises against is said on stderr, and is no failure. A file without `deploy`,
    `checks` and `canary` is one for `davy build` and `davy test`, and is checked as that. Changes nothing.
    """
    from davy.workflows.config import validate  # noqa: PLC0415 - only when it is run

    found = validate.validated(file, os.environ)
    notes = [one_line(note) for note in found.notes]
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    errors.annotate("", found.warnings, os.environ, "warning")
    if output == "json":
        said = {"davy_validation": 1, "file": str(file), "service": found.service, "problems": []}
        click.echo(json_text(said | {"warnings": [str(warning) for warning in found.warnings], "notes": notes}))
    else:
        click.echo(f"{file}: good. Service {found.service}, {found.good_for}")
