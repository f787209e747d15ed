"""`davy test history`."""

from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.workflows import options


@click.command()
@options.file
@options.last
@options.output
def command(**said: Any) -> Ending:
    """List the last runs of the suites, newest first. Reads the archive. Changes nothing."""
    from davy.workflows import errand, flaking  # noqa: PLC0415

    with errand.opened(said) as task:
        return flaking.history(task, said)
