"""`davy judge simulate`."""

import sys
from typing import Any

import click

from davy.workflows.cli import options
from davy.workflows.render.json_text import json_text
from davy.workflows.story import command_line


@click.command()
@options.file
@options.output
@options.traffic
@options.option(
    "--rollouts", type=click.IntRange(1, 100_000), default=50, show_default=True, help="So many for each scenario."
)
@options.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same table.")
def command(output: str, rollouts: int, seed: int, **said: Any) -> None:
    """Play scenarios at your rates; compare the judges.

    Healthy canaries under shocks, drift, clusters of errors and wrong shares, and bad ones from 1.5 to 10 times worse,
    at the traffic that Prometheus shows or --rps and --bad say. Every judge sees the same rollouts: how many it rolled
    back and promoted, how soon, and how many extra bad answers users got. Changes nothing.
    """
    from davy.workflows.judge import simulate, traffic_and_rules  # noqa: PLC0415

    known = traffic_and_rules.taken(said, file_was_named=command_line.was_said("file"))
    made = simulate.rows(known, rollouts, seed, sys.stderr)
    shown = json_text(simulate.document(known, made, seed)) if output == "json" else simulate.text(known, made)
    click.echo(shown)
