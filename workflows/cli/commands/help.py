"""`davy help`."""

import click


@click.command()
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def command(ctx: click.Context, names: tuple[str, ...]) -> None:
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
