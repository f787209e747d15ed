"""`davy canary abort`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.target
@options.word
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Roll the canary back.

    Leaves the word, with your name, for the runner, and waits for it to be heeded.
    Where no runner lives, this command rolls back itself; neither davy.yaml nor Prometheus is needed for that.
    """
    from davy.workflows.rollout import intervene  # noqa: PLC0415

    return intervene.word("abort", said)
