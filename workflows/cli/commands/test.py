"""`davy test`: the suites, and what is known of them."""

from typing import TYPE_CHECKING

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import command
from davy.workflows.cli.lazy_group import Entry, LazyGroup

if TYPE_CHECKING:
    from davy.workflows.suites.flaky import FlakyOptions, RunsOptions
    from davy.workflows.suites.merge import MergeOptions
    from davy.workflows.suites.plan import TestPlanOptions
    from davy.workflows.suites.run import TestOptions

HOME = __name__
KEPT = "Beside it"

TABLE: dict[str, Entry] = {
    "flaky": Entry(
        KEPT, "Which tests are flaky, how often, and since when.", f"{HOME}:flaky", "davy test flaky --last 100"
    ),
    "history": Entry(KEPT, "The last runs, newest first.", f"{HOME}:history", "davy test history"),
    "merge": Entry(
        KEPT,
        "Add up the parts that several CI jobs ran; notice a missing one.",
        f"{HOME}:merge",
        "davy test merge job-1/davy-out job-2/davy-out",
    ),
    "plan": Entry(KEPT, "What would run where, and how long it is expected to take.", f"{HOME}:plan", "davy test plan"),
}


@command(
    "suites.run:TestOptions",
    parameters.file,
    parameters.cluster,
    parameters.option(
        "--image",
        "images",
        multiple=True,
        metavar="NAME@DIGEST",
        help="Test this image, already in the registry; as `davy build` prints it. Without: build first.",
    ),
    parameters.suites,
    parameters.shard,
    parameters.option(
        "--files",
        metavar="'FILE FILE…'",
        help="With --suite and --shard: the test files that `davy test plan -o github-matrix` settled for this "
        "machine.",
    ),
    parameters.option(
        "--against",
        type=click.Choice(["canary"]),
        help="Run the suites that say `against: canary`, or those named, against the pods of the canary that is held.",
    ),
    parameters.out,
    parameters.dry_run,
    parameters.output,
    parameters.view,
    cls=LazyGroup,
    table=TABLE,
    invoke_without_command=True,
)
def test(options: "TestOptions") -> Ending:
    """Run the suites and merge their JUnit into one.

    Changes the world: builds and pushes images where none are given; runs containers, Jobs and
    sessions on clouds, and ends them. No traffic is moved. Exits 3 where a suite fails.
    """
    from davy.workflows.story import task as tasks  # noqa: PLC0415
    from davy.workflows.suites import run  # noqa: PLC0415

    cluster = options.cluster
    with tasks.opened(cluster.file, out=options.out, holds=not options.dry_run, reach=cluster.reach) as task:
        if options.dry_run:
            return run.plan(task, options)
        return run.test(task, options)


@command(
    "suites.flaky:FlakyOptions",
    parameters.file,
    parameters.option("--suite", metavar="NAME", help="Only this suite, or one cell of it: e2e[chrome]."),
    parameters.last,
    parameters.output_as(
        "text", "json", "quarantine", help="quarantine: lines for the quarantine file, for what is flaky and not in it."
    ),
)
def flaky(options: "FlakyOptions") -> Ending:
    """Say which tests are flaky, how often, and since when.

    Flaky is a test that failed and then passed in one run, or failed in one run and passed in
    another of the same commit. Rates stand with their 95 % interval; * is in quarantine.
    Reads the archive. Changes nothing.
    """
    from davy.workflows.story import task as tasks  # noqa: PLC0415
    from davy.workflows.suites import flaky  # noqa: PLC0415

    with tasks.opened(options.file) as task:
        return flaky.flaky(task, options)


@command(
    "suites.flaky:RunsOptions",
    parameters.file,
    parameters.last,
    parameters.output,
)
def history(options: "RunsOptions") -> Ending:
    """List the last runs of the suites, newest first. Reads the archive. Changes nothing."""
    from davy.workflows.story import task as tasks  # noqa: PLC0415
    from davy.workflows.suites import flaky  # noqa: PLC0415

    with tasks.opened(options.file) as task:
        return flaky.history(task, options)


@command(
    "suites.merge:MergeOptions",
    click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=param_types.File()),
    parameters.file,
    parameters.suites,
    parameters.out,
    parameters.output,
    parameters.view,
)
def merge(options: "MergeOptions") -> Ending:
    """Add up the parts of the suites that several CI jobs ran, and notice one that is missing.

    FOLDER: what one job kept as its davy-out, with part.json and junit.xml in it. All of them make one verdict and
    one junit.xml in --out. Exits 3 where a suite failed in any part, and where a suite, a shard or a test file was
    run by no part; 2 where the parts are not of one commit and service. Runs nothing and asks nobody.
    """
    from davy.workflows.story import task as tasks  # noqa: PLC0415
    from davy.workflows.suites import merge  # noqa: PLC0415

    with tasks.opened(options.file, out=options.out, holds=True) as task:
        return merge.merge(task, options)


@command(
    "suites.plan:TestPlanOptions",
    parameters.file,
    parameters.suites,
    parameters.output_as(
        "text",
        "json",
        "github-matrix",
        help="github-matrix: one line for `matrix: ${{ fromJSON(…) }}`, an entry for each CI job.",
    ),
)
def plan(options: "TestPlanOptions") -> Ending:
    """Say what would run where, and how long that is expected to take.

    Changes nothing, and asks no place how much it takes at once. The archive is asked how long
    each test file took in earlier runs.
    """
    from davy.workflows.story import task as tasks  # noqa: PLC0415
    from davy.workflows.suites import plan  # noqa: PLC0415

    with tasks.opened(options.file) as task:
        return plan.plan(task, options)
