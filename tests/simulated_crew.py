"""A crew on a simulated clock: each worker's time is its own, and the words come in the order of time."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from davy.pipeline.simulated_clock import EPOCH
from davy.pipeline.threads import Done, Speak, WorkerLine

T = TypeVar("T")


class CrewClock:
    """Time as the crew's listener sees it; while a work plays, `sleep` spends its worker's own."""

    def __init__(self) -> None:
        self.time: datetime = EPOCH
        self.own: datetime | None = None
        self.stop_at: datetime | None = None

    def now(self) -> datetime:
        return self.own or self.time

    def elapsed(self) -> timedelta:
        return self.now() - EPOCH

    def sleep(self, seconds: float) -> None:
        if self.own is not None:
            self.own += timedelta(seconds=seconds)
        else:
            self.time += timedelta(seconds=seconds)

    def interrupted(self) -> bool:
        return self.stop_at is not None and self.time >= self.stop_at


class SimulatedCrew(Generic[T]):
    """Plays a work at once, and tells of it when its time has come."""

    def __init__(self, clock: CrewClock) -> None:
        self._clock = clock
        self._words: list[tuple[datetime, int, WorkerLine | Done[T]]] = []
        self._count = 0

    def begin(self, worker: int, work: Callable[[Speak], T]) -> None:
        self._clock.own = self._clock.time
        try:
            made = work(lambda about, line: self._put(WorkerLine(worker=worker, about=about, line=line)))
        except Exception as error:  # noqa: BLE001 - as the threads do
            self._put(Done(worker=worker, wrong=error))
        else:
            self._put(Done(worker=worker, made=made))
        finally:
            self._clock.own = None

    def heard(self) -> WorkerLine | Done[T] | None:
        at, _, word = heapq.heappop(self._words)
        self._clock.time = max(self._clock.time, at)
        return word

    def _put(self, word: WorkerLine | Done[T]) -> None:
        self._count += 1
        heapq.heappush(self._words, (self._clock.now(), self._count, word))
