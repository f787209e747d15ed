"""`davy image verify`."""

from typing import Any

import click

from davy.pipeline.endings import Ending
from davy.workflows import options


@click.command()
@click.argument("reference", metavar="REF")
@options.file
@options.option("--key", help="The private key as cosign names it: a file, env://NAME, a KMS; over the file's.")
@options.option("--public-key", "public_key", help="To verify with, as cosign names it; over the file's.")
@options.option("--identity", help="Keyless: regular expression of who must have signed.")
@options.option("--issuer", help="Keyless: the OIDC issuer.")
@options.option("--no-log", is_flag=True, help="Leave the transparency log out.")
@options.output
def command(**said: Any) -> Ending:
    """Say whether an image is signed as it should be, by cosign.

    \b
    Whose signature counts stands in `build.sign` of davy.yaml, or in the options.
    Changes nothing. Exits with 0, or with 3 where it is not signed so.
    """
    from davy.workflows import imaging  # noqa: PLC0415 - pydantic

    return imaging.verify(said)
