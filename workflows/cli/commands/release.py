"""`davy release`."""

from typing import TYPE_CHECKING

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import parameters
from davy.workflows.cli.definition import command

if TYPE_CHECKING:
    from davy.workflows.release.options import ReleaseOptions


@command(
    "release.options:ReleaseOptions",
    parameters.file,
    parameters.cluster,
    parameters.out,
    parameters.accept_budget,
    parameters.dry_run,
    parameters.output,
    parameters.view,
)
def release(options: "ReleaseOptions") -> Ending:
    """Build, test and canary the commit in the work tree; promote it, or roll it back.

    Changes the world: pushes images, runs containers and Jobs, and rolls the Deployment over,
    step by step, as the evidence allows. Blocks until the end and exits with how it ended.
    Ctrl-C and SIGTERM make traffic safe first.
    """
    from davy.workflows.release import run  # noqa: PLC0415

    acts, accepted = not options.dry_run, options.accept_budget
    with run.opened(options.cluster, out=options.out, acting=acts, holds=acts, accept_budget=accepted) as task:
        if options.dry_run:
            return run.plan(task, options.view.output)
        return run.release(task, options.view)
