"""Show: an image of a registry with all that is said of it, as text and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.images import oci
from davy.pipeline.core.text.sanitize import one_line
from davy.pipeline.registry import artifact
from davy.pipeline.registry.ports import ImageStore
from davy.pipeline.supply_chain import evidence
from davy.pipeline.supply_chain.evidence import Claim, ReadClaim
from davy.pipeline.supply_chain.image_facts import Facts
from davy.workflows.images import builder_attestations
from davy.workflows.render.json_text import json_text


def shown(store: ImageStore, image: Image, output: str) -> None:
    """Read it all and print it."""
    known = _with_platform(store, image, builder_attestations.known(store, image))
    kinds = builder_attestations.kinds(store, image, known)
    beside = [evidence.said(one) for one in store.attached(image)]
    signed = any(one.claim is Claim.SIGNATURE for one in beside) or _old_signature(store, image)
    document = _document(image, known, kinds, beside, signed=signed)
    click.echo(json_text(document) if output == "json" else _text(image, known, kinds, beside, signed=signed))


def _with_platform(store: ImageStore, image: Image, known: Facts) -> Facts:
    """What else is known is told also where the configuration is not there, or is none."""
    try:
        return replace(known, platforms=builder_attestations.platforms(store, image, known))
    except DavyError as error:
        click.echo(one_line(f"note: its platform is not known: {error.what}"), err=True)
        return known


def _old_signature(store: ImageStore, image: Image) -> bool:
    """cosign before version 3 keeps it under a tag."""
    return store.digest(image.name, f"{artifact.fallback_tag(image.digest)}.sig") is not None


def _document(
    image: Image, known: Facts, kinds: Sequence[str], beside: Sequence[ReadClaim], *, signed: bool
) -> Mapping[str, Any]:
    return {
        "davy_image": 1,
        "name": image.name,
        "digest": image.digest,
        "reference": image.reference,
        "media_type": known.media_type,
        "platforms": list(known.platforms),
        "artifact_type": known.artifact_type,
        "config_type": known.config_type,
        "annotations": dict(known.annotations),
        "attested_inside": list(kinds),
        "has_signature": signed,
        "attached": [
            {
                "claim": one.claim.value,
                "kind": one.kind,
                "result": one.result,
                "at": one.at,
                "by": one.by,
                "digest": one.digest,
                "about": one.about,
            }
            for one in beside
        ],
    }


def _text(image: Image, known: Facts, kinds: Sequence[str], beside: Sequence[ReadClaim], *, signed: bool) -> str:
    size = f", {known.bytes / 2**20:.1f} MiB of layers" if known.bytes else ""
    lines = [image.reference, f"{known.media_type}{size}"]
    lines += [f"platform   {', '.join(known.platforms)}"] if known.platforms else []
    lines += [f"artifact   {known.artifact_type}"] if known.artifact_type else []
    lines += [f"config     {known.config_type}"] if known.config_type else []
    lines += [f"{key.removeprefix(oci.PREFIX):<10} {value}" for key, value in sorted(known.annotations.items())]
    lines += [f"attested   {kind} (inside the index)" for kind in dict.fromkeys(kinds)]
    lines += [_line(one) for one in beside]
    said = "a signature is there; `davy image verify` says whose" if signed else "no"
    return "\n".join(
        f"  {one_line(line)}" if number else one_line(line)
        for number, line in enumerate([*lines, f"signed     {said}"])
    )


def _line(one: ReadClaim) -> str:
    said = " · ".join(part for part in (one.result, one.at, one.by) if part)
    return f"attached   {one.claim.value}: {one.kind} {one.digest[:19]}…{f' ({said})' if said else ''}"
