"""`davy canary history`."""

from typing import Any

import click

from davy.workflows.cli import options
from davy.workflows.render.json_text import json_text


@click.command()
@options.target
@options.output
def command(*, output: str, **target: Any) -> None:
    """List the last rollouts of the Deployment, newest first. Changes nothing."""
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.rollout import history  # noqa: PLC0415

    journal = wiring.side_at(target).journal
    rollouts = history.rollouts(journal.read(), journal.history())
    click.echo(json_text(history.document(rollouts)) if output == "json" else history.table(rollouts))
