"""`davy canary`: the canary as commands of its own."""

import click

from davy.workflows.cli.lazy_group import Entry, LazyGroup

HOME = "davy.workflows.cli.commands.canary"
RUN = "Run one"
SAY = "Say a word to the one that runs"
LOOK = "Look (these change nothing)"

TABLE = {
    "start": Entry(
        RUN,
        "Canary images that are already in the registry.",
        f"{HOME}.start",
        'davy canary start --image "$(davy build)"',
    ),
    "resume": Entry(RUN, "Take over a canary whose runner is gone, and go on.", f"{HOME}.resume", "davy canary resume"),
    "promote": Entry(
        SAY, "Take the next step now, or promote.", f"{HOME}.promote", 'davy canary promote --why "looked at it"'
    ),
    "abort": Entry(SAY, "Roll the canary back.", f"{HOME}.abort", 'davy canary abort --why "users complain"'),
    "hold": Entry(
        SAY,
        "Keep the canary where it is until someone says promote or abort.",
        f"{HOME}.hold",
        'davy canary hold --why "wait for the campaign"',
    ),
    "status": Entry(
        LOOK,
        "Say where the canary stands and what to do next.",
        f"{HOME}.status",
        "davy canary status\ndavy canary status -n shop --deployment checkout",
    ),
    "watch": Entry(LOOK, "Follow a canary that runs elsewhere until it ends.", f"{HOME}.watch", "davy canary watch"),
    "trace": Entry(
        LOOK,
        "Write a rollout's counts as a trace that `davy judge replay` reads.",
        f"{HOME}.trace",
        "davy canary trace > checkout.trace",
    ),
    "history": Entry(LOOK, "List the last rollouts.", f"{HOME}.history", "davy canary history"),
}


@click.group(cls=LazyGroup, table=TABLE)
def command() -> None:
    """Start, watch, hold, promote or abort a canary.

    The canary's state lives in the cluster: every command here works from any machine with the right to.
    """
