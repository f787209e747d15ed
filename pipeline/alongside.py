"""Alongside: a call that talks while it works, as a generator of its lines."""

import queue
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

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
