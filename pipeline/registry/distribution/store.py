"""Store: tags moved, images copied and evidence attached, in registries, without a pull."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from davy.pipeline.clients.docker.credentials import DockerCredentials
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Conflict, Missing, Unreachable
from davy.pipeline.core.images import oci
from davy.pipeline.core.images.oci import Descriptor
from davy.pipeline.core.secrets.masks import NONE, Masks
from davy.pipeline.registry import artifact
from davy.pipeline.registry.distribution.blobs import CHUNK, Blobs
from davy.pipeline.registry.distribution.manifests import Manifest, Registry, is_loopback, read
from davy.pipeline.registry.masked_attachment import masked_evidence
from davy.pipeline.registry.ports import Attachment, Stored

ABREAST = 4
"""Blobs of one image that are copied at once."""
MOST_EVIDENCE = 32 * 2**20
MOST_ATTACHED = 500
MOST_CONFIG = 8 * 2**20
DEEPEST = 4
"""An index may hold an index."""
WRITES = 10
"""Times that a list is written before it is given up: others write it at the same moment."""
OLD_COSIGN = ("sig", "att", "sbom")
"""What cosign before version 3 hung on an image, by the ending of a tag."""


class RegistryImages:
    """The images of any registry that Docker's credentials open. May be asked by many threads at once."""

    def __init__(
        self,
        credentials: DockerCredentials,
        *,
        plain: Callable[[str], bool] = is_loopback,
        pause: Callable[[float], None] = time.sleep,
        chunk: int = CHUNK,
        masks: Masks = NONE,
    ) -> None:
        """`plain`: True for registries that are spoken to over http. `chunk`: bytes sent at once.

        `masks`: what no evidence may hold.
        """
        self._masks = masks
        self._registry = Registry(credentials, plain=plain, pause=pause)
        self._blobs = Blobs(self._registry.wire, chunk=chunk)
        self._pause = pause
        self._guard = threading.Lock()
        self._listing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def close(self) -> None:
        """Close its connections."""
        self._registry.close()

    def digest(self, name: str, reference: str) -> str | None:
        """Of a tag or digest; None where there is none."""
        return self._registry.digest(name, reference)

    def stored(self, name: str, reference: str) -> Stored | None:
        """The image behind a tag or digest with its annotations, in one question; None where there is none."""
        try:
            found = self._registry.manifest(name, reference)
        except Missing:
            return None
        return Stored(image=Image(name=name, digest=found.digest), annotations=read(name, found.body).annotations)

    def manifest(self, image: Image) -> bytes:
        """The manifest itself, as the registry holds it. Raises Missing."""
        return self._registry.manifest(image.name, image.digest).body

    def configuration(self, image: Image) -> bytes:
        """As the port says."""
        holds = read(image.name, self.manifest(image))
        for _ in range(DEEPEST):
            if not (holds.is_index and holds.children):
                break
            holds = read(image.name, self.manifest(replace(image, digest=holds.children[0].digest)))
        return self._blobs.read(image.name, holds.blobs[0].digest, MOST_CONFIG) if holds.blobs else b""

    def tag(self, image: Image, tags: Sequence[str]) -> None:
        """Put the same manifest under more tags; nothing is written where a tag is there already.

        Raises Conflict where somebody moves a tag at the same moment.
        """
        manifest: Manifest | None = None
        for tag in tags:
            if self._registry.digest(image.name, tag) == image.digest:
                continue
            manifest = manifest or self._registry.manifest(image.name, image.digest)
            self._registry.put(image.name, tag, manifest)
            found = self._registry.digest(image.name, tag)
            if found != image.digest:
                raise Conflict(
                    f"{image.name}:{tag} was moved to {found or 'nothing'} while it was put on {image.digest}.",
                    remedy="Somebody else moves the same tag; find out who, then say it again.",
                )

    def copy(self, image: Image, name: str) -> Image:
        """The very same image under another name, with all its platforms and all that is attached to it."""
        self._copied(image.name, name, image.digest)
        copied = Image(name=name, digest=image.digest)
        for entry in self._entries(image):
            self._copied(image.name, name, entry.digest)
            self._listed(copied, entry)
        for ending in OLD_COSIGN:
            tag = f"{artifact.fallback_tag(image.digest)}.{ending}"
            if digest := self._registry.digest(image.name, tag):
                self._copied(image.name, name, digest)
                self._registry.put(name, tag, self._registry.manifest(image.name, digest))
        return copied

    def attach(self, subject: Image, evidence: Attachment) -> str:
        """Put it beside the image; the digest of its manifest. The same twice is there once."""
        evidence = masked_evidence(evidence, self._masks)
        on = self._registry.manifest(subject.name, subject.digest)
        of = Descriptor(digest=subject.digest, size=len(on.body), media_type=on.media_type)
        self._blobs.put(subject.name, artifact.NOTHING)
        self._blobs.put(subject.name, evidence.body)
        manifest = Manifest(media_type=oci.OCI_MANIFEST, body=artifact.artifact(of, evidence))
        answer = self._registry.stored(subject.name, manifest.digest, manifest)
        # A registry that lists referrers itself says so: distribution-spec, "Pushing Manifests with Subject".
        if "OCI-Subject" not in answer.headers:
            entry = Descriptor(
                digest=manifest.digest,
                size=len(manifest.body),
                media_type=oci.OCI_MANIFEST,
                kind=evidence.kind,
                annotations=evidence.annotations,
            )
            self._written_down(subject, entry)
        return manifest.digest

    def attached(self, subject: Image, kind: str = "") -> tuple[Attachment, ...]:
        """What was put beside the image, of one kind or all; oldest first where they say when."""
        entries = [entry for entry in self._entries(subject) if not kind or entry.kind in (kind, "")]
        with ThreadPoolExecutor(ABREAST) as crew:
            found = list(crew.map(lambda entry: self._read(subject.name, entry), entries[:MOST_ATTACHED]))
        kept = [one for one in found if one is not None and kind in ("", one.kind)]
        return tuple(sorted(kept, key=lambda one: one.annotations.get(artifact.CREATED, "")))

    # ---- copies ----

    def _copied(self, source: str, target: str, digest: str) -> None:
        """A manifest with all it points to: what is pointed to comes first, so that a registry takes it."""
        if self._registry.digest(target, digest) == digest:
            return
        manifest = self._registry.manifest(source, digest)
        holds = read(source, manifest.body)
        for child in holds.children:
            self._copied(source, target, child.digest)
        blobs = {blob.digest: blob for blob in holds.blobs if not blob.elsewhere}
        with ThreadPoolExecutor(ABREAST) as crew:
            list(crew.map(lambda blob: self._blobs.copy(source, target, blob), blobs.values()))
        kind = manifest.media_type or holds.media_type
        self._registry.put(target, digest, replace(manifest, media_type=kind))

    def _listed(self, subject: Image, entry: Descriptor) -> None:
        known = self._registry.referrers(subject.name, subject.digest)
        if known is None:
            self._written_down(subject, entry)

    # ---- evidence ----

    def _entries(self, subject: Image) -> tuple[Descriptor, ...]:
        known = self._registry.referrers(subject.name, subject.digest)
        return self._by_tag(subject) if known is None else known

    def _by_tag(self, subject: Image) -> tuple[Descriptor, ...]:
        try:
            found = self._registry.manifest(subject.name, artifact.fallback_tag(subject.digest))
        except Missing:
            return ()
        return read(subject.name, found.body).children

    def _written_down(self, subject: Image, entry: Descriptor) -> None:
        """Add it to the list under the fallback tag. No registry compares before it swaps, so it is looked at again.

        Whoever read the list before this write and writes after it takes the entry out. Such a writer needs about as
        long between the two as was needed here: so after several times that, the entry is there to stay.
        """
        with self._guard:
            lock = self._listing[subject.reference]
        with lock:
            for _ in range(WRITES):
                began = time.monotonic()
                entries = self._by_tag(subject)
                if entry.digest in {one.digest for one in entries}:
                    return
                self._write_list(subject, (*entries, entry))
                took = time.monotonic() - began
                self._pause(min(5.0, max(0.1, 4 * took)) * (1 + random.random()))  # noqa: S311 - spreads writers
            if entry.digest not in {one.digest for one in self._by_tag(subject)}:
                raise Unreachable(
                    f"The list of what is attached to {subject.reference} is overwritten again and again.",
                    remedy="Too many write it at once; try again.",
                )

    def _write_list(self, subject: Image, entries: Sequence[Descriptor]) -> None:
        manifest = Manifest(media_type=oci.OCI_INDEX, body=artifact.listing(entries))
        self._registry.put(subject.name, artifact.fallback_tag(subject.digest), manifest)

    def _read(self, name: str, entry: Descriptor) -> Attachment | None:
        """What an entry of the list points to; None where it is gone."""
        try:
            holds = read(name, self._registry.manifest(name, entry.digest).body)
            layers = holds.blobs[1:]
            small = bool(layers) and layers[0].size <= MOST_EVIDENCE
            body = self._blobs.read(name, layers[0].digest, MOST_EVIDENCE) if small else b""
        except Missing:
            return None
        return Attachment(
            kind=entry.kind or holds.kind,
            body=body,
            media_type=layers[0].media_type if layers else "",
            annotations=holds.annotations,
            digest=entry.digest,
        )
