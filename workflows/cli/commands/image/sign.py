"""`davy image sign`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("reference", metavar="REF")
@options.key
@options.file
@options.dry_run
@options.output
def command(**said: Any) -> Ending:
    """Sign an image's digest with cosign.

    Changes the world: writes a signature beside the image, and into the transparency
    log unless that is left out. cosign must be in PATH; $COSIGN_PASSWORD opens a key file.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.sign(said)
