"""Results: the archive asked and filled. What goes wrong there is said, and fails nothing."""

from pathlib import Path

from davy.pipeline.errors import DavyError
from davy.pipeline.ports import Archive
from davy.pipeline.record import RunRecord
from davy.pipeline.suites import Tested

LATEST = 20
"""Runs that are asked how long things take."""


def recent(archive: Archive) -> tuple[tuple[RunRecord, ...], tuple[str, ...]]:
    """The newest runs, and what went wrong in asking for them."""
    try:
        return archive.recent(LATEST), ()
    except (DavyError, OSError) as error:
        return (), (f"earlier runs are not known, so every test file counts the same: {_words(error)}",)


def kept(archive: Archive, record: RunRecord, done: Tested, out: Path) -> tuple[str, ...]:
    """Keep the record, the report and the logs; what went wrong."""
    if not done.ended:
        return ()
    paths = [path for path in (done.report, *done.files) if path is not None and path.is_file()]
    try:
        archive.keep(record, [(_name(path, out), path) for path in paths])
    except (DavyError, OSError) as error:
        return (f"the results are not in the archive: {_words(error)}",)
    return ()


def _name(path: Path, out: Path) -> str:
    return path.relative_to(out).as_posix() if path.is_relative_to(out) else path.name


def _words(error: DavyError | OSError) -> str:
    return error.what if isinstance(error, DavyError) else str(error.strerror or error)
