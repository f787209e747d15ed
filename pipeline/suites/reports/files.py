"""Files: reports that lie on this machine, read as they stream."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from davy.pipeline.files import plain_file
from davy.pipeline.suites.ports import SuiteRun
from davy.pipeline.suites.reports.reader import ReportReading, joined, reading

CHUNK = 2**20


def read(run: SuiteRun) -> ReportReading | None:
    """What its report files say, all together; None where it has none. Memory is bounded, whatever their size."""
    if not run.reports:
        return None
    found = [(path, _one(path)) for path in run.reports]
    return found[0][1] if len(found) == 1 else joined(_suites_of(found))


BESIDE = frozenset({
    "testng-results", "suite", "failsafe-summary", "robot", "coverage", "report", "checkstyle", "pmd", "html",
    "BugCollection",
})  # fmt: skip
"""Roots of what tools put into the folder of their reports that is none: TestNG, Failsafe, Robot, JaCoCo, …"""


def _suites_of(found: Sequence[tuple[Path, ReportReading]]) -> list[ReportReading]:
    """Without what is known to be no report, where there is one beside it; that is noted. All else must be one."""
    if all(one.foreign in BESIDE for _, one in found):
        return [one for _, one in found]
    return [
        ReportReading(cases=(), notes=(f"{path.name} is no report of tests, but <{one.foreign}>; it was not read",))
        if one.foreign in BESIDE
        else replace(one, broken=f"{path.name}: {one.broken}" if one.broken else "")
        for path, one in found
    ]


def _one(path: Path) -> ReportReading:
    try:
        if not path.stat().st_size:
            return ReportReading(cases=(), notes=(f"its report {path.name} is empty",))
        with plain_file.open_file(path) as file:
            return reading(iter(partial(file.read, CHUNK), b""))
    except OSError as error:
        return ReportReading(cases=(), broken=f"its report {path.name} cannot be read: {error.strerror or error}")
