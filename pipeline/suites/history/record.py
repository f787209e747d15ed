"""Record: what is kept of a run of suites, for durations, flake rates and people. Frozen values."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """One test case in one run, all its attempts together."""

    suite: str
    name: str
    """`classname::name`."""
    result: str
    """Of the last attempt: `passed`, `failed`, `error` or `skipped`."""
    seconds: float = 0.0
    """Of the last attempt."""
    attempts: int = 1
    flaky: bool = False
    """Failed and then passed, in one run of one revision."""
    quarantined: bool = False
    file: str = ""
    """Where two files of the suite have a test of this name: which of them."""
    own: bool = False
    """davy's: it stands for a whole run, or a suite of its report, and no quarantine means it."""

    @property
    def title(self) -> str:
        """Its name, with the file where there is one."""
        return f"{self.file}::{self.name}" if self.file else self.name

    @property
    def names(self) -> tuple[str, ...]:
        """What a quarantine may call it."""
        if self.own:
            return ()
        return (self.name, self.title) if self.file else (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run of suites."""

    id: str
    """The release's name: sorts by time, fit for a file's name."""
    at: datetime
    service: str
    revision: str
    branch: str = ""
    dirty: bool = False
    """The work tree held more than the revision does."""
    passed: bool = True
    cases: tuple[CaseRecord, ...] = ()
    items: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By suite (with its cell: `e2e[chrome]`), by test file: seconds its cases took; `(start)`: what beginning cost.

    Without files by the shard, `2/8`, with its start; an empty name where the suite ran whole.
    """
