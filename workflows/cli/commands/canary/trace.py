"""`davy canary trace`."""

from pathlib import Path
from typing import Any

import click

from davy.workflows.cli import options, param_types


@click.command()
@options.target
@options.option(
    "-o",
    "--out",
    "out",
    envvar="DAVY_TRACE",
    type=param_types.File(dir_okay=False),
    help="The file to write; without it the trace goes to stdout.",
)
def command(*, out: Path | None, **target: Any) -> None:
    """Write the counts of the rollout under way, or of the last one, with the rules they were judged by.

    `davy judge replay` of it gives the rollout's verdict again. Reads the journal; changes nothing in the cluster.
    """
    from davy.checks.traces.trace import written  # noqa: PLC0415
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.judge import trace_file  # noqa: PLC0415
    from davy.workflows.rollout import trace  # noqa: PLC0415

    events = wiring.side_at(target).journal.read()
    text = "\n".join(written(trace.trace_of(events)))
    if names := trace.beside(events):
        click.echo(f"Thresholds are not in the trace: {', '.join(names)}. Their values were not kept.", err=True)
    if out is None:
        click.echo(text)
    else:
        trace_file.kept(out, text)
