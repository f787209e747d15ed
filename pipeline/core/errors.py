"""Errors: what was tried, what happened, what to do next; one class per meaning, not per place."""

from davy.pipeline.core.endings import Ending
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with what the user gave."""

    what: str
    """The sentence: what is wrong, and what would be right."""
    path: str = ""
    """Where in the configuration, as `canary.steps[2].weight`."""
    file: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part)
        return " ".join(
            part
            for part in (
                f"{place}:" if place else "",
                f"{self.path}:" if self.path else "",
                self.what,
            )
            if part
        )


class DavyError(Exception):
    """Anything davy says no with. `ending` is the exit code, `remedy` what to do next."""

    ending = Ending.DEFECT

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Unusable(DavyError):
    """The command line, the configuration or the workload cannot be used as it is; every problem at once."""

    ending = Ending.UNUSABLE

    def __init__(self, what: str, *, problems: tuple[Problem, ...] = (), remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.problems = problems


class Rejected(DavyError):
    """A build, a test or a gate failed before any traffic moved."""

    ending = Ending.REJECTED


class Unreachable(DavyError):
    """A service davy depends on did not answer, or answered with a failure of its own, after retries."""

    ending = Ending.UNREACHABLE


class Forbidden(Unusable):
    """A service answered that these credentials may not do this."""


class Missing(DavyError):
    """What was asked for is not there."""

    ending = Ending.UNUSABLE


class Conflict(DavyError):
    """The object changed under the write, or the write lost its right to happen (fenced)."""

    ending = Ending.LOCKED_OUT


class LockedOut(DavyError):
    """Another release of the same workload holds the lock."""

    ending = Ending.LOCKED_OUT
