"""`davy slo`: objectives and their error budgets."""

import click

from davy.workflows.cli.lazy_group import Entry, LazyGroup

HOME = "davy.workflows.cli.commands.slo"
LOOK = "Look (these change nothing)"

TABLE = {
    "status": Entry(
        LOOK, "Error budget left, and how fast it burns.", f"{HOME}.status", "davy slo status\ndavy slo status --gate"
    ),
    "import": Entry(LOOK, "Say another tool's objectives as davy's.", f"{HOME}.imports", "davy slo import slo.yaml"),
}


@click.group(cls=LazyGroup, table=TABLE)
def command() -> None:
    """Objectives: their error budgets and burn rates."""
