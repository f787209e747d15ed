"""`davy test plan`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.suites
@options.option(
    "-o",
    "--output",
    envvar="DAVY_OUTPUT",
    type=click.Choice(["text", "json", "github-matrix"]),
    default="text",
    show_default=True,
    help="github-matrix: one line for `matrix: ${{ fromJSON(…) }}`, an entry for each CI job.",
)
def command(**said: Any) -> Ending:
    """Say what would run where, and how long that is expected to take.

    Changes nothing, and asks no place how much it takes at once. The archive is asked how long
    each test file took in earlier runs.
    """
    from davy.workflows.story import task as errand  # noqa: PLC0415
    from davy.workflows.suites import plan  # noqa: PLC0415

    with errand.opened(said) as task:
        return plan.forecast(task, said)
