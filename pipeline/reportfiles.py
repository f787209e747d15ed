"""Report files: reports that lie on this machine, read as they stream."""

from functools import partial
from pathlib import Path

from davy.pipeline import plainfile
from davy.pipeline.junitreading import Reading, joined, reading
from davy.pipeline.ports import SuiteRun

CHUNK = 2**20


def read(run: SuiteRun) -> Reading | None:
    """What its report files say, all together; None where it has none. Memory is bounded, whatever their size."""
    if not run.reports:
        return None
    found = [_one(path) for path in run.reports]
    return found[0] if len(found) == 1 else joined(found)


def _one(path: Path) -> Reading:
    try:
        if not path.stat().st_size:
            return Reading(cases=())
        with plainfile.open_file(path) as file:
            return reading(iter(partial(file.read, CHUNK), b""))
    except OSError as error:
        return Reading(cases=(), broken=f"its report {path.name} cannot be read: {error.strerror or error}")
