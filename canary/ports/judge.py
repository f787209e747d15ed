"""Port to the judge."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from davy.pipeline.core.verdict import Verdict, Window
from davy.pipeline.core.workload import Sides


class Judge(Protocol):
    """Answers one question: how does the canary do beside stable?"""

    @property
    def interval(self) -> timedelta:
        """Time between looks that can bring something new."""
        ...

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:
        """Never raises for a metrics server that is away: that is a Verdict with gaps.

        `worse`: to promote, show that the canary is less than this many times worse.
        """
        ...

    def recall(self, windows: Iterable[Window]) -> None:
        """Start from evidence of before: the same state as if these windows had been looked at here."""
        ...
