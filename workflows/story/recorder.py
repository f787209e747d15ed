"""Recorder: the events of a story, passed on as they are, with those of some kinds written down. Nothing is done."""

from collections.abc import Generator
from contextlib import closing
from typing import TypeVar

from davy.pipeline.core.events import Event

T = TypeVar("T")
E = TypeVar("E")


def overheard(story: Generator[Event, None, T], seen: list[E], *kinds: type[E]) -> Generator[Event, None, T]:
    """The same story and its value; `seen` is filled with its events of these kinds. Closed, it closes the story."""
    with closing(story):
        while True:
            try:
                event = next(story)
            except StopIteration as end:
                ended: T = end.value
                return ended
            if isinstance(event, kinds):
                seen.append(event)
            yield event
