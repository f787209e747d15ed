"""`davy canary history`."""

from pathlib import Path

import click

from davy.workflows import options
from davy.workflows.render.jsontext import json_text


@click.command()
@options.target
@options.output
def command(file: Path, namespace: str | None, deployment: str | None, output: str) -> None:
    """List the last rollouts of the Deployment, newest first. Changes nothing."""
    from davy.workflows import past, wiring  # noqa: PLC0415

    journal = wiring.side(wiring.target(file, namespace, deployment)).journal
    rollouts = past.rollouts(journal.read(), journal.history())
    click.echo(json_text(past.document(rollouts)) if output == "json" else past.table(rollouts))
