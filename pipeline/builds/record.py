"""Record: what is kept of a build beside its image and on this machine, and how it is found again."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from davy.pipeline.builds.content.inputs import FileEntry, Inputs
from davy.pipeline.builds.content.key import SCHEMA, sealed
from davy.pipeline.config.sections.images.matrix import Recipe, tagged
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.images import oci
from davy.pipeline.core.json import tree

KIND = oci.INPUTS
"""Of the OCI referrer that holds the record."""
KEY = "dev.davy.key"
"""The image's annotation and label that says its whole key: a tag can be moved, this cannot."""
VERSION = 2
"""Raised when it says something else; an older one is no record to compare with."""
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One build of an image, without what it was made from."""

    id: str
    """The recipe's."""
    key: str
    digest: str
    """`sha256:…` of what came of it."""
    at: datetime
    commit: str = ""
    branch: str = ""
    dirty: bool = False
    builder: str = ""
    runner: str = ""
    """Who: `user@host`, or the CI job's link."""
    davy: str = ""
    """davy's version."""
    pending: bool = False
    """On this machine: True while its tags are not put, because the run did not come that far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """One build, with what it was made from."""

    build: Build
    inputs: Inputs


class Records(Protocol):
    """Builds that this machine knows of, the newest of each image."""

    def last(self, recipe: str) -> Build | None:
        """Of the image with this id; None where none is known or its record cannot be read."""
        ...

    def inputs(self, recipe: str) -> Inputs | None:
        """What that build was made from."""
        ...

    def keep(self, record: Remembered) -> None:
        """In place of the one before."""
        ...


def pointer(recipe: Recipe, branch: str) -> str:
    """The tag that is moved to the newest build of a branch; without a branch, of any."""
    return tagged(f"davy-{branch or 'last'}", recipe.suffix)


def build_text(build: Build) -> str:
    """As one line of JSON."""
    return tree.compact(_build_out(build))


def inputs_text(record: Remembered) -> str:
    """As one line of JSON."""
    return tree.compact(_inputs_out(record))


def record_text(record: Remembered) -> str:
    """The whole as one line of JSON: the referrer's body. The same record, the same bytes."""
    document = {"davy_build": VERSION, **_build_out(record.build), "inputs": _inputs_out(record)}
    return tree.canonical(document)


def build_of(text: str) -> Build | None:
    """What `build_text` or `record_text` wrote; None where it is no record of this version: others may write there."""
    document = _read(text)
    try:
        return Build(
            id=str(document["id"]),
            key=str(document["key"]),
            digest=str(document["digest"]),
            at=datetime.fromisoformat(str(document["at"])).astimezone(UTC),
            commit=str(document.get("commit", "")),
            branch=str(document.get("branch", "")),
            dirty=bool(document.get("dirty", False)),
            builder=str(document.get("builder", "")),
            runner=str(document.get("runner", "")),
            davy=str(document.get("davy", "")),
            pending=bool(document.get("pending", False)),
        )
    except (LookupError, TypeError, ValueError):
        return None


def inputs_of(text: str) -> Inputs | None:
    """What `inputs_text` wrote; None where it cannot be read."""
    return _inputs_in(_read(text))


def record_of(text: str) -> Remembered | None:
    """What `record_text` wrote; None where it cannot be read."""
    document = _read(text)
    build, inputs = build_of(text), _inputs_in(document.get("inputs"))
    if build is None or inputs is None or document.get("davy_build") != VERSION:
        return None
    return Remembered(build=build, inputs=inputs)


def _read(text: str) -> dict[str, Any]:
    try:
        document = tree.exact(text, MOST_BYTES)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _build_out(build: Build) -> dict[str, object]:
    at = build.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    said = {
        "id": build.id,
        "key": build.key,
        "digest": build.digest,
        "at": at,
        "commit": build.commit,
        "branch": build.branch,
        "dirty": build.dirty,
        "builder": build.builder,
        "runner": build.runner,
        "davy": build.davy,
        "pending": build.pending,
    }
    return {key: value for key, value in said.items() if value not in ("", False)}


def _inputs_out(record: Remembered) -> dict[str, object]:
    """Without the values that are the environment's: of these only what tells one from another."""
    inputs, key = record.inputs, record.build.key
    hidden = {name: sealed(key, name, inputs.args[name]) for name in inputs.args if name in inputs.given}
    # Only where there are any: records were written before there were.
    added = {"stand_ins": inputs.stand_ins, "labels": inputs.labels, "steps": inputs.steps}
    return {
        "schema": SCHEMA,
        "dockerfile": inputs.dockerfile,
        "files": _files_out(inputs.files),
        **(
            {"contexts": {name: _files_out(files) for name, files in inputs.contexts.items()}}
            if inputs.contexts
            else {}
        ),
        **{name: dict(value) for name, value in added.items() if value},
        "args": {name: value for name, value in inputs.args.items() if name not in inputs.given},
        **({"sealed": hidden} if hidden else {}),
        "target": inputs.target,
        "platforms": list(inputs.platforms),
        "secrets": list(inputs.secrets),
        "ssh": list(inputs.ssh),
        "bases": dict(inputs.bases),
        "parents": dict(inputs.parents),
    }


def _inputs_in(said: object) -> Inputs | None:
    # What an older rule counted is no measure of what counts now.
    if not isinstance(said, Mapping) or said.get("schema") != SCHEMA:
        return None
    try:
        return Inputs(
            dockerfile=str(said["dockerfile"]),
            files=_files_in(said["files"]),
            contexts={str(name): _files_in(files) for name, files in said.get("contexts", {}).items()},
            stand_ins=_texts(said.get("stand_ins", {})),
            labels=_texts(said.get("labels", {})),
            steps=_texts(said.get("steps", {})),
            args=_texts(said["args"]),
            sealed=_texts(said.get("sealed", {})),
            target=str(said["target"]),
            platforms=tuple(map(str, said["platforms"])),
            secrets=tuple(map(str, said["secrets"])),
            ssh=tuple(map(str, said["ssh"])),
            bases=_texts(said["bases"]),
            parents=_texts(said["parents"]),
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return None


def _files_out(files: Mapping[str, FileEntry]) -> dict[str, str]:
    return {path: f"{entry.mode} {entry.blob}" for path, entry in files.items()}


def _files_in(said: Mapping[object, str]) -> dict[str, FileEntry]:
    return {str(path): _entry(words) for path, words in said.items()}


def _texts(said: Mapping[object, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in said.items()}


def _entry(words: str) -> FileEntry:
    mode, blob = words.split(" ")
    return FileEntry(mode=mode, blob=blob)
