"""`davy judge replay`."""

import json

import click

from davy.workflows import options


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
@options.output
def command(trace: str, judge: str, to_end: bool, output: str) -> None:
    """Judge the trace in FILE (`-` is stdin), with no server. Changes nothing.

    It stops at the first verdict. The exit code is 0 whatever the verdict is, for the question was answered;
    it is 2 where FILE is no usable trace.
    """
    from davy.workflows import replaying  # noqa: PLC0415

    finding, header = replaying.asked(trace, judge, to_end=to_end)
    if output == "json":
        click.echo(json.dumps(replaying.document(finding, header), allow_nan=False))
    else:
        click.echo(replaying.text(finding))
