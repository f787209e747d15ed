"""`davy judge replay`."""

from pathlib import Path

import click

from davy.workflows.cli import options, param_types
from davy.workflows.render.json_text import json_text


@click.command()
@click.argument("trace", metavar="FILE")
@options.option(
    "--judge",
    envvar="DAVY_JUDGE",
    type=click.Choice(["sequential", "threshold", "mannwhitney"]),
    default="sequential",
    show_default=True,
    help="Which judge is asked.",
)
@options.option("--to-end", is_flag=True, help="Read all windows; the figures are those of the end.")
@options.option("--plot", is_flag=True, help="Draw the evidence, the ratios and both sides below the table.")
@options.option(
    "--html",
    type=param_types.File(dir_okay=False),
    help="Also write the verdict as a page to this file; it opens without a network.",
)
@options.output
@options.option("--no-color", envvar="DAVY_NO_COLOR", is_flag=True, help="No colour; NO_COLOR does the same.")
def command(
    *, trace: str, judge: str, to_end: bool, plot: bool, html: Path | None, output: str, no_color: bool
) -> None:
    """Judge the trace in FILE (`-` is stdin), with no server. Changes nothing.

    It stops at the first verdict. The exit code is 0 whatever the verdict is, for the question was answered;
    it is 2 where FILE is no usable trace.
    """
    from davy.workflows.judge import replay  # noqa: PLC0415

    drawn = (plot and output == "text") or html is not None
    finding, read = replay.asked(trace, judge, to_end=to_end, pictures=drawn)
    if html is not None:
        replay.paged(html, finding, read)
    if output == "json":
        click.echo(json_text(replay.document(finding, read), allow_nan=False))
        return
    click.echo(replay.text(finding))
    if plot:
        click.echo(f"\n{replay.plotted(finding, read, no_color=no_color)}")
