"""Lazy group: a Click group that knows its commands by a table and imports one only when it is called."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from davy.workflows.cli.definition import Definition


class Entry(NamedTuple):
    """One command: the section of the help it stands in, its one-line help, the place that holds it.

    `place`: `module:name` of the command, or a module that holds one of its own name. `example`: how it is typed,
    a line each; its own help ends with it.
    """

    section: str
    summary: str
    place: str
    example: str

    def definition(self) -> click.Command | Definition:
        """As its module writes it, imported now."""
        module, _, name = self.place.partition(":")
        found: click.Command | Definition = getattr(import_module(module), name or module.rpartition(".")[2])
        return found

    def command(self) -> click.Command:
        """Built, with the example at the end of its help."""
        found = self.definition()
        command = found.command() if isinstance(found, Definition) else found
        command.epilog = command.epilog or self.epilog()
        return command

    def epilog(self) -> str:
        """The end of its help; `\\b` keeps Click from joining the lines."""
        lines = self.example.split("\n")
        return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


class LazyGroup(click.Group):
    """`table`: by command name."""

    def __init__(
        self, *args: Any, table: Mapping[str, Entry], elsewhere: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        """`elsewhere`: by a name that other tools have, what does it here."""
        super().__init__(*args, **kwargs)
        self.table, self.elsewhere = table, elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click names it
        """In the table's order, which is the order of use."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import it now; None where there is no such command."""
        entry = self.table.get(cmd_name)
        return entry.command() if entry else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click does it; a group alone is a question, and its help the answer: exit 0, on stdout."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click does it, with the nearest name where there is no such command."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415 - only for a mistyped name

            near = difflib.get_close_matches(args[0], self.table, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            other = self.elsewhere.get(args[0])
            ctx.fail(f"No such command {args[0]!r}.{f' {other}' if other else hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Sections from the table; nothing is imported."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.table.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)
