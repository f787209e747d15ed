"""Image facts: what a manifest says, for people: platforms, annotations, what buildx attested in the image."""

from collections.abc import Mapping
from dataclasses import field

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.core.images.oci import Contents

REFERENCE_TYPE = "vnd.docker.reference.type"
ATTESTATION = "attestation-manifest"
PREDICATE = "in-toto.io/predicate-type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One image."""

    media_type: str
    platforms: tuple[str, ...] = ()
    """Empty for a single image: its platform is in its configuration."""
    configured: bool = False
    """Whether it is a single image, that has one."""
    artifact_type: str = ""
    config_type: str = ""
    """Of what is no image: the media type of its configuration."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    attestations: tuple[str, ...] = ()
    """Digests of the attestation manifests inside an index, as buildx puts them there."""
    bytes: int = 0
    """Of a single image: its layers as they are in the registry."""


def facts(manifest: bytes) -> Facts:
    """What it says. ValueError: it is no manifest."""
    holds = oci.contents(manifest)
    inner = [child for child in holds.children if child.annotations.get(REFERENCE_TYPE) == ATTESTATION]
    return Facts(
        media_type=holds.media_type,
        platforms=tuple(child.platform for child in holds.children if child not in inner and child.platform),
        configured=holds.has_configuration,
        artifact_type=holds.artifact_type,
        config_type=holds.blobs[0].media_type if holds.blobs and not holds.has_configuration else "",
        annotations=holds.annotations,
        attestations=tuple(child.digest for child in inner),
        bytes=sum(blob.size for blob in holds.blobs[1:]),
    )


def predicates(attestation: Contents) -> tuple[str, ...]:
    """What an attestation manifest of buildx holds, by predicate type."""
    return tuple(blob.annotations[PREDICATE] for blob in attestation.blobs if PREDICATE in blob.annotations)
