"""`davy build`."""

from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.workflows import options


@click.command()
@options.file
@options.out
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Build the images, push them, and print them by digest, one a line.

    Changes the world: builds with the Docker Engine and pushes to the registry. No cluster is touched.
    """
    from davy.workflows import doing  # noqa: PLC0415

    with doing.opened(said) as task:
        if said["dry_run"]:
            return doing.planned_build(task, said)
        return doing.build(task, said)
