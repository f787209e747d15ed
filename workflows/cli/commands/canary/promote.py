"""`davy canary promote`."""

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
    """Take the next step now, or from the last one promote, whatever the evidence says.

    Leaves the word, with your name, for the runner, and waits for it to be heeded.
    Where no runner lives, this command takes over and goes on itself; it needs the whole davy.yaml for that.
    """
    from davy.workflows.rollout import intervene  # noqa: PLC0415

    return intervene.word("promote", said)
