"""`davy help` and `davy version`: davy on itself. They are quick: their one parameter needs no class of its own."""

import click

from davy.pipeline import __version__
from davy.workflows.cli import parameters


@click.command()
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Print the help of a command; alone, davy's own.

    Changes nothing and asks nothing.
    """
    here = ctx.find_root()
    for name in names:
        group = here.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{here.command_path!r} has no commands of its own.", ctx)
        _, found, _ = group.resolve_command(here, [name])
        assert found is not None  # noqa: S101 - an unknown name has ended as a usage error
        here = found.context_class(found, parent=here, info_name=name)
    click.echo(here.get_help())


@click.command()
@parameters.output
def version(output: str) -> None:
    """Print davy's version.

    Changes nothing and asks nothing.
    """
    click.echo(f'{{"davy_version": 1, "version": "{__version__}"}}' if output == "json" else f"davy {__version__}")
