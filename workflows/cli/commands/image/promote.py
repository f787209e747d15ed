"""`davy image promote`."""

from typing import Any

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import options


@click.command()
@click.argument("reference", metavar="REF")
@options.option("--to", "tags", multiple=True, required=True, help="Tag to put on it; may be said several times.")
@options.option(
    "--require",
    multiple=True,
    help="Evidence it must have: tests, canary, provenance, sbom, scan, signature; with commas.",
)
@options.trust
@options.file
@options.dry_run
@options.output
def command(**said: Any) -> Ending:
    """Put tags on the very digest that was tested: promotion is never a rebuild.

    Changes the world: moves tags in the registry, without a pull.
    Exits with 3, and moves nothing, where evidence that --require names is not
    attached to the digest, or says that it failed. Of tests and canary the newest
    word counts. scan: the newest SARIF of each scanner, held against `build.scan`
    of the configuration where there is one, else from high on. provenance, sbom:
    that they are there.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.promote(said)
