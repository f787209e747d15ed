"""Ports to images: who builds them, the registry that holds them, who scans and signs them."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.ports import Say
from davy.pipeline.config.sections.images.build_steps import Steps
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSecret:
    """A secret of a build, by where its value is; the value itself is only read by the adapter."""

    id: str
    env: str | None = None
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """One image to build and push. What a builder cannot do of it, it says before it starts."""

    name: str
    """Registry and repository."""
    context: Path
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    """OCI annotations; set as labels of the image and as annotations of its manifest."""
    tag: str = "latest"
    """The tag pushed with; from there on the digest is the name."""
    dockerfile_text: str | None = None
    """What to build by in place of the file's own text: the same with its bases pinned to digests."""
    files: Mapping[str, tuple[str, str]] | None = None
    """Of the context, what belongs to the build: by path, (mode, blob id) that its key counts, as git writes them.

    The disk's mode does not matter: it is another one where git keeps no modes. Other content than the id's is not
    built; an empty id is held against nothing. None: as `.dockerignore` says."""
    contexts: Mapping[str, Path] = field(default_factory=dict)
    """Further folders, by the name the Dockerfile uses."""
    context_files: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    """Of each further folder, the same; one that is not named here is taken as it is."""
    platforms: tuple[str, ...] = ()
    """Empty: the builder's own."""
    secrets: tuple[BuildSecret, ...] = ()
    ssh: tuple[str, ...] = ()
    steps: Steps = field(default_factory=Steps)
    """In what surroundings they run."""
    no_cache: bool = False
    """True: no step is taken from a builder's cache."""
    cache_from: tuple[str, ...] = ()
    """As buildx writes them: `type=registry,ref=…`."""
    cache_to: tuple[str, ...] = ()
    sbom: bool = False
    sbom_scanner: str = ""
    """The image that makes it; empty: the builder's own."""
    provenance: str = "off"
    """`off`, `min` or `max`."""
    epoch: int | None = None
    """SOURCE_DATE_EPOCH: seconds since 1970 that every timestamp of the image is set to."""
    limit: timedelta = timedelta(minutes=30)
    """A build, and a push, that takes longer is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A pushed image."""

    image: Image
    cached: bool
    """True where no layer had to be made."""


class Builder(Protocol):
    """Makes images and puts them into the registry. May be asked by several threads at once."""

    def lacks(self, order: BuildOrder) -> tuple[str, ...]:
        """What of the order it cannot do, a sentence each; empty: it can. Raises Missing where it is not there."""
        ...

    def build(self, order: BuildOrder, say: Say) -> Built:
        """Raises Rejected where the build fails, Unusable on bad input, Forbidden without rights, Unreachable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something said of an image, kept in the registry beside it as an OCI referrer."""

    kind: str
    """The artifact's type: `application/vnd.in-toto+json`, `application/vnd.davy.verdict.v1+json`, …"""
    body: bytes
    media_type: str = "application/json"
    annotations: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    """Of its manifest, once it is in the registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An image as the registry holds it."""

    image: Image
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Of its manifest, or of its index."""


class ImageStore(Protocol):
    """A registry's images. Tags are moved and images copied without a pull. Asked by several threads at once."""

    def digest(self, name: str, reference: str) -> str | None:
        """Of a tag or digest; None where there is none. Raises Forbidden, Unreachable."""
        ...

    def stored(self, name: str, reference: str) -> Stored | None:
        """The image behind a tag or digest with what it says of itself, in one question; None where there is none.

        Raises Forbidden, Unreachable.
        """
        ...

    def manifest(self, image: Image) -> bytes:
        """The manifest as the registry holds it. Raises Missing, Forbidden, Unreachable."""
        ...

    def configuration(self, image: Image) -> bytes:
        """An image's configuration as the registry holds it, or what an artifact has in its place; empty: it has none.

        Of an index that of its first platform. Raises Missing, Forbidden, Unreachable, this also where it is too large.
        """
        ...

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Put the same manifest under more tags. Raises Missing, Forbidden, Unreachable."""
        ...

    def copy(self, image: Image, name: str) -> Image:
        """The very same image under another name, also on another registry, with all its platforms."""
        ...

    def attach(self, subject: Image, evidence: Evidence) -> str:
        """Put it beside the image; the digest of its manifest. The same twice is there once."""
        ...

    def attached(self, subject: Image, kind: str = "") -> tuple[Evidence, ...]:
        """What was put beside the image, of one kind or all; oldest first where they say when."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanOrder:
    """One image to be scanned, by a command of the user's."""

    image: Image
    run: str
    """For `/bin/sh -c`; `$IMAGE` is the image by digest, `$REPORT` where the report belongs."""
    report: Path
    folder: Path = Path()
    """Where it starts."""
    limit: timedelta = timedelta(minutes=10)


class Scanner(Protocol):
    """Runs scanners. What they found is in the report, and is no matter of this port."""

    def scan(self, order: ScanOrder, say: Say) -> int | None:
        """Its exit code; None where it took too long. A report of an earlier run is gone before it starts.

        Raises KeyboardInterrupt where it was stopped because nobody wants it any more.
        """
        ...


class Signer(Protocol):
    """Signs images, and says whether they are signed."""

    def sign(self, image: Image) -> None:
        """Raises Missing without the tool, Rejected with its words where it fails."""
        ...

    def verify(self, image: Image) -> str:
        """Empty: it is signed as it should be. Otherwise why not, in one line. Raises Missing, Unusable."""
        ...
