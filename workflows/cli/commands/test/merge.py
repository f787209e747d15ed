"""`davy test merge`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options, param_types


@click.command()
@click.argument("folders", nargs=-1, required=True, metavar="FOLDER...", type=param_types.File())
@options.file
@options.suites
@options.out
@options.output
@options.view
def command(**said: Any) -> Ending:
    """Add up the parts of the suites that several CI jobs ran, and notice one that is missing.

    FOLDER: what one job kept as its davy-out, with part.json and junit.xml in it. All of them make one verdict and
    one junit.xml in --out. Exits 3 where a suite failed in any part, and where a suite, a shard or a test file was
    run by no part; 2 where the parts are not of one commit and service. Runs nothing and asks nobody.
    """
    from davy.workflows.story import task as errand  # noqa: PLC0415
    from davy.workflows.suites import merge  # noqa: PLC0415

    with errand.opened(said) as task:
        return merge.merged(task, said)
