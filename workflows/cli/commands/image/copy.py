"""`davy image copy`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("name", metavar="NAME")
@options.option("--to", "tags", multiple=True, help="Tag to put on the copy; may be said several times.")
@options.file
@options.dry_run
@options.output
def command(**said: Any) -> Ending:
    """Copy an image to another repository or registry: same digest, every platform, its evidence.

    NAME is registry and repository, without a tag.
    Changes the world: writes to the registry of NAME. What is there already is not sent.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.copy(said)
