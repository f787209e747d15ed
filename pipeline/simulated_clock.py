"""Simulated clock: the pipeline's twins for tests and rehearsals. Time here passes only when somebody sleeps."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Happening = Callable[[datetime], None]
"""Called with the time as it passes."""

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class SimulatedClock:
    """Time that passes in `grain` steps while somebody sleeps; the world's happenings run at each."""

    def __init__(self, now: datetime = EPOCH, grain: timedelta = timedelta(milliseconds=500)) -> None:
        self._began = self._now = now
        self._set_by = timedelta(0)
        self._grain = grain
        self._happenings: list[Happening] = []
        self._interrupted = False

    def now(self) -> datetime:
        """Aware UTC, as the wall clock has it: `set_by` moves it."""
        return self._now + self._set_by

    def elapsed(self) -> timedelta:
        """What was slept."""
        return self._now - self._began

    def world_now(self) -> datetime:
        """The true time, by which the world goes."""
        return self._now

    def set_by(self, step: timedelta) -> None:
        """Set the wall clock forward or back; no time passes."""
        self._set_by += step

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; comes back early when an interruption comes meanwhile."""
        end = self._now + timedelta(seconds=seconds)
        was_interrupted = self._interrupted
        while self._now < end and self._interrupted is was_interrupted:
            self._now = min(self._now + self._grain, end)
            for happening in self._happenings:
                happening(self._now)

    def interrupted(self) -> bool:
        """True once `interrupt` was called."""
        return self._interrupted

    def interrupt(self) -> None:
        """As Ctrl-C would."""
        self._interrupted = True

    def whenever(self, happening: Happening) -> None:
        """From now on call `happening` at every step of time."""
        self._happenings.append(happening)
