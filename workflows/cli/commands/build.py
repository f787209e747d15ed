"""`davy build`: the images, and what is known of them."""

from typing import TYPE_CHECKING

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import command
from davy.workflows.cli.lazy_group import Entry, LazyGroup

if TYPE_CHECKING:
    from davy.workflows.builds.bake_file import BakeImportOptions
    from davy.workflows.builds.explain import BuildExplainOptions
    from davy.workflows.builds.lock import LockOptions
    from davy.workflows.builds.options import BuildOptions

HOME = __name__
KEYS = "Beside it"

TABLE: dict[str, Entry] = {
    "lock": Entry(
        KEYS,
        "Write down the digests of base images, or renew them.",
        f"{HOME}:lock",
        "davy build lock\ndavy build lock --update --check",
    ),
    "explain": Entry(
        KEYS,
        "Why an image will or won't be built: what changed, since when.",
        f"{HOME}:explain",
        "davy build explain checkout",
    ),
    "import": Entry(
        KEYS,
        "Print bake's targets, or Compose's services, as images of davy.yaml.",
        f"{HOME}:import_",
        "davy build import bake.json     docker buildx bake --print > bake.json",
    ),
}


@command(
    "builds.options:BuildOptions",
    parameters.file,
    parameters.option(
        "--image", "images", multiple=True, metavar="NAME", help="Only this one, and what it is built from."
    ),
    parameters.option(
        "--plan", is_flag=True, help="Say what would be built and why, and stop. Asks nobody, touches nothing."
    ),
    parameters.option("--ask", is_flag=True, help="With --plan: ask the registry which images it has."),
    parameters.option("--force", is_flag=True, help="Build also what the registry has."),
    parameters.option("--no-cache", is_flag=True, help="Build all anew, and take no step from a builder's cache."),
    parameters.out,
    parameters.output,
    parameters.view,
    cls=LazyGroup,
    table=TABLE,
    invoke_without_command=True,
)
def build(options: "BuildOptions") -> Ending:
    """Build the images that changed, push them, and print all by digest, one a line.

    What an image is made from makes its key; the registry remembers each image under it.
    Changes the world: builds what the registry does not have, pushes it, and moves tags. No cluster is touched.
    """
    if options.ask and not options.plan:
        raise click.UsageError("--ask is of --plan: alone it would build; say --plan --ask.")
    from davy.workflows.story import task as tasks  # noqa: PLC0415

    with tasks.opened(options.file, out=options.out, holds=not options.plan) as task:
        if options.plan:
            from davy.workflows.builds import plan  # noqa: PLC0415 - what builds takes longer to import than a plan

            return plan.plan(task, options)
        from davy.workflows.builds import run  # noqa: PLC0415

        return run.build(task, options)


@command(
    "builds.lock:LockOptions",
    click.argument("references", nargs=-1, metavar="[REFERENCE]..."),
    parameters.file,
    parameters.option(
        "--update", is_flag=True, help="Ask again also for what is written down: for all, or for REFERENCE."
    ),
    parameters.option("--check", is_flag=True, help="Write nothing; exit with 3 where the lock would be another one."),
    parameters.dry_run,
    parameters.output,
)
def lock(options: "LockOptions") -> Ending:
    """Write down the digest of every base image, so that builds use what was reviewed.

    Without --update only bases that are missing are asked for at their registries, and those that nothing stands
    on any more are dropped. With --check and without --update no registry is asked.
    REFERENCE: an image as a Dockerfile names it.

    Changes the file that `build.lock` names, davy.lock. Where one base cannot be had, it stays as it was.
    """
    from davy.workflows.builds import lock  # noqa: PLC0415
    from davy.workflows.story import task as tasks  # noqa: PLC0415

    with tasks.opened(options.file) as task:
        return lock.lock(task, options)


@command(
    "builds.explain:BuildExplainOptions",
    click.argument("image"),
    parameters.file,
    parameters.out,
    parameters.option(
        "--offline", is_flag=True, help="Ask no registry; what this machine knows of the last build answers."
    ),
    parameters.output,
)
def explain(options: "BuildExplainOptions") -> Ending:
    """Say why IMAGE will or won't be built: the file, argument or base that changed, since which build.

    IMAGE: its repository, the last part of it, or its id where a matrix makes several.
    Asks the registry whether it has the image, and for the record of the last build where this machine has none; where
    it does not answer, what this machine knows does.
    Changes nothing.
    """
    from davy.workflows.builds import explain  # noqa: PLC0415
    from davy.workflows.story import task as tasks  # noqa: PLC0415

    with tasks.opened(options.file, out=options.out) as task:
        return explain.explain(task, options)


@command(
    "builds.bake_file:BakeImportOptions",
    click.argument("file", type=param_types.File(allow_dash=True), metavar="FILE"),
    parameters.output,
)
def import_(options: "BakeImportOptions") -> Ending:
    """Print the `images` of davy.yaml that mean what targets of bake do.

    FILE is what `docker buildx bake --print` wrote, `-` standard input. Bake reads HCL, JSON and Compose files, with
    their variables, matrices and inheritance. YAML on stdout, which validates; what could not be carried over, and
    why, on stderr. Changes nothing.
    """
    from davy.workflows.builds import bake_file  # noqa: PLC0415 - only when it is run

    return bake_file.print_images(options)
