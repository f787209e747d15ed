"""After build: what follows on a build, before any tag moves to it: the scan, provenance, the signature.

Each is imported where it is configured: a build with nothing to do has no time for the others.
"""

from collections.abc import Generator, Sequence

from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.events import Event
from davy.workflows.story.task import Task


def built(task: Task, revision: Revision, images: Sequence[Image]) -> Generator[Event, None, None]:
    """Scan, say how it was made, sign; each only where it is configured. Raises Rejected, Unreachable, Missing."""
    said = task.config.build
    if said.scan is not None:
        from davy.workflows.images import scan  # noqa: PLC0415

        yield from scan.scanned(task, images)
    if said.attests:
        from davy.workflows.images import attest  # noqa: PLC0415

        yield from attest.made(task, revision, images)
    if said.sign is not None:
        from davy.workflows.images import sign  # noqa: PLC0415

        yield from sign.signed(task, images)
