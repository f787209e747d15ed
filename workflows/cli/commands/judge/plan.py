"""`davy judge plan`."""

from typing import Any

import click

from davy.workflows.cli import options, param_types
from davy.workflows.render.json_text import json_text
from davy.workflows.story import command_line


@click.command()
@options.file
@options.output
@options.traffic
@options.option(
    "--dispersion", type=param_types.Number(min=1), help="How much bad events cluster; by default the file's, else 1."
)
def command(output: str, **said: Any) -> None:
    """Say how long each step must last, for what effect.

    Reads today's traffic and share of bad events of every SLO from Prometheus; with --rps and --bad no server is
    asked, and without a file the default ladder is planned for. Also says what a regression costs until it is found,
    what cannot be found before the deadline, and which ladder fits better. Changes nothing.
    """
    from davy.workflows.judge import plan, traffic_and_rules  # noqa: PLC0415

    known = traffic_and_rules.taken(said, file_was_named=command_line.was_said("file"))
    click.echo(json_text(plan.document(known)) if output == "json" else plan.text(known))
