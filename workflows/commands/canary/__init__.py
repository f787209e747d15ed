"""`davy canary`: the canary as commands of its own."""

import click

from davy.workflows.lazy import Entry, LazyGroup

HOME = "davy.workflows.commands.canary"
RUN = "Run one"
SAY = "Say a word to the one that runs"
LOOK = "Look (these change nothing)"

TABLE = {
    "start": Entry(RUN, "Canary images that are already in the registry.", f"{HOME}.start"),
    "resume": Entry(RUN, "Take over a canary whose runner is gone, and go on.", f"{HOME}.resume"),
    "promote": Entry(SAY, "Take the next step now, or promote.", f"{HOME}.promote"),
    "abort": Entry(SAY, "Roll the canary back.", f"{HOME}.abort"),
    "hold": Entry(SAY, "Keep the canary where it is until someone says promote or abort.", f"{HOME}.hold"),
    "status": Entry(LOOK, "Say where the canary stands and what to do next.", f"{HOME}.status"),
    "watch": Entry(LOOK, "Follow a canary that runs elsewhere until it ends.", f"{HOME}.watch"),
    "trace": Entry(LOOK, "Write a rollout's counts as a trace that `davy judge replay` reads.", f"{HOME}.trace"),
    "history": Entry(LOOK, "List the last rollouts.", f"{HOME}.history"),
}


@click.group(cls=LazyGroup, table=TABLE)
def command() -> None:
    """Start, watch, hold, promote or abort a canary.

    The canary's state lives in the cluster: every command here works from any machine with the right to.
    """
