"""`davy canary hold`."""

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
    """Keep the canary where it is until someone says promote or abort; a failing verdict still rolls it back.

    Leaves the word, with your name, for the runner, and waits for it to be heeded.
    Where no runner lives, nothing moves anyway.
    """
    from davy.workflows.rollout import intervene  # noqa: PLC0415

    return intervene.word("hold", said)
