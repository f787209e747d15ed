"""`davy canary resume`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.option("-n", "--namespace", envvar="DAVY_NAMESPACE", help="The Deployment's namespace, over the file's.")
@options.option("--deployment", envvar="DAVY_DEPLOYMENT", help="The Deployment, over the file's.")
@options.cluster
@options.out
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Take over a canary whose runner is gone, or that is held, and go on with all its evidence.

    Changes the world: rolls the Deployment on or back. Blocks until the end and exits with how
    it ended. Refused with exit 8 while a runner lives.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    with run.opened(said) as task:
        if said["dry_run"]:
            return run.planned_resume(task, said)
        return run.resume(task, said)
