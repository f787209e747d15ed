"""Timeline: one simulated time, and tasks on it of which exactly one runs at any moment.

A task is a thread, for the engine knows no pauses of its own; it gives way only in `sleep`. Whoever sleeps works off
what comes before its own end, and hands over only where another task wakes first. So a runner that is alone never
changes threads, and the order of everything is that of the times, then of the calls.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from heapq import heappop, heappush


class Over(BaseException):
    """The simulation ended: a task that still sleeps goes no further."""


class Task:
    """One that acts: a runner, a person, an autoscaler."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self.name = name
        self.work = work
        self.gate = _thread.allocate_lock()
        self.gate.acquire()
        self.wake = 0
        """Number of the entry that wakes it; older ones are void."""
        self.awaited_by: Task | None = None
        self.done = False
        self.error: BaseException | None = None


class Timeline:
    """Seconds since the simulation began. The thread that makes it is its first task."""

    def __init__(self) -> None:
        self.now = 0.0
        self.over = False
        self._heap: list[tuple[float, int, object]] = []
        self._count = 0
        self._current = self._first = Task("first", lambda: None)
        self._others: list[Task] = []

    def at(self, when: float, what: object) -> None:
        """Call `what` then. Things of one moment come in the order in which they were put."""
        self._count += 1
        heappush(self._heap, (when if when > self.now else self.now, self._count, what))

    def sleep(self, seconds: float) -> None:
        """The task that runs waits; the others go on meanwhile."""
        me = self._current
        if self.over and me is not self._first:
            raise Over
        heap, when = self._heap, self.now + seconds
        if not heap or when < heap[0][0]:
            # Nothing comes before: it wakes at once, and what should have woken it before is void.
            self._count += 1
            self.now, me.wake = max(self.now, when), self._count
            return
        self._wake(me, when)
        self._give_way(me)

    def start(self, name: str, work: Callable[[], None], after: float = 0.0) -> Task:
        """A task that begins in so many seconds."""
        task = Task(name, work)
        self._others.append(task)
        # A Thread would be waited for until it runs, and there are as many of them as there are looks.
        _thread.start_new_thread(self._play, (task,))
        self._wake(task, self.now + after)
        return task

    def rouse(self, name: str) -> None:
        """Whoever sleeps under this name wakes now."""
        for task in self._others:
            if task.name == name and not task.done:
                self._wake(task, self.now)

    def wait(self, task: Task, limit: float) -> None:
        """Until a task ended, or the time is up."""
        if not task.done:
            task.awaited_by = self._current
            self.sleep(limit)
            task.awaited_by = None

    def end(self) -> None:
        """Tasks that still sleep end now, and what was to come does not come."""
        self.over = True
        for task in self._others:
            if not task.done:
                self._heap.clear()
                self._wake(task, self.now)
                self.sleep(0.0)

    def _wake(self, task: Task, when: float) -> None:
        self.at(when, task)
        task.wake = self._count

    def _play(self, task: Task) -> None:
        task.gate.acquire()
        try:
            if not self.over:
                task.work()
        except Over:
            pass
        except BaseException as error:  # noqa: BLE001 - told to whoever started the task
            task.error = error
        task.done = True
        if task.awaited_by is not None:
            self._wake(task.awaited_by, self.now)
        self._give_way(task)

    def _give_way(self, me: Task) -> None:
        heap = self._heap
        while True:
            self.now, number, what = heappop(heap)
            if not isinstance(what, Task):
                what()
            elif what.wake != number or what.done:
                continue
            elif what is me:
                return
            else:
                self._current = what
                what.gate.release()
                if me.done:
                    return
                me.gate.acquire()
                break
        if self.over and me is not self._first:
            raise Over
