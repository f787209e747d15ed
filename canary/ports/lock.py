"""Lock: one runner a workload."""

from datetime import datetime, timedelta
from typing import Protocol

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds the lock."""

    runner: str
    fence: int
    since: datetime
    renewed_at: datetime
    lasts: timedelta
    """Lease duration: without renewal it is lost after this."""

    def lost(self, now: datetime) -> bool:
        """True where the holder stopped renewing."""
        return now > self.renewed_at + self.lasts


class Lock(Protocol):
    """One runner at a time per workload."""

    def acquire(self, runner: str) -> int:
        """The fence: a number that grows with every change of holder. Raises LockedOut, the holder named."""
        ...

    def renew(self) -> None:
        """Cheap to call at every tick. Raises LockedOut where another runner took over."""
        ...

    def release(self) -> None:
        """Give it back; nothing where it is not ours."""
        ...

    def holder(self) -> Holder | None:
        """None where nobody holds it."""
        ...
