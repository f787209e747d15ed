"""Events of a release and its stages, whatever the stage is."""

from datetime import timedelta
from enum import StrEnum

from davy.pipeline.core.artifacts import Revision
from davy.pipeline.core.endings import Ending
from davy.pipeline.core.events.event import Event
from davy.pipeline.core.fast_dataclass import dataclass


class Stage(StrEnum):
    """The parts of a release, in their order."""

    SOURCE = "source"
    BUDGET = "budget"
    """Only where `checks.gate` asks for it."""
    BUILD = "build"
    TEST = "test"
    CANARY = "canary"


class Result(StrEnum):
    """How a stage or a suite ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseStarted(Event):
    """A release, or one part of it as a command of its own, began."""

    release: str
    service: str
    rehearsal: bool = False
    runner: str = ""
    """Who runs it: `user@host`, or the CI job's link."""
    part: str = ""
    """The command that runs one part alone: `build`, `test`; empty for a release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead(Event):
    """Git was asked."""

    revision: Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStarted(Event):
    """A stage began."""

    stage: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFinished(Event):
    """A stage ended; `note` is one line for people."""

    stage: Stage
    result: Result
    took: timedelta
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine(Event):
    """A line that a build or a test printed, already redacted."""

    source: str
    """`build checkout`, `test unit`."""
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned(Event):
    """Something that is worth a person's eye and stops nothing."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFinished(Event):
    """The end. `sentence` says it with its numbers, `remedy` what to do next."""

    ending: Ending
    sentence: str
    took: timedelta
    remedy: str = ""
