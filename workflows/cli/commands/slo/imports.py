"""`davy slo import`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options, param_types


@click.command()
@click.argument("files", nargs=-1, required=True, type=param_types.File(), metavar="FILE...")
@options.output
def command(**said: Any) -> Ending:
    """Print the `checks` of davy.yaml that mean what files of other tools say.

    Reads OpenSLO v1, Sloth, Pyrra, Keptn, Argo's AnalysisTemplates and Flagger's Canaries with
    their MetricTemplates; name files that refer to each other together. YAML on stdout; what
    could not be carried over, and why, on stderr. Changes nothing.
    """
    from davy.workflows.config import importer  # noqa: PLC0415 - only when it is run

    return importer.imported(said)
