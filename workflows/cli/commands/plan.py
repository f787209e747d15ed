"""`davy plan`."""

from typing import TYPE_CHECKING

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import parameters
from davy.workflows.cli.definition import command

if TYPE_CHECKING:
    from davy.workflows.release.options import PlanOptions


@command(
    "release.options:PlanOptions",
    parameters.file,
    parameters.cluster,
    parameters.option("--offline", is_flag=True, help="Do not ask the cluster and Prometheus."),
    parameters.output,
)
def plan(options: "PlanOptions") -> Ending:
    """Say what a release would do.

    Reads git, the Deployment and Prometheus, and says every problem at once, with exit code 2. Changes nothing.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    with run.opened(options.cluster) as task:
        return run.plan(task, options.output, offline=options.offline)
