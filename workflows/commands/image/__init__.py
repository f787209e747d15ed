"""`davy image`: images in registries."""

import click

from davy.workflows.lazy import Entry, LazyGroup

HOME = "davy.workflows.commands.image"
LOOK = "Look (these change nothing)"
MOVE = "Move it (never a rebuild)"
SAY = "Say something of it"

TABLE = {
    "show": Entry(LOOK, "Digest, platforms, annotations, and what is attached.", f"{HOME}.show"),
    "verify": Entry(LOOK, "Whether it is signed as it should be.", f"{HOME}.verify"),
    "scan": Entry(LOOK, "Hold scanners' reports against the policy.", f"{HOME}.scan"),
    "promote": Entry(MOVE, "Put tags on the very digest that was tested.", f"{HOME}.promote"),
    "copy": Entry(MOVE, "Copy it to another name or registry, with its evidence.", f"{HOME}.copy"),
    "attach": Entry(SAY, "Attach a file: an SBOM, a report, a statement.", f"{HOME}.attach"),
    "sign": Entry(SAY, "Sign it with cosign.", f"{HOME}.sign"),
}


@click.group(cls=LazyGroup, table=TABLE)
def command() -> None:
    """Images in registries, by digest: look at them, promote, copy, sign and scan them.

    No image is pulled, and no Docker is needed; the credentials are those of `docker login`.
    """
