"""`davy slo status`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.file
@options.option(
    "--gate",
    is_flag=True,
    help="Exit with 3 where a budget is not as `checks.gate` asks, or cannot be told.",
)
@options.output
def command(**said: Any) -> Ending:
    """Say how much error budget is left, and how fast it burns.

    Asks Prometheus, over all pods; names no pods and reads no cluster. Changes nothing.
    Exits with 0, with 6 where Prometheus gave no answer, and with --gate with 3.
    """
    from davy.workflows.judge import budgets  # noqa: PLC0415 - only when it is run

    return budgets.status(said)
