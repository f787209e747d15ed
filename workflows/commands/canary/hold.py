"""`davy canary hold`."""

from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.workflows import options


@click.command()
@options.target
@options.word
@options.out
@options.dry_run
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Keep the canary where it is until someone says promote or abort; a failing verdict still rolls it back.

    Leaves the word, with your name, for the runner, and waits for it to be heeded.
    """
    from davy.workflows import doing  # noqa: PLC0415

    return doing.word("hold", said)
