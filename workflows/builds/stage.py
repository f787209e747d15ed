"""Stage: the builds of a release."""

from collections.abc import Generator

from davy.pipeline.core.artifacts import Image, Revision
from davy.pipeline.core.events import Event
from davy.workflows.builds import images
from davy.workflows.story.task import Task


def built(task: Task, revision: Revision) -> Generator[Event, None, tuple[Image, ...]]:
    """Every image, built and pushed where the registry does not have it."""
    made = yield from images.built(task, revision)
    return tuple(each.image for each in made)
