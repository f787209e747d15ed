"""Given: images that the command line names."""

from davy.pipeline.config.document import DeliveryConfig
from davy.pipeline.config.sections.images import matrix
from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Problem, Unusable


def image(reference: str) -> Image:
    """`name@sha256:…`. Raises Unusable for anything without a digest."""
    name, at, digest = reference.partition("@")
    hexadecimal = digest.removeprefix("sha256:")
    whole = len(hexadecimal) == 64 and all(letter in "0123456789abcdef" for letter in hexadecimal)
    if not at or not digest.startswith("sha256:") or not name or not whole:
        problem = Problem(what=f"--image {reference!r} must be name@sha256: and 64 hex digits: a tag can change")
        raise Unusable("An image is named by its digest.", problems=(problem,), remedy="`davy build` prints it.")
    return Image(name=name, digest=digest)


def given(config: DeliveryConfig, references: tuple[str, ...]) -> tuple[Image, ...]:
    """Images named on the command line. Raises Unusable where one is not of this configuration."""
    images = tuple(image(reference) for reference in references)
    known = {recipe.name for recipe in matrix.expanded(config.images)}
    strange = [one.name for one in images if one.name not in known]
    if strange:
        raise Unusable(
            f"{', '.join(strange)}: no image of the configuration has this name.",
            remedy=f"It has {', '.join(sorted(known))}.",
        )
    return images
