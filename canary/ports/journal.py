"""Journal: whoever goes on folds it."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Protocol

from davy.pipeline.core.events import Asked, Event
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A rollout of the past."""

    release: str
    started_at: datetime
    ended_at: datetime
    ending: str
    sentence: str
    images: Mapping[str, str] = field(default_factory=dict)


class Journal(Protocol):
    """The rollout's memory, in the cluster. Durable when a call returns."""

    def write(self, events: Sequence[Event]) -> None:
        """Append. A CanaryStarted begins a new journal and moves the old one into the history.

        Of a Judged only its windows are kept. Raises Missing where the rollout that they belong to is not in it.
        """
        ...

    def read(self) -> tuple[Event, ...]:
        """The rollout so far, in order; empty where there was none. A Warned says what in it could not be read."""
        ...

    def ask(self, asked: Asked) -> None:
        """Leave a person's word for the runner."""
        ...

    def asked(self) -> tuple[Asked, ...]:
        """The words left since the last CanaryStarted, in order."""
        ...

    def history(self) -> tuple[Past, ...]:
        """Newest first, ten at most, without the one in progress."""
        ...
