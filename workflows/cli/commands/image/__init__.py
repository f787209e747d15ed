"""`davy image`: images in registries."""

import click

from davy.workflows.cli.lazy_group import Entry, LazyGroup

HOME = "davy.workflows.cli.commands.image"
LOOK = "Look (these change nothing)"
MOVE = "Move it (never a rebuild)"
SAY = "Say something of it"

TABLE = {
    "show": Entry(
        LOOK,
        "Digest, platforms, annotations, and what is attached.",
        f"{HOME}.show",
        "davy image show registry.example.com/shop/checkout:main",
    ),
    "verify": Entry(
        LOOK,
        "Whether it is signed as it should be.",
        f"{HOME}.verify",
        "davy image verify ghcr.io/shop/checkout:main --public-key cosign.pub",
    ),
    "scan": Entry(
        LOOK,
        "Hold scanners' reports against the policy.",
        f"{HOME}.scan",
        "davy image scan ghcr.io/shop/checkout:main --report scan.sarif",
    ),
    "promote": Entry(
        MOVE,
        "Put tags on the very digest that was tested.",
        f"{HOME}.promote",
        "davy image promote ghcr.io/shop/checkout:main --to stable",
    ),
    "copy": Entry(
        MOVE,
        "Copy it to another name or registry, with its evidence.",
        f"{HOME}.copy",
        "davy image copy ghcr.io/shop/checkout:main r.example.com/checkout",
    ),
    "attach": Entry(
        SAY,
        "Attach a file: an SBOM, a report, a statement.",
        f"{HOME}.attach",
        "davy image attach ghcr.io/shop/checkout:main s.json --kind spdx",
    ),
    "sign": Entry(
        SAY,
        "Sign it with cosign.",
        f"{HOME}.sign",
        "davy image sign ghcr.io/shop/checkout:main --key cosign.key",
    ),
}


@click.group(cls=LazyGroup, table=TABLE)
def command() -> None:
    """Images in registries, by digest: look at them, promote, copy, sign and scan them.

    No image is pulled, and no Docker is needed; the credentials are those of `docker login`.
    """
