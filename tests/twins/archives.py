"""Memory: an archive, for tests and rehearsals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from davy.pipeline.core.errors import DavyError
from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.suites.history import run_file
from davy.pipeline.suites.history.record import RunRecord


@dataclass(slots=True, kw_only=True)
class MemoryArchive:
    """Keeps runs and the bytes of their files."""

    runs: dict[str, RunRecord] = field(default_factory=dict)
    """By name, as a real archive names them."""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    fault: DavyError | None = None

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """Over the same run kept before."""
        self._checked()
        name = run_file.name(record)
        self.files[name] = {
            run_file.inside(inside): path.read_bytes()
            for inside, path in files
            if path.is_file() and not path.is_symlink()
        }
        self.runs[name] = record
        return f"memory:{name}"

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:
        """Newest first."""
        self._checked()
        return tuple(self.runs[name] for name in sorted(self.runs, reverse=True)[:most])

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """As the others do."""
        self._checked()
        gone = run_file.expired(self.runs, before, keep_at_least)
        for name in gone:
            del self.runs[name], self.files[name]
        return len(gone)

    def _checked(self) -> None:
        if self.fault:
            raise self.fault
