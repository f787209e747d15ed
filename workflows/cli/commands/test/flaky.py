"""`davy test flaky`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@options.file
@options.option("--suite", metavar="NAME", help="Only this suite, or one cell of it: e2e[chrome].")
@options.last
@options.option(
    "-o",
    "--output",
    envvar="DAVY_OUTPUT",
    type=click.Choice(["text", "json", "quarantine"]),
    default="text",
    show_default=True,
    help="quarantine: lines for the quarantine file, for what is flaky and not in it.",
)
def command(**said: Any) -> Ending:
    """Say which tests are flaky, how often, and since when.

    Flaky is a test that failed and then passed in one run, or failed in one run and passed in
    another of the same commit. Rates stand with their 95 % interval; * is in quarantine.
    Reads the archive. Changes nothing.
    """
    from davy.workflows.story import task as errand  # noqa: PLC0415
    from davy.workflows.suites import flaky  # noqa: PLC0415

    with errand.opened(said) as task:
        return flaky.flaky(task, said)
