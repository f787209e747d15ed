"""Run file: how a run is named and written in an archive, and which runs are past keeping."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import PurePosixPath

from davy.pipeline.core.json import codec
from davy.pipeline.suites.history.record import RunRecord

MARK, VERSION = "davy_run", 1
RECORD = "record.json"
MOST_BYTES = 64 * 2**20
"""No record is larger: some hundred thousand cases."""
STAMP = "%Y%m%dT%H%M%SZ"
NAMED = re.compile(r"^(\d{8}T\d{6}Z)-[A-Za-z0-9._-]+$")
STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


def name(record: RunRecord) -> str:
    """Of its folder: sorts by time, in ASCII, fit for every file system and for a key of S3."""
    return f"{stamp(record.at)}-{STRANGE.sub('-', record.id)[:100] or 'run'}"


def stamp(at: datetime) -> str:
    """`20260501T120000Z`."""
    return at.astimezone(UTC).strftime(STAMP)


def is_name(text: str) -> bool:
    """Whether it names a run."""
    return NAMED.match(text) is not None


def expired(names: Iterable[str], before: datetime, keep_at_least: int) -> tuple[str, ...]:
    """Of the runs' names those that may go: older than `before`, and not among the newest `keep_at_least`."""
    newest_first = sorted(filter(is_name, names), reverse=True)
    return tuple(each for each in newest_first[keep_at_least:] if each < stamp(before))


def text(record: RunRecord) -> str:
    """As JSON."""
    return json.dumps({MARK: VERSION, **codec.plain(record)}, ensure_ascii=True)


def record(written: str | bytes) -> RunRecord:
    """What was written. Raises ValueError for anything else, and for what a later davy wrote in another way."""
    return codec.document(RunRecord, written, noun="run", mark=MARK, version=VERSION)


def unreadable(name: str) -> str:
    """What is said of a run whose record is broken, or of another davy's making."""
    return f"The run {name} of the archive is left out: its record cannot be read. Delete the run, or use a newer davy."


def inside(wanted: str) -> str:
    """A file's name inside the run: a relative path that stays there, and is not the record's own."""
    parts = [part for part in PurePosixPath(wanted.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    kept = "/".join(parts) or "file"
    return f"files/{kept}" if kept == RECORD else kept
