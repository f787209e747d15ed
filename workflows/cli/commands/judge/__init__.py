"""`davy judge`: verdicts, checked by anyone."""

import click

from davy.workflows.cli.lazy_group import Entry, LazyGroup

HOME = "davy.workflows.cli.commands.judge"
PAST = "What was said"
AHEAD = "What to expect (on your own traffic)"

TABLE = {
    "replay": Entry(
        PAST, "Judge a trace from a file, with no server.", f"{HOME}.replay", "davy judge replay checkout.trace"
    ),
    "explain": Entry(
        PAST,
        "One verdict in full: every count, share and limit.",
        f"{HOME}.explain",
        "davy judge explain checkout.trace",
    ),
    "plan": Entry(
        AHEAD, "How long each step must last, for what effect.", f"{HOME}.plan", "davy judge plan --rps 100 --bad 0.1%"
    ),
    "simulate": Entry(
        AHEAD,
        "Play scenarios at your rates; compare the judges.",
        f"{HOME}.simulate",
        "davy judge simulate --rps 100 --bad 0.1%",
    ),
    "backtest": Entry(
        AHEAD, "Try a policy on your own past; compare the judges.", f"{HOME}.backtest", "davy judge backtest --days 7"
    ),
}


@click.group(cls=LazyGroup, table=TABLE)
def command() -> None:
    """Replay, explain, plan and prove the verdicts. Nothing here changes the cluster."""
