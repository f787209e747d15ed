"""`davy build`: the images, and what is known of them."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options
from davy.workflows.cli.lazy_group import Entry, LazyGroup

HOME = "davy.workflows.cli.commands.build"
KEYS = "Beside it"

TABLE: dict[str, Entry] = {
    "lock": Entry(
        KEYS,
        "Write down the digests of base images, or renew them.",
        f"{HOME}.lock",
        "davy build lock\ndavy build lock --update --check",
    ),
    "explain": Entry(
        KEYS,
        "Why an image will or won't be built: what changed, since when.",
        f"{HOME}.explain",
        "davy build explain checkout",
    ),
    "import": Entry(
        KEYS,
        "Print bake's targets, or Compose's services, as images of davy.yaml.",
        f"{HOME}.imports",
        "davy build import bake.json     docker buildx bake --print > bake.json",
    ),
}


@click.group(cls=LazyGroup, table=TABLE, invoke_without_command=True)
@options.file
@options.option("--image", "images", multiple=True, metavar="NAME", help="Only this one, and what it is built from.")
@options.option("--plan", is_flag=True, help="Say what would be built and why, and stop. Asks nobody, touches nothing.")
@options.option("--ask", is_flag=True, help="With --plan: ask the registry which images it has.")
@options.option("--force", is_flag=True, help="Build also what the registry has.")
@options.option("--no-cache", is_flag=True, help="Build all anew, and take no step from a builder's cache.")
@options.out
@options.output
@options.view
@click.pass_context
def command(context: click.Context, /, **said: Any) -> Ending | None:
    """Build the images that changed, push them, and print all by digest, one a line.

    What an image is made from makes its key; the registry remembers each image under it.
    Changes the world: builds what the registry does not have, pushes it, and moves tags. No cluster is touched.
    """
    if context.invoked_subcommand is not None:
        return None
    if said["ask"] and not said["plan"]:
        raise click.UsageError("--ask is of --plan: alone it would build; say --plan --ask.")
    from davy.workflows.story import task as errand  # noqa: PLC0415

    with errand.opened(said) as task:
        if said["plan"]:
            from davy.workflows.builds import plan  # noqa: PLC0415 - what builds takes longer to import than a plan

            return plan.planned(task, said)
        from davy.workflows.builds import run  # noqa: PLC0415

        return run.build(task, said)
