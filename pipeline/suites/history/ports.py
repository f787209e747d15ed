"""Port to the archive of runs."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.suites.history.record import RunRecord


class Archive(Protocol):
    """Where the results of runs are kept."""

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """Keep the record and the files (their names there, and where they are now); where that is, for people."""
        ...

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:
        """The newest runs of the service, newest first; a record that cannot be read is left out, and noted."""
        ...

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """Delete older runs; how many."""
        ...
