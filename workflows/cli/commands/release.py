"""`davy release`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.cluster
@options.out
@options.accept_budget
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Build, test and canary the commit in the work tree; promote it, or roll it back.

    Changes the world: pushes images, runs containers and Jobs, and rolls the Deployment over,
    step by step, as the evidence allows. Blocks until the end and exits with how it ended.
    Ctrl-C and SIGTERM make traffic safe first.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    with run.opened(said, tests=True) as task:
        if said["dry_run"]:
            return run.planned(task, said)
        return run.release(task, said)
