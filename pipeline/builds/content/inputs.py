"""Inputs: all that an image is made from, as the key sees it and as a person is told what changed."""

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from davy.pipeline.core.fast_dataclass import dataclass

LINK = "120000"
"""The mode of a link, as git writes it."""


class FileEntry(NamedTuple):
    """A file of the work tree by its content. A tuple, for there may be a hundred thousand of them."""

    mode: str
    """As git writes it: `100644`, `100755`, `120000` for a link, `160000` for a submodule."""
    blob: str
    """Git's id of the content (of a link: of where it points to), also where it is not committed."""


class Files(dict[str, FileEntry]):
    """Files by path, never changed once made: their digest is kept, for several images may share them."""

    __slots__ = ("digest",)

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What one image is made from. The key is made of this and of nothing else."""

    dockerfile: str
    """Git's blob id of the Dockerfile's text."""
    files: Mapping[str, FileEntry]
    """Of the context, what `.dockerignore` leaves, by path in it."""
    contexts: Mapping[str, Mapping[str, FileEntry]] = field(default_factory=dict)
    """Of each further context by its name, the same. Apart, for a file may be called `name:path`."""
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """By name of a further context that is an image: what stands in for it. Its digest or key is below."""
    args: Mapping[str, str] = field(default_factory=dict)
    """Those that the build asks for. Of a build that is remembered, those that stand in davy.yaml as they are."""
    given: frozenset[str] = frozenset()
    """Names of arguments whose value is the environment's: it is never written or shown."""
    sealed: Mapping[str, str] = field(default_factory=dict)
    """Of a build that is remembered: what is kept of their values, by which the same value is known again."""
    target: str = ""
    platforms: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Ids; a value never counts."""
    ssh: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    """Those of davy.yaml; what davy itself says of a commit never counts."""
    steps: Mapping[str, str] = field(default_factory=dict)
    """Of the surroundings of its steps what counts."""
    bases: Mapping[str, str] = field(default_factory=dict)
    """By reference as the Dockerfile resolves to it, the digest; empty where nobody knows it yet."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """By recipe id, the key of an image of the same configuration that it is built from."""

    @property
    def count(self) -> int:
        """Of all files."""
        return len(self.files) + sum(map(len, self.contexts.values()))
