"""`davy validate`."""

import os
from typing import TYPE_CHECKING

import click

from davy.pipeline.core.text.sanitize import one_line
from davy.workflows.cli import errors, parameters
from davy.workflows.cli.definition import command
from davy.workflows.render.json_text import json_text

if TYPE_CHECKING:
    from davy.workflows.config.validate import ValidateOptions


@command(
    "config.validate:ValidateOptions",
    parameters.file,
    parameters.output,
)
def validate(options: "ValidateOptions") -> None:
    """Check davy.yaml.

    Reads the file, and those that it names (SLOs, Kayenta's canary config, quarantine, .sauce/config.yml): no
    cluster, no registry, no Prometheus. Every problem is said at once, as `file:line: path: what`, with exit code 2.
    What the query linter only advises against is said on stderr, and is no failure. A file without `deploy`,
    `checks` and `canary` is one for `davy build` and `davy test`, and is checked as that. Changes nothing.
    """
    from davy.workflows.config import validate  # noqa: PLC0415 - only when it is run

    found = validate.validated(options.file, os.environ)
    notes = [one_line(note) for note in found.notes]
    for note in notes:
        click.echo(f"note: {note}", err=True)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    errors.annotate("", found.warnings, os.environ, "warning")
    if options.output == "json":
        said = {"davy_validation": 1, "file": str(options.file), "service": found.service, "problems": []}
        click.echo(json_text(said | {"warnings": [str(warning) for warning in found.warnings], "notes": notes}))
    else:
        click.echo(f"{options.file}: good. Service {found.service}, {found.good_for}")
