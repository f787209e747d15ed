"""`davy build explain`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("image")
@options.file
@options.out
@options.option("--offline", is_flag=True, help="Ask no registry; what this machine knows of the last build answers.")
@options.output
def command(**said: Any) -> Ending:
    """Say why IMAGE will or won't be built: the file, argument or base that changed, since which build.

    IMAGE: its repository, the last part of it, or its id where a matrix makes several.
    Asks the registry whether it has the image, and for the record of the last build where this machine has none; where
    it does not answer, what this machine knows does.
    Changes nothing.
    """
    from davy.workflows.builds import explain  # noqa: PLC0415
    from davy.workflows.story import task as errand  # noqa: PLC0415

    with errand.opened(said, looks=True) as task:
        return explain.explained(task, said)
