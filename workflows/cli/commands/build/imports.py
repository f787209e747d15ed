"""`davy build import`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options, param_types


@click.command()
@click.argument("file", type=param_types.File(allow_dash=True), metavar="FILE")
@options.output
def command(**said: Any) -> Ending:
    """Print the `images` of davy.yaml that mean what targets of bake do.

    FILE is what `docker buildx bake --print` wrote, `-` standard input. Bake reads HCL, JSON and Compose files, with
    their variables, matrices and inheritance. YAML on stdout, which validates; what could not be carried over, and
    why, on stderr. Changes nothing.
    """
    from davy.workflows.builds import bake_file  # noqa: PLC0415 - only when it is run

    return bake_file.imported(said)
