"""`davy judge backtest`."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from davy.workflows.cli import options, param_types
from davy.workflows.render.json_text import json_text


def _ratios(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(float(part.strip().removesuffix("x")) for part in value.split(",") if part.strip()))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of ratios; write it like 2,5,10", ctx, param) from None


@click.command()
@options.file
@options.cluster
@options.output
@options.option(
    "--days", type=param_types.Number(0.001, 366), default=7.0, show_default=True, help="So much of the past is read."
)
@options.option("--every", type=param_types.Span(), default="30m", show_default=True, help="Time between two starts.")
@options.option("--starts", type=click.IntRange(1, 100_000), help="At most so many, spread over the whole past.")
@options.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same result.")
@options.option(
    "--inject",
    default="2,5,10",
    show_default=True,
    callback=_ratios,
    metavar="RATIOS",
    help="How many times as many bad events; empty for none.",
)
@options.option("--into", metavar="SLO", help="Whose events are made bad; by default the first SLO of errors.")
@options.option(
    "--share", type=param_types.Share(), multiple=True, help="The canary's share, one for each step; over the file's."
)
@options.option(
    "--from",
    "source",
    type=param_types.File(dir_okay=False),
    help="Take the past from a file that --export wrote; no server is asked.",
)
@options.option("--export", type=param_types.File(dir_okay=False), help="Keep what was read, as JSON lines.")
@options.option("--plot", is_flag=True, help="Draw false rollbacks and what was found below the text.")
@options.option(
    "--html",
    type=param_types.File(dir_okay=False),
    help="Also write a page to this file; it opens without a network.",
)
@options.option("--no-color", envvar="DAVY_NO_COLOR", is_flag=True, help="No colour; NO_COLOR does the same.")
def command(*, output: str, plot: bool, html: Path | None, no_color: bool, every: timedelta, **said: Any) -> None:
    """Try a policy on your own past; compare the judges.

    Reads what every pod counted in the last days, lets some of them play the canary through your steps, again and
    again, and asks every judge: how many healthy canaries it would have rolled back, and how soon it finds a
    regression that is injected. The last rollout's own counts are judged again too. Changes nothing.
    """
    from davy.workflows.judge import backtest, backtest_inputs, backtest_text  # noqa: PLC0415
    from davy.workflows.wiring.reach import KEYS, reach_of  # noqa: PLC0415

    reach = reach_of(said)
    rest = {name: value for name, value in said.items() if name not in KEYS}
    made = backtest.backtest(backtest_inputs.Asked(every=every, reach=reach, **rest), sys.stderr)
    if html is not None:
        backtest_text.paged(html, made)
    if output == "json":
        click.echo(json_text(backtest.document(made), allow_nan=False))
        return
    click.echo(backtest_text.text(made))
    if plot:
        click.echo(f"\n{backtest_text.plotted(made, no_color=no_color)}")
