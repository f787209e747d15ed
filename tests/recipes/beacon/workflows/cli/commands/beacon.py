"""`davy beacon`."""

from typing import TYPE_CHECKING

from davy.workflows.cli import parameters
from davy.workflows.cli.definition import command

if TYPE_CHECKING:
    from davy.workflows.config.beacon import BeaconOptions


@command(
    "config.beacon:BeaconOptions",
    parameters.option("--times", type=int, default=1, help="How often."),
    parameters.output,
)
def beacon(options: "BeaconOptions") -> None:
    """Shine. Changes nothing."""
    from davy.workflows.config import beacon  # noqa: PLC0415 - only when it is run

    beacon.shine(options)
