"""`davy judge explain`."""

from typing import Any

import click

from davy.workflows.cli import options, param_types
from davy.workflows.render.json_text import json_text


@click.command()
@click.argument("trace", metavar="[TRACE]", required=False)
@options.option("--at", type=param_types.Number(min=0), help="Seconds: as it stood then, not at the verdict.")
@options.target
@options.output
def command(*, trace: str | None, at: float | None, output: str, **target: Any) -> None:
    """Explain one verdict in full: every count, share and limit, whom to blame, what is missing.

    Of the trace in the file TRACE (`-` is stdin); without one, of the rollout under way in the cluster, or of its
    last. Changes nothing.
    """
    from davy.workflows.judge import explain  # noqa: PLC0415

    if trace is not None:
        found = explain.from_file(trace, at)
    else:
        from davy.checks.traces.explanation import explained  # noqa: PLC0415
        from davy.workflows import wiring  # noqa: PLC0415
        from davy.workflows.rollout import trace as tracing  # noqa: PLC0415

        held = tracing.trace_of(wiring.side_at(target).journal.read())
        found = explained(held, held.windows, at)
    click.echo(json_text(explain.document(found), allow_nan=False) if output == "json" else explain.text(found))
