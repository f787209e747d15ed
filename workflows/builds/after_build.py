"""Afterwards: what follows on a build, before any tag moves to it: the scan, provenance, the signature.

Each is imported where it is configured: a build with nothing to do has no time for the others.
"""

from collections.abc import Generator, Sequence

from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.events import Event
from davy.workflows.story.task import Errand


def built(task: Errand, revision: Revision, images: Sequence[Image]) -> Generator[Event, None, None]:
    """Scan, say how it was made, sign; each only where it is configured. Raises Rejected, Unreachable, Missing."""
    said = task.config.build
    if said.scan is not None:
        from davy.workflows.images import scan as scanning  # noqa: PLC0415

        yield from scanning.scanned(task, images)
    if said.attests:
        from davy.workflows.images import attest as attesting  # noqa: PLC0415

        yield from attesting.made(task, revision, images)
    if said.sign is not None:
        from davy.workflows.images import sign as signing  # noqa: PLC0415

        yield from signing.signed(task, images)
