"""`davy image scan`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options, param_types


@click.command()
@click.argument("reference", metavar="REF")
@options.file
@options.option(
    "--report",
    "reports",
    multiple=True,
    required=True,
    type=param_types.File(),
    help="SARIF, or JSON of Grype or Trivy; may be said several times.",
)
@options.option(
    "--severity",
    type=click.Choice(["low", "medium", "high", "critical"]),
    help="From this on it is refused; over the file's.",
)
@options.option("--fixable-only", is_flag=True, help="Only what a newer version mends.")
@options.option("--ignore", type=param_types.File(), help="File of accepted findings; over the file's.")
@options.output
def command(**said: Any) -> Ending:
    """Hold what scanners found in an image against the policy of `build.scan`.

    Changes nothing. Exits with 0, or with 3 where something is held against it,
    or where a report cannot be read.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.scan(said)
