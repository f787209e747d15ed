"""Key: one name for all that an image is made from. The same inputs give the same key on every machine."""

import hashlib
import hmac
import json
from collections.abc import Mapping

from davy.pipeline.builds.content.inputs import FileEntry, Files, Inputs
from davy.pipeline.source import object_id

SCHEMA = 2
"""Raised when the key means something else: every image is built once more then."""
SHOWN = 20
"""Hex digits in the tag; 80 bits. Two of a million images share them with a chance of 1 to 10^12."""


def key(inputs: Inputs) -> str:
    """64 hex digits: SHA-256 of the inputs as canonical JSON."""
    said = {
        "schema": SCHEMA,
        "dockerfile": inputs.dockerfile,
        "files": _files(inputs.files),
        "args": dict(inputs.args),
        "target": inputs.target,
        "platforms": sorted(inputs.platforms),
        "secrets": sorted(inputs.secrets),
        "ssh": sorted(inputs.ssh),
        "bases": dict(inputs.bases),
        "parents": dict(inputs.parents),
    }
    if inputs.contexts:
        said["contexts"] = {name: _files(files) for name, files in inputs.contexts.items()}
    # Of names that change their images with each other, bases and parents alone would be the same.
    added = {"stand_ins": inputs.stand_ins, "labels": inputs.labels, "steps": inputs.steps}
    said |= {name: dict(value) for name, value in added.items() if value}
    return hashlib.sha256(_canonical(said)).hexdigest()


def tag(key: str) -> str:
    """The tag that an image of this key is remembered under."""
    return f"k-{key[:SHOWN]}"


def sealed(key: str, name: str, value: str) -> str:
    """What is kept of a value that nobody may read: the same value of the same build gives the same."""
    return hmac.new(key.encode(), f"{name}={value}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()


def blob(text: str) -> str:
    """Git's id of a text, in its usual format. Bytes that are no UTF-8 stand in it as lone surrogates."""
    return object_id.blob(text.encode(errors="surrogateescape"))


def _files(files: Mapping[str, FileEntry]) -> str:
    """One digest for all: a list of path, mode and content, by path."""
    if isinstance(files, Files) and hasattr(files, "digest"):
        return files.digest
    listed = [(path, files[path].mode, files[path].blob) for path in sorted(files)]
    digest = hashlib.sha256(_canonical(listed)).hexdigest()
    if isinstance(files, Files):
        files.digest = digest
    return digest


def _canonical(value: object) -> bytes:
    # Names that are no UTF-8 hold lone surrogates here; as \udc80 they are plain ASCII.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
