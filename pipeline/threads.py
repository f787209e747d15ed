"""Threads: calls that talk while they work: one as a generator of its lines, several as one stream of words."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import Generic, Protocol, TypeVar

from davy.pipeline.core.fast_dataclass import dataclass
from davy.pipeline.core.ports import Say

T = TypeVar("T")

MOST_UNHEARD = 256
"""Lines that wait to be heard; who says more waits, and so the pipe stops the program that prints them."""


def spoken(work: Callable[[Say], T]) -> Generator[str, None, T]:
    """Yield the lines that `work` says, as it says them; return what it returns, raise what it raises."""
    lines: queue.Queue[str | None] = queue.Queue(MOST_UNHEARD)
    made: list[T] = []
    wrong: list[BaseException] = []

    def play() -> None:
        try:
            made.append(work(lines.put))
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the caller's thread
            wrong.append(error)
        finally:
            lines.put(None)

    thread = threading.Thread(target=play, daemon=True)
    thread.start()
    while (line := lines.get()) is not None:
        yield line
    thread.join()
    if wrong:
        raise wrong[0]
    return made[0]


Speak = Callable[[int, str], None]
"""Takes which of a worker's things it is about, from 0, and a line."""
PATIENCE = 0.2
"""Seconds without a word after which whoever listens may look around."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLine:
    """A line that a worker's work said."""

    worker: int
    about: int
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[T]):
    """A worker's work is over: what it made, or what went wrong."""

    worker: int
    made: T | None = None
    wrong: BaseException | None = None


class Crew(Protocol[T]):
    """Workers, known by number, whose words come as one stream."""

    def begin(self, worker: int, work: Callable[[Speak], T]) -> None:
        """Have the worker do it; it must be idle."""
        ...

    def heard(self) -> WorkerLine | Done[T] | None:
        """The next word; None where there was none for a moment."""
        ...


class Threads(Generic[T]):
    """A crew of threads. They are daemons: a place that never answers holds no one up who has to leave.

    What they say is heard in order and in bounded memory: whoever says more than is heard waits.
    """

    def __init__(self) -> None:
        self._words: queue.Queue[WorkerLine | Done[T]] = queue.Queue(MOST_UNHEARD)

    def begin(self, worker: int, work: Callable[[Speak], T]) -> None:
        """See Crew."""
        threading.Thread(target=self._play, args=(worker, work), daemon=True).start()

    def heard(self) -> WorkerLine | Done[T] | None:
        """See Crew."""
        try:
            return self._words.get(timeout=PATIENCE)
        except queue.Empty:
            return None

    def _play(self, worker: int, work: Callable[[Speak], T]) -> None:
        try:
            made = work(lambda about, line: self._words.put(WorkerLine(worker=worker, about=about, line=line)))
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the listener's thread
            self._words.put(Done(worker=worker, wrong=error))
        else:
            self._words.put(Done(worker=worker, made=made))
