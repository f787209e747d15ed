"""Builder attestations: what a builder attested within an image's own index, as buildx does."""

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import DavyError, Unreachable
from davy.pipeline.core.images import oci
from davy.pipeline.registry.ports import ImageStore
from davy.pipeline.supply_chain import evidence, image_facts
from davy.pipeline.supply_chain.evidence import ReadClaim
from davy.pipeline.supply_chain.image_facts import Facts


def known(store: ImageStore, image: Image) -> Facts:
    """What its manifest says. Raises Unreachable where that cannot be read."""
    try:
        return image_facts.facts(store.manifest(image))
    except ValueError as error:
        raise Unreachable(f"The manifest of {image.reference} cannot be read: {error}.") from error


def platforms(store: ImageStore, image: Image, known: Facts) -> tuple[str, ...]:
    """What it runs on. Raises Unreachable where the configuration of a single image cannot be read."""
    if not known.configured:
        return known.platforms
    try:
        found = oci.platform(store.configuration(image))
    except ValueError as error:
        raise Unreachable(f"The configuration of {image.reference} cannot be read: {error}.") from error
    return (found,) if found else ()


def kinds(store: ImageStore, image: Image, known: Facts) -> tuple[str, ...]:
    """Predicate types; `not readable` for an attestation that is not."""
    return tuple(kind for digest in known.attestations for kind in _predicates(store, image.name, digest))


def claims(store: ImageStore, image: Image) -> tuple[ReadClaim, ...]:
    """The same as claims; each is about this very digest, for it is part of it. Raises Unreachable."""
    return tuple(evidence.of_kind(kind, image.digest) for kind in kinds(store, image, known(store, image)))


def _predicates(store: ImageStore, name: str, digest: str) -> tuple[str, ...]:
    try:
        return image_facts.predicates(oci.contents(store.manifest(Image(name=name, digest=digest))))
    except (DavyError, ValueError):
        return ("not readable",)
