"""OCI: manifests as the registry holds them, read into what they point to, and given their annotations."""

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.json import tree

# https://github.com/opencontainers/image-spec/blob/main/media-types.md, "Compatibility Matrix"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
SAME = {
    DOCKER_MANIFEST: OCI_MANIFEST,
    DOCKER_LIST: OCI_INDEX,
    "application/vnd.docker.container.image.v1+json": "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
}
CONFIGURATIONS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
"""Of what runs. Everything else is an artifact's: a chart, a module, evidence."""
LONGEST = 64
"""Characters of a platform's parts."""
INPUTS = "application/vnd.davy.inputs.v1+json"
"""davy's record of what an image was made from."""
PREFIX = "org.opencontainers.image."
BASE_NAME, BASE_DIGEST = f"{PREFIX}base.name", f"{PREFIX}base.digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a manifest points to: another manifest, or a blob."""

    digest: str
    size: int = 0
    media_type: str = ""
    platform: str = ""
    """`linux/arm64/v8`; empty where none is said."""
    kind: str = ""
    """Its artifactType."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    elsewhere: bool = False
    """True for a layer that lies at URLs of its own and in no registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """A manifest, read."""

    children: tuple[Descriptor, ...] = ()
    """Of an index, its manifests."""
    blobs: tuple[Descriptor, ...] = ()
    """Of an image, its configuration first, then its layers."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    media_type: str = ""
    kind: str = ""
    """Its artifactType; where it has none, its configuration's media type."""
    artifact_type: str = ""
    """As it is written; a Helm chart's is its configuration's media type alone."""
    is_index: bool = False

    @property
    def has_configuration(self) -> bool:
        """Whether it is an image, whose configuration says how it runs. One without a media type may be."""
        return bool(self.blobs) and self.blobs[0].media_type in (*CONFIGURATIONS, "")


def platform(config: bytes) -> str:
    """An image's configuration: what it runs on, as in an index; empty where it does not say.

    ValueError: it is no configuration.
    """
    return _platform(_object(config))


def held_back(config: bytes) -> tuple[str, ...]:
    """An image's configuration: the instructions of its ONBUILD. ValueError: it is no configuration."""
    said = _object(config).get("config")
    held = said.get("OnBuild") if isinstance(said, Mapping) else None
    return tuple(map(str, held)) if isinstance(held, list) else ()


def contents(manifest: bytes) -> Contents:
    """What the manifest says. ValueError: it is neither an image's nor an index."""
    said = _object(manifest)
    if isinstance(said.get("manifests"), list):
        return Contents(
            children=tuple(map(_descriptor, said["manifests"])),
            annotations=_texts(said.get("annotations")),
            media_type=str(said.get("mediaType") or OCI_INDEX),
            kind=str(said.get("artifactType") or ""),
            artifact_type=str(said.get("artifactType") or ""),
            is_index=True,
        )
    if not isinstance(said.get("layers"), list) or "config" not in said:
        raise ValueError("the manifest is neither an image's nor an index")
    config = _descriptor(said["config"])
    return Contents(
        blobs=(config, *map(_descriptor, said["layers"])),
        annotations=_texts(said.get("annotations")),
        media_type=str(said.get("mediaType") or OCI_MANIFEST),
        kind=str(said.get("artifactType") or config.media_type),
        artifact_type=str(said.get("artifactType") or ""),
    )


def annotated(manifest: bytes, annotations: Mapping[str, str]) -> bytes:
    """The same image, or index, in OCI's form with these annotations; same input, same bytes. ValueError: neither.

    An index's children stay as they are: their digests are part of it.
    """
    said = _object(manifest)
    if isinstance(said.get("manifests"), list):
        return packed({**said, "mediaType": OCI_INDEX, "annotations": {**said.get("annotations", {}), **annotations}})
    if said.get("schemaVersion") != 2 or "layers" not in said or "config" not in said:
        raise ValueError("the manifest is neither an image's nor an index")
    made = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _as_oci(said["config"]),
        "layers": [_as_oci(layer) for layer in said["layers"]],
        "annotations": {**said.get("annotations", {}), **annotations},
    }
    return packed(made)


def based(annotations: Mapping[str, str], name: str, digest: str) -> dict[str, str]:
    """The annotations with the base image said: its name with tag, and the digest it had."""
    return {**annotations, BASE_NAME: name, BASE_DIGEST: digest}


def packed(value: Mapping[str, Any]) -> bytes:
    """JSON that is the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _object(manifest: bytes) -> dict[str, Any]:
    try:
        said = tree.parsed(manifest)
    except RecursionError as error:
        raise ValueError("the manifest nests too deep") from error
    if not isinstance(said, dict):
        raise ValueError("the manifest is no JSON object")
    return said


def _descriptor(said: Any) -> Descriptor:
    if not isinstance(said, dict) or not isinstance(said.get("digest"), str):
        raise ValueError("the manifest points to something without a digest")
    size = said.get("size", 0)
    return Descriptor(
        digest=said["digest"],
        size=size if isinstance(size, int) and size >= 0 else 0,
        media_type=str(said.get("mediaType") or ""),
        platform=_platform(said.get("platform")),
        kind=str(said.get("artifactType") or ""),
        annotations=_texts(said.get("annotations")),
        elsewhere=bool(said.get("urls")) and "foreign" in str(said.get("mediaType")),
    )


def _platform(said: Any) -> str:
    if not isinstance(said, dict):
        return ""
    words = (said.get(key) for key in ("os", "architecture", "variant"))
    return "/".join(word[:LONGEST] for word in words if isinstance(word, str) and word)


def _texts(said: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}


def _as_oci(descriptor: Mapping[str, object]) -> dict[str, object]:
    kind = str(descriptor.get("mediaType", ""))
    return {**descriptor, "mediaType": SAME.get(kind, kind)}
