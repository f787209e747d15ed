"""`davy test history`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.last
@options.output
def command(**said: Any) -> Ending:
    """List the last runs of the suites, newest first. Reads the archive. Changes nothing."""
    from davy.workflows.story import task as errand  # noqa: PLC0415
    from davy.workflows.suites import flaky  # noqa: PLC0415

    with errand.opened(said) as task:
        return flaky.history(task, said)
