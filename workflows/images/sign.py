"""Sign: what was built is signed, and what is released is verified, where `build.sign` says so."""

from collections.abc import Generator, Sequence

from davy.pipeline.core.artifacts import Image
from davy.pipeline.core.errors import Rejected
from davy.pipeline.core.events import Event, LogLine
from davy.workflows import wiring
from davy.workflows.story.task import Task


def signed(task: Task, images: Sequence[Image]) -> Generator[Event, None, None]:
    """Sign every image that is not signed yet. Raises Rejected, Missing."""
    said = task.config.build.sign
    if said is None:
        return
    signer = wiring.signer(said, task.folder, task.config)
    for image in images:
        had = not signer.verify(image)
        if not had:
            signer.sign(image)
        line = f"{image.short} {'was signed already' if had else 'is signed'}"
        yield LogLine(at=task.clock.now(), source="cosign", line=line)


def verified(task: Task, images: Sequence[Image]) -> Generator[Event, None, None]:
    """Hold every image's signature against the configuration. Raises Rejected where one is not signed so."""
    said = task.config.build.sign
    if said is None:
        return
    signer = wiring.signer(said, task.folder, task.config)
    wrong = [
        f"{image.reference} is not signed as it should be: {why}" for image in images if (why := signer.verify(image))
    ]
    if wrong:
        remedy = "Sign it with `davy image sign`, or find out where it comes from."
        raise Rejected("\n".join(wrong), remedy=remedy)
    for image in images:
        yield LogLine(at=task.clock.now(), source="cosign", line=f"{image.short} is signed as it should be")
