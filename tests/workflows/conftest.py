"""The sample events, as fixtures."""

import pytest

import sample_events
from davy.pipeline.core.events import Event
from sample_events import IMAGE, START, at, canary_started, look

__all__ = ["IMAGE", "START", "at", "canary_started", "look"]


@pytest.fixture
def story() -> list[Event]:
    """A release up to its second step."""
    return sample_events.story()


@pytest.fixture
def every_event() -> list[Event]:
    """At least one event of every kind."""
    return sample_events.every_event()
