"""Memory: the image store's twin. Images are put in by hand; faults too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Missing
from davy.pipeline.core.images import oci
from davy.pipeline.core.images.oci import Descriptor
from davy.pipeline.registry import artifact
from davy.pipeline.registry.ports import Attachment, Stored


@dataclass(slots=True, kw_only=True)
class MemoryImages:
    """Registries in memory: manifests by reference, tags by name, evidence by subject."""

    manifests: dict[str, bytes] = field(default_factory=dict)
    """By `name@digest`."""
    tags: dict[str, str] = field(default_factory=dict)
    """By `name:tag`, the digest behind it."""
    beside: dict[str, list[Attachment]] = field(default_factory=dict)
    """By `name@digest` of the subject."""
    triggers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By `name@digest`, what an image holds back by ONBUILD."""
    configurations: dict[str, bytes] = field(default_factory=dict)
    """By `name@digest`, where it is to be another one."""
    fault: Exception | None = None
    """Raised by whatever is asked."""

    def put(self, name: str, tag: str = "", annotations: Mapping[str, str] | None = None) -> Image:
        """An image of its own for each name and set of annotations, as a builder would push it."""
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": artifact.digest_of(name.encode())}
        said = {"schemaVersion": 2, "mediaType": oci.OCI_MANIFEST, "config": config, "layers": []}
        return self.take(name, oci.packed({**said, "annotations": dict(annotations or {})}), tag)

    def take(self, name: str, manifest: bytes, tag: str = "") -> Image:
        """The manifest under its digest, and under a tag."""
        image = Image(name=name, digest=artifact.digest_of(manifest))
        self.manifests[image.reference] = manifest
        if tag:
            self.tags[f"{name}:{tag}"] = image.digest
        return image

    def digest(self, name: str, reference: str) -> str | None:
        """Of a tag or digest; None where there is none."""
        if self.fault:
            raise self.fault
        found = reference if ":" in reference else self.tags.get(f"{name}:{reference}", "")
        return found if f"{name}@{found}" in self.manifests else None

    def stored(self, name: str, reference: str) -> Stored | None:
        """The image behind a tag or digest with its annotations."""
        digest = self.digest(name, reference)
        if digest is None:
            return None
        image = Image(name=name, digest=digest)
        return Stored(image=image, annotations=oci.contents(self.manifests[image.reference]).annotations)

    def manifest(self, image: Image) -> bytes:
        """The manifest itself. Raises Missing."""
        if self.digest(image.name, image.digest) is None:
            raise Missing(f"{image.name} has no {image.digest} in its registry.")
        return self.manifests[image.reference]

    def configuration(self, image: Image) -> bytes:
        """Of a platform of its own, with what was put down for it. Raises Missing."""
        self.manifest(image)
        if image.reference in self.configurations:
            return self.configurations[image.reference]
        held = self.triggers.get(image.reference, ())
        return oci.packed({"architecture": "amd64", "os": "linux", "config": {"OnBuild": list(held)}})

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Put the same manifest under more tags."""
        self.manifest(image)
        self.tags |= {f"{image.name}:{tag}": image.digest for tag in tags}

    def copy(self, image: Image, name: str) -> Image:
        """The same under another name, with what is attached."""
        copied = self.take(name, self.manifest(image))
        for child in oci.contents(self.manifest(image)).children:
            self.copy(Image(name=image.name, digest=child.digest), name)
        for evidence in self.attached(image):
            self.attach(copied, evidence)
        return copied

    def attach(self, subject: Image, evidence: Attachment) -> str:
        """Put it beside the image. The same twice is there once."""
        on = self.manifest(subject)
        kind = oci.contents(on).media_type
        made = artifact.artifact(Descriptor(digest=subject.digest, size=len(on), media_type=kind), evidence)
        digest = artifact.digest_of(made)
        kept = self.beside.setdefault(subject.reference, [])
        if digest not in {one.digest for one in kept}:
            kept.append(replace(evidence, digest=digest))
        return digest

    def attached(self, subject: Image, kind: str = "") -> tuple[Attachment, ...]:
        """What was put beside it, oldest first where they say when."""
        if self.fault:
            raise self.fault
        found = [one for one in self.beside.get(subject.reference, ()) if kind in ("", one.kind)]
        return tuple(sorted(found, key=lambda one: one.annotations.get(artifact.CREATED, "")))
