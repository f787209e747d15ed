"""`davy canary status`."""

from typing import Any

import click

from davy.workflows.cli import options
from davy.workflows.render.json_text import json_text


@click.command()
@options.target
@options.output
def command(*, output: str, **target: Any) -> None:
    """Say where the canary stands: who runs it, its step, pods and evidence, what is awaited, what to do next.

    Reads the Deployment, its Lease and its journal. Changes nothing.
    """
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.rollout import status  # noqa: PLC0415

    side = wiring.side_at(target)
    snapshot = status.taken(side.cluster, side.lock, side.journal, side.now)
    if output == "json":
        click.echo(json_text(status.document(snapshot)))
    else:
        click.echo(status.text(snapshot))
