"""Steady clock: time within one process, that no setting of a clock moves."""

from datetime import datetime, timedelta

from davy.pipeline.core.ports import Clock


class SteadyClock:
    """A clock that is told the time once, and goes on from there by what has passed.

    All that is compared within a process goes by it: deadlines, a step's least time, the interval of looks.
    """

    def __init__(self, clock: Clock, at: datetime) -> None:
        self._clock, self._at, self._since = clock, at, clock.elapsed()

    def now(self) -> datetime:
        """Aware UTC, as it was told and what has passed since."""
        return self._at + (self._clock.elapsed() - self._since)

    def elapsed(self) -> timedelta:
        """See the port."""
        return self._clock.elapsed()

    def sleep(self, seconds: float) -> None:
        """See the port."""
        self._clock.sleep(seconds)

    def interrupted(self) -> bool:
        """See the port."""
        return self._clock.interrupted()
