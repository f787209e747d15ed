"""Cases: what test reports tell, as values: a suite, its cases, and every attempt at one."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from davy.pipeline.core.events import Result
from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.text import nouns

NAMELESS = "(no name)"


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
    kind: str = ""
    """`type` of the failure: the exception's class."""


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
    errors: str = ""
    """What it wrote to its standard error."""
    kind: str = ""
    """`type` of the failure: the exception's class."""
    file: str = ""
    """Of the test, or of its suite, where the report says it."""
    line: str = ""
    """Where it stands in its file, where the report says it."""
    suites: tuple[str, ...] = ()
    """Names of the report's suites that it stands in, from outside; of an own case of such a suite, its own last."""
    properties: tuple[tuple[str, str], ...] = ()
    """Its own, as the report has them: owner, test key."""
    attempts: tuple[Attempt, ...] = ()
    """Every try, the last one too, oldest first; empty where there was one."""
    quarantined: bool = False
    """A failure of it fails no suite."""
    own: bool = False
    """davy's: it stands for a whole run, or for a suite of its report, and for no test. No quarantine means it."""

    @property
    def key(self) -> str:
        """`classname::name`, by which a test is the same in every run; one of them alone where the other is empty."""
        return "::".join(filter(None, (self.classname, self.name))) or NAMELESS

    @property
    def names(self) -> tuple[str, ...]:
        """What a quarantine may call it: its key, and that behind its file, where two files have a test of one name."""
        return (self.key, f"{self.file}::{self.key}") if self.file else (self.key,)

    @property
    def title(self) -> str:
        """For people, in few words: a case without a name is told by its class."""
        return self.name or self.classname or NAMELESS

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
        """Passed where it ended with 0, or with 1 and only quarantined cases are bad, and nothing says otherwise."""
        bad = [case for case in self.cases if case.result.bad]
        # What a command exits with when a test fails: no failure of its own.
        excused = self.exit_code == 1 and bool(bad)
        failed = bool(self.because) or any(case.fails for case in bad) or (self.exit_code != 0 and not excused)
        return Result.FAILED if failed else Result.PASSED

    @property
    def tests(self) -> int:
        """Tests that ran: neither skipped ones, nor cases of davy's own."""
        return sum(not case.own and case.result is not CaseResult.SKIPPED for case in self.cases)

    def count(self, result: CaseResult) -> int:
        """Cases that ended so."""
        return sum(case.result is result for case in self.cases)


def blamed(cases: Iterable[Case]) -> str:
    """Which tests failed a suite, in a few words; empty where none did."""
    bad = [case for case in cases if case.fails and not case.own]
    more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
    return f"{bad[0].title}{more} failed" if bad else ""


def reason(cases: Iterable[Case]) -> str:
    """Why a suite failed: its tests, and what davy itself has to say of it; empty where nothing counts."""
    every = tuple(cases)
    own = dict.fromkeys(case.message for case in every if case.own and case.fails)
    return "; ".join(filter(None, (blamed(every), *own)))


def shortage(ran: int, needed: int) -> str:
    """Why a suite fails in which so few tests ran; empty where they are enough."""
    return "" if ran >= needed else f"{nouns.counted(ran, 'test')} ran, and at least {needed} are needed"
