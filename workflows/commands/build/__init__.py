"""`davy build`: the images, and what is known of them."""

from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.workflows import options
from davy.workflows.lazy import Entry, LazyGroup

HOME = "davy.workflows.commands.build"
KEYS = "Beside it"

TABLE: dict[str, Entry] = {}


@click.group(cls=LazyGroup, table=TABLE, invoke_without_command=True)
@options.file
@options.out
@options.dry_run
@options.output
@options.view
@click.pass_context
def command(context: click.Context, /, **said: Any) -> Ending | None:
    """Build the images, push them, and print them by digest, one a line.

    Changes the world: builds images and pushes them to the registry. No cluster is touched.
    """
    if context.invoked_subcommand is not None:
        return None
    from davy.workflows import building, errand  # noqa: PLC0415

    with errand.opened(said) as task:
        if said["dry_run"]:
            return building.planned(task, said)
        return building.build(task, said)
