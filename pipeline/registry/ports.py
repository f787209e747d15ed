"""Ports: images by name and digest, and what is attached to them."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Protocol

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
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

    def attach(self, subject: Image, evidence: Attachment) -> str:
        """Put it beside the image; the digest of its manifest. The same twice is there once."""
        ...

    def attached(self, subject: Image, kind: str = "") -> tuple[Attachment, ...]:
        """What was put beside the image, of one kind or all; oldest first where they say when."""
        ...
