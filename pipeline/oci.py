"""OCI: an image's manifest as the registry holds it, given its annotations."""

import json
from collections.abc import Mapping

# https://github.com/opencontainers/image-spec/blob/main/media-types.md, "Compatibility Matrix"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
SAME = {
    DOCKER_MANIFEST: OCI_MANIFEST,
    "application/vnd.docker.container.image.v1+json": "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
}
PREFIX = "org.opencontainers.image."


def annotated(manifest: bytes, annotations: Mapping[str, str]) -> bytes:
    """The same image as an OCI manifest with these annotations; same input, same bytes. ValueError: not an image's."""
    said = json.loads(manifest)
    if not isinstance(said, dict) or said.get("schemaVersion") != 2 or "layers" not in said or "config" not in said:
        raise ValueError("the manifest is not that of a single image")
    made = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _as_oci(said["config"]),
        "layers": [_as_oci(layer) for layer in said["layers"]],
        "annotations": {**said.get("annotations", {}), **annotations},
    }
    return json.dumps(made, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _as_oci(descriptor: Mapping[str, object]) -> dict[str, object]:
    kind = str(descriptor.get("mediaType", ""))
    return {**descriptor, "mediaType": SAME.get(kind, kind)}
