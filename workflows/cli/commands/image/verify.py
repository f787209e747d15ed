"""`davy image verify`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("reference", metavar="REF")
@options.file
@options.trust
@options.output
def command(**said: Any) -> Ending:
    """Say whether an image is signed as it should be, by cosign.

    Whose signature counts stands in `build.sign` of davy.yaml, or in the options.
    Changes nothing. Exits with 0, or with 3 where it is not signed so.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.verify(said)
