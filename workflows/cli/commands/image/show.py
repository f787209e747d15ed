"""`davy image show`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("reference", metavar="REF")
@options.file
@options.output
def command(**said: Any) -> Ending:
    """Say what an image is: digest, platforms, annotations, what is attached to it.

    REF is name:tag or name@sha256:…; davy.yaml is not needed. Changes nothing.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.show(said)
