"""Platform: the target under release, and what the canary does with it. In the canary's words, safe to repeat.

Six intents: a version is proposed beside stable, sized, frozen where it is, and completed or restored; then the target
is settled. What each means is the platform's own affair: a rolling update that is held is one answer.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from davy.canary.ports.snapshot import Snapshot
from davy.canary.ports.surroundings import Surroundings
from davy.canary.ports.terms import Terms
from davy.pipeline.core.events import Restore
from davy.pipeline.core.fast_dataclass import dataclass


class Speed(StrEnum):
    """How stable is restored. The words open `RollbackStarted.how`, and are read from there again."""

    WHOLE = "whole"
    """Stable is whole: the user's own settings; the canary's pods go at once."""
    STABLE_FIRST = "surge"
    """Stable pods come back before canary pods go: for canary pods that still are capacity."""
    CANARY_FIRST = "replace"
    """Canary pods go at once: for pods whose answers are worth nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A new version, with the way back from it."""

    release: str
    images: Mapping[str, str]
    """By container."""
    restore: Restore
    stable_hash: str


class Platform(Protocol):
    """The target under release. Every write is one act, refused with Conflict where the fence is not ours."""

    @property
    def terms(self) -> Terms:
        """How it is spoken of; the same at all times."""
        ...

    def snapshot(self) -> Snapshot:
        """Raises Missing, Forbidden, Unreachable."""
        ...

    def surroundings(self) -> Surroundings:
        """Read-only."""
        ...

    def take(self, fence: int) -> None:
        """Write the lock's fence onto the target: from here on older runners' writes are refused."""
        ...

    def untake(self) -> None:
        """Take the fence away again; nothing else is changed."""
        ...

    def propose(self, proposal: Proposal, pods: int) -> None:
        """The first act: the new version with room for so many pods beside stable, held there, and what to restore."""
        ...

    def size(self, pods: int) -> None:
        """Make room for so many canary pods, stable left whole."""
        ...

    def freeze(self) -> None:
        """Let the pods be as they are."""
        ...

    def complete(self, before: Restore) -> None:
        """Give the user's settings back: the platform puts the new version in stable's place."""
        ...

    def restore(self, before: Restore, speed: Speed, bad_pods: int) -> None:
        """Stable's version and the settings, in one act. With WHOLE nothing is left to settle but the marks."""
        ...

    def settle(self, before: Restore) -> None:
        """Put back what is not yet as it was, and take the marks away."""
        ...

    def words(self, pod: str) -> str:
        """The pod's own words: last log lines (of the crashed container too) and warning events."""
        ...
