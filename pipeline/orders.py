"""Orders: what is to be built for a revision: names, tags, annotations. Pure."""

from pathlib import Path

from davy.pipeline.buildconfig import ImageConfig
from davy.pipeline.config import DeliveryConfig
from davy.pipeline.model import Revision
from davy.pipeline.oci import PREFIX
from davy.pipeline.ports import BuildOrder


def orders(config: DeliveryConfig, revision: Revision, folder: Path) -> tuple[BuildOrder, ...]:
    """What to build for the revision; contexts are relative to `folder`, the configuration's own."""
    return tuple(_order(image, config.service, revision, folder) for image in config.images)


def tag(revision: Revision) -> str:
    """The tag an image is pushed with: the commit's, marked where the tree differs from it."""
    return revision.sha[:12] + ("-dirty" if revision.dirty else "")


def annotations(image: ImageConfig, service: str, revision: Revision) -> dict[str, str]:
    """What the image says of where it comes from. By the commit's time, so that one commit gives one digest."""
    said = {
        "created": revision.committed_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision": revision.sha,
        "source": revision.source,
        "version": revision.version,
        "title": image.name.rsplit("/", 1)[-1],
        "ref.name": tag(revision),
    }
    own = {"dev.davy.service": service, "dev.davy.dirty": "true" if revision.dirty else ""}
    return {f"{PREFIX}{key}": value for key, value in said.items() if value} | {k: v for k, v in own.items() if v}


def _order(image: ImageConfig, service: str, revision: Revision, folder: Path) -> BuildOrder:
    return BuildOrder(
        name=image.name,
        context=folder / image.context,
        dockerfile=image.dockerfile,
        args=image.args,
        target=image.target,
        annotations=annotations(image, service, revision),
        tag=tag(revision),
    )
