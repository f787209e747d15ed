"""Events of test suites."""

from datetime import timedelta

from davy.pipeline.core.events.event import Event
from davy.pipeline.core.events.release import Result
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTold:
    """One test case, as far as a person at the end of a run wants to know it. Already redacted."""

    name: str
    """`classname::name`."""
    result: str = "passed"
    """`passed`, `failed`, `error`, or `flaky`: passed, and had failed before."""
    words: str = ""
    """The first lines of its failure."""
    took: timedelta = timedelta(0)
    attempts: int = 1
    quarantined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFinished(Event):
    """A suite ended."""

    suite: str
    result: Result
    took: timedelta
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    because: str = ""
    """Where it failed: in one line, why."""
    log: str = ""
    """Path of the kept log; of the folder of logs where it ran in several parts."""
    flaky: int = 0
    """Of the passed: those that failed before, in this run."""
    quarantined: int = 0
    """Bad ones that fail nothing."""
    parts: int = 1
    link: str = ""
    """Where a person can look at it: a cloud's own page."""
    told: tuple[CaseTold, ...] = ()
    """What failed, was held or flaky; the first of them."""
    more: int = 0
    """Such cases beyond those told."""
    slowest: CaseTold | None = None
    notes: tuple[str, ...] = ()
    """What of its reports was cut or mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStarted(Event):
    """A part of a suite was given to a runner. Shown live, and not in logs."""

    suite: str
    part: str
    """`chrome-windows/2-of-8`; empty where the suite runs whole."""
    attempt: int = 1
    waiting: int = 0
    """Parts that no runner has yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFinished(Event):
    """A part of a suite ended."""

    suite: str
    part: str
    result: Result
    took: timedelta
    attempt: int = 1
    because: str = ""
    fault: bool = False
    """True where its place failed it, and not the test."""
    again: bool = False
    """True where it is tried once more."""
    link: str = ""
