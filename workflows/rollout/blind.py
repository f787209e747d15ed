"""Blind: a judge that does not look, for a rollout that a person has told to go back."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from davy.pipeline.core.verdict import Decision, Verdict, Window
from davy.pipeline.core.workload import Sides


class Blind:
    """Never for or against."""

    @property
    def interval(self) -> timedelta:
        """Seldom: a look brings nothing."""
        return timedelta(minutes=1)

    def look(self, sides: Sides, now: datetime, worse: float) -> Verdict:  # noqa: ARG002 - the port's shape
        """Unknown, always."""
        return Verdict(at=now, decision=Decision.UNKNOWN, sentence="Nobody looks while it is rolled back.")

    def recall(self, windows: Iterable[Window]) -> None:
        """Nothing is kept."""
