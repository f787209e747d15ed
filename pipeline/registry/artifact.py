"""Artifact: evidence as an OCI 1.1 manifest with a subject, and the list of them that old registries need.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md, "Listing Referrers" and "Referrers Tag Schema"
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from davy.pipeline.core.images import oci
from davy.pipeline.core.images.oci import Descriptor
from davy.pipeline.registry.ports import Attachment

NOTHING = b"{}"
"""The configuration of what has none."""
NOTHING_TYPE = "application/vnd.oci.empty.v1+json"
CREATED = f"{oci.PREFIX}created"


def digest_of(body: bytes) -> str:
    """What a registry names it by."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def artifact(subject: Descriptor, evidence: Attachment) -> bytes:
    """The manifest that hangs the evidence on its subject. Same input, same bytes."""
    layer = {"mediaType": evidence.media_type, "digest": digest_of(evidence.body), "size": len(evidence.body)}
    made: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": oci.OCI_MANIFEST,
        "artifactType": evidence.kind,
        "config": {"mediaType": NOTHING_TYPE, "digest": digest_of(NOTHING), "size": len(NOTHING)},
        "layers": [layer],
        "subject": {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size},
    }
    if evidence.annotations:
        made["annotations"] = dict(evidence.annotations)
    return oci.packed(made)


def fallback_tag(digest: str) -> str:
    """Where a registry without the referrers API keeps the list of what is attached."""
    return digest.replace(":", "-", 1)


def listing(entries: Iterable[Descriptor]) -> bytes:
    """The list itself, an index; each manifest once, in the order of their digests so that writers agree."""
    known = {entry.digest: entry for entry in entries}
    made = {
        "schemaVersion": 2,
        "mediaType": oci.OCI_INDEX,
        "manifests": [_written(known[digest]) for digest in sorted(known)],
    }
    return oci.packed(made)


def _written(entry: Descriptor) -> Mapping[str, Any]:
    said: dict[str, Any] = {"mediaType": entry.media_type, "digest": entry.digest, "size": entry.size}
    if entry.kind:
        said["artifactType"] = entry.kind
    if entry.annotations:
        said["annotations"] = dict(entry.annotations)
    return said
