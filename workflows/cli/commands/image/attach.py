"""`davy image attach`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options, param_types


@click.command()
@click.argument("reference", metavar="REF")
@click.argument("path", metavar="FILE", type=param_types.File(dir_okay=False))
@options.option(
    "--kind",
    required=True,
    help="spdx, cyclonedx, sarif, vex, in-toto, or a media type.",
)
@options.file
@options.dry_run
@options.output
def command(**said: Any) -> Ending:
    """Attach a file to an image's digest, as an OCI referrer.

    Changes the world: writes to the registry. The same file twice is there once.
    A file that is no SPDX, CycloneDX or SARIF where it is said to be is refused.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.attach(said)
