"""`davy image`: images in registries."""

from typing import TYPE_CHECKING

import click

from davy.pipeline.core.endings import Ending
from davy.workflows.cli import param_types, parameters
from davy.workflows.cli.definition import command
from davy.workflows.cli.lazy_group import Entry, LazyGroup

if TYPE_CHECKING:
    from davy.workflows.images.options import (
        AttachOptions,
        CopyOptions,
        PromoteOptions,
        ScanOptions,
        ShowOptions,
        SignOptions,
        VerifyOptions,
    )

HOME = __name__
LOOK = "Look (these change nothing)"
MOVE = "Move it (never a rebuild)"
SAY = "Say something of it"

TABLE = {
    "show": Entry(
        LOOK,
        "Digest, platforms, annotations, and what is attached.",
        f"{HOME}:show",
        "davy image show registry.example.com/shop/checkout:main",
    ),
    "verify": Entry(
        LOOK,
        "Whether it is signed as it should be.",
        f"{HOME}:verify",
        "davy image verify ghcr.io/shop/checkout:main --public-key cosign.pub",
    ),
    "scan": Entry(
        LOOK,
        "Hold scanners' reports against the policy.",
        f"{HOME}:scan",
        "davy image scan ghcr.io/shop/checkout:main --report scan.sarif",
    ),
    "promote": Entry(
        MOVE,
        "Put tags on the very digest that was tested.",
        f"{HOME}:promote",
        "davy image promote ghcr.io/shop/checkout:main --to stable",
    ),
    "copy": Entry(
        MOVE,
        "Copy it to another name or registry, with its evidence.",
        f"{HOME}:copy",
        "davy image copy ghcr.io/shop/checkout:main r.example.com/checkout",
    ),
    "attach": Entry(
        SAY,
        "Attach a file: an SBOM, a report, a statement.",
        f"{HOME}:attach",
        "davy image attach ghcr.io/shop/checkout:main s.json --kind spdx",
    ),
    "sign": Entry(
        SAY,
        "Sign it with cosign.",
        f"{HOME}:sign",
        "davy image sign ghcr.io/shop/checkout:main --key cosign.key",
    ),
}


@click.group(cls=LazyGroup, table=TABLE)
def image() -> None:
    """Images in registries, by digest: look at them, promote, copy, sign and scan them.

    No image is pulled, and no Docker is needed; the credentials are those of `docker login`.
    """


@command(
    "images.options:ShowOptions",
    click.argument("reference", metavar="REF"),
    parameters.file,
    parameters.output,
)
def show(options: "ShowOptions") -> Ending:
    """Say what an image is: digest, platforms, annotations, what is attached to it.

    REF is name:tag or name@sha256:…; davy.yaml is not needed. Changes nothing.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.show(options)


@command(
    "images.options:VerifyOptions",
    click.argument("reference", metavar="REF"),
    parameters.file,
    parameters.trust,
    parameters.output,
)
def verify(options: "VerifyOptions") -> Ending:
    """Say whether an image is signed as it should be, by cosign.

    Whose signature counts stands in `build.sign` of davy.yaml, or in the options.
    Changes nothing. Exits with 0, or with 3 where it is not signed so.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.verify(options)


@command(
    "images.options:ScanOptions",
    click.argument("reference", metavar="REF"),
    parameters.file,
    parameters.option(
        "--report",
        "reports",
        multiple=True,
        required=True,
        type=param_types.File(),
        help="SARIF, or JSON of Grype or Trivy; may be said several times.",
    ),
    parameters.option(
        "--severity",
        type=click.Choice(["low", "medium", "high", "critical"]),
        help="From this on it is refused; over the file's.",
    ),
    parameters.option("--fixable-only", is_flag=True, help="Only what a newer version mends."),
    parameters.option("--ignore", type=param_types.File(), help="File of accepted findings; over the file's."),
    parameters.output,
)
def scan(options: "ScanOptions") -> Ending:
    """Hold what scanners found in an image against the policy of `build.scan`.

    Changes nothing. Exits with 0, or with 3 where something is held against it,
    or where a report cannot be read.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.scan(options)


@command(
    "images.options:PromoteOptions",
    click.argument("reference", metavar="REF"),
    parameters.option(
        "--to", "tags", multiple=True, required=True, help="Tag to put on it; may be said several times."
    ),
    parameters.option(
        "--require",
        multiple=True,
        help="Evidence it must have: tests, canary, provenance, sbom, scan, signature; with commas.",
    ),
    parameters.trust,
    parameters.file,
    parameters.dry_run,
    parameters.output,
)
def promote(options: "PromoteOptions") -> Ending:
    """Put tags on the very digest that was tested: promotion is never a rebuild.

    Changes the world: moves tags in the registry, without a pull.
    Exits with 3, and moves nothing, where evidence that --require names is not
    attached to the digest, or says that it failed. Of tests and canary the newest
    word counts. scan: the newest SARIF of each scanner, held against `build.scan`
    of the configuration where there is one, else from high on. provenance, sbom:
    that they are there.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.promote(options)


@command(
    "images.options:CopyOptions",
    click.argument("reference", metavar="REF"),
    click.argument("name", metavar="NAME"),
    parameters.option("--to", "tags", multiple=True, help="Tag to put on the copy; may be said several times."),
    parameters.file,
    parameters.dry_run,
    parameters.output,
)
def copy(options: "CopyOptions") -> Ending:
    """Copy an image to another repository or registry: same digest, every platform, its evidence.

    NAME is registry and repository, without a tag.
    Changes the world: writes to the registry of NAME. What is there already is not sent.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.copy(options)


@command(
    "images.options:AttachOptions",
    click.argument("reference", metavar="REF"),
    click.argument("path", metavar="FILE", type=param_types.File(dir_okay=False)),
    parameters.option(
        "--kind",
        required=True,
        help="spdx, cyclonedx, sarif, vex, in-toto, or a media type.",
    ),
    parameters.file,
    parameters.dry_run,
    parameters.output,
)
def attach(options: "AttachOptions") -> Ending:
    """Attach a file to an image's digest, as an OCI referrer.

    Changes the world: writes to the registry. The same file twice is there once.
    A file that is no SPDX, CycloneDX or SARIF where it is said to be is refused.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.attach(options)


@command(
    "images.options:SignOptions",
    click.argument("reference", metavar="REF"),
    parameters.key,
    parameters.file,
    parameters.dry_run,
    parameters.output,
)
def sign(options: "SignOptions") -> Ending:
    """Sign an image's digest with cosign.

    Changes the world: writes a signature beside the image, and into the transparency
    log unless that is left out. cosign must be in PATH; $COSIGN_PASSWORD opens a key file.
    """
    from davy.workflows.images import run  # noqa: PLC0415 - only when it is run

    return run.sign(options)
