"""`davy slo`: objectives and their error budgets."""

from typing import TYPE_CHECKING

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import command
from davy.workflows.cli.lazy_group import Entry, LazyGroup

if TYPE_CHECKING:
    from davy.workflows.config.importer import ImportOptions
    from davy.workflows.judge.budgets import BudgetOptions

HOME = __name__
LOOK = "Look (these change nothing)"

TABLE = {
    "status": Entry(
        LOOK, "Error budget left, and how fast it burns.", f"{HOME}:status", "davy slo status\ndavy slo status --gate"
    ),
    "import": Entry(LOOK, "Say another tool's objectives as davy's.", f"{HOME}:import_", "davy slo import slo.yaml"),
}


@click.group(cls=LazyGroup, table=TABLE)
def slo() -> None:
    """Objectives: their error budgets and burn rates."""


@command(
    "judge.budgets:BudgetOptions",
    click.argument("names", nargs=-1, metavar="[NAME]..."),
    parameters.file,
    parameters.option(
        "--gate",
        is_flag=True,
        help="Exit with 3 where a budget is not as `checks.gate` asks, or cannot be told.",
    ),
    parameters.output,
)
def status(options: "BudgetOptions") -> Ending:
    """Say how much error budget is left, and how fast it burns.

    Asks Prometheus, over all pods; names no pods and reads no cluster. Changes nothing.
    Exits with 0, with 6 where Prometheus gave no answer, and with --gate with 3.
    """
    from davy.workflows.judge import budgets  # noqa: PLC0415 - only when it is run

    return budgets.status(options)


@command(
    "config.importer:ImportOptions",
    click.argument("files", nargs=-1, required=True, type=param_types.File(), metavar="FILE..."),
    parameters.output,
)
def import_(options: "ImportOptions") -> Ending:
    """Print the `checks` of davy.yaml that mean what files of other tools say.

    Reads OpenSLO v1, Sloth, Pyrra, Keptn, Argo's AnalysisTemplates and Flagger's Canaries with
    their MetricTemplates; name files that refer to each other together. YAML on stdout; what
    could not be carried over, and why, on stderr. Changes nothing.
    """
    from davy.workflows.config import importer  # noqa: PLC0415 - only when it is run

    return importer.print_checks(options)
