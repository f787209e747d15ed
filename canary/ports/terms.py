"""Terms: what a platform calls its things, what its settings mean, and what a person can do by hand. Pure."""

from enum import StrEnum
from typing import Protocol

from davy.pipeline.core.events import Restore
from davy.pipeline.core.workload import Workload


class Hitch(StrEnum):
    """Where only a person can help."""

    NOT_WHOLE = "not_whole"
    """Stable does not get whole again."""
    NOT_CURRENT = "not_current"
    """The platform does not act on what was written."""
    NOT_MADE = "not_made"
    """Canary pods were not even made."""


class Terms(Protocol):
    """What the engine says and compares without knowing what is behind it."""

    @property
    def target(self) -> str:
        """The target, with its article."""
        ...

    @property
    def keeper(self) -> str:
        """Who makes pods and takes them away."""
        ...

    @property
    def controller(self) -> str:
        """The part of the keeper that answers for the target."""
        ...

    @property
    def place(self) -> str:
        """Where the target is: what does not answer where it cannot be reached."""
        ...

    @property
    def by_hand(self) -> str:
        """Who did it, where a person did it past davy."""
        ...

    def is_holding(self, own: Restore, before: Restore) -> bool:
        """The settings hold the target, and did not so before the rollout."""
        ...

    def is_given_back(self, own: Restore, before: Restore) -> bool:
        """The settings hold it no more than they did before."""
        ...

    def is_as_before(self, own: Restore, before: Restore) -> bool:
        """The user's own way of replacing pods is back."""
        ...

    def hint(self, hitch: Hitch, workload: Workload) -> str:
        """What to look at, and what to do."""
        ...
