"""`davy canary watch`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.target
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Follow a canary that runs elsewhere until it ends, and exit as it does.

    Reads the Deployment, its Lease and its journal. Changes nothing; Ctrl-C stops the watching, not the canary.
    Exits 6 where the runner is lost.
    """
    from davy.workflows import wiring  # noqa: PLC0415
    from davy.workflows.rollout.watch import Watched, watched  # noqa: PLC0415
    from davy.workflows.story.player import told  # noqa: PLC0415
    from davy.workflows.story.screens import view_of  # noqa: PLC0415

    side = wiring.side_at(said)
    with wiring.clock() as clock:
        place = Watched(cluster=side.cluster, lock=side.lock, journal=side.journal, clock=clock, now=side.now)
        return told(watched(place), clock, view_of(said))
