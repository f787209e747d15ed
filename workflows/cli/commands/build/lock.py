"""`davy build lock`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("references", nargs=-1, metavar="[REFERENCE]...")
@options.file
@options.option("--update", is_flag=True, help="Ask again also for what is written down: for all, or for REFERENCE.")
@options.option("--check", is_flag=True, help="Write nothing; exit with 3 where the lock would be another one.")
@options.dry_run
@options.output
def command(**said: Any) -> Ending:
    """Write down the digest of every base image, so that builds use what was reviewed.

    Without --update only bases that are missing are asked for at their registries, and those that nothing stands
    on any more are dropped. With --check and without --update no registry is asked.
    REFERENCE: an image as a Dockerfile names it.

    Changes the file that `build.lock` names, davy.lock. Where one base cannot be had, it stays as it was.
    """
    from davy.workflows.builds import lock  # noqa: PLC0415
    from davy.workflows.story import task as errand  # noqa: PLC0415

    with errand.opened(said) as task:
        return lock.locked(task, said)
