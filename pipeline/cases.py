"""Cases: what test reports tell, as values: a suite, its cases, and every attempt at one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from davy.pipeline.events import Result


class CaseResult(StrEnum):
    """How one test case ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"

    @property
    def bad(self) -> bool:
        """Failed, or could not be run to its end."""
        return self in (CaseResult.FAILED, CaseResult.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a test case."""

    result: CaseResult
    seconds: float = 0.0
    message: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One test case. Result, seconds, message and text are those that count, after all attempts."""

    name: str
    classname: str = ""
    seconds: float = 0.0
    result: CaseResult = CaseResult.PASSED
    message: str = ""
    text: str = ""
    output: str = ""
    file: str = ""
    """Of the test, where the report says it."""
    attempts: tuple[Attempt, ...] = ()
    """Every try, the last one too, oldest first; empty where there was one."""
    quarantined: bool = False
    """A failure of it fails no suite."""

    @property
    def key(self) -> str:
        """`classname::name`, by which a test is the same in every run; the name alone where there is no class."""
        return f"{self.classname}::{self.name}" if self.classname else self.name

    @property
    def flaky(self) -> bool:
        """Passed, and an attempt had failed."""
        return self.result is CaseResult.PASSED and any(attempt.result.bad for attempt in self.attempts)

    @property
    def fails(self) -> bool:
        """Bad, and counts."""
        return self.result.bad and not self.quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """One of davy's suites with its cases."""

    name: str
    cases: tuple[Case, ...]
    took: timedelta
    exit_code: int | None = 0
    because: str = ""
    """Where it failed: in one line, why."""
    notes: tuple[str, ...] = ()
    """What of its reports was cut or mended, a sentence each."""

    @property
    def result(self) -> Result:
        """Passed where it ended with 0, or only quarantined cases are bad, and nothing else says otherwise."""
        bad = [case for case in self.cases if case.result.bad]
        # What a command exits with when a test fails: no failure of its own.
        excused = self.exit_code is not None and bool(bad)
        failed = bool(self.because) or any(case.fails for case in bad) or (self.exit_code != 0 and not excused)
        return Result.FAILED if failed else Result.PASSED

    def count(self, result: CaseResult) -> int:
        """Cases that ended so."""
        return sum(case.result is result for case in self.cases)


def blamed(cases: Iterable[Case]) -> str:
    """Which cases failed a suite, in a few words; empty where none did."""
    bad = [case for case in cases if case.fails]
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return f"{bad[0].name}{more} failed" if bad else ""
