"""Artifacts: the nouns every room shares. Frozen values; no clock, no client, no I/O."""

from datetime import datetime

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What git says of the work tree a release starts from."""

    sha: str
    committed_at: datetime
    dirty: bool = False
    """True where tracked files differ from the commit, or untracked ones lie in it."""
    branch: str = ""
    """Empty on a detached head."""
    version: str = ""
    """As `git describe --tags --always --dirty` says it."""
    source: str = ""
    """The origin's URL as https, without credentials; empty without an origin."""

    @property
    def short(self) -> str:
        """The first seven digits, with a star where the tree is dirty."""
        return self.sha[:7] + ("*" if self.dirty else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One of many, for people to read."""

    sha: str
    at: datetime
    author: str
    subject: str
    """The first line of its message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image in a registry, named by its content."""

    name: str
    """Registry and repository, without tag: `registry.example.com/shop/checkout`."""
    digest: str
    """`sha256:` and 64 hex digits: the manifest's digest in the registry."""

    @property
    def reference(self) -> str:
        """`name@sha256:…`: what is deployed and tested."""
        return f"{self.name}@{self.digest}"

    @property
    def short(self) -> str:
        """For people: the repository's last part and seven digits."""
        return f"{self.name.rsplit('/', 1)[-1]}@{self.digest[:14]}…"
