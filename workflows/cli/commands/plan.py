"""`davy plan`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.cluster
@options.option("--offline", is_flag=True, help="Do not ask the cluster and Prometheus.")
@options.output
def command(**said: Any) -> Ending:
    """Say what a release would do.

    Reads git, the Deployment and Prometheus, and says every problem at once, with exit code 2. Changes nothing.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    with run.opened(said) as task:
        return run.planned(task, said)
