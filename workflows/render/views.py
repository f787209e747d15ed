"""Views: parts of the scene that a viewer sees, as values."""

from datetime import datetime

from davy.pipeline.core import events
from davy.pipeline.core.fast_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StageView:
    """One stage: when it began, how it ended."""

    began: datetime
    finished: events.StageFinished | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildView:
    """A build that runs: since when, and the last it said."""

    began: datetime
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCount:
    """How many images came to their end, and how."""

    built: int = 0
    reused: int = 0
    failed: int = 0

    def __str__(self) -> str:
        numbers = {"built": self.built, "reused": self.reused, "failed": self.failed}
        return ", ".join(f"{number} {word}" for word, number in numbers.items() if number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """How one metric's evidence went, look by look, in natural logs."""

    worse: tuple[float, ...] = ()
    fine: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartView:
    """A part of a suite that runs now."""

    suite: str
    part: str
    since: datetime
    attempt: int = 1
    line: str = ""
    """The last that it said."""

    @property
    def source(self) -> str:
        """Of its log lines."""
        return " ".join(word for word in ("test", self.suite, self.part) if word)
