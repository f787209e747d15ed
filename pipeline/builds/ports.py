"""Ports: who builds them, the registry that holds them, who scans and signs them."""

from collections.abc import Mapping
from dataclasses import field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from davy.pipeline.config.sections.images.build_steps import Steps
from davy.pipeline.config.sections.images.matrix import BuildSecret
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Say


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
