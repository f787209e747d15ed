"""`davy test`: the suites, and what is known of them."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options
from davy.workflows.cli.lazy_group import Entry, LazyGroup

HOME = "davy.workflows.cli.commands.test"
KEPT = "Beside it"

TABLE: dict[str, Entry] = {
    "flaky": Entry(
        KEPT, "Which tests are flaky, how often, and since when.", f"{HOME}.flaky", "davy test flaky --last 100"
    ),
    "history": Entry(KEPT, "The last runs, newest first.", f"{HOME}.history", "davy test history"),
    "merge": Entry(
        KEPT,
        "Add up the parts that several CI jobs ran; notice a missing one.",
        f"{HOME}.merge",
        "davy test merge job-1/davy-out job-2/davy-out",
    ),
    "plan": Entry(KEPT, "What would run where, and how long it is expected to take.", f"{HOME}.plan", "davy test plan"),
}


@click.group(cls=LazyGroup, table=TABLE, invoke_without_command=True)
@options.file
@options.cluster
@options.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME@DIGEST",
    help="Test this image, already in the registry; as `davy build` prints it. Without: build first.",
)
@options.suites
@options.shard
@options.option(
    "--files",
    metavar="'FILE FILE…'",
    help="With --suite and --shard: the test files that `davy test plan -o github-matrix` settled for this machine.",
)
@options.option(
    "--against",
    type=click.Choice(["canary"]),
    help="Run the suites that say `against: canary`, or those named, against the pods of the canary that is held.",
)
@options.out
@options.dry_run
@options.output
@options.view
@click.pass_context
def command(context: click.Context, /, **said: Any) -> Ending | None:
    """Run the suites and merge their JUnit into one.

    Changes the world: builds and pushes images where none are given; runs containers, Jobs and
    sessions on clouds, and ends them. No traffic is moved. Exits 3 where a suite fails.
    """
    if context.invoked_subcommand is not None:
        return None
    from davy.workflows.story import task as errand  # noqa: PLC0415
    from davy.workflows.suites import run  # noqa: PLC0415

    with errand.opened(said) as task:
        if said["dry_run"]:
            return run.planned(task, said)
        return run.test(task, said)
