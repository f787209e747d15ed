"""`davy canary start`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.cluster
@options.option(
    "--image",
    "images",
    multiple=True,
    required=True,
    metavar="NAME@DIGEST",
    help="An image that is in the registry, as `davy build` prints it. Once for each image.",
)
@options.out
@options.accept_budget
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Canary images that are already in the registry; promote them, or roll back.

    Changes the world: rolls the Deployment over, step by step, as the evidence allows. Blocks
    until the end and exits with how it ended. Ctrl-C and SIGTERM make traffic safe first.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    with run.opened(said) as task:
        if said["dry_run"]:
            return run.planned(task, said)
        return run.canary(task, said)
