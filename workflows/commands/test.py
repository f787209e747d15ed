"""`davy test`."""

from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.workflows import options


@click.command()
@options.file
@options.option(
    "--image",
    "images",
    multiple=True,
    metavar="NAME@DIGEST",
    help="Test this image, already in the registry; as `davy build` prints it. Without: build first.",
)
@options.out
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Run the suites in the images and merge their JUnit into one.

    \b
    Changes the world: builds and pushes images where none are given; runs containers and Jobs,
    and removes them. No traffic is moved. Exits 3 where a suite fails.
    """
    from davy.workflows import doing  # noqa: PLC0415

    with doing.opened(said) as task:
        if said["dry_run"]:
            return doing.planned_test(task, said)
        return doing.test(task, said)
