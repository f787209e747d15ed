"""Memory: a work tree, for tests and rehearsals."""

from dataclasses import dataclass
from datetime import UTC, datetime

from davy.pipeline.core.artifacts import Revision

REHEARSED = Revision(sha="0" * 40, committed_at=datetime(2026, 1, 1, tzinfo=UTC), branch="main", version="rehearsal")


@dataclass(slots=True, kw_only=True)
class MemorySource:
    """A work tree that is always at one revision."""

    at: Revision = REHEARSED
    fault: Exception | None = None

    def revision(self) -> Revision:
        """The revision it was given."""
        if self.fault:
            raise self.fault
        return self.at
