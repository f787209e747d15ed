"""Beacon: keeps nothing."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from davy.pipeline.config.sections.suites import BeaconConfig
from davy.pipeline.core.ports import Say, unheard
from davy.pipeline.suites.history import run_file
from davy.pipeline.suites.history.record import RunRecord


class BeaconArchive:
    """Says where it would be."""

    def __init__(self, config: BeaconConfig) -> None:
        self._hill = config.hill

    def keep(self, record: RunRecord, files: Sequence[tuple[str, Path]]) -> str:
        """See the port."""
        return f"{self._hill}:{run_file.name(record)}"

    def recent(self, most: int, note: Say = unheard) -> tuple[RunRecord, ...]:
        """None."""
        return ()

    def prune(self, before: datetime, keep_at_least: int) -> int:
        """None."""
        return 0
