"""`davy judge`: verdicts, checked by anyone."""

import sys
from typing import TYPE_CHECKING

import click

from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import command
from davy.workflows.cli.lazy_group import Entry, LazyGroup

if TYPE_CHECKING:
    from davy.workflows.judge.backtest_inputs import BacktestOptions
    from davy.workflows.judge.explain import ExplainOptions
    from davy.workflows.judge.replay import ReplayOptions
    from davy.workflows.judge.simulate import SimulateOptions
    from davy.workflows.judge.traffic_and_rules import JudgePlanOptions

HOME = __name__
PAST = "What was said"
AHEAD = "What to expect (on your own traffic)"

TABLE = {
    "replay": Entry(
        PAST, "Judge a trace from a file, with no server.", f"{HOME}:replay", "davy judge replay checkout.trace"
    ),
    "explain": Entry(
        PAST,
        "One verdict in full: every count, share and limit.",
        f"{HOME}:explain",
        "davy judge explain checkout.trace",
    ),
    "plan": Entry(
        AHEAD, "How long each step must last, for what effect.", f"{HOME}:plan", "davy judge plan --rps 100 --bad 0.1%"
    ),
    "simulate": Entry(
        AHEAD,
        "Play scenarios at your rates; compare the judges.",
        f"{HOME}:simulate",
        "davy judge simulate --rps 100 --bad 0.1%",
    ),
    "backtest": Entry(
        AHEAD, "Try a policy on your own past; compare the judges.", f"{HOME}:backtest", "davy judge backtest --days 7"
    ),
}


@click.group(cls=LazyGroup, table=TABLE)
def judge() -> None:
    """Replay, explain, plan and prove the verdicts. Nothing here changes the cluster."""


@command(
    "judge.replay:ReplayOptions",
    click.argument("trace", metavar="FILE"),
    parameters.option(
        "--judge",
        envvar="DAVY_JUDGE",
        type=click.Choice(["sequential", "threshold", "mannwhitney"]),
        default="sequential",
        show_default=True,
        help="Which judge is asked.",
    ),
    parameters.option("--to-end", is_flag=True, help="Read all windows; the figures are those of the end."),
    parameters.option("--plot", is_flag=True, help="Draw the evidence, the ratios and both sides below the table."),
    parameters.option(
        "--html",
        type=param_types.File(dir_okay=False),
        help="Also write the verdict as a page to this file; it opens without a network.",
    ),
    parameters.output,
    parameters.option("--no-color", envvar="DAVY_NO_COLOR", is_flag=True, help="No colour; NO_COLOR does the same."),
)
def replay(options: "ReplayOptions") -> None:
    """Judge the trace in FILE (`-` is stdin), with no server. Changes nothing.

    It stops at the first verdict. The exit code is 0 whatever the verdict is, for the question was answered;
    it is 2 where FILE is no usable trace.
    """
    from davy.workflows.judge import replay  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415

    drawn = (options.plot and options.output == "text") or options.html is not None
    finding, read = replay.asked(options.trace, options.judge, to_end=options.to_end, pictures=drawn)
    if options.html is not None:
        replay.paged(options.html, finding, read)
    if options.output == "json":
        click.echo(json_text(replay.document(finding, read), allow_nan=False))
        return
    click.echo(replay.text(finding))
    if options.plot:
        click.echo(f"\n{replay.plotted(finding, read, no_color=options.no_color)}")


@command(
    "judge.explain:ExplainOptions",
    click.argument("trace", metavar="[TRACE]", required=False),
    parameters.option("--at", type=param_types.Number(min=0), help="Seconds: as it stood then, not at the verdict."),
    parameters.target,
    parameters.output,
)
def explain(options: "ExplainOptions") -> None:
    """Explain one verdict in full: every count, share and limit, whom to blame, what is missing.

    Of the trace in the file TRACE (`-` is stdin); without one, of the rollout under way in the cluster, or of its
    last. Changes nothing.
    """
    from davy.workflows.judge import explain  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415

    if options.trace is not None:
        found = explain.from_file(options.trace, options.at)
    else:
        from davy.checks.traces.explanation import explained  # noqa: PLC0415
        from davy.workflows import wiring  # noqa: PLC0415
        from davy.workflows.rollout import trace as tracing  # noqa: PLC0415

        held = tracing.trace_of(wiring.side_at(options.target.file, options.target.reach).journal.read())
        found = explained(held, held.windows, options.at)
    wants_json = options.output == "json"
    click.echo(json_text(explain.document(found), allow_nan=False) if wants_json else explain.text(found))


@command(
    "judge.traffic_and_rules:JudgePlanOptions",
    parameters.file,
    parameters.output,
    parameters.traffic,
    parameters.option(
        "--dispersion",
        type=param_types.Number(min=1),
        help="How much bad events cluster; by default the file's, else 1.",
    ),
)
def plan(options: "JudgePlanOptions") -> None:
    """Say how long each step must last, for what effect.

    Reads today's traffic and share of bad events of every SLO from Prometheus; with --rps and --bad no server is
    asked, and without a file the default ladder is planned for. Also says what a regression costs until it is found,
    what cannot be found before the deadline, and which ladder fits better. Changes nothing.
    """
    from davy.workflows.judge import plan, traffic_and_rules  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415
    from davy.workflows.story import command_line  # noqa: PLC0415

    known = traffic_and_rules.taken(
        options.file, options.traffic, options.dispersion, file_was_named=command_line.was_said("file")
    )
    click.echo(json_text(plan.document(known)) if options.output == "json" else plan.text(known))


@command(
    "judge.simulate:SimulateOptions",
    parameters.file,
    parameters.output,
    parameters.traffic,
    parameters.option(
        "--rollouts", type=click.IntRange(1, 100_000), default=50, show_default=True, help="So many for each scenario."
    ),
    parameters.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same table."),
)
def simulate(options: "SimulateOptions") -> None:
    """Play scenarios at your rates; compare the judges.

    Healthy canaries under shocks, drift, clusters of errors and wrong shares, and bad ones from 1.5 to 10 times worse,
    at the traffic that Prometheus shows or --rps and --bad say. Every judge sees the same rollouts: how many it rolled
    back and promoted, how soon, and how many extra bad answers users got. Changes nothing.
    """
    from davy.workflows.judge import simulate, traffic_and_rules  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415
    from davy.workflows.story import command_line  # noqa: PLC0415

    known = traffic_and_rules.taken(options.file, options.traffic, file_was_named=command_line.was_said("file"))
    rows = simulate.rows(known, options.rollouts, options.seed, sys.stderr)
    wants_json = options.output == "json"
    click.echo(json_text(simulate.document(known, rows, options.seed)) if wants_json else simulate.text(known, rows))


def _ratios(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, ...]:
    try:
        return tuple(dict.fromkeys(float(part.strip().removesuffix("x")) for part in value.split(",") if part.strip()))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of ratios; write it like 2,5,10", ctx, param) from None


@command(
    "judge.backtest_inputs:BacktestOptions",
    parameters.file,
    parameters.cluster,
    parameters.output,
    parameters.option(
        "--days",
        type=param_types.Number(0.001, 366),
        default=7.0,
        show_default=True,
        help="So much of the past is read.",
    ),
    parameters.option(
        "--every", type=param_types.Span(), default="30m", show_default=True, help="Time between two starts."
    ),
    parameters.option("--starts", type=click.IntRange(1, 100_000), help="At most so many, spread over the whole past."),
    parameters.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same result."),
    parameters.option(
        "--inject",
        default="2,5,10",
        show_default=True,
        callback=_ratios,
        metavar="RATIOS",
        help="How many times as many bad events; empty for none.",
    ),
    parameters.option("--into", metavar="SLO", help="Whose events are made bad; by default the first SLO of errors."),
    parameters.option(
        "--share",
        type=param_types.Share(),
        multiple=True,
        help="The canary's share, one for each step; over the file's.",
    ),
    parameters.option(
        "--from",
        "source",
        type=param_types.File(dir_okay=False),
        help="Take the past from a file that --export wrote; no server is asked.",
    ),
    parameters.option("--export", type=param_types.File(dir_okay=False), help="Keep what was read, as JSON lines."),
    parameters.option("--plot", is_flag=True, help="Draw false rollbacks and what was found below the text."),
    parameters.option(
        "--html",
        type=param_types.File(dir_okay=False),
        help="Also write a page to this file; it opens without a network.",
    ),
    parameters.option("--no-color", envvar="DAVY_NO_COLOR", is_flag=True, help="No colour; NO_COLOR does the same."),
)
def backtest(options: "BacktestOptions") -> None:
    """Try a policy on your own past; compare the judges.

    Reads what every pod counted in the last days, lets some of them play the canary through your steps, again and
    again, and asks every judge: how many healthy canaries it would have rolled back, and how soon it finds a
    regression that is injected. The last rollout's own counts are judged again too. Changes nothing.
    """
    from davy.workflows.judge import backtest, backtest_text  # noqa: PLC0415
    from davy.workflows.render.json_text import json_text  # noqa: PLC0415

    made = backtest.backtest(options.past, sys.stderr)
    if options.html is not None:
        backtest_text.paged(options.html, made)
    if options.output == "json":
        click.echo(json_text(backtest.document(made), allow_nan=False))
        return
    click.echo(backtest_text.text(made))
    if options.plot:
        click.echo(f"\n{backtest_text.plotted(made, no_color=options.no_color)}")
