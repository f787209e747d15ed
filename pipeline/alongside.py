"""Alongside: a call that talks while it works, as a generator of its lines."""

import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from davy.pipeline.ports import Say

T = TypeVar("T")


def spoken(work: Callable[[Say], T]) -> Generator[str, None, T]:
    """Yield the lines that `work` says, as it says them; return what it returns, raise what it raises."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One of several said something."""

    who: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Generic[T]):
    """One of several ended: with its result, or with what it raised."""

    who: str
    result: T | None = None
    error: BaseException | None = None


class Crew(Generic[T]):
    """Several calls at once that talk while they work, heard one message after another."""

    def __init__(self) -> None:
        self._said: queue.SimpleQueue[Line | Ended[T]] = queue.SimpleQueue()
        self.running: set[str] = set()

    def start(self, who: str, work: Callable[[Say], T]) -> None:
        """Let one more begin."""
        self.running.add(who)
        threading.Thread(target=self._play, args=(who, work), daemon=True).start()

    def heard(self) -> Line | Ended[T]:
        """The next message; waits for it. Only while somebody is running."""
        said = self._said.get()
        if isinstance(said, Ended):
            self.running.discard(said.who)
        return said

    def _play(self, who: str, work: Callable[[Say], T]) -> None:
        try:
            result = work(lambda words: self._said.put(Line(who=who, words=words)))
        except BaseException as error:  # noqa: BLE001 - it is handed to whoever listens
            self._said.put(Ended(who=who, error=error))
        else:
            self._said.put(Ended(who=who, result=result))
