"""Dry run: an image store that tells what it would write, and reads what is there."""

from collections.abc import Sequence

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.ports import Say
from davy.pipeline.registry.ports import Attachment, ImageStore, Stored


class ForeseenImages:
    """Stands before a real store: questions go through, writes are said."""

    def __init__(self, store: ImageStore, say: Say) -> None:
        self._store, self._say = store, say

    def digest(self, name: str, reference: str) -> str | None:
        """Of a tag or digest; None where there is none."""
        return self._store.digest(name, reference)

    def stored(self, name: str, reference: str) -> Stored | None:
        """The image behind a tag or digest with its annotations."""
        return self._store.stored(name, reference)

    def manifest(self, image: Image) -> bytes:
        """The manifest itself. Raises Missing."""
        return self._store.manifest(image)

    def configuration(self, image: Image) -> bytes:
        """As the registry holds it. Raises Missing."""
        return self._store.configuration(image)

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Say which tags would move, and from where."""
        self._there(image)
        for tag in tags:
            was = self._store.digest(image.name, tag)
            if was == image.digest:
                self._say(f"{image.name}:{tag} is at {image.digest} already")
            else:
                self._say(f"would move {image.name}:{tag} from {was or 'nothing'} to {image.digest}")

    def copy(self, image: Image, name: str) -> Image:
        """Say what would be copied."""
        self._there(image)
        if self._store.digest(name, image.digest):
            self._say(f"{name} has {image.digest} already")
        else:
            self._say(f"would copy {image.reference} to {name}, with every platform and all that is attached")
        return Image(name=name, digest=image.digest)

    def attach(self, subject: Image, evidence: Attachment) -> str:
        """Say what would be attached."""
        self._there(subject)
        self._say(f"would attach {len(evidence.body)} bytes of {evidence.kind} to {subject.reference}")
        return ""

    def attached(self, subject: Image, kind: str = "") -> tuple[Attachment, ...]:
        """What was put beside the image."""
        return self._store.attached(subject, kind)

    def _there(self, image: Image) -> None:
        if self._store.digest(image.name, image.digest) is None:
            raise Missing(f"{image.name} has no {image.digest} in its registry.")
