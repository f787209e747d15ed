"""Afterwards: what follows on a build, before any tag moves to it: the scan, provenance, the signature."""

from collections.abc import Generator, Sequence

from davy.pipeline.events import Event
from davy.pipeline.model import Image, Revision
from davy.workflows import attesting, scanning, signing
from davy.workflows.errand import Errand


def built(task: Errand, revision: Revision, images: Sequence[Image]) -> Generator[Event, None, None]:
    """Scan, say how it was made, sign; each only where it is configured. Raises Rejected, Unreachable, Missing."""
    yield from scanning.scanned(task, images)
    yield from attesting.made(task, revision, images)
    yield from signing.signed(task, images)
